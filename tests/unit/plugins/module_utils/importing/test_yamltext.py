# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML that Helm and PyYAML read alike, and integers that were set."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.importing.integers import set_integers
from ansible_collections.helmstack.core.plugins.module_utils.importing.yamltext import to_yaml

TEXTS = ("y", "0o17", "1e3", "12:30:45", "2024-01-01", "=", "a\nb\n", " a\n b", "x: y", "#", "\u2028", "😀", "", "null")


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_a_text(text: str) -> None:
    written = to_yaml({"key": text, text or "k": 1, "list": [text]})
    assert helmyaml.load(written, "") == yaml.safe_load(written)
    assert helmyaml.load(written, "")["key"] == text


@pytest.mark.parametrize("value", [{}, {"a": []}, {"a": {}}, {"a": 1e21}, {"a": -0.5}, {"a": 12345678901234567000}])
def test_all_else_is_as_helm_reads_it(value: Any) -> None:
    assert helmyaml.to_json(helmyaml.load(to_yaml(value), "")) == helmyaml.to_json(
        helmyaml.load(helmyaml.to_json(value), "")
    )


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        ("id: 123456789", {"id": 123456789}),
        ("id: 1.23456789e+08", {}),
        ("id: 123456789\nother: 1.23456789e+08", {}),
        ("id: x123456789x", {}),
        ("", {}),
    ],
)
def test_the_manifest_tells_whether_an_integer_was_set(manifest: str, found: Any) -> None:
    assert set_integers({"id": 123456789, "port": 80, "on": True}, manifest) == found


def test_an_integer_in_a_list_takes_the_list_along() -> None:
    values = {"a": {"l": [{"n": 7000000}, 1]}}
    assert set_integers(values, "n: 7000000") == values
    assert set_integers(values, "n: 7e+06") == {}

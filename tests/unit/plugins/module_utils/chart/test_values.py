# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values documents merged as Helm merges them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], {}),
        ([None, {"a": 1}], {"a": 1}),
        ([{"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}], {"a": {"b": 3, "c": 2}}),
        ([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}),
        ([{"a": {"b": 1}}, {"a": None}], {"a": None}),
        ([{"a": None}, {"a": {"b": None}}], {"a": {"b": None}}),
        ([{"a": {"b": 1}}, {"a": "text"}], {"a": "text"}),
        ([{"a": {"b": 1}}, {"a": {}}], {"a": {"b": 1}}),
    ],
)
def test_maps_merge_and_all_else_replaces(documents: list[Any], expected: dict[str, Any]) -> None:
    assert merge(documents) == expected


def test_the_documents_stay_as_they_were() -> None:
    first = {"a": {"b": 1}}
    merge([first, {"a": {"c": 2}}])
    assert first == {"a": {"b": 1}}

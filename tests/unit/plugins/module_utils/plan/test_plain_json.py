# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that is read without a YAML reader says what one would read."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.plan import plain_json

WORDS = ("", "a", "yes", "null", "~", "1", "1.0", "0x1f", "1e3", "2026-11-28", "- a", "a: b", "#", "{{ .Values.a }}")
WORDS += (
    "'",
    "!vault x",
    "&a",
    "*a",
    "%x",
    "---",
    "@",
    "`",
    " a ",
    "a,b",
    "[",
    "}",
    ":",
    "a" * 150,
    "=",
    ".inf",
    "0o7",
)
NUMBERS = (0, 1, -1, 42, 2**31, 2**53 - 1, -(2**53) + 1)
LEFT_TO_YAML = (
    '{"a": "\\n"}',
    '{"a": "\\u0041"}',
    '{"a": "é"}',
    '{"a": "\x7f"}',
    '{\t"a": 1}',
    '{"a": 1.0}',
    '{"a": 1e3}',
    '{"a": -0}',
    '{"a": 9007199254740992}',
    '{"a": NaN}',
    '{"a": 1, "a": 2}',
    '{"b": {"a": 1, "a": 2}}',
    '{"<<": {"a": 1}}',
    '{"' + "k" * 1100 + '": 1}',
    '{"a": 1}\n---\n{"b": 2}',
    "{a: 1}",
    '{"a": 1} # comment',
    "[1]",
    "a: 1",
    "",
)


def anything(chance: random.Random, depth: int = 3) -> Any:
    kind = chance.randrange(8 if depth else 5)
    if kind >= 5:
        return {chance.choice(WORDS): anything(chance, depth - 1) for _number in range(chance.randrange(4))}
    if kind == 4 and depth:
        return [anything(chance, depth - 1) for _number in range(chance.randrange(4))]
    return chance.choice((True, False, None, chance.choice(WORDS), chance.choice(NUMBERS)))


def typed(value: Any) -> Any:
    """A value with its types, by which Helm's templates can tell 1 from true."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    return [typed(item) for item in value] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize("seed", range(200))
@pytest.mark.parametrize("layout", [{}, {"indent": 1}, {"separators": (",", ":")}], ids=["line", "lines", "dense"])
def test_it_says_what_a_yaml_reader_reads(seed: int, layout: dict[str, Any]) -> None:
    chance = random.Random(seed)
    text = json.dumps({chance.choice(WORDS): anything(chance) for _number in range(5)}, **layout)
    for major in (3, 4):
        assert [typed(plain_json.mapping(text))] == [typed(item) for item in helmyaml.load_values(text, "f", major)]


@pytest.mark.parametrize("text", LEFT_TO_YAML)
def test_what_yaml_might_read_otherwise_is_left_to_it(text: str) -> None:
    assert plain_json.mapping(text) is None

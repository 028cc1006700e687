# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as Helm reads it. The table was checked against sigs.k8s.io/yaml v1.6.0."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

SCALARS: list[tuple[str, Any]] = [
    ("y", True),
    ("N", False),
    ("yes", True),
    ("Off", False),
    ("True", True),
    ("yEs", "yEs"),
    ("~", None),
    ("", None),
    ("NULL", None),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
    ("12:30:45", "12:30:45"),
    ("0123", 83),
    ("08", 8),
    ("0o17", 15),
    ("-0o17", -15),
    ("0x1F", 31),
    ("0x_1F", 31),
    ("0b11", 3),
    ("-0b11", -3),
    ("0b12", "0b12"),
    ("1e3", 1000),
    ("1.5e3", 1500),
    ("1e500", "1e500"),
    ("9" * 5000, "9" * 5000),
    ("1_000", 1000),
    ("_1", "_1"),
    ("1.20", 1.2),
    (".5", 0.5),
    (".5_0", 0.5),
    ("+.5", 0.5),
    (".", "."),
    ("-", ["x"]),
    ("12345678901234567890", 12345678901234567000.0),
    ("9007199254740993", 9007199254740992.0),
    ("0xFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF"),
    ("=", "="),
    ("!!binary aGk=", "hi"),
    ("!!binary /w==", "\ufffd"),
    ("!!str 123", "123"),
    ("!!int '12'", 12),
    ("!!float 1", 1),
    ("!!bool y", True),
    ("!!timestamp 2024-01-01", "2024-01-01"),
    ("!unknown text", "text"),
    ("!unknown {b: 1}", {"b": 1}),
    ("!vault text", "text"),
    ("'y'", "y"),
    ('"1"', "1"),
]
KEYS = [
    ("y", "true"),
    ("n", "false"),
    ("12", "12"),
    ("0x10", "16"),
    ("true", "true"),
    ("1.0", "1"),
    ("0.1", "0.1"),
    ("1e3", "1000"),
    ("1e6", "1e+06"),
    ("1e300", ".inf"),
    ("1e-5", "1e-05"),
    ("123456.789", "123456.79"),
    ("16777217.5", "1.6777218e+07"),
    ("18446744073709551616", "1.8446744e+19"),
    ("2024-01-01", "2024-01-01"),
    ("!!str 12", "12"),
    ('"y"', "y"),
]
BROKEN = [
    ("a: [1", "not valid YAML"),
    ("a: b: c", "not valid YAML"),
    ("a: *nowhere", "undefined alias"),
    ("a: \x07", "not valid YAML"),
    ("a: .inf", "Helm does not take the number .inf"),
    ("a: .nan", "Helm does not take the number .nan"),
    ("~: 1", "Helm does not take '~' as a key"),
    ("12345678901234567890: 1", "as a key"),
    ("? [a]\n: 1", "a key must be a scalar"),
    ("a: {<<: 3}", "'<<' wants a mapping"),
    ("a: !!binary '?'", "not valid base64"),
    ("a: !!int x", "this is not a !!int"),
    ("a: !!timestamp x", "this is not a !!timestamp"),
    ("a: &x [*x]", "contains itself"),
    ("%YAML 1.2\n---\na: 1", "YAML 1.1 only"),
    ('a: "\\/y"', "unknown escape"),
]


@pytest.fixture(params=[True, False], ids=["libyaml", "python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Every test here holds with and without libyaml."""
    if request.param and not yaml.__with_libyaml__:
        pytest.skip("PyYAML without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param)
    return bool(request.param)


@pytest.mark.parametrize(
    "text",
    ["a: !!int canary", "a: *canary", "a: canary: b", "a: @canary", "a: !canary!x b", "a: 'canary", "a: |canary"],
)
def test_what_is_wrong_is_not_quoted_as_it_may_be_of_a_vault(text: str) -> None:
    with pytest.raises(InputError) as caught:
        helmyaml.load(text, "values.yaml")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_a_scalar_means_what_helm_makes_of_it(text: str, expected: Any) -> None:
    document = f"a: {text}" if text != "-" else "a:\n- x"
    found = helmyaml.load(document, "values.yaml")["a"]
    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(("text", "expected"), KEYS)
def test_a_key_becomes_the_string_that_helm_makes_of_it(text: str, expected: str) -> None:
    assert helmyaml.load(f"{text}: 1", "values.yaml") == {expected: 1}


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_what_helm_refuses_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(InputError, match=r"^values\.yaml") as caught:
        helmyaml.load(text, "values.yaml")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_yaml_names_its_line() -> None:
    with pytest.raises(InputError) as caught:
        helmyaml.load("a: 1\nb: 2\nc: d: e\n", "values.yaml")
    assert caught.value.where is not None
    assert caught.value.where.line == 3


def test_merged_keys_override_those_before_them_as_in_helm() -> None:
    data = helmyaml.load("m: &m {a: 2}\nx: {a: 1, <<: *m}\nz: {<<: *m, a: 1}\nl: {<<: [{a: 1}, {a: 2, b: 3}]}", "f")
    assert data["x"] == {"a": 2}
    assert data["z"] == {"a": 1}
    assert data["l"] == {"a": 1, "b": 3}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert helmyaml.load('{"<<": {a: 1}}', "f") == {"<<": {"a": 1}}


def test_the_last_of_two_equal_keys_counts_in_values_and_is_refused_in_a_stack() -> None:
    assert helmyaml.load("a: 1\na: 2", "f") == {"a": 2}
    with pytest.raises(InputError, match=r"^f:2: the key 'a' occurs twice, first in line 1"):
        helmyaml.load_with_positions("a: 1\na: 2", "f")


def test_a_merged_key_may_be_overridden_in_a_stack() -> None:
    node = helmyaml.load_with_positions("m: &m {a: 1}\nx:\n  <<: *m\n  a: 2", "f")
    assert helmyaml.plain(node)["x"] == {"a": 2}


def test_aliases_are_copies() -> None:
    data = helmyaml.load("a: &a {b: 1}\nc: *a", "f")
    data["a"]["b"] = 2
    assert data["c"] == {"b": 1}


def _bomb() -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    return "\n".join(rows)


def _merge_bomb() -> str:
    rows = ["a0: &a0 {x: 1}"]
    rows += [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}" for level in range(1, 12)]
    return "\n".join(rows)


def _long_text_bomb() -> str:
    return f"a: &a {'x' * 50_000}\nb: [{', '.join(['*a'] * 20_000)}]"


@pytest.mark.parametrize("make", [_bomb, _merge_bomb, _long_text_bomb])
@pytest.mark.parametrize("load", [helmyaml.load, helmyaml.load_with_positions])
def test_an_alias_bomb_is_refused_soon(make: Any, load: Any, parser: bool) -> None:
    text = make()
    start = time.process_time()
    with pytest.raises(InputError, match="its aliases add more than"):
        load(text, "values.yaml")
    assert time.process_time() - start < (5 if parser else 30)


def test_many_honest_aliases_are_fine() -> None:
    text = "base: &base {a: 1, b: [1, 2, 3]}\nall: [" + ", ".join(["*base"] * 2000) + "]"
    assert len(helmyaml.load(text, "f")["all"]) == 2000


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "a", "{a: " * 300 + "1" + "}" * 300])
def test_deep_nesting_is_refused_and_does_not_end_the_process(text: str) -> None:
    with pytest.raises(InputError, match="nested more than 256 levels"):
        helmyaml.load(text, "values.yaml")


def test_load_all_leaves_empty_documents_out() -> None:
    assert helmyaml.load_all("---\n# nothing\n---\na: 1\n---\n---\nb: y\n", "manifest") == [{"a": 1}, {"b": True}]


def test_empty_text_is_nothing() -> None:
    assert helmyaml.load("# only a comment\n", "f") is None
    assert helmyaml.load_with_positions("", "f").value is None


def test_positions_are_those_of_the_keys_and_items() -> None:
    node = helmyaml.load_with_positions("a:\n  b:\n    - 1\n    - c: 2\n", "stack.yaml")
    inner = node.value["a"].value["b"]
    assert str(inner.where) == "stack.yaml:2"
    assert [item.where.line for item in inner.value] == [3, 4]
    assert inner.value[1].value["c"].value == 2


def test_vault_scalars_are_decrypted_and_marked() -> None:
    node = helmyaml.load_with_positions("a: !vault ENCterces\nb: open", "f", lambda text: text[3:][::-1])
    assert (node.value["a"].value, node.value["a"].secret) == ("secret", True)
    assert not node.value["b"].secret


@pytest.mark.parametrize(
    "value",
    [
        {"a": "2024-01-01", "b": "y", "c": "0123", "d": "1e3", "e": "12:30", "f": "null", "g": ""},
        {"line": "a\u2028b\u2029c\u0085d\x7fe\ufefff\ttab\nnew \\ \" ' / é \U0001f600"},
        {"n": [0, -1, 1.5, 1e16, 1e-7, 9007199254740992, 1.2345678901234567e19], "t": True, "x": None},
        {"y": 1, "12": 2, "<<": {"a": 1}, "": 3, "a: b": 4, "# c": 5, "{": [], "deep": {"a": {"b": {}}}},
    ],
)
def test_json_text_reads_back_as_the_same_value(value: Any) -> None:
    assert helmyaml.load(helmyaml.to_json(value), "f") == value


AS_HELM: dict[str, tuple[str, Any]] = {
    "an anchor's name given twice": ("a: &x 1\nb: *x\nc: &x 2\nd: *x", {"a": 1, "b": 1, "c": 2, "d": 2}),
    "the tag of a string": ("a: ! 12\nb: [! 1]\nc: &x ! 2\nd: ! [1]", {"a": "12", "b": ["1"], "c": "2", "d": [1]}),
    "a version": ("%YAML 1.1\n---\na: 1", {"a": 1}),
    "what is behind its end": ("a: 1\n...\n[}", {"a": 1}),
    "a second document": ("a: 1\n---\nb: [}", {"a": 1}),
    "an empty first document": ("---\n---\na: 1", None),
    "slashes that are no escapes": ("a: \"\\\\/\"\nb: '\\/'\nc: \\/", {"a": "\\/", "b": "\\/", "c": "\\/"}),
}


@pytest.mark.parametrize(("text", "expected"), AS_HELM.values(), ids=AS_HELM.keys())
def test_a_document_is_read_as_helm_reads_it(text: str, expected: Any) -> None:
    assert helmyaml.load(text, "values.yaml") == expected


def test_minus_zero_keeps_its_sign_as_a_float_only() -> None:
    assert helmyaml.to_json(helmyaml.load("[-0.0, -0, 0.0, -.0]", "values.yaml")) == "[-0.0, 0, 0, -0.0]"


SEVERAL: dict[str, tuple[str, list[Any], list[Any]]] = {  # what Helm 3 and what Helm 4 merges
    "one": ("---\na: 1", [{"a": 1}], [{"a": 1}]),
    "two": ("a: 1\n---\na: 2\n", [{"a": 1}], [{"a": 1}, {"a": 2}]),
    "the first is empty": ("---\n# no\n--- # yes\na: 1", [], [{"a": 1}]),
    "the second ends early": ("a: 1\n---\nb: 1\n...\nc: 1", [{"a": 1}], [{"a": 1}, {"b": 1}]),
    "an empty second": ("a: 1\n---\n", [{"a": 1}], [{"a": 1}]),
}


@pytest.mark.parametrize(("text", "three", "four"), SEVERAL.values(), ids=SEVERAL.keys())
def test_of_several_documents_helm_3_takes_the_first_and_helm_4_all(
    text: str, three: list[Any], four: list[Any]
) -> None:
    assert helmyaml.load_values(text, "values.yaml", 3) == three
    assert helmyaml.load_values(text, "values.yaml", 4) == four
    assert helmyaml.divided(text) is (three != four)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("--- {a: 1}", "values.yaml:1: Helm 4 takes nothing"), ("%YAML 1.1\n---\na: 1", "values.yaml:.: not valid YAML")],
)
def test_what_helm_4_alone_refuses_at_a_documents_begin_is_refused_with_it(text: str, expected: str) -> None:
    assert helmyaml.load_values(text, "values.yaml", 3) == [{"a": 1}]
    with pytest.raises(InputError, match=expected):
        helmyaml.load_values(text, "values.yaml", 4)
    assert helmyaml.divided(text)


def test_the_line_of_an_error_counts_from_the_files_begin() -> None:
    with pytest.raises(InputError, match=r"^values.yaml:4: "):
        helmyaml.load_values("a: 1\n---\nb:\n  c: .inf", "values.yaml", 4)


def test_a_stack_file_is_one_document() -> None:
    with pytest.raises(InputError, match=r"^stack.yaml:3: holds several YAML documents"):
        helmyaml.load_with_positions("a: 1\n---\nb: 1", "stack.yaml")

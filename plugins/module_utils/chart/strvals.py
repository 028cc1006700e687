# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm's syntax for single values (--set and its kin), laid over values: ``a.b[0].c=1,d={x,y}``.

Source of the rules: helm's pkg/strvals and pkg/cli/values, 3.22 and 4.3, whose reading is the same. To parse here
and not in helm keeps values out of its arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import set_arguments
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

ORDER = ("json", "raw", "string", "file", "literal")  # helm's, whatever the order in which they are given

_MAX_INDEX = 65536
_MAX_DEPTH = 30
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class SetValue:
    """One item of ``set_values``; ``kind`` is kubernetes.core.helm's ``value_type``, or ``literal``."""

    text: str
    kind: str = "raw"
    secret: bool = False  # holds what came out of a vault


class SetInt(int):
    """An integer that helm keeps as one (int64), while those of values documents become floats."""


def apply(values: dict[str, Any], items: tuple[SetValue, ...], read: Callable[[str], str]) -> None:
    """Lay the items over ``values``, in place and in helm's order.

    :arg read: gives the text of the file that an item of kind ``file`` names.
    :raises InputError: an item that helm could not read, by its place and without its value.
    """
    for place, item in sorted(enumerate(items, start=1), key=lambda pair: _rank(*pair)):
        try:
            _apply_one(values, item, read)
        except (ValueError, RecursionError) as exc:
            raise InputError(f"item {place} of set_values is not of helm's --set form: {exc}") from None


def arguments(values: Any) -> tuple[str, ...]:
    """``--set`` arguments for the integers that :func:`apply` has put in, which no document can give helm as such."""
    return set_arguments.arguments(values, lambda value: isinstance(value, SetInt))


def difference(before: Any, after: Any) -> Any:
    """The smallest document that, merged over ``before`` as helm merges, gives ``after``; lists go in as a whole."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    missing = object()
    return {
        key: difference(before.get(key), item)
        for key, item in after.items()
        if not _same(before.get(key, missing), item)
    }


def _same(one: Any, other: Any) -> bool:
    """Equality as JSON sees it: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _rank(place: int, item: SetValue) -> tuple[int, int]:
    if item.kind not in ORDER:
        raise InputError(
            f"item {place} of set_values has the unknown value_type '{item.kind}'. Known are: {', '.join(ORDER)}"
        )
    return ORDER.index(item.kind), place


def _apply_one(values: dict[str, Any], item: SetValue, read: Callable[[str], str]) -> None:
    if item.kind == "json" and item.text.strip().startswith("{"):
        merge(values, _decode_json(item.text.strip(), 0, whole=True)[0])
    else:
        _Parser(item, read).parse_into(values)


def merge(values: dict[str, Any], over: dict[str, Any]) -> None:
    """Helm's merge of values documents, in place: maps deeply, all else (nulls too) replaces."""
    for key, item in over.items():
        known = values.get(key)
        if isinstance(known, dict) and isinstance(item, dict):
            merge(known, item)
        else:
            values[key] = item


def _decode_json(text: str, start: int, *, whole: bool = False) -> tuple[Any, int]:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    decoder = json.JSONDecoder(parse_int=float, parse_constant=refuse)
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError:
        raise ValueError("its JSON is broken") from None
    if whole and text[end:].strip():
        raise ValueError("text follows its JSON")
    return value, end


class _End(Exception):
    """The text is at its end, where it may be."""


class _Parser:
    """Reads one text of ``key=value`` pairs from left to right."""

    def __init__(self, item: SetValue, read: Callable[[str], str]) -> None:
        self.text = item.text
        self.item = item
        self.read = read
        self.at = 0

    def parse_into(self, values: dict[str, Any]) -> None:
        try:
            while True:
                self.key(values, 0)
        except _End:
            return

    def until(self, stops: str) -> tuple[str, str]:
        """The text up to one of ``stops``, and which of them; "" is the end."""
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return "".join(found), char
            if char == "\\" and self.item.kind != "literal":
                found.append(self.text[self.at : self.at + 1])
                self.at += 1
            else:
                found.append(char)
        return "".join(found), ""

    def key(self, values: dict[str, Any], depth: int) -> None:
        name, stop = self.until("=[." if self.item.kind == "literal" else "=[,.")
        if not stop and not name:
            raise _End
        if not stop or stop == ",":
            # The name is not shown: after a comma that should have been escaped it is part of a value.
            raise ValueError("a key has no value; a comma inside a value is written '\\,'")
        if stop == "[":
            index = self.index()
            known = values.get(name, [])
            if not isinstance(known, list):
                raise ValueError(f"'{name}' is not a list")
            self.put(values, name, self.list_item(known, index, depth))
        elif stop == ".":
            self.nested(values, name, depth + 1)
        else:
            self.put(values, name, self.value())

    @staticmethod
    def put(values: dict[str, Any], name: str, value: Any) -> None:
        if name:
            values[name] = value

    def nested(self, values: dict[str, Any], name: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
        inner = values.get(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"'{name}' is not a map")
        try:
            self.key(inner, depth)
        finally:
            if inner:
                self.put(values, name, inner)
        if not inner:
            raise ValueError("a key has no value")

    def index(self) -> int:
        text, stop = self.until("]")
        if not stop or not _INT.fullmatch(text):
            raise ValueError("an index must be a number between [ and ]")
        if not 0 <= int(text) <= _MAX_INDEX:
            raise ValueError(f"an index must be between 0 and {_MAX_INDEX}")
        return int(text)

    def list_item(self, known: list[Any], index: int, depth: int) -> list[Any]:
        name, stop = self.until("[.=")
        if name or not stop:
            raise ValueError("after ']' comes '=', '.' or '['")
        items = known + [None] * (index + 1 - len(known))
        if stop == "=":
            items[index] = self.value()
        elif stop == "[":
            inner = self.index()
            if items[index] is not None and not isinstance(items[index], list):
                raise ValueError(f"item {index} is not a list")
            items[index] = self.list_item(items[index] or [], inner, depth)
        else:
            if not isinstance(items[index], dict):
                items[index] = {}
            self.key(items[index], depth)
        return items

    def value(self) -> Any:
        if self.item.kind == "literal":
            rest, self.at = self.text[self.at :], len(self.text)
            return rest
        if self.item.kind == "json":
            return self.json_value()
        if self.text.startswith("{", self.at):
            self.at += 1
            return self.items()
        if self.at == len(self.text):
            return ""
        return self.convert(self.until(",")[0])

    def items(self) -> list[Any]:
        found = []
        while True:
            text, stop = self.until(",}")
            if not stop:
                raise ValueError("a list must end with '}'")
            found.append(self.convert(text))
            if stop == "}":
                self.at += self.text.startswith(",", self.at)
                return found

    def json_value(self) -> Any:
        if self.skip_blank():
            return None
        value, self.at = _decode_json(self.text, self.at)
        self.skip_blank()
        return value

    def skip_blank(self) -> bool:
        """Pass over blanks and one comma; whether no value is left before it."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.text.startswith(",", self.at):
            self.at += 1
            return True
        return self.at == len(self.text)

    def convert(self, text: str) -> Any:
        if self.item.kind == "file":
            return self.read(text)
        if self.item.kind == "string":
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _INT.fullmatch(text) and (text == "0" or text[0] != "0") and -(2**63) <= int(text) < 2**63:
            return self.integer(int(text))
        return text

    def integer(self, number: int) -> int:
        return number if self.item.secret else SetInt(number)

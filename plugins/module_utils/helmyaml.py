# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML with Helm's rules, with or without positions, and JSON text that Helm reads back with the same types.

Helm reads YAML through sigs.k8s.io/yaml, that is go.yaml.in/yaml/v2 and then encoding/json: the rules below are theirs.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.yamlnodes import PLAIN, STR, compose, float_key, split

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

MAX_ALIASED = 400_000  # nodes that aliases may add to a document: Helm's own ceiling (alias_ratio_range_low)
MAX_INT = 2**53

_TAG = "tag:yaml.org,2002:"
_VAULT = ("!vault", "!vault-encrypted")

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_KINDS = {list: "a list", str: "a string", bool: "a boolean"}
_HINTS = frozenset("yYnNtTfFoO~+-.0123456789")
_NUMERIC = frozenset("+-.0123456789")
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]{0,19}))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_REFERENCE_IN_FLOW = re.compile(r"""[\[{,][^"']*\$\{""")
_MARKER = re.compile(r"^(?:---|%)", re.MULTILINE)
_UNREADABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].+)?")


class Node(NamedTuple):
    """A value with its place; maps hold nodes by their key, lists hold nodes.

    A map's member has the place of its key. ``secret``: it came out of a vault. ``via``: the variables that brought
    it, each with the place that defines it. ``over``: what it replaced when files were laid over each other, newest
    first, as it is written there.
    """

    value: Any
    where: Location
    secret: bool = False
    via: tuple[tuple[str, Location], ...] = ()
    over: tuple[Node, ...] = ()


Decrypt = Callable[[str], str]


def load(text: str, name: str, decrypt: Decrypt | None = None) -> Any:
    """The first document of ``text``, as Helm reads it; None if it is empty. What follows it Helm drops.

    :arg name: the file, for errors.
    :arg decrypt: makes plain text of ``!vault`` scalars; without it they are text, as for Helm.
    :raises InputError: broken YAML, or what Helm refuses.
    """
    return next(_documents(text, _Builder(name, decrypt)), None)


def load_all(text: str, name: str) -> list[Any]:
    """All documents of ``text`` that are not empty, each as Helm reads it."""
    return [value for value in _documents(text, _Builder(name)) if value is not None]


def load_values(text: str, name: str, major: int, decrypt: Decrypt | None = None) -> list[dict[str, Any]]:
    """The documents of a file of values that Helm merges: Helm 3 reads the first one, Helm 4 all.

    :raises InputError: as :func:`load`, and what Helm 4 does not take where documents begin.
    """
    parts = split(text, name) if major >= 4 else (text,)
    found = [load(part, name, decrypt) for part in parts]
    for document in found:
        if document is not None and not isinstance(document, dict):
            kind = _KINDS.get(type(document), "a number")
            raise InputError(f"a values file must be a mapping, found {kind}", where=Location(name, 1))
    return [document for document in found if document]


def divided(text: str) -> bool:
    """Whether Helm 3 and 4 read values of this text differently, as it holds several documents."""
    if not _MARKER.search(text):
        return False
    try:
        found = load_values(text, "", 4)
    except InputError:
        return True
    return len(found) > 1 or load_values(text, "", 3) != found


def load_with_positions(text: str, name: str, decrypt: Decrypt | None = None) -> Node:
    """The one document of a stack's file, with the file and line of every value.

    :raises InputError: as :func:`load`, and for a key that occurs twice in a map, and for a second document.
    """
    builder = _PlacingBuilder(name, decrypt)
    try:
        found = [node for node in _documents(text, builder) if node.value is not None]
    except InputError as error:
        lines = text.splitlines()[: error.where.line if error.where else 0]
        if not error.hint and any(_REFERENCE_IN_FLOW.search(line[:500]) for line in lines[-3:]):
            error.hint = 'Within { } and [ ] a ${variable} needs quotes: {name: "${variable}"}'
        raise
    if len(found) > 1:
        raise InputError("holds several YAML documents", where=found[1].where, hint="Make it one document")
    return found[0] if found else Node(None, Location(name))


def plain(node: Node) -> Any:
    """A node's data without positions."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def place(value: Any, where: Location, *, secret: bool = False) -> Node:
    """The inverse of :func:`plain`: data with one place for all of it."""
    if isinstance(value, dict):
        value = {str(key): place(item, where, secret=secret) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        value = [place(item, where, secret=secret) for item in value]
    return Node(value, where, secret)


def mark_secret(node: Node) -> Node:
    """A node with all under it marked as out of a vault."""
    value = node.value
    if isinstance(value, dict):
        value = {key: mark_secret(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [mark_secret(item) for item in value]
    return Node(value, node.where, secret=True)


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes under it."""
    yield node
    if isinstance(node.value, (dict, list)):
        for child in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from walk(child)


def to_json(value: Any) -> str:
    """JSON text that Helm's YAML parser reads back as the same value.

    YAML does not join surrogate pairs, folds U+0085, U+2028 and U+2029 as line breaks, and refuses control characters,
    so all characters but these are written as they are.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return _UNREADABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def plain_scalar(text: str) -> Any:
    """What an unquoted scalar means to Helm, before integers pass through float64."""
    if not text:
        return None
    first = text[0]
    if first not in _HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if first in _NUMERIC else text


def _number(text: str) -> Any:
    if text[0] == ".":
        return float(text) if _DOT_FLOAT.fullmatch(text) else text
    digits = text.replace("_", "")
    match = _INT.fullmatch(digits)
    if match:
        sign, hexadecimal, binary, octal, decimal = match.groups()
        base = 16 if hexadecimal else 2 if binary else 8 if octal else 10
        number = int(sign + (hexadecimal or binary or octal or decimal), base)
        if -(2**63) <= number < (2**63 if sign else 2**64):
            return number
    if _FLOAT.fullmatch(digits):
        value = float(digits)
        return value if abs(value) != float("inf") else text
    return text


def _documents(text: str, builder: _Builder) -> Iterator[Any]:
    return map(builder.document, compose(text, builder.name))


class _Builder:
    """Makes plain data of composed nodes."""

    max_aliased = MAX_ALIASED
    exact = False  # integers keep digits that are more than a float's

    def __init__(self, name: str, decrypt: Decrypt | None = None) -> None:
        self.name = name
        self.decrypt = decrypt

    def document(self, node: Any) -> Any:
        self.sizes: dict[int, int] = {}  # of what an alias may name, its own aliases expanded; 0: still open
        self.size = 0
        self.aliased = 0
        return self.build(node)

    def build(self, node: Any) -> Any:
        self.size += 1
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node) if len(node.value) < 100 else self.measured(node, self.long_scalar)
        return self.measured(node, self.sequence if isinstance(node, yaml.SequenceNode) else self.mapping)

    def long_scalar(self, node: Any) -> Any:
        self.size += len(node.value) // 100  # so that the bound on nodes bounds the text as well
        return self.scalar(node)

    def sequence(self, node: Any) -> list[Any]:
        return [self.build(item) for item in node.value]

    def measured(self, node: Any, make: Callable[[Any], Any]) -> Any:
        """Build a node that an alias may name again, and refuse what aliases blow up."""
        known = self.sizes.get(id(node))
        if known == 0:
            raise self.error(node, "an anchor's value contains itself")
        if known:
            self.aliased += known
            if self.aliased > self.max_aliased:
                raise self.error(node, f"its aliases add more than {self.max_aliased} values")
            before = self.aliased
            self.sizes[id(node)] = 0
            value = make(node)
            self.aliased = before  # it includes what is below it
            self.sizes[id(node)] = known
            return value
        self.sizes[id(node)] = 0
        start = self.size
        value = make(node)
        self.sizes[id(node)] = self.size - start + 1
        return value

    def mapping(self, node: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            if key.value == "<<" and key.tag in (PLAIN, _TAG + "merge"):
                # go-yaml lays merged keys over those before them, against YAML's own rule
                for source in self.merged(value):
                    result.update(self.mapping_of(source))
            else:
                self.set_member(result, key, value)
        return result

    def set_member(self, result: dict[str, Any], key: Any, value: Any) -> None:
        result[self.key(key)] = self.build(value)

    def mapping_of(self, node: Any) -> dict[str, Any]:
        self.size += 1
        built: dict[str, Any] = self.measured(node, self.mapping)
        return built

    def merged(self, node: Any) -> list[Any]:
        sources = list(reversed(node.value)) if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(source, yaml.MappingNode) for source in sources):
            raise self.error(node, "'<<' wants a mapping or a list of mappings")
        return sources

    def key(self, node: Any) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node, "a key must be a scalar")
        if node.tag == STR:
            return str(node.value)
        value = self.meaning(node)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return float_key(value)
        if value is None or (isinstance(value, int) and value >= 2**63):
            raise self.error(node, f"Helm does not take '{node.value}' as a key")
        return str(value)

    def scalar(self, node: Any) -> Any:
        if node.tag == STR:
            return node.value
        value = self.meaning(node)
        if isinstance(value, str):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise self.error(node, f"Helm does not take the number {node.value}")
            whole = value.is_integer() and abs(value) <= MAX_INT and math.copysign(1, value) == (-1 if value < 0 else 1)
            return int(value) if whole else value  # -0.0 keeps its sign
        if isinstance(value, int) and abs(value) > MAX_INT and not self.exact:
            return float(value)
        return value

    def meaning(self, node: Any) -> Any:
        if node.tag == PLAIN:
            return plain_scalar(node.value)
        if node.tag in _VAULT and self.decrypt:
            return self.decrypted(node)
        return self.tagged(node, node.tag.removeprefix(_TAG))

    def decrypted(self, node: Any) -> str:
        if self.decrypt is None:
            raise AssertionError("decrypted() without a decrypt function")
        try:
            return self.decrypt(node.value)
        except InputError as exc:
            raise self.error(node, exc.what, exc.hint) from exc

    def tagged(self, node: Any, tag: str) -> Any:
        if tag == "binary":
            return self.binary(node)
        if tag not in ("bool", "int", "float", "null", "timestamp"):
            return node.value
        value = plain_scalar(node.value)
        if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        found = {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")
        if found == "str" and _TIMESTAMP.fullmatch(node.value):
            found = "timestamp"
        if found != tag:
            raise self.error(node, f"this is not a !!{tag}")  # which may be secret
        return value

    def binary(self, node: Any) -> str:
        try:
            data = base64.b64decode(node.value.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise self.error(node, "a !!binary value is not valid base64") from None
        return re.sub("[\udc80-\udcff]", "\ufffd", data.decode("utf-8", "surrogateescape"))

    def error(self, node: Any, what: str, hint: str = "") -> InputError:
        return InputError(what, where=Location(self.name, node.start_mark.line + 1), hint=hint)


class _PlacingBuilder(_Builder):
    """Makes nodes with positions."""

    max_aliased = MAX_ALIASED // 10  # no stack is that long, and a node takes ten times the memory
    exact = True

    def __init__(self, name: str, decrypt: Decrypt | None = None) -> None:
        super().__init__(name, decrypt)
        self.written: dict[tuple[int, str], str] = {}  # a map and its key -> how the key is written

    def build(self, node: Any) -> Node:
        return self.placed(node, Location(self.name, node.start_mark.line + 1))

    def placed(self, node: Any, where: Location) -> Node:
        return Node(super().build(node), where, self.decrypt is not None and node.tag in _VAULT)

    def set_member(self, result: dict[str, Any], key: Any, value: Any) -> None:
        name = self.key(key)
        where = Location(self.name, key.start_mark.line + 1)
        if name in result and not isinstance(result[name], _Merged):
            raise _twice(name, self.written[id(result), name], key.value, result[name].where.line, where)
        result[name] = self.placed(value, where)
        self.written[id(result), name] = key.value

    def mapping_of(self, node: Any) -> dict[str, Any]:
        return {key: _Merged(item.value, item.where, item.secret) for key, item in super().mapping_of(node).items()}


def _twice(name: str, first: str, second: str, line: int, where: Location) -> InputError:
    if first == second == name:
        return InputError(f"the key '{name}' occurs twice, first in line {line}", where=where)
    what = f"the keys '{first}' (line {line}) and '{second}' are both '{name}' to YAML 1.1, which is Helm's"
    return InputError(what, where=where, hint="Put them in quotes")


class _Merged(Node):
    """A member that came through '<<': it may be overridden."""

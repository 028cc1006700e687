# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a JMESPath expression only uses names that data of a known shape can have.

A shape is a mapping of names to shapes, a list with the shape of its items, TEXT or words for what has no fields, or
ANY for what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

try:
    from jmespath.functions import Functions
except ImportError:
    Functions = None  # type: ignore[assignment,misc]

Node = Mapping[str, Any]
Shape = Any

ANY: Shape = None
TEXT: Shape = "text"


class Words(tuple[str, ...]):
    """A text that is one of these."""


class Wrong(Exception):
    """A name that the data cannot have."""

    def __init__(self, name: str, known: Iterable[str], hint: str = "", what: str = "") -> None:
        super().__init__(what or f"'{name}'")
        self.name = name
        self.known = tuple(known)
        self.hint = hint


def shape(node: Node, at: Shape) -> Shape:
    """The shape of what an expression gives.

    :arg node: the expression, as JMESPath has parsed it.
    :arg at: the shape of the data.
    :raises Wrong: it uses a name that is not there.
    """
    handler = _HANDLERS.get(node["type"])
    return handler(node, at) if handler else _all(node, at)


def _item(of: Shape) -> Shape:
    return of[0] if _is_list(of) and of else ANY


def _is_list(of: Shape) -> bool:
    return isinstance(of, list)


def _field(node: Node, at: Shape) -> Shape:
    name = node["value"]
    if isinstance(at, Mapping) and name in at:
        return at[name]
    if at is ANY:
        return ANY
    if _is_list(at):
        raise Wrong(name, (), f"Ask its items: put [] or [?…] before '{name}'", f"'{name}' of a list")
    known = at if isinstance(at, Mapping) else ()
    raise Wrong(name, known, "" if known else "That is a text or a number")


def _chain(node: Node, at: Shape) -> Shape:
    for child in node["children"]:
        at = shape(child, at)
    return at


def _projection(node: Node, at: Shape) -> Shape:
    item = _item(shape(node["children"][0], at))
    for condition in node["children"][2:]:
        shape(condition, item)
    return [shape(node["children"][1], item)]


def _flatten(node: Node, at: Shape) -> Shape:
    found = shape(node["children"][0], at)
    return _item(found) if _is_list(_item(found)) else found


def _values(node: Node, at: Shape) -> Shape:
    shape(node["children"][0], at)
    return [ANY]


def _comparator(node: Node, at: Shape) -> Shape:
    sides = node["children"]
    shapes = [shape(side, at) for side in sides]
    for words, side in ((shapes[0], sides[1]), (shapes[1], sides[0])):
        if isinstance(words, Words) and side["type"] == "literal":
            _check_word(side["value"], words)
    return TEXT


def _check_word(word: Any, words: Words) -> None:
    if isinstance(word, str) and word not in words:
        raise Wrong(word, words)


def _all(node: Node, at: Shape) -> Shape:
    for child in node["children"]:
        if isinstance(child, Mapping):
            shape(child, at)
    return ANY


def _named(node: Node, at: Shape) -> Shape:
    return {child["value"]: shape(child["children"][0], at) for child in node["children"]}


def _function(node: Node, at: Shape) -> Shape:
    name, children = node["value"], node["children"]
    known = Functions.FUNCTION_TABLE
    if name not in known:
        raise Wrong(name, known, what=f"the function {name}()")
    given = [ANY if child["type"] == "expref" else shape(child, at) for child in children]
    lists = [found for found in given if _is_list(found)]
    item = _item(lists[0]) if lists else ANY
    asked = [shape(child["children"][0], item) for child in children if child["type"] == "expref"]
    words = item if name == "contains" and len(children) == 2 else ANY
    if isinstance(words, Words) and children[1]["type"] == "literal":
        _check_word(children[1]["value"], words)
    if name == "map" and asked:
        return [asked[0]]
    if name in ("sort_by", "sort", "reverse") and given:
        return given[0]
    return item if name in ("max_by", "min_by") else ANY


_HANDLERS: Mapping[str, Callable[[Node, Shape], Shape]] = {
    "field": _field,
    "current": lambda node, at: at,
    "identity": lambda node, at: at,
    "subexpression": _chain,
    "pipe": _chain,
    "index_expression": _chain,
    "index": lambda node, at: _item(at),
    "slice": lambda node, at: at,
    "projection": _projection,
    "filter_projection": _projection,
    "value_projection": _values,
    "flatten": _flatten,
    "comparator": _comparator,
    "multi_select_dict": _named,
    "literal": lambda node, at: ANY,
    "function_expression": _function,
}

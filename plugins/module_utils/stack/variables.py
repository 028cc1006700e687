# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""${variables}: where they are looked up, and what becomes of the strings that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain_scalar, walk

# "$${", or "${name}" and "${name:-default}" where the default may hold plain references, or a "${" that is neither
_REFERENCE = re.compile(
    r"(?P<literal>\$\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_.-]*?)(?P<has_default>:-(?P<default>(?:\$\{[^{}]*\}|[^{}])*))?\}"
    r"|(?P<broken>\$\{[^}]*\}?)"
)
_DOTENV = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


_SOURCES = (
    "Variables come from the task's variables, overlays, the environment, the stack, the process environment, and .env"
)
_MAX_VIA = 4  # variables named with a value: variables may use very many others
MAX_GROWTH = 1_000_000  # values that references may bring into one stack, so that variables of variables cannot explode


class _Worked:
    """The variables worked out so far, with their sizes, and the size of all that references brought."""

    def __init__(self) -> None:
        self.variables: dict[str, tuple[Node, int]] = {}
        self.size = 0


@dataclass(frozen=True)
class VariableScope:
    """The variables that a stack's strings see: the first layer that has a name wins."""

    layers: tuple[Mapping[str, Node], ...]
    literal: Mapping[str, str]  # the process environment, whose strings are taken as they are
    fallback: tuple[Mapping[str, Node], ...] = ()  # .env files, the stronger first
    built_in: Mapping[str, Node] = field(default_factory=dict)  # what is known by itself, where no layer has the name
    worked: _Worked = field(default_factory=_Worked, compare=False, repr=False)

    def apply(self, node: Node, trail: tuple[str, ...] = ()) -> Node:
        """A node with all strings in it substituted.

        :raises InputError: an undefined variable, a cycle, or a mapping or list inside a longer string.
        """
        value = node.value
        if isinstance(value, str):
            return self._string(node, trail) if "${" in value else node
        if isinstance(value, dict):
            return node._replace(value={key: self.apply(item, trail) for key, item in value.items()})
        if isinstance(value, list):
            return node._replace(value=[self.apply(item, trail) for item in value])
        return node

    def _string(self, node: Node, trail: tuple[str, ...]) -> Node:
        text: str = node.value
        whole = _REFERENCE.fullmatch(text)
        if whole and whole["name"]:
            result = self._value(whole, node.where, trail)
            return Node(result.value, node.where, node.secret or result.secret, _via(whole, result), node.over)
        secret = node.secret
        via: list[tuple[str, Location]] = []

        def replaced(match: re.Match[str]) -> str:
            nonlocal secret
            if match["literal"]:
                return "${"
            part = self._value(match, node.where, trail)
            secret = secret or part.secret
            via.extend(_via(match, part))
            return _text(part, match["name"], node.where)

        text = _REFERENCE.sub(replaced, text)
        return Node(text, node.where, secret, tuple(dict.fromkeys(via))[:_MAX_VIA], node.over)

    def _value(self, match: re.Match[str], where: Location, trail: tuple[str, ...]) -> Node:
        name = match["name"]
        if not name:
            hint = "Write ${name} or ${name:-default}, and $${ for a literal ${"
            raise InputError(f"'{match['broken']}' is not a variable", where=where, hint=hint)
        if name in trail:
            chain = " -> ".join((*trail[trail.index(name) :], name))
            raise InputError(f"the variables use each other in a cycle: {chain}", where=where)
        variable = self._variable(name, where, trail)
        if match["has_default"] and (variable is None or variable.value in ("", None)):
            return self.apply(Node(match["default"], where), trail)
        if variable is None:
            raise InputError(f"the variable '{name}' is not defined", where=where, hint=self._hint(name))
        return variable

    def _variable(self, name: str, where: Location, trail: tuple[str, ...]) -> Node | None:
        if name not in self.worked.variables:
            found = self._find(name, trail)
            if found is None:
                return None
            self.worked.variables[name] = (found, _size(found))
        variable, size = self.worked.variables[name]
        self.worked.size += size
        if self.worked.size > MAX_GROWTH:
            raise InputError(f"the variable '{name}' makes the stack grow beyond all measure", where=where)
        return variable

    def _find(self, name: str, trail: tuple[str, ...]) -> Node | None:
        for layer in (*self.layers, self.built_in):
            if name in layer:
                return self.apply(layer[name], (*trail, name))
        if name in self.literal:
            return Node(self.literal[name], Location("environment"))
        for layer in self.fallback:
            if name in layer:
                return self.apply(layer[name], (*trail, name))
        return None

    def everything(self) -> tuple[dict[str, Node], dict[str, InputError]]:
        """All variables by name but the process environment's, and why some cannot be had."""
        known: dict[str, Node] = {}
        undefined: dict[str, InputError] = {}
        for name in dict.fromkeys(key for layer in (*self.layers, self.built_in, *self.fallback) for key in layer):
            try:
                found = self._find(name, ())
            except InputError as error:
                undefined[name] = error
            else:
                if found is not None:
                    known[name] = found
        return known, undefined

    def environment_variable(self, name: str) -> str | None:
        """What the process environment says, else a ``.env`` file, else a variable; None: nothing does."""
        if name in self.literal:
            return self.literal[name]
        found = next((layer[name] for layer in (*self.fallback, *self.layers) if name in layer), None)
        if found is None:
            return None
        value = self.apply(found, (name,))
        return None if value.value is None else _text(value, name, value.where)

    def _hint(self, name: str) -> str:
        if name == "environment":
            return "No environment is chosen: name one with the option environment, or write ${environment:-default}"
        names = {key for layer in (*self.layers, self.built_in, *self.fallback) for key in layer}
        word = plain_scalar(name)
        if isinstance(word, bool) and str(word).lower() in names:
            return f"Without quotes the key {name} is {str(word).lower()}: write '{name}' in quotes where it is defined"
        near = did_you_mean(name, names)
        return near if near.startswith("Did") else ". ".join(part for part in (near, _SOURCES) if part)


def _via(match: re.Match[str], found: Node) -> tuple[tuple[str, Location], ...]:
    """The variable of a reference and the place that defines it, then those that its own value came through."""
    return tuple(dict.fromkeys(((match["name"], found.where), *found.via)))[:_MAX_VIA]


def _size(node: Node) -> int:
    return sum(1 + len(item.value) // 100 if isinstance(item.value, str) else 1 for item in walk(node))


def _text(node: Node, name: str, where: Location) -> str:
    value = node.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    kind = "nothing" if value is None else "a mapping" if isinstance(value, dict) else "a list"
    raise InputError(f"the variable '{name}' is {kind} and cannot be used inside a string", where=where)


def dotenv(text: str, name: str) -> dict[str, Node]:
    """The variables of a ``.env`` file: KEY=VALUE lines with quotes, comments and ``export``.

    Text in single quotes is literal; everything else may use variables.
    """
    result: dict[str, Node] = {}
    for number, line in enumerate(text.splitlines(), 1):
        where = Location(name, number)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _DOTENV.fullmatch(line)
        if not match:
            raise InputError("expected KEY=VALUE", where=where)
        result[match[1]] = Node(_dotenv_value(match[2].strip(), where), where)
    return result


def _dotenv_value(text: str, where: Location) -> str:
    quote = text[:1]
    if quote not in ("'", '"'):
        return re.sub(r"(^|\s+)#.*", "", text)
    body = r"'([^']*)'" if quote == "'" else r'"((?:[^"\\]|\\.)*)"'
    match = re.fullmatch(body + r"\s*(?:#.*)?", text)
    if not match:
        raise InputError("a quote is not closed", where=where)
    if quote == "'":
        return match[1].replace("${", "$${")
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match[1])

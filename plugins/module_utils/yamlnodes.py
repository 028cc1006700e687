# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML text as nodes, composed by libyaml where it agrees with Helm's parser, and with more care where it does not.

Helm's parser (go.yaml.in/yaml/v2) takes an anchor's name as often as it is given, knows YAML 1.1 only, reads a scalar
with the tag ``!`` as a string, takes commas and brackets for parts of a tag, and does not know the escape ``\\/``.
"""

from __future__ import annotations

import functools
import math
import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

MAX_DEPTH = 256  # libyaml's composer recurses in C: without a bound a long row of "[" ends the process
STR = "tag:yaml.org,2002:str"
PLAIN = "?"  # our mark for a scalar without quotes and tag

_DELICATE = re.compile(r"^%|\\/|(?<![^\s\[{,])!(?:(?!\S)|[^\s\"'{}]*[,\[\]])", re.MULTILINE)
_LONG_TAG = re.compile(r"(?:&\S+\s+)?!(?!<)[^\s\"'{}]*[,\[\]]")
_BARE_TAG = re.compile(r"(?:&\S+\s+)?!(?!\S)")
_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")


def compose(text: str, name: str) -> Iterator[Any]:
    """The documents' root nodes, one after the other: what is not used is not parsed.

    :raises InputError: it is not YAML, or Helm's parser does not take it.
    """
    try:
        yield from _composed(text)
    except yaml.reader.ReaderError as exc:
        where = Location(name, text.count("\n", 0, exc.position) + 1)
        raise InputError(f"not valid YAML: {exc.reason}", where=where) from None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        reason = re.sub(r"(alias|anchor|handle) .*", r"\1", str(exc.problem or exc.context))  # names may be secrets
        where = Location(name, mark.line + 1 if mark else 0)
        raise InputError(f"not valid YAML: {reason}", where=where) from None


def split(text: str, name: str) -> Iterator[str]:
    """The documents of values as Helm 4 divides them (YAMLReader of apimachinery), each in its own lines."""
    start, found = 0, ""
    for number, line in enumerate(text.removesuffix("\n").split("\n")):
        if line.startswith("---"):
            rest = line[3:].strip()
            if rest and not rest.startswith("#"):
                what = "Helm 4 takes nothing but a comment behind the '---' of values"
                raise InputError(what, where=Location(name, number + 1), hint="Begin a new line there")
            if found:
                yield "\n" * start + found
                start, found = number + 1, ""
                continue
        found += f"{line}\n"
    if found:
        yield "\n" * start + found


def _composed(text: str) -> Iterator[Any]:
    libyaml, told = yaml.__with_libyaml__, 0
    if not _DELICATE.search(text):
        try:
            for node in _all(_loader_class(libyaml=libyaml)(text)):
                yield node
                told += 1
            return
        except yaml.composer.ComposerError as exc:
            if "anchor" not in str(exc.context):
                raise
    yield from islice(_all(_careful_class(libyaml=libyaml)(text)), told, None)


def _all(loader: Any) -> Iterator[Any]:
    while loader.check_node():
        yield loader.get_node()


@functools.cache
def _loader_class(*, libyaml: bool) -> Any:
    """PyYAML's composer, libyaml's or its own, that leaves the meaning of scalars to the builder."""

    base = yaml.CSafeLoader if libyaml else yaml.SafeLoader

    class Loader(base):  # type: ignore[valid-type, misc]
        depth = 0

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode:
                return PLAIN if implicit[0] else STR
            return ""

        def descend_resolver(self, current_node: Any, current_index: Any) -> None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                problem = f"it is nested more than {MAX_DEPTH} levels deep"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=current_node.start_mark)

        def ascend_resolver(self) -> None:
            self.depth -= 1

    return Loader


@functools.cache
def _careful_class(*, libyaml: bool) -> Any:
    """The same, composed in Python, where the differences can be seen."""

    base = _loader_class(libyaml=libyaml)
    if libyaml:
        base = type("Composed", (yaml.composer.Composer, base), {})

    class Loader(base):  # type: ignore[valid-type, misc]
        def __init__(self, text: str) -> None:
            _loader_class(libyaml=libyaml).__init__(self, text)
            yaml.composer.Composer.__init__(self)  # pylint: disable=non-parent-init-called
            self.text = text

        def compose_document(self) -> Any:
            start = self.peek_event()
            if start.version and tuple(start.version) != (1, 1):
                raise yaml.MarkedYAMLError(problem="Helm knows YAML 1.1 only", problem_mark=start.start_mark)
            return super().compose_document()

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if not isinstance(event, yaml.AliasEvent):
                self.anchors.pop(event.anchor, None)
                if _LONG_TAG.match(self.text, event.start_mark.index):
                    problem = "to Helm what follows is a part of the tag; put a blank behind it"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
            return super().compose_node(parent, index)

        def compose_scalar_node(self, anchor: Any) -> Any:
            event = self.peek_event()
            written = self.text[event.start_mark.index : event.end_mark.index]
            if event.style == '"' and _SLASH.search(written):
                raise yaml.MarkedYAMLError(problem="unknown escape '\\/'", problem_mark=event.start_mark)
            node = super().compose_scalar_node(anchor)
            if node.tag == PLAIN and _BARE_TAG.match(written):
                node.tag = STR
            return node

    return Loader


def float_key(value: float) -> str:
    """Go's strconv.FormatFloat(value, 'g', -1, 32), with which sigs.k8s.io/yaml writes keys that are floats."""
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = float("inf") if value > 0 else float("-inf")
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else ".inf" if single > 0 else "-.inf"
    for precision in range(9):
        text = f"{single:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
            break
    mantissa, exponent = text.split("e")
    if not -4 <= int(exponent) < 6:
        return f"{mantissa}e{int(exponent):+03d}"
    return f"{float(text):.{max(precision - int(exponent), 0)}f}"

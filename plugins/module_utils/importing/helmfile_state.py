# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``helmfile build`` prints: one document for each helmfile, the nested ones first.

Source: helmfile 0.166 and 1.8, pkg/app/app.go (PrintState) and pkg/state/state.go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, load_with_positions, plain
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema

HINT = "Give what 'helmfile -e ENVIRONMENT build --embed-values' writes to its standard output"
STATE_KEYS = frozenset(
    """
    filepath basepath helmBinary kustomizeBinary values environments bases helmDefaults helmfiles kubeContext namespace
    chart repositories commonLabels releases apiVersions kubeVersion hooks templates defaultInherit missingFileHandler
    missingFileHandlerConfig lockFilePath renderedvalues llm
    """.split()
)
_SOURCE = re.compile(r"^#\s+Source: (.+)$", re.MULTILINE)
_HEAD = re.compile(r"^---[ \t]*\n(?=#\s+Source: )", re.MULTILINE)
_ACTION = re.compile(r"\{\{-?[^}\n]*")


@dataclass(frozen=True)
class Build:
    """The output of one ``helmfile build``."""

    path: str  # the file that holds it
    text: str = field(repr=False)


@dataclass(frozen=True)
class State:
    """One helmfile in it."""

    members: Mapping[str, Node]
    folder: str  # where its relative paths begin
    number: int  # its place among those that have releases
    where: Location

    def text(self, key: str) -> str:
        node = self.members.get(key)
        return str(node.value) if node and node.value is not None else ""

    def data(self, key: str) -> Any:
        """A member's plain data; None where there is none."""
        node = self.members.get(key)
        return plain(node) if node else None

    def entries(self, key: str) -> list[dict[str, Node]]:
        """The mappings of a list."""
        node = self.members.get(key)
        return [schema.mapping(item, f"an entry of {key}") for item in schema.items(node, key)] if node else []


def states_of(build: Build) -> tuple[State, ...]:
    """The helmfiles of an output, in the order in which helmfile works on them.

    :raises InputError: it is no such output.
    """
    if not build.text.strip():
        raise InputError("the output of helmfile build is empty", where=Location(build.path), hint=HINT)
    found: list[State] = []
    for part in _parts(build):
        state = _state(build, part, sum("releases" in one.members for one in found))
        found += [state] if state else []
    if not any("releases" in state.members for state in found):
        raise InputError("this output of helmfile build has no releases", where=Location(build.path), hint=HINT)
    return tuple(found)


def _parts(build: Build) -> Iterator[str]:
    """Each document in its own lines, so that places are right."""
    begins = [match.start() for match in _HEAD.finditer(build.text)]
    if not begins:
        _refuse_template(build)
        yield build.text
        return
    if build.text[: begins[0]].strip():
        what = "text stands before the first '---' of helmfile's output, such as its progress"
        raise InputError(what, where=Location(build.path, 1), hint=HINT)
    for begin, end in zip(begins, [*begins[1:], len(build.text)]):
        yield "\n" * build.text.count("\n", 0, begin) + build.text[begin:end]


def _refuse_template(build: Build) -> None:
    match = _ACTION.search(build.text)
    if match:
        where = Location(build.path, build.text.count("\n", 0, match.start()) + 1)
        what = "this is a helmfile with templates, not what helmfile makes of them"
        raise InputError(what, where=where, hint=HINT)


def _state(build: Build, text: str, number: int) -> State | None:
    try:
        node = load_with_positions(text, build.path)
    except InputError as error:
        raise InputError(f"this is no output of helmfile build: {error.what}", where=error.where, hint=HINT) from None
    if node.value is None:
        return None
    if not isinstance(node.value, dict):
        what = f"this is no output of helmfile build: a mapping is expected, found {schema.found(node)}"
        raise InputError(what, where=node.where, hint=HINT)
    strange = [key for key in node.value if key not in STATE_KEYS]
    if strange and not STATE_KEYS & node.value.keys():
        what = f"this is no output of helmfile build, which has no '{strange[0][:60]}'"
        raise InputError(what, where=node.value[strange[0]].where, hint=HINT)
    if "filepath" not in node.value:
        what = "this looks like a helmfile, and not like what helmfile build makes of it, which says 'filepath'"
        raise InputError(what, where=node.where, hint=HINT)
    return State(node.value, _folder(build, text), number, node.where)


def _folder(build: Build, text: str) -> str:
    """Where the helmfile lay; if that was on another machine, its output lies beside what it names."""
    source = _SOURCE.search(text)
    folder = os.path.dirname(source[1].strip()) if source else ""
    return folder if os.path.isabs(folder) and os.path.isdir(folder) else os.path.dirname(os.path.abspath(build.path))

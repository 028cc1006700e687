# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock file ``helmstack.lock``: for every reference of a stack the version, digest and commit that count."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    HelmstackError,
    InputError,
    Location,
    did_you_mean,
)
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, load_with_positions, to_json
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import LockedChart, LockedStack

NAME = "helmstack.lock"
VERSION = 1
MEND = "Run the module helmstack_lock, and review what it changes"

_HEAD = """\
# Made by the module helmstack.core.helmstack_lock. Keep it in version control, and let the module change it.
"""
_KEYS = ("chart", "asked", "devel", "version", "digest", "commit", "source")
_REQUIRED = ("chart", "version", "source")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MARKER = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(\s|$)", re.MULTILINE)


def parse(text: str, path: str) -> tuple[LockedChart, ...]:
    """The charts of a lock file.

    :raises InputError: it is damaged, holds a merge conflict, or is of a newer version.
    """
    marker = _MARKER.search(text)
    if marker:
        where = Location(path, text.count("\n", 0, marker.start()) + 1)
        what = "the lock file holds a merge conflict"
        raise InputError(what, where=where, hint=f"Take one of both sides. Then: {MEND}")
    try:
        node = load_with_positions(text, path)
    except InputError as error:
        raise _damaged(error.what, error.where or Location(path)) from None
    members = _mapping(node, "a mapping")
    _check_version(members, path)
    entries = members.get("charts", Node([], Location(path)))
    if not isinstance(entries.value, list):
        raise _damaged("'charts' is no list", entries.where)
    return tuple(_chart(item) for item in entries.value)


def parse_stacks(text: str, path: str) -> tuple[LockedStack, ...]:
    """The nested stacks of a lock file that :func:`parse` has taken.

    :raises InputError: that part of it is damaged.
    """
    node = load_with_positions(text, path)
    entries = _mapping(node, "a mapping").get("stacks", Node([], Location(path)))
    if not isinstance(entries.value, list):
        raise _damaged("'stacks' is no list", entries.where)
    return tuple(_stack(item) for item in entries.value)


def _stack(node: Node) -> LockedStack:
    members = {key: item.value for key, item in _mapping(node, "a mapping for each stack").items()}
    stack, commit = members.get("stack"), members.get("commit")
    if members.keys() != {"stack", "commit"} or not isinstance(stack, str) or not stack:
        raise _damaged("a stack has a 'stack' and a 'commit'", node.where)
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise _damaged("'commit' is none", node.where)
    return LockedStack(stack, commit)


def commits(stacks: Iterable[LockedStack] | None, update: Iterable[str]) -> dict[str, str] | None:
    """The commit of each nested stack by its url, without those to be updated; None: there is no lock file."""
    if stacks is None:
        return None
    patterns = tuple(update)
    return {
        item.stack: item.commit
        for item in stacks
        if not any(fnmatch.fnmatchcase(item.stack, pattern) for pattern in patterns)
    }


def render(charts: Iterable[LockedChart], stacks: Iterable[LockedStack] = ()) -> str:
    """The text of a lock file; the same charts and stacks give the same text."""
    return _charts_text(charts) + _stacks_text(stacks)


def _stacks_text(stacks: Iterable[LockedStack]) -> str:
    lines = [
        f"  - stack: {to_json(item.stack)}\n    commit: {to_json(item.commit)}\n"
        for item in sorted(set(stacks), key=lambda item: item.stack)
    ]
    return "".join(("stacks:\n", *lines)) if lines else ""


def _charts_text(charts: Iterable[LockedChart]) -> str:
    lines = [_HEAD, f"lock_version: {VERSION}\n", "charts:\n"]
    for chart in sorted(charts, key=lambda item: (item.chart, item.asked, item.devel)):
        members = [(key, getattr(chart, key)) for key in _KEYS if getattr(chart, key) not in ("", False)]
        for number, (key, value) in enumerate(members):
            lines.append(f"  {'- ' if number == 0 else '  '}{key}: {to_json(value)}\n")
    return "".join(lines) if len(lines) > 3 else f"{_HEAD}lock_version: {VERSION}\ncharts: []\n"


def _check_version(members: dict[str, Node], path: str) -> None:
    said = members.get("lock_version")
    if said is None or isinstance(said.value, bool) or not isinstance(said.value, int):
        raise _damaged("'lock_version' is missing or no number", said.where if said else Location(path))
    if said.value > VERSION:
        raise InputError(
            f"the lock file is of version {said.value}, and this helmstack.core knows versions up to {VERSION}",
            where=said.where,
            hint="Use a newer helmstack.core, or make the lock file anew with this one",
        )


def _chart(node: Node) -> LockedChart:
    members = _mapping(node, "a mapping for each chart")
    for key, item in members.items():
        if key not in _KEYS:
            raise _damaged(f"'{key}' is no key of a chart. {did_you_mean(key, _KEYS)}".rstrip(), item.where)
        wanted: Any = bool if key == "devel" else str
        if not isinstance(item.value, wanted):
            raise _damaged(f"'{key}' has a value of another type", item.where)
    missing = [key for key in _REQUIRED if not members.get(key, Node("", node.where)).value]
    if missing:
        raise _damaged(f"a chart lacks '{missing[0]}'", node.where)
    for key, form in (("digest", _DIGEST), ("commit", _COMMIT)):
        if key in members and not form.fullmatch(members[key].value):
            raise _damaged(f"'{key}' is none", members[key].where)
    return LockedChart(**{key: item.value for key, item in members.items()})


def _mapping(node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise _damaged(f"expected {what}", node.where)
    return node.value


def _damaged(what: str, where: Location) -> InputError:
    hint = f"Restore it from version control, or remove it. Then: {MEND}"
    return InputError(f"the lock file is damaged: {what}", where=where, hint=hint)


def write(path: str, text: str) -> None:
    """Puts the lock file in place of an older one, whole or not at all.

    :raises HelmstackError: it cannot be written.
    """
    try:
        with open(f"{path}.new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise HelmstackError(f"the lock file {path} cannot be written: {error.strerror}") from None

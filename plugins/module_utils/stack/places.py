# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of the values of a stack's files, for people: file, line, and the variables that brought them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain, walk

Over = tuple[Any, str, int, str]  # a value, file, line, how
# path among the values, file, line (0: not known), how, and what overlays replaced there, the strongest first
Place = tuple[tuple[str, ...], str, int, str, tuple[Over, ...]]


@lru_cache(maxsize=1024)  # each value has a place, and most are in the same few files
def relative(file: str, root: str) -> str:
    """A file's name as it is shown: relative to the outermost stack's folder; other words stay as they are."""
    return os.path.relpath(file, root) if root and os.path.isabs(file) else file


def places_in(node: Node, how: str, root: str, *, lines: bool = True) -> Iterator[Place]:
    """The place of each value below a node that is not a map with members.

    :arg how: "values", "set" or "values file".
    :arg lines: whether the lines are those of the user's file.
    """
    yield from _places(node, how, root, (), (), lines=lines)


def _places(
    node: Node, how: str, root: str, path: tuple[str, ...], around: tuple[tuple[str, Location], ...], *, lines: bool
) -> Iterator[Place]:
    via = node.via or around
    if isinstance(node.value, dict) and node.value:
        for key, item in node.value.items():
            yield from _places(item, how, root, (*path, key), via, lines=lines)
    else:
        over = tuple((plain(item), *_told(item, how, root, (), lines=lines)) for item in node.over)
        yield (path, *_told(node, how, root, via, lines=lines), over)


def _told(
    node: Node, how: str, root: str, via: tuple[tuple[str, Location], ...], *, lines: bool
) -> tuple[str, int, str]:
    """File, line, and the way of a value."""
    said = [how, *(f"variable {name} ({_place(where, root)})" for name, where in via)]
    said += ["vault"] if any(item.secret for item in walk(node)) else []
    return relative(node.where.file, root), node.where.line if lines else 0, ", ".join(said)


def _place(where: Location, root: str) -> str:
    return str(Location(relative(where.file, root), where.line))

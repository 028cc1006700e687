# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each value of a release comes from: the file and line that sets it, and what it overrides there.

Values documents are laid over each other as Helm does it: maps merge, lists and all else replace, null stays and
deletes a chart's default (MergeMaps in Helm's pkg/cli/values, CoalesceValues in its pkg/chartutil).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource

VAULT = "vault"
_MISSING = object()
_RENDERED = (".j2", ".gotmpl")

Path = tuple[str, ...]
Tree = dict[str, Union["Tree", "Setting"]]


@dataclass(frozen=True)
class Origin:
    """The place that sets a value; ``line`` counts from 1, 0 is not known (a rendered template has other lines)."""

    file: str
    line: int
    how: str  # "values file", "values", "set", "chart default", with the variable or the vault it came through

    @property
    def secret(self) -> bool:
        """Whether the value came out of a vault."""
        return VAULT in self.how.split(", ")

    @property
    def data(self) -> dict[str, Any]:
        """The origin in a result."""
        return {"file": self.file, "line": self.line or None, "how": self.how}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return place if self.how == "values file" else f"{place} ({self.how})"


@dataclass(frozen=True)
class Setting:
    """A value that is not a map with members, where it comes from, and what it overrides, the strongest first."""

    value: Any
    origin: Origin
    overrides: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class ValueChange:
    """A value that differs between two states; None as an origin: it is not set there, or its origin is unknown."""

    path: Path
    before: Any
    after: Any
    origin_before: Origin | None
    origin_after: Origin | None
    added: bool = False  # there was no value
    removed: bool = False  # there is no value now

    @property
    def secret(self) -> bool:
        """Whether one of both sides came out of a vault."""
        return any(origin and origin.secret for origin in (self.origin_before, self.origin_after))


def dotted(path: Path) -> str:
    """A path as people write it: ``ingress.hosts``; keys with dots are quoted."""
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def explain(sources: Iterable[ValuesSource], defaults: Iterable[tuple[Path, ValuesSource]] = ()) -> dict[Path, Setting]:
    """Each leaf of the merged values with its origin, by its path.

    :arg sources: the release's values documents in Helm's order.
    :arg defaults: the charts' own values files, the weakest first, each with its place among the parent's values.
    """
    tree: Tree = {}
    for path, source in defaults:
        _lay(tree, _below(path, _tree_of(source)))
    for source in sources:
        _lay(tree, _tree_of(source))
    return dict(_leaves(tree, ()))


def changes(before: Mapping[str, Any], after: Mapping[Path, Setting]) -> tuple[ValueChange, ...]:
    """The difference between the values that Helm stored and those of the stack now.

    The old value's origin is known if the stack still has that value, though something stronger overrides it now.
    """
    stored = dict(_flat(before, ()))
    found = []
    for path in [*after, *(path for path in stored if path not in after)]:
        new = after.get(path)
        old = stored.get(path, _MISSING)
        if new is not None and old is not _MISSING and same(old, new.value):
            continue
        former = next((item.origin for item in new.overrides if same(item.value, old)), None) if new else None
        origin = new.origin if new else None
        value = new.value if new else None
        known = None if old is _MISSING else old
        found.append(ValueChange(path, known, value, former, origin, added=old is _MISSING, removed=new is None))
    return tuple(found)


def compared(before: Mapping[Path, Setting], after: Mapping[Path, Setting]) -> tuple[ValueChange, ...]:
    """The difference between two sets of values with known origins."""
    found = []
    for path in [*before, *(path for path in after if path not in before)]:
        old, new = before.get(path), after.get(path)
        if old is None or new is None or not same(old.value, new.value):
            found.append(
                ValueChange(
                    path,
                    old.value if old else None,
                    new.value if new else None,
                    old.origin if old else None,
                    new.origin if new else None,
                    added=old is None,
                    removed=new is None,
                )
            )
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to Helm, for whose templates ``true`` is not ``1``."""
    return one == other and helmyaml.to_json(one) == helmyaml.to_json(other)


def _lay(tree: Tree, above: Tree) -> None:
    """Lays a document's tree over that of the weaker ones, in place."""
    for key, item in above.items():
        below = tree.get(key)
        if isinstance(item, dict):
            if not isinstance(below, dict):
                _lay(_emptied(tree, key), _over(item, below))
            else:
                _lay(below, item)
        elif isinstance(below, dict):
            if item.value != {}:
                tree[key] = Setting(item.value, item.origin, (*item.overrides, *_covered(below)))
        else:
            weaker = (below, *below.overrides) if below else ()
            tree[key] = Setting(item.value, item.origin, (*item.overrides, *weaker))


def _emptied(tree: Tree, key: str) -> Tree:
    fresh: Tree = {}
    tree[key] = fresh
    return fresh


def _over(tree: Tree, below: Setting | None) -> Tree:
    """The tree; each leaf overrides the value that the whole tree replaces."""
    if below is None:
        return tree
    beneath = (below, *below.overrides)
    return {
        key: _over(item, below)
        if isinstance(item, dict)
        else Setting(item.value, item.origin, (*item.overrides, *beneath))
        for key, item in tree.items()
    }


def _covered(tree: Tree) -> tuple[Setting, ...]:
    """A map that something else replaces, as one setting; its origin is that of its first leaf."""
    first = next((setting for _path, setting in _leaves(tree, ())), None)
    return (Setting(_plain(tree), first.origin),) if first else ()


def _plain(tree: Tree) -> Any:
    return {key: _plain(item) if isinstance(item, dict) else item.value for key, item in tree.items()}


def _leaves(tree: Tree, path: Path) -> Iterator[tuple[Path, Setting]]:
    for key, item in tree.items():
        if isinstance(item, dict):
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key), item


def _flat(values: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, item in values.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, (*path, key))
        else:
            yield (*path, key), item


def _below(path: Path, tree: Tree) -> Tree:
    for key in reversed(path):
        tree = {key: tree}
    return tree


@lru_cache(maxsize=1024)
def _tree_of(source: ValuesSource) -> Tree:
    """A document's values with their origins; many releases share documents. Nobody changes what this returns."""
    file, how = source.file or source.label, source.how or "values file"
    known = {tuple(path): _setting(source.file, *place) for path, *place in source.places}
    root = _read(source, file)

    def tree(node: Node, path: Path) -> Tree | Setting:
        if isinstance(node.value, dict) and node.value:
            return {key: tree(item, (*path, key)) for key, item in node.value.items()}
        line = 0 if known or file.endswith(_RENDERED) else node.where.line
        there = known.get(path)
        value = helmyaml.plain(node)
        return Setting(value, there.origin, there.overrides) if there else Setting(value, Origin(file, line, how))

    found = tree(root, ())
    return found if isinstance(found, dict) else {}


def _setting(shown: str, file: str, line: int, how: str, over: Iterable[Any]) -> Setting:
    """A place of a source, still without its value.

    :arg shown: the file as it is called, where the place's own name is not that.
    """
    beneath = tuple(Setting(value, Origin(*place)) for value, *place in over)
    return Setting(None, Origin(shown or file, line, how), beneath)


def _read(source: ValuesSource, file: str) -> Node:
    try:
        return helmyaml.load_with_positions(source.text, file)
    except InputError:
        # valid for Helm but not for a stack file, such as a key that occurs twice
        return helmyaml.place(helmyaml.load(source.text, file), helmyaml.Location(file))


def ordered(found: Sequence[ValueChange]) -> list[ValueChange]:
    """Value changes by their paths."""
    return sorted(found, key=lambda change: change.path)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sets of objects compared: what is added, changed, removed. Key order and formatting do not count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import covers
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import RANDOM
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Hook, Key, Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange, Op

# What two renders have in common before and behind a random part ends with a mark that neither a random word nor a time
# has in it: what is nearer may be common by chance.
_LEFT = re.compile(r".*(?:(?<=.)[^\w\s+/:.-]|\n)", re.DOTALL)
_RIGHT = re.compile(r"(?:[^\w\s+/:.=-](?=.)|\n).*", re.DOTALL)

Live = Callable[[Object, str], "Object | None"]  # object, namespace -> as it is in the cluster
Keeps = Callable[[Object], bool]  # object that leaves the release -> does it stay in the cluster


@dataclass(frozen=True)
class Scope:
    """Finds an object's namespace: its own, else the release's, and none for cluster-scoped kinds."""

    namespace: str
    namespaced: Callable[[str, str], bool]  # apiVersion, kind

    def key(self, item: Object) -> Key:
        return (manifest.group(item), manifest.kind(item), self.of(item), manifest.name(item))

    def of(self, item: Object) -> str:
        if not self.namespaced(str(item.get("apiVersion", "")), manifest.kind(item)):
            return ""
        return str(manifest.metadata(item).get("namespace") or self.namespace)


def objects(
    before: Iterable[Object], after: Iterable[Object], scope: Scope, keeps: Keeps = lambda item: False
) -> list[ObjectChange]:
    """The difference between a release's deployed and its wanted objects.

    An object that leaves the release and that Helm keeps is no change.
    """
    old = {scope.key(item): item for item in before}
    new = {scope.key(item): item for item in after}
    changes = [
        change("change" if key in old else "add", key, old.get(key), item)
        for key, item in new.items()
        if key not in old or not identical(old[key], item)
    ]
    gone = [change("remove", key, item, None) for key, item in old.items() if key not in new and not keeps(item)]
    return changes + gone


def hooks(before: Iterable[Hook], after: Iterable[Hook], scope: Scope, event: str, live: Live) -> list[ObjectChange]:
    """The changes of hooks on ``event`` (install, upgrade, delete).

    A hook that runs is made anew: its old object goes first, which is Helm's default delete policy; with another one
    Helm 4 applies it over the old one, and Helm 3 fails. One that does not run now, such as a test, is only stored with
    the release, and no object changes.
    """
    old = {scope.key(hook.item): hook.item for hook in before}
    changes = []
    for hook in after:
        if hook.runs_at(event):
            key, there = scope.key(hook.item), live(hook.item, scope.of(hook.item))
            found = None
            if there is None:
                found = change("add", key, None, hook.item)
            elif hook.goes_first or not covers(there, hook.item):
                found = change("replace" if hook.goes_first else "change", key, old.get(key), hook.item)
            changes += [replace(found, hook=hook.events)] if found else []
    return changes


def same_hooks(before: Iterable[Hook], after: Iterable[Hook], scope: Scope) -> bool:
    """Whether a release has the hooks that it had."""
    old, new = ({scope.key(hook.item): hook.said for hook in side} for side in (before, after))
    return old == new


def with_hooks(changes: Iterable[ObjectChange], hooks: Iterable[ObjectChange]) -> list[ObjectChange]:
    """All changes of an upgrade; an object that becomes a hook also leaves the release, after the hooks before it."""
    found = {item.key: item for item in changes}
    for hook in hooks:
        leaves = hook.key in found and found[hook.key].op == "remove"
        if not leaves or any(event.startswith("post-") for event in hook.hook):
            found[hook.key] = replace(hook, op="replace") if leaves else hook
    return list(found.values())


def identical(left: Any, right: Any) -> bool:
    """Whether two data are equal; true is not 1."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(identical(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(identical, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def change(op: Op, key: Key, before: Object | None, after: Object | None) -> ObjectChange:
    group, kind, namespace, name = key
    return ObjectChange(op, kind, namespace, name, before, after, group=group)


def common(left: Sequence[object], right: Sequence[object]) -> int:
    """How many items both begin with."""
    return sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(left, right)))


def without_random(
    first: Manifests, second: Manifests, before: Manifests, scope: Scope, elsewhere: Manifests | None = None
) -> tuple[Manifests, Manifests]:
    """``first`` and ``before`` with all that differs between two renders of the same input marked as random.

    A random value in the new objects equals any value at the same place in the old ones.

    :arg elsewhere: a third render, in another time zone. What differs from it alone is not marked if it is what it was,
        such as the date on the same day.
    """
    old = {scope.key(item): item for item in before.all}
    new = {scope.key(item): item for item in first.all}
    marked_new: dict[Key, Object] = dict(new)
    marked_old = dict(old)
    for render, unless_same in ((second, False), (elsewhere, True)) if elsewhere else ((second, False),):
        again = {scope.key(item): item for item in render.all}
        partners = {key: (key, key) for key in new} | _randomly_named(new, again, old)
        for key, (other, former) in partners.items():
            item = marked_new[key]
            partner = again.get(other, item)
            marked_new[key], was = _mark(item, partner, marked_old.get(former), unless_same=unless_same)
            if former in old:
                marked_old[former] = was

    def chosen(of: Manifests, source: Mapping[Key, Object]) -> Manifests:
        hooks = tuple(replace(hook, item=source[scope.key(hook.item)]) for hook in of.hooks)
        return replace(of, objects=tuple(source[scope.key(item)] for item in of.objects), hooks=hooks)

    return chosen(first, marked_new), chosen(before, marked_old)


def _randomly_named(
    new: Mapping[Key, Object], again: Mapping[Key, Object], old: Mapping[Key, Object]
) -> dict[Key, tuple[Key, Key]]:
    """For objects with random names: their counterparts in the second render and in the old release.

    Those of one kind and namespace belong together in their order.
    """
    result = {}
    places = {key[:3]: None for key in new if key not in again}
    for place in places:
        names, others = (
            [k for k in side if k[:3] == place and k not in rest] for side, rest in ((new, again), (again, new))
        )
        former = [key for key in old if key[:3] == place and key not in new]
        for number, key in enumerate(names):
            result[key] = (
                others[number] if number < len(others) else key,
                former[number] if number < len(former) else key,
            )
    return result


def _mark(first: Any, second: Any, old: Any, *, unless_same: bool) -> tuple[Any, Any]:
    if first == second or (unless_same and first == old):
        return first, old
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        first, second, old = _same_keys(first, second, old)
        prior = old if isinstance(old, Mapping) else {}
        pairs = {key: _mark(first[key], second[key], prior.get(key), unless_same=unless_same) for key in first}
        marked = {key: pair[0] for key, pair in pairs.items()}
        return marked, {**prior, **{k: pairs[k][1] for k in pairs if k in prior}} if isinstance(old, Mapping) else old
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        aligned = isinstance(old, list) and len(old) == len(first)
        former = old if aligned else [None] * len(first)
        items = [_mark(*each, unless_same=unless_same) for each in zip(first, second, former)]
        return [item[0] for item in items], [item[1] for item in items] if aligned else old
    if isinstance(first, str) and isinstance(second, str) and isinstance(old, str):
        return _mark_text(first, second, old)
    return RANDOM, None if old is None else RANDOM


def _same_keys(first: Mapping[str, Any], second: Mapping[str, Any], old: Any) -> tuple[Any, Any, Any]:
    """The maps with their random keys, those that the other render does not have, called so and numbered."""

    def named(side: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
        lost = {key: f"{RANDOM} {number}" for number, key in enumerate(key for key in side if key not in other)}
        return {lost.get(key, key): value for key, value in side.items()}

    both = {key: None for key in first if key in second}
    if len(both) == len(first) == len(second):
        return first, second, old
    mine, others = named(first, both), named(second, both)
    lost = {key: others.get(key) for key in mine}
    return mine, lost, named(old, both) if isinstance(old, Mapping) else old


def _mark_text(first: str, second: str, old: str) -> tuple[str, str]:
    """A text with a random part: the rest must be unchanged."""
    head = common(first, second)
    tail = common(first[head:][::-1], second[head:][::-1])
    left, right = _LEFT.match(first[:head]), _RIGHT.search(first[len(first) - tail :])
    begin, end = left[0] if left else "", right[0] if right else ""
    marked = f"{begin}{RANDOM}{end}"
    same = len(old) >= len(begin) + len(end) and old.startswith(begin) and old.endswith(end)
    return marked, marked if same else old

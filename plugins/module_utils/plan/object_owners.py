# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which release a live object belongs to, and objects that move from one release to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest, order
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

_NAME, _NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


def owner(live: Object) -> str:
    """The release that an object belongs to by Helm's marks (pkg/action/validate.go); "" if to none."""
    labels, marks = manifest.metadata(live).get("labels") or {}, manifest.annotations_of(live)
    if labels.get("app.kubernetes.io/managed-by") != "Helm" or not marks.get(_NAME) or not marks.get(_NAMESPACE):
        return ""
    return f"{marks[_NAMESPACE]}/{marks[_NAME]}"


def kept(item: Object, live: Object | None) -> bool:
    """Whether an upgrade leaves an object where it is that is no longer part of the release (pkg/kube/client.go)."""
    return manifest.annotations_of(item if live is None else live).get(manifest.KEEP) == "keep"


def moved(changes: Iterable[Change]) -> list[Change]:
    """The changes such that a release which gives an object up comes before the one that takes it.

    :raises InputError: an object belongs to something else, or two releases want it.
    """
    listed = sorted(changes, key=lambda change: change.wave)
    given = {item.key: change.id for change in listed for item in change.objects if item.op == "remove"}
    takers: dict[Key, str] = {}
    return [_placed(change, given, takers) for change in listed]


def _placed(change: Change, given: Mapping[Key, str], takers: dict[Key, str]) -> Change:
    if not change.objects:
        return change
    objects, needs = [], set(change.needs)
    # Helm checks the owner neither of crds/ nor of hooks
    free = {item.change.key for item in change.definitions}
    free |= {item.key for item in change.objects if item.hook}
    for item in change.objects:
        key = item.key
        if key not in free and (item.op == "add" or item.owner is not None):
            taker = takers.setdefault(key, change.id)
            if taker != change.id:
                raise _claimed(change, item, f"release {taker} wants it too")
        if item.owner is not None:
            if given.get(key, change.id) == change.id:
                whose = f"belongs to release {item.owner}" if item.owner else "belongs to no release"
                raise _claimed(change, item, f"it is there already and {whose}")
            needs.add(given[key])
        objects.append(item if item.owner is None else replace(item, op="add", owner=None))
    return replace(change, needs=tuple(sorted(needs)), objects=tuple(objects))


def in_waves(changes: Iterable[Change]) -> list[Change]:
    """The changes with the waves that follow from their needs.

    :raises InputError: they need each other.
    """
    listed = list(changes)
    known = {change.id for change in listed}
    try:
        depth = order.waves({change.id: frozenset(change.needs) & known for change in listed})
    except ValueError as error:
        raise InputError(
            f"releases {', '.join(error.args[1:])} wait for each other, as objects move from one to the other",
            hint="Let them move in two runs, or change the releases' needs",
        ) from None
    return [change if change.wave == depth[change.id] else replace(change, wave=depth[change.id]) for change in listed]


def _claimed(change: Change, item: ObjectChange, why: str) -> InputError:
    where = f"{item.namespace}/{item.name}" if item.namespace else item.name
    return InputError(
        f"release {change.id} wants {item.kind} {where}, but {why}",
        where=change.release.where if change.release else None,
        hint="Helm takes only what is its own: delete the object, give it another name, or take it out of that release",
    )

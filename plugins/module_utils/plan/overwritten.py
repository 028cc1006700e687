# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live values that are neither deployed nor wanted: an upgrade overwrites them, or leaves them.

A diff shows the manifests of both revisions, in which a Deployment that was scaled by hand does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import drift
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange

_LONGEST = 60  # characters of a value in a message
_MOST = 5  # places of one object
_Path = tuple[str, ...]


@dataclass(frozen=True)
class Overwritten:
    """What a release's upgrade overwrites, in words, and where live objects are not as they were deployed."""

    warnings: list[str] = field(default_factory=list)
    places: dict[Key, tuple[_Path, ...]] = field(default_factory=dict)


def overwritten(
    context: Context,
    deployed: Deployed,
    method: str,
    changes: Sequence[ObjectChange],
    held: Mapping[Key, Object],
    wanted: Mapping[Key, Object],
) -> Overwritten:
    """The edits since the deployment, of objects that change, that are lost.

    :arg held: the manifests that the objects were deployed with.
    :arg wanted: those that helm is about to apply.
    """
    result = Overwritten()
    for item in changes:
        if (item.op != "change" and not item.forced) or item.key not in held or item.key not in wanted:
            continue
        was, live = held[item.key], context.live(wanted[item.key], item.namespace) or {}
        places = drift.edits(live, was, deployed.name, deployed.namespace) if live else ()
        if not places:
            continue
        result.places[item.key] = places
        if item.forced:
            continue
        try:
            lost = list(_lost(context, deployed, method, item, was, wanted[item.key], places))
        except Forbidden:  # another warning reports that
            continue
        more = f", and {len(lost) - _MOST} more" if len(lost) > _MOST else ""
        if lost:
            result.warnings.append(f"{item.kind} {item.name} was edited since: {'; '.join(lost[:_MOST])}{more}")
    return result


def _lost(
    context: Context,
    deployed: Deployed,
    method: str,
    item: ObjectChange,
    was: Object,
    wanted: Object,
    places: Sequence[_Path],
) -> Iterator[str]:
    """The outcome for places that differ from both manifests, and from what the server makes of the old one."""
    cluster = context.cluster
    back = cluster.reapplied(deployed, was, item.namespace, method, may_hold_more=True)
    then = cluster.reapplied(deployed, wanted, item.namespace, method, may_hold_more=True, former=was)
    if back is None or then is None or then.problem or back.live is None or then.live is None:
        return
    for place in places:
        live, after = _at(then.live, place), _at(then.restored, place)
        if live is None or live in (_at(wanted, place), _at(back.restored, place)):
            continue
        yield _told(".".join(place), live, after, secret=item.kind == "Secret")


def _told(place: str, live: Any, after: Any, *, secret: bool) -> str:
    if secret or isinstance(live, (Mapping, list)) or len(str(live)) > _LONGEST:
        return f"{place} is {'overwritten' if live != after else 'left so'}"
    if live == after:
        return f"{place} is {live} in the cluster and stays so, as it is not helm's any more"
    if after is None:
        return f"{place} is {live} in the cluster, and the upgrade takes it away"
    told = (
        f"makes it {after}" if len(str(after)) <= _LONGEST and not isinstance(after, (Mapping, list)) else "changes it"
    )
    return f"{place} is {live} in the cluster, and the upgrade {told}"


def _at(item: Any, place: _Path) -> Any:
    for key in place:
        if isinstance(item, list):
            item = item[int(key)] if key.isdigit() and int(key) < len(item) else None
        else:
            item = item.get(key) if isinstance(item, Mapping) else None
    return item

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that was approved: what of it is kept, and how another plan differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan

# What is kept at most, as artifacts of a workflow are to stay small
_RELEASES = 200
_OBJECTS = 500
_IDLE = ("unchanged", "skip")


def brief(plan: Any) -> dict[str, Any]:
    """A plan's digest and, if it is not too much, what it does with each release and object that it changes.

    :arg plan: as a result has it, or brief already, or a digest alone.
    :raises InputError: it is none of these.
    """
    if isinstance(plan, str) and plan:
        return {"digest": plan}
    if not isinstance(plan, Mapping) or not isinstance(plan.get("digest"), str) or not plan["digest"]:
        told = "is empty" if plan in ("", None) else "is neither a plan nor a plan's digest"
        raise InputError(
            f"expected_plan {told}", hint="Give it the digest of a plan, or leave it out to apply any plan"
        )
    releases, objects = plan.get("releases"), plan.get("objects")
    if isinstance(releases, list):
        busy = [item for item in releases if item["action"] not in _IDLE]
        releases = {_id(item): _told(item["action"], item["revision"]["from"], item["reason"]) for item in busy}
        objects = {_id(item): _objects(item["objects"]) for item in busy if item.get("objects")}
    kept = {"releases": releases} if releases and len(releases) <= _RELEASES else {}
    if kept and objects and sum(map(len, objects.values())) <= _OBJECTS:
        kept["objects"] = objects
    return {"digest": plan["digest"], **kept}


def differences(expected: Mapping[str, Any], plan: Plan) -> list[str]:
    """Lines that say what a plan does otherwise than the expected one, or what it does if that is not known."""
    busy = [change for change in plan.changes if change.action not in _IDLE]
    now = {change.id: _told(change.action, change.revision_from, change.reasons) for change in busy}
    before = expected.get("releases")
    if before is None:
        lines = [f"  {identity}: {told}" for identity, told in now.items()]
        return ["What the plan is now:", *(lines or ["  nothing changes"])]
    lines = [f"  {name}: {text}" for name, text in _differing(before, now, "stays as it is")]
    for change in busy if "objects" in expected else ():
        if before.get(change.id) == now[change.id]:
            told = _objects(item.data for item in change.objects)
            found = _differing(expected["objects"].get(change.id, {}), told, "nothing")
            lines += [f"  {change.id}, {name}: {text}" for name, text in found]
    same = "  the same in the same way, but with other charts or values, in another order, or not from the same state"
    return ["What differs:", *(lines or [same])]


def _differing(before: Mapping[str, str], now: Mapping[str, str], nothing: str) -> Iterator[tuple[str, str]]:
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            yield name, f"{now.get(name, nothing)}; expected: {before.get(name, nothing)}"


def _id(release: Mapping[str, Any]) -> str:
    return f"{release['namespace']}/{release['name']}"


def _objects(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What becomes of each object, as a result tells it."""
    return {
        f"{item['kind']} {item['namespace']}{'/' if item['namespace'] else ''}{item['name']}": item["op"]
        for item in items
    }


def _told(action: str, revision: int | None, reasons: Any) -> str:
    return f"{action} from revision {revision or 'none'} ({', '.join(reasons)})"

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The approved plan: which part of it is kept, and how another plan differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan.parts import differing

if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan

# At most so much is kept: a workflow's artifacts should stay small
_RELEASES = 200
_OBJECTS = 500
_IDLE = ("unchanged", "skip")


def brief(plan: Any) -> dict[str, Any]:
    """A plan's digest and, if it is not too much, what it does with each release and object that it changes.

    Lists of lines, as Ansible and AWX join the maps of several tasks.

    :arg plan: as in a result, or already brief, or only a digest.
    :raises InputError: it is none of these.
    """
    if isinstance(plan, str) and plan:
        return {"digest": plan}
    if not isinstance(plan, Mapping) or not isinstance(plan.get("digest"), str) or not plan["digest"]:
        told = "is empty" if plan in ("", None) else "is neither a plan nor a plan's digest"
        raise InputError(
            f"expected_plan {told}", hint="Give it the digest of a plan, or leave it out to apply any plan"
        )
    changes, objects, marks = plan.get("changes"), plan.get("objects"), plan.get("parts")
    if isinstance(plan.get("releases"), list):
        changes, objects = _lines(plan["releases"])
        marks = _marks(plan["releases"])
    return {
        "digest": plan["digest"],
        "changes": changes if changes is not None and len(changes) <= _RELEASES else None,
        "objects": objects if objects is not None and len(objects) <= _OBJECTS else None,
        **({"parts": marks} if marks and len(marks) <= _RELEASES else {}),
    }


def differences(expected: Mapping[str, Any], plan: Plan) -> list[str]:
    """Lines that say how a plan differs from the expected one; or what it does, if only a digest is expected."""
    changes, objects = _lines(change.data for change in plan.changes)
    if expected.get("changes") is None:
        return ["What the plan is now:", *(f"  {line}" for line in changes or ["nothing changes"])]
    lines = list(_differing(expected["changes"], changes, "stays as it is"))
    if expected.get("objects") is not None:
        same = tuple(f"{line.partition(': ')[0]}, " for line in set(expected["changes"]) & set(changes))
        before, now = ([line for line in side if line.startswith(same)] for side in (expected["objects"], objects))
        lines += _differing(before, now, "nothing")
    lines += _inputs(expected, changes, _marks(change.data for change in plan.changes))
    alike = "the same in the same way, but with other charts or values, in another order, or not from the same state"
    return ["What differs:", *(f"  {line}" for line in lines or [alike])]


def _marks(releases: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"{_id(item)}: {item['parts']}" for item in releases if item.get("parts")]


def _inputs(expected: Mapping[str, Any], changes: Iterable[str], found: Iterable[str]) -> Iterator[str]:
    """The differing parts from which the same changes of a release were planned."""
    before, now = (dict(line.rpartition(": ")[::2] for line in side) for side in (expected.get("parts") or (), found))
    told = {line.partition(": ")[0] for line in set(expected["changes"]) ^ set(changes)}
    for name in now:
        why = differing(before[name], now[name]) if name in before and name not in told else ""
        if why:
            yield f"{name}: {why}"


def _lines(releases: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The releases and objects of a result, a line each."""
    busy = [item for item in releases if item["action"] not in _IDLE]
    changes = [
        f"{_id(item)}: {item['action']} from revision {item['revision']['from'] or 'none'} ({why})"
        for item, why in ((item, ", ".join(item["reason"])) for item in busy)
    ]
    return changes, [
        f"{_id(release)}, {item['kind']} {_id(item) if item['namespace'] else item['name']}: {item['op']}"
        for release in busy
        for item in release.get("objects") or ()
    ]


def _id(item: Mapping[str, Any]) -> str:
    return f"{item['namespace']}/{item['name']}"


def _differing(expected: Iterable[str], found: Iterable[str], nothing: str) -> Iterator[str]:
    """The difference of two lists of lines; each line describes the thing before its colon."""
    before, now = (dict(line.rpartition(": ")[::2] for line in side) for side in (expected, found))
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            yield f"{name}: {now.get(name, nothing)}; expected: {before.get(name, nothing)}"

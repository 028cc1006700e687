# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that was approved: what of it is kept, and how another plan differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan

_MOST = 200  # releases that are kept: artifacts of a workflow are to stay small


def brief(plan: Any) -> dict[str, Any]:
    """A plan's digest and, if there are not too many, what it does with each release that does not stay as it is.

    :arg plan: as a result has it, or brief already, or a digest alone.
    :raises InputError: it is none of these.
    """
    if isinstance(plan, str) and plan:
        return {"digest": plan}
    if not isinstance(plan, Mapping) or not isinstance(plan.get("digest"), str) or not plan["digest"]:
        told = "is empty" if plan == "" else "is neither a plan nor a plan's digest"
        raise InputError(
            f"expected_plan {told}", hint="Give it the digest of a plan, or leave it out to apply any plan"
        )
    releases = plan.get("releases")
    if isinstance(releases, list):
        releases = {
            f"{item['namespace']}/{item['name']}": _told(item["action"], item["revision"]["from"], item["reason"])
            for item in releases
            if item["action"] not in ("unchanged", "skip")
        }
    return {"digest": plan["digest"], **({"releases": releases} if releases and len(releases) <= _MOST else {})}


def differences(expected: Mapping[str, Any], plan: Plan) -> list[str]:
    """Lines that say what a plan does otherwise than the expected one, or what it does if that is not known."""
    now = {
        change.id: _told(change.action, change.revision_from, change.reasons)
        for change in plan.changes
        if change.action not in ("unchanged", "skip")
    }
    before = expected.get("releases")
    if before is None:
        lines = [f"  {identity}: {told}" for identity, told in now.items()]
        return ["What the plan is now:", *(lines or ["  nothing changes"])]
    lines = [
        f"  {identity}: {now.get(identity, 'stays as it is')}; expected: {before.get(identity, 'stays as it is')}"
        for identity in {**before, **now}
        if before.get(identity) != now.get(identity)
    ]
    same = "  the same releases in the same way, but with other charts or values, or not from the same state"
    return ["What differs:", *(lines or [same])]


def _told(action: str, revision: int | None, reasons: Any) -> str:
    return f"{action} from revision {revision or 'none'} ({', '.join(reasons)})"

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan and Outcome as the result that Ansible shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import (
    FAILED,
    NOT_STARTED,
    ROLLED_BACK,
    Outcome,
    Result,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan import images, risks
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ACTIONS, Change, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report import diff
from ansible_collections.helmstack.core.plugins.module_utils.report.summary import HOW_FAR, differing, total
from ansible_collections.helmstack.core.plugins.module_utils.report.value_changes import changes_data


def mask_for(plan: Plan, secrets: Iterable[str]) -> Mask:
    """Masks the secrets of vaults and options (``secrets``), and those of the plan's Secret objects."""
    return Mask(set(secrets).union(*(change.secrets for change in plan.changes)), plan.public_names)


def result(plan: Plan, cluster: ClusterInfo, outcome: Outcome | None, mask: Mask, *, with_diff: bool) -> dict[str, Any]:
    """The task's result.

    :arg outcome: None in check mode.
    """
    results: Mapping[str, Result] = outcome.results if outcome else {}
    return {
        "changed": plan.changed if outcome is None else _has_changed(plan, results),
        "cluster": {
            "server": cluster.server,
            "uid": cluster.uid,
            "version": cluster.version,
            "context": cluster.context,
        },
        "plan": plan_data(plan, results, mask),
        **({"sub_charts": sub_charts(plan, results)} if plan.sprays else {}),
        **({"diff": diff.entries(plan, mask)} if with_diff else {}),
    }


def plan_data(plan: Plan, results: Mapping[str, Result], mask: Mask) -> dict[str, Any]:
    """The plan in a result: what to look at first, then what happens to each release."""
    return {
        "digest": plan.digest,
        "stack": plan.stack,
        "environment": plan.environment,
        "risks": [{**risk, "why": mask.text(risk["why"])} for risk in risks.table(plan)],
        "releases": [release(change, results.get(change.id), mask) for change in plan.changes],
        "images": mask.data(images.table((change.id, change.images) for change in plan.changes)),
        "left_behind": list(plan.left_behind),
        "summary": _summary(plan),
    }


def _summary(plan: Plan) -> dict[str, int]:
    return {action: sum(change.action == action for change in plan.changes) for action in ACTIONS}


def sum_of(plan: Plan) -> str:
    """The plan in a line."""
    return total({"releases": [change.data for change in plan.changes], "summary": _summary(plan)})


def release(change: Change, done: Result | None, mask: Mask) -> dict[str, Any]:
    """One release of the plan, and what became of it."""
    status = change.deployed.status if change.deployed else None
    return {
        **change.data,
        **({"values": changes_data(change.values, mask)} if change.values else {}),
        **({"drift": drift(change, mask)} if not change.effective and "drift" in change.reasons else {}),
        "status": done.status if done and done.status else status,
        "duration": done.duration if done else None,
        "error": mask.text(done.error) if done and done.error else None,
        "outcome": {"state": done.state, "revision": done.revision} if done else None,
    }


def drift(change: Change, mask: Mask) -> list[dict[str, Any]]:
    """The objects that are not as they were deployed, each with the fields that differ; none: it is gone."""
    return [
        {
            **{key: value for key, value in item.data.items() if key != "op"},
            "fields": [mask.text(path) for path in differing(item.before, item.after)] if item.before else [],
        }
        for item in change.objects
    ]


def sub_charts(plan: Plan, results: Mapping[str, Result]) -> list[dict[str, Any]]:
    """helm-spray's table as data: a row for each sub-chart of each sprayed umbrella."""
    changes = {change.id: change for change in plan.changes}
    return [
        {
            "umbrella": sprayed.umbrella.id,
            "sub_chart": row.chart,
            "alias": row.alias,
            "targeted": row.targeted,
            "why": row.why,
            "weight": row.weight,
            "release": row.name,
            **_progress(changes.get(f"{sprayed.umbrella.namespace}/{row.name}"), results, targeted=row.targeted),
        }
        for sprayed in plan.sprays
        for row in sprayed.table
    ]


def _progress(change: Change | None, results: Mapping[str, Result], *, targeted: bool) -> dict[str, Any]:
    if change is None or not targeted:
        return {"action": "skip", "revision": {"from": None, "to": None}, "status": None}
    done = results.get(change.id)
    status = change.deployed.status if change.deployed else None
    if done is not None:
        # helm says "deployed" of a release that is not ready, too
        status = "failed" if done.state == FAILED else done.status or status
    return {
        "action": change.action,
        "revision": {"from": change.revision_from, "to": change.revision_to},
        "status": status,
    }


def failure(plan: Plan, outcome: Outcome, mask: Mask, lost: str = "") -> str:
    """The message of a run that failed: what failed and why, then the state of every release.

    :arg lost: why the run was not to go on, if so.
    """
    told = f"{len(outcome.failed)} of {len(plan.changes)} releases failed\n{states(plan, outcome, mask)}"
    return f"{lost}\n{told}" if lost else told


def states(plan: Plan, outcome: Outcome, mask: Mask) -> str:
    """What went wrong, and how far the run got with every release."""
    errors = {identity: outcome.results[identity].error or "" for identity in outcome.failed}
    named = {identity: error.startswith(f"release {identity} ") for identity, error in errors.items()}
    lines = [error if named[identity] else f"{identity}: {error}" for identity, error in errors.items()]
    lines.append(HOW_FAR)
    lines += [f"  {change.id}: {_state(change, outcome.results.get(change.id))}" for change in plan.changes]
    return mask.text("\n".join(lines))


def _state(change: Change, done: Result | None) -> str:
    if done is None:
        return change.note or "unchanged"
    if done.state == FAILED:
        left = _left(change, done)
        return f"{change.action} failed{'; ' if left else ''}{left}"
    if done.state == ROLLED_BACK:
        return f"rolled back ({change.action} undone): {_left(change, done)}"
    if done.state == NOT_STARTED:
        return f"not started ({change.action})"
    return f"{done.status}{_at(done)} ({change.action}, {done.duration:.1f} s)"


def _left(change: Change, done: Result) -> str:
    """What a release is now that was not upgraded, or that went back: the revision of a rollback is a new one."""
    before = change.deployed.current_revision if change.deployed else None
    if done.status in (None, "failed"):
        return ""
    if done.status != "deployed" or not done.revision:
        if before is not None or done.status != "uninstalled":
            return f"it is {done.status}"
        # helm may have refused to install it before it stored anything
        return "it is gone again" if done.state == ROLLED_BACK else "there is no such release"
    if done.revision == change.revision_from and change.effective:
        return f"it is as it was, at revision {done.revision}"
    if done.revision == change.revision_to:
        return f"revision {done.revision} is deployed, but not ready"
    return f"it is at revision {done.revision}" + (f", which is what revision {before} was" if before else "")


def _at(done: Result) -> str:
    return f", revision {done.revision}" if done.revision else ""


def _has_changed(plan: Plan, results: Mapping[str, Result]) -> bool:
    """Whether anything effective was begun: a failed upgrade has changed the cluster too."""
    begun = {identity for identity, done in results.items() if done.state != NOT_STARTED}
    return any(change.effective and change.id in begun for change in plan.changes)

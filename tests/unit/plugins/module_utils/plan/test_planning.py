# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored and what is in the cluster, against what is wanted: the plan that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Plan
from ansible_collections.helmstack.core.tests.unit.plugins.module_utils.fake_world import (
    NOW,
    Object,
    Revision,
    World,
    config,
    release,
)

A, A2, B = config("a"), config("a", "2"), config("b")
OLD = NOW - 700  # longer ago than pending_age


@dataclass(frozen=True)
class Case:
    """One release: its history and what is live, what is wanted, and the change that must follow."""

    history: tuple[Revision, ...]
    wanted: tuple[Object, ...]
    action: str
    reasons: tuple[str, ...]
    ops: dict[str, str]
    live: tuple[Object, ...] | None = None  # None: as the last revision says
    version: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    revision: int | None = None


def deployed(*objects: Object, **fields: Any) -> Revision:
    return Revision("deployed", objects, **fields)


CASES = {
    "nothing is there": Case((), (A,), "install", ("new",), {"a": "add"}, revision=1),
    "not by this collection, and the same": Case((deployed(A),), (A,), "adopt", ("labels",), {}, revision=1),
    "another value": Case((deployed(A),), (A2,), "upgrade", ("values",), {"a": "change"}, revision=2),
    "one object more": Case((deployed(A),), (A, B), "upgrade", ("values",), {"b": "add"}),
    "one object less": Case((deployed(A, B),), (A,), "upgrade", ("values",), {"b": "remove"}),
    "less, and it is gone already": Case((deployed(A, B),), (A,), "upgrade", ("values",), {}, live=(A,)),
    "another version": Case((deployed(A),), (A,), "upgrade", ("version",), {}, version="2.0.0"),
    "a deleted object comes back with any upgrade": Case(
        (deployed(A, B),), (A2, B), "upgrade", ("values",), {"a": "change", "b": "add"}, live=(A,)
    ),
    "an edit is taken back by any upgrade": Case(
        (deployed(A, B),), (A2, B), "upgrade", ("values",), {"a": "change", "b": "change"}, live=(A, config("b", "x"))
    ),
    "the last upgrade failed after it had changed all": Case(
        (deployed(A), Revision("failed", (A2,))), (A2,), "upgrade", ("values", "failed"), {}, revision=3
    ),
    "the last upgrade failed before it changed anything": Case(
        (deployed(A), Revision("failed", (A2,))), (A2,), "upgrade", ("values", "failed"), {"a": "change"}, live=(A,)
    ),
    "a failed upgrade is given up": Case(
        (deployed(A), Revision("failed", (A2,))), (A,), "upgrade", ("failed",), {"a": "change"}, revision=3
    ),
    "the first install failed": Case(
        (Revision("failed", (A,)),), (A,), "upgrade", ("failed",), {"a": "add"}, live=(), revision=2
    ),
    "killed in an upgrade": Case(
        (deployed(A), Revision("pending-upgrade", (A2,), modified=OLD)),
        (A,),
        "recover",
        ("pending",),
        {"a": "change"},
        revision=4,
    ),
    "killed in the first install": Case(
        (Revision("pending-install", (A,), modified=OLD),), (A,), "recover", ("pending",), {"a": "replace"}, revision=1
    ),
    "a status that no helm stores, after one that is deployed": Case(
        (deployed(A), Revision("unknown", (A2,))), (A2,), "upgrade", ("values",), {}, revision=3
    ),
    "uninstalled with its history kept": Case(
        (Revision("uninstalled", (A,)),), (A,), "install", ("new",), {"a": "add"}, live=(), revision=2
    ),
}


def planned(world: World, case: Case) -> Change:
    if case.history:
        world.has("web", *case.history, live=case.live)
    [change] = world.plan(release("web", *case.wanted, version=case.version), **case.options).changes
    return change


def ops(change: Change) -> dict[str, str]:
    return {item.name: item.op for item in change.objects}


def actions(plan: Plan) -> dict[str, str]:
    return {change.name: change.action for change in plan.changes}


@pytest.mark.parametrize("major", [3, 4])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_history_and_live_objects_make_the_change(tmp_path: Path, case: Case, major: int) -> None:
    change = planned(World(tmp_path, major), case)
    assert (change.action, change.reasons, ops(change)) == (case.action, case.reasons, case.ops)
    assert change.revision_to == case.revision or case.revision is None


@pytest.mark.parametrize("major", [3, 4])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_run_leaves_what_the_plan_said_and_the_next_plan_is_empty(tmp_path: Path, case: Case, major: int) -> None:
    world = World(tmp_path, major)
    change = planned(world, case)
    wanted = release("web", *case.wanted, version=case.version)
    outcome = world.run(world.plan(wanted))
    assert not outcome.failed
    assert outcome.results["a/web"].revision == change.revision_to
    held = {name: item["data"]["value"] for (_kind, _namespace, name), item in world.objects.items()}
    assert held == {item["metadata"]["name"]: item["data"]["value"] for item in case.wanted}
    rendered = len(world.rendered)
    assert actions(world.plan(wanted)) == {"web": "unchanged"}
    assert len(world.rendered) == rendered, "what is stamped is not rendered"


def test_a_release_that_helm_refuses_to_upgrade_is_an_error_of_the_check(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.has("web", Revision("unknown", (A,)))
    with pytest.raises(HelmstackError, match=r"a/web has the status 'unknown' .* no deployed revision") as error:
        world.plan(release("web", A2))
    assert "helm rollback web 1 -n a" in str(error.value)


@pytest.mark.parametrize(
    ("revision", "options", "message"),
    [
        (Revision("pending-upgrade", (A,), modified=NOW - 30), {}, "has been pending-upgrade for 30 s"),
        (Revision("pending-upgrade", (A,), modified=OLD), {"recover": "fail"}, "has been pending-upgrade for 700 s"),
    ],
)
def test_a_release_that_may_be_worked_on_is_not_touched(
    tmp_path: Path, revision: Revision, options: dict[str, Any], message: str
) -> None:
    world = World(tmp_path)
    world.has("web", deployed(A), revision)
    with pytest.raises(HelmstackError, match=message):
        world.plan(release("web", A), **options)


def stamped(world: World, *objects: Object, name: str = "web") -> None:
    """The release as a run of ours leaves it."""
    world.run(world.plan(release(name, *objects)))
    world.done.clear()


DRIFT = {
    "ignored": ("ignore", A2, "unchanged", (), {}),
    "reported": ("report", A2, "unchanged", ("drift",), {"a": "change"}),
    "corrected": ("correct", A2, "upgrade", ("drift",), {"a": "change"}),
    "nothing to report": ("report", A, "unchanged", (), {}),
    "nothing to correct": ("correct", A, "unchanged", (), {}),
    "deleted and reported": ("report", None, "unchanged", ("drift",), {"a": "add"}),
    "deleted and corrected": ("correct", None, "upgrade", ("drift",), {"a": "add"}),
}


@pytest.mark.parametrize(("drift", "live", "action", "reasons", "expected"), DRIFT.values(), ids=DRIFT)
def test_what_was_changed_by_hand(
    tmp_path: Path, drift: str, live: Object | None, action: str, reasons: tuple[str, ...], expected: dict[str, str]
) -> None:
    world = World(tmp_path)
    stamped(world, A)
    world.objects.clear()
    if live:
        world.put("web", live)
    [change] = world.plan(release("web", A), drift=drift).changes
    assert (change.action, change.reasons, ops(change)) == (action, reasons, expected)


# several releases


def test_what_releases_need_comes_before_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    plan = world.plan(release("web", A, needs=("a/db",)), release("db", B), release("log", config("c")))
    assert {change.name: change.wave for change in plan.changes} == {"db": 0, "log": 0, "web": 1}
    world.run(plan)
    assert world.done.index("upgrade db") < world.done.index("upgrade web")


def test_absent_uninstalls_in_reverse_order_and_only_what_is_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    releases = release("web", A, needs=("a/db",)), release("db", B), release("never", config("c"))
    world.run(world.plan(*releases[:2]))
    world.done.clear()
    plan = world.plan(*releases, state="absent", all=True)
    assert {name: action for name, action in actions(plan).items() if action == "uninstall"} == {
        "web": "uninstall",
        "db": "uninstall",
    }
    assert not world.run(plan).failed
    assert (world.done, world.objects) == (["uninstall web", "uninstall db"], {})


def test_absent_of_a_whole_stack_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="state: absent needs targets or a selector"):
        World(tmp_path).plan(release("web", A), state="absent")


def test_targets_leave_the_others_alone(tmp_path: Path) -> None:
    plan = World(tmp_path).plan(release("web", A), release("db", B), targets=("a/db",))
    assert actions(plan) == {"db": "install"}


def test_prune_removes_what_the_stack_no_longer_has_and_nothing_of_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run(world.plan(release("web", A), release("db", B)))
    world.has("foreign", deployed(config("c")))
    assert actions(world.plan(release("web", A))) == {"web": "unchanged"}
    plan = world.plan(release("web", A), prune=True)
    assert actions(plan) == {"web": "unchanged", "db": "uninstall"}
    assert ops(next(change for change in plan.changes if change.name == "db")) == {"b": "remove"}


def test_prune_has_a_bound(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run(world.plan(release("web", A), release("db", B)))
    with pytest.raises(InputError, match=r"prune would uninstall 1 release .*, and prune_max allows 0"):
        world.plan(release("web", A), prune=True, prune_max=0)


def test_an_object_may_move_to_another_release(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run(world.plan(release("old", A, B), release("new", config("c"))))
    plan = world.plan(release("old", B), release("new", config("c"), A))
    assert {change.name: (ops(change), change.wave) for change in plan.changes} == {
        "old": ({"a": "remove"}, 0),
        "new": ({"a": "add"}, 1),
    }


@pytest.mark.parametrize("owner", ["", "other"])
def test_an_object_of_somebody_else_is_not_taken(tmp_path: Path, owner: str) -> None:
    world = World(tmp_path)
    world.put(owner, A)
    whose = "release a/other" if owner else "no release"
    with pytest.raises(InputError, match=f"a/web wants ConfigMap a/a, but it is there already and belongs to {whose}"):
        world.plan(release("web", A))


def test_a_protected_release_is_not_uninstalled(tmp_path: Path) -> None:
    world = World(tmp_path)
    wanted = release("web", A, protected=True)
    world.run(world.plan(wanted))
    assert "uninstall" not in actions(world.plan(wanted, state="absent", all=True)).values()


def test_the_same_cluster_and_stack_make_the_same_digest(tmp_path: Path) -> None:
    world = World(tmp_path)
    plans = [world.plan(release("web", item), release("db", B)).digest for item in (A, A, A2)]
    assert plans[0] == plans[1] != plans[2]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does of its plan when releases fail, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import (
    DONE,
    FAILED,
    NOT_STARTED,
    ROLLED_BACK,
    Outcome,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan
from ansible_collections.helmstack.core.tests.unit.plugins.module_utils.fake_world import (
    FakeCluster,
    Revision,
    World,
    config,
    release,
)

# web needs db, and log needs nobody
DB, WEB, LOG = (
    release("db", config("d")),
    release("web", config("w"), needs=("a/db",)),
    release("log", config("l")),
)
NEW = (
    release("db", config("d", "2")),
    release("web", config("w", "2"), needs=("a/db",)),
    release("log", config("l", "2")),
)


@dataclass(frozen=True)
class Case:
    """What fails of an upgrade of all three; what becomes of each, and what helm did."""

    on_failure: str
    states: dict[str, str]
    done: list[str]
    failing: dict[str, str] = field(default_factory=dict)
    unready: dict[str, str] = field(default_factory=dict)


HELM_FAILS = {"failing": {"db": "boom"}}
NOT_READY = {"unready": {"d": "does not become ready"}}
CASES = {
    "nothing fails": Case("stop", {"db": DONE, "web": DONE, "log": DONE}, ["upgrade db", "upgrade log", "upgrade web"]),
    "stop: nothing new begins": Case(
        "stop", {"db": FAILED, "web": NOT_STARTED, "log": NOT_STARTED}, ["upgrade db"], **HELM_FAILS
    ),
    "continue: all that does not need it": Case(
        "continue", {"db": FAILED, "web": NOT_STARTED, "log": DONE}, ["upgrade db", "upgrade log"], **HELM_FAILS
    ),
    "rollback: the failed one goes back": Case(
        "rollback",
        {"db": FAILED, "web": NOT_STARTED, "log": NOT_STARTED},
        ["upgrade db", "rollback db to 1"],
        **HELM_FAILS,
    ),
    "rollback: and those done before it": Case(
        "rollback",
        {"db": ROLLED_BACK, "web": FAILED, "log": ROLLED_BACK},
        ["upgrade db", "upgrade log", "upgrade web", "rollback web to 1", "rollback log to 1", "rollback db to 1"],
        failing={"web": "boom"},
    ),
    "not ready: nothing new begins": Case(
        "stop", {"db": FAILED, "web": NOT_STARTED, "log": NOT_STARTED}, ["upgrade db"], **NOT_READY
    ),
}


def upgraded(world: World) -> Plan:
    """All three are there, and there is a plan for another value in each."""
    assert not world.run(world.plan(DB, WEB, LOG)).failed
    world.done.clear()
    return world.plan(*NEW)


def states(outcome: Outcome) -> dict[str, str]:
    return {identity.partition("/")[2]: result.state for identity, result in outcome.results.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_becomes_of_each_release(tmp_path: Path, case: Case) -> None:
    world = World(tmp_path)
    plan = upgraded(world)
    world.failing, world.unready = dict(case.failing), dict(case.unready)
    outcome = world.run(plan, on_failure=case.on_failure)
    assert (states(outcome), world.done) == (case.states, case.done)
    for identity in outcome.failed:
        assert outcome.results[identity].error


def test_what_helm_tells_of_a_revision_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    plan = upgraded(world)

    def body(*_args: object) -> ReleaseBody:
        raise AssertionError("read")

    monkeypatch.setattr(FakeCluster, "body", body)
    world.unready = {"w": "does not become ready"}
    outcome = world.run(plan, on_failure="continue")
    assert states(outcome) == {"db": DONE, "web": FAILED, "log": DONE}
    assert "ConfigMap w does not become ready" in str(outcome.results["a/web"].error)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_next_run_does_just_what_is_left(tmp_path: Path, case: Case) -> None:
    world = World(tmp_path)
    plan = upgraded(world)
    world.failing, world.unready = dict(case.failing), dict(case.unready)
    left = {name for name, state in states(world.run(plan, on_failure=case.on_failure)).items() if state != DONE}
    world.failing, world.unready = {}, {}
    again = world.plan(*NEW)
    assert {change.name for change in again.changes if change.action != "unchanged"} == left
    assert not world.run(again).failed
    assert {change.action for change in world.plan(*NEW).changes} == {"unchanged"}


def test_only_what_was_applied_and_is_ready_is_stamped(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.unready = {"d": "does not become ready"}
    world.run(world.plan(DB, LOG), on_failure="continue")
    stamps = {name: stamp.FINGERPRINT in revisions[-1].labels for name, revisions in world.history.items()}
    assert stamps == {"a/db": False, "a/log": True}


def test_a_release_that_changed_since_the_plan_is_not_touched(tmp_path: Path) -> None:
    world = World(tmp_path)
    plan = upgraded(world)
    world.has("db", *world.history["a/db"], Revision("deployed", (config("d", "9"),)))
    outcome = world.run(plan)
    assert world.done == []
    assert "db" in (outcome.results["a/db"].error or "")


@pytest.mark.parametrize("before", [(), (Revision("deployed", (config("w", "8"),)),)], ids=["install", "upgrade"])
def test_nor_does_it_go_back_with_what_the_run_has_done(tmp_path: Path, before: tuple[Revision, ...]) -> None:
    world = World(tmp_path)
    if before:
        world.has("web", *before)
    plan = world.plan(DB, WEB)
    world.has("web", *before, Revision("deployed", (config("w", "9"),)))
    outcome = world.run(plan, on_failure="rollback")
    assert world.done == ["upgrade db", "uninstall db"]
    assert states(outcome) == {"db": ROLLED_BACK, "web": FAILED}
    assert len(world.history["a/web"]) == len(before) + 1


def test_what_helm_warns_of_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert list(world.run(world.plan(DB)).warnings) == ["helm warns of db"]


def test_an_adopted_release_is_stamped_and_not_applied(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.has("db", Revision("deployed", (config("d"),)))
    outcome = world.run(world.plan(DB))
    assert (states(outcome), world.done) == ({"db": DONE}, [])
    assert [change.action for change in world.plan(DB).changes] == ["unchanged"]


def test_a_release_of_others_gets_its_labels_as_it_is_adopted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.has("db", Revision("deployed", (config("d"),), labels={"owner-of": "others"}))
    labelled = replace(DB, labels={"tier": "back"})
    assert (states(world.run(world.plan(labelled))), world.done) == ({"db": DONE}, [])
    [revision] = world.history["a/db"]
    assert {"owner-of": "others", "tier": "back"}.items() <= revision.labels.items()
    assert [change.action for change in world.plan(labelled).changes] == ["unchanged"]
    assert [change.action for change in world.plan(DB).changes] == ["adopt"]


@pytest.mark.parametrize(("fails", "left"), [(False, []), (True, ["a/db", "a/log"])])
def test_what_prune_removed_comes_back_if_the_run_fails(tmp_path: Path, fails: bool, left: list[str]) -> None:
    world = World(tmp_path)
    assert not world.run(world.plan(DB, LOG)).failed
    world.done.clear()
    plan = world.plan(release("db", config("d", "2")), prune=True)
    world.failing = {"db": "boom"} if fails else {}
    outcome = world.run(plan, on_failure="rollback")
    held = [identity for identity, revisions in world.history.items() if revisions[-1].status == "deployed"]
    assert (bool(outcome.failed), sorted(held)) == (fails, left or ["a/db"])

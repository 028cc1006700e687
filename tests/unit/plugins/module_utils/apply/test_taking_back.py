# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has done goes back after it has ended, as far as its result and Helm's history tell what was there."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.apply.apply import Applier
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome
from ansible_collections.helmstack.core.plugins.module_utils.apply.taking_back import TakingBack
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan
from ansible_collections.helmstack.core.plugins.module_utils.report.result import plan_data
from ansible_collections.helmstack.core.tests.unit.plugins.module_utils.fake_world import (
    FakeCluster,
    FakeHelm,
    FakeReadiness,
    Revision,
    World,
    config,
    release,
)

OLD = (release("db", config("d")), release("gone", config("g")))
NEW = (release("db", config("d", "2")), release("new", config("n")))


def deployed(world: World) -> list[Any]:
    """The result's releases of a run that upgrades one, installs one and uninstalls one."""
    assert not world.run(world.plan(*OLD)).failed
    plan = world.plan(*NEW, prune=True)
    outcome = world.run(plan)
    assert not outcome.failed
    world.done.clear()
    releases: list[Any] = plan_data(plan, outcome.results, Mask(()))["releases"]
    return releases


def taken_back(world: World, done: list[Any]) -> tuple[Outcome, TakingBack]:
    found = TakingBack.of(done, {item.id: item for item in NEW}, FakeCluster(world))
    helm: Any = FakeHelm(world)
    applier = Applier(
        Plan("shop", None, found.changes, digest=""),
        FakeCluster(world),
        FakeReadiness(world),
        lambda _release: helm,
        lambda _release: None,  # type: ignore[arg-type, return-value]
        permit=lambda: None,
        ended=threading.Event(),
        interrupt=lambda: None,
        progress=lambda _text: None,
        concurrency=1,
        on_failure="stop",
    )
    return applier.take_back(found.results), found


def test_upgrades_and_installs_go_back_and_the_rest_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    outcome, found = taken_back(world, deployed(world))
    assert world.done == ["uninstall new", "rollback db to 1"]
    assert {identity: result.state for identity, result in outcome.results.items()} == {
        "a/db": "rolled back",
        "a/new": "rolled back",
    }
    assert found.left == {"a/gone": "it was uninstalled, and its history with it"}


def test_what_somebody_else_has_changed_since_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    done = deployed(world)
    world.has("db", *world.history["a/db"], Revision("deployed", (config("d", "9"),)))
    _outcome, found = taken_back(world, done)
    assert world.done == ["uninstall new"]
    assert found.left["a/db"] == "it is at revision 3, and no longer what the run has made of it, revision 2"


def test_a_release_that_had_failed_goes_back_to_what_was_deployed_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.has("db", Revision("deployed", (config("d"),)), Revision("failed", (config("d", "x"),)))
    plan = world.plan(NEW[0])
    outcome = world.run(plan)
    world.done.clear()
    done = plan_data(plan, outcome.results, Mask(()))["releases"]
    taken_back(world, done)
    assert world.done == ["rollback db to 1"]


def test_what_the_run_did_not_finish_is_left_to_the_run_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert not world.run(world.plan(*OLD)).failed
    plan = world.plan(NEW[0])
    world.failing = {"db": "boom"}
    outcome = world.run(plan)
    world.done.clear()
    done = plan_data(plan, outcome.results, Mask(()))["releases"]
    _outcome, found = taken_back(world, done)
    assert (world.done, found.changes, found.left) == ([], (), {})

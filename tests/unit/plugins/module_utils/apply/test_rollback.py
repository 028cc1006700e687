# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken back, and what needs not be. That it goes back is tested on a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import DONE, FAILED, ROLLED_BACK, Result
from ansible_collections.helmstack.core.plugins.module_utils.apply.rollback import Rollback
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import RollbackArgs, UninstallArgs
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Definition, ObjectChange


def deployed(revision: int, status: str = "deployed", current: int | None = None) -> Deployed:
    return Deployed("a", "web", revision, status, "", current if current is not None else revision)


GONE = Deployed("a", "web", 1, "uninstalled", "")  # with a history that somebody has kept


NEVER = Deployed("a", "web", 1, "failed", "")  # a first install, whose objects are there


@dataclass
class World:
    """A cluster and a helm that note what they are asked for."""

    left: Deployed | None
    done: list[Any] = field(default_factory=list)

    def now(self, namespace: str, name: str) -> Deployed | None:
        return self.left

    def body(self, found: Deployed, revision: int | None = None) -> Any:
        return type("Body", (), {"hooks": (), "manifest": ""})

    def rollback(self, args: RollbackArgs) -> tuple[str, ...]:
        self.done.append(("rollback", args.revision))
        self.left = deployed(9)
        return ()

    def uninstall(self, args: UninstallArgs) -> tuple[str, ...]:
        self.done.append(("uninstall", args.keep_history))
        return ()


@pytest.mark.parametrize(
    ("before", "left", "done", "status"),
    [
        (deployed(1), deployed(2), [("rollback", 1), ("ready", 9)], "deployed"),
        (deployed(2, "failed", 1), deployed(3), [("rollback", 1), ("ready", 9)], "deployed"),
        (deployed(1), Deployed("a", "web", 1, "uninstalled", ""), [("rollback", 1), ("ready", 9)], "deployed"),
        (deployed(1), deployed(1), [], "deployed"),  # helm had refused before it did anything
        (None, replace(deployed(1), labels={stamp.MADE: "1"}), [("uninstall", False)], "uninstalled"),
        (None, None, [], "uninstalled"),
        (GONE, deployed(2), [("uninstall", True)], "uninstalled"),
        (NEVER, Deployed("a", "web", 2, "failed", ""), [("rollback", 1), ("ready", 9)], "deployed"),
        (NEVER, NEVER, [], "failed"),
    ],
)
def test_what_changed_goes_back(before: Deployed | None, left: Deployed | None, done: list[Any], status: str) -> None:
    world = World(left)
    rollback = Rollback(world, lambda _release: world, lambda _c, r: world.done.append(("ready", r)), print)  # type: ignore
    change = Change("web", "a", "upgrade", deployed=before, revision_to=before.revision + 1 if before else 1)
    for state, after in ((DONE, ROLLED_BACK), (FAILED, FAILED)):
        world.left, world.done = left, []
        results, _warnings = rollback.all({"a/web": change}, {"a/web": Result(state)})
        [found] = results.values()
        assert world.done == done
        assert (found.state, found.status) == (after, status)


def test_what_somebody_else_has_installed_meanwhile_stays() -> None:
    world = World(replace(deployed(1), labels={"tier": "back"}))
    rollback = Rollback(world, lambda _release: world, lambda _c, _r: None, print)  # type: ignore
    change = Change("web", "a", "install", revision_to=1)
    [found] = rollback.all({"a/web": change}, {"a/web": Result(FAILED, error="helm fails")})[0].values()
    assert (world.done, found.state) == ([], FAILED)
    assert (found.error or "").startswith("helm fails\n")
    assert "somebody else has installed it meanwhile, and it was left alone" in (found.error or "")


def test_what_was_only_looked_at_stays() -> None:
    world = World(deployed(1))
    rollback = Rollback(world, lambda _release: world, lambda _c, _r: None, print)  # type: ignore
    adopted = Change("web", "a", "adopt", deployed=deployed(1))
    assert rollback.all({"a/web": adopted}, {"a/web": Result(DONE)}) == ({"a/web": Result(DONE)}, [])


def test_definitions_stay_upgraded_and_this_is_said() -> None:
    world, found = World(deployed(2)), list[str]()
    rollback = Rollback(world, lambda _release: world, lambda _c, _r: None, print)  # type: ignore
    crd = {"kind": "CustomResourceDefinition", "metadata": {"name": "x"}}
    for op in ("add", "change"):
        item = Definition(ObjectChange(op, "CustomResourceDefinition", "", "x", None, crd), crd)
        change = Change("web", "a", "upgrade", deployed=deployed(1), definitions=(item,))
        found = rollback.all({"a/web": change}, {"a/web": Result(DONE)})[1]
    assert found == ["release a/web: what was upgraded of its crds/ does not go back"]

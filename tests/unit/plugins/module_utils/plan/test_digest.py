# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan's digest changes with all that the plan is made from, and holds something that nobody sees."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Definition, ObjectChange
from ansible_collections.helmstack.core.plugins.module_utils.plan.plan import Planner
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack

FOUND = Deployed("web", "a", 3, "deployed", "sh.helm.release.v1.a.v3", uid="uid-of-storage")
UPGRADE = Change("a", "web", "upgrade", deployed=FOUND, fingerprint="f1")
CONFIG = ObjectChange("change", "ConfigMap", "web", "a", {"data": {"a": "0"}}, {"data": {"a": "1"}})
DEFINED = Definition(ObjectChange("change", "CustomResourceDefinition", "", "a", {"v": 1}, {"v": 2}), {"v": 2})
INSTALL = Change("b", "web", "install", fingerprint="f2")


def digest(*changes: Change, salt: str | None = "uid-of-cluster") -> str:
    """:arg salt: None: it must not be asked for."""
    cluster = SimpleNamespace(info=SimpleNamespace(uid="known-to-all", server=""))
    if salt is not None:
        cluster.salt = salt
    planner = SimpleNamespace(cluster=cluster, stack=Stack("s", None, ()))
    return Planner._digest(cast(Planner, planner), changes)


def test_what_changes_any_part_of_the_plan_changes_its_digest() -> None:
    others = [
        (UPGRADE,),
        (replace(UPGRADE, fingerprint="f3"), INSTALL),
        (replace(UPGRADE, action="recover"), INSTALL),
        (replace(UPGRADE, deployed=replace(FOUND, revision=4)), INSTALL),
        (replace(UPGRADE, deployed=replace(FOUND, status="failed")), INSTALL),
        (replace(UPGRADE, deployed=replace(FOUND, uid="made anew in the same revision")), INSTALL),
        (replace(UPGRADE, needs=("web/b",)), INSTALL),
        (replace(UPGRADE, objects=(CONFIG,)), INSTALL),
        (replace(UPGRADE, objects=(replace(CONFIG, op="add"),)), INSTALL),
        (replace(UPGRADE, objects=(replace(CONFIG, after={"data": {"a": "2"}}),)), INSTALL),
        (replace(UPGRADE, edits={CONFIG.key: [("data", "a")]}), INSTALL),
        (replace(UPGRADE, edits={CONFIG.key: [("data", "b")]}), INSTALL),
        (replace(UPGRADE, objects=(DEFINED.change,), definitions=(DEFINED,)), INSTALL),
        (replace(UPGRADE, objects=(DEFINED.change,), definitions=(replace(DEFINED, manifest={"v": 3}),)), INSTALL),
    ]
    assert len({digest(*changes) for changes in [(UPGRADE, INSTALL), *others]}) == len(others) + 1
    assert digest(UPGRADE, INSTALL) == digest(UPGRADE, INSTALL)


def test_what_only_some_users_rights_tell_does_not_count() -> None:
    """One who may not try an upgrade on the server sees that an object was edited, but not what becomes of it."""
    reader = replace(UPGRADE, edits={CONFIG.key: [("data", "a")]}, objects=(CONFIG,))
    assert digest(reader) == digest(replace(reader, objects=()))
    guess = replace(DEFINED, change=replace(DEFINED.change, after={"v": "2"}))
    defined = replace(UPGRADE, objects=(DEFINED.change,), definitions=(DEFINED,))
    assert digest(defined) == digest(replace(UPGRADE, objects=(guess.change,), definitions=(guess,)))


def test_drift_that_is_only_reported_does_not_count() -> None:
    same = replace(UPGRADE, action="unchanged")
    assert digest(same) == digest(replace(same, objects=(CONFIG,)))


def test_where_all_releases_are_new_the_cluster_gives_what_nobody_sees() -> None:
    assert digest(INSTALL, salt="one") != digest(INSTALL, salt="other")


def test_the_cluster_is_not_asked_where_a_release_gives_it() -> None:
    assert digest(UPGRADE, INSTALL, salt=None) == digest(UPGRADE, INSTALL)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in lines: what happens, what is left behind, and the sum."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.report.summary import differing, ended, outline, total


def _release(name: str, action: str, reason: str, versions: tuple[str | None, str | None], *ops: str) -> dict[str, Any]:
    return {
        "namespace": "shop",
        "name": name,
        "action": action,
        "reason": [reason] if reason else [],
        "chart": "web",
        "version": {"from": versions[0], "to": versions[1]},
        "objects": [{"op": op} for op in ops],
    }


def test_a_plan_has_a_line_for_each_release_that_does_not_stay_as_it_is() -> None:
    releases = [
        _release("new", "install", "new", (None, "1.0.0"), "add", "add"),
        _release("more", "upgrade", "version", ("1.0.0", "1.1.0"), "change", "add", "change"),
        _release("same", "unchanged", "", ("1.0.0", "1.0.0")),
        _release("edited", "unchanged", "drift", ("1.0.0", "1.0.0"), "change"),
        _release("values", "upgrade", "values", ("1.0.0", "1.0.0")),
        _release("gone", "uninstall", "removed", ("1.0.0", None), "remove"),
    ]
    assert list(
        outline({"releases": releases, "summary": {"install": 1, "upgrade": 2, "skip": 0, "unchanged": 2}})
    ) == [
        "shop/new: install web 1.0.0 (new), objects: 2 add",
        "shop/more: upgrade web 1.0.0 -> 1.1.0 (version), objects: 2 change, 1 add",
        "shop/edited: unchanged web 1.0.0 (drift), objects: 1 change",
        "shop/values: upgrade web 1.0.0 (values), objects: none",
        "shop/gone: uninstall web 1.0.0 (removed), objects: 1 remove",
        "plan: 1 install, 2 upgrade, 3 objects added, 2 objects change, 1 object removed, 2 unchanged",
    ]
    assert list(outline({"releases": [], "summary": {}})) == ["plan: no releases"]


def _plan(*releases: dict[str, Any], **more: Any) -> dict[str, Any]:
    summary: dict[str, int] = {}
    for release in releases:
        summary[release["action"]] = summary.get(release["action"], 0) + 1
    return {"releases": list(releases), "summary": summary, **more}


def test_releases_that_are_only_labelled_anew_have_one_line_together() -> None:
    releases = [_release(f"r{number}", "adopt", "readiness", ("1.0.0", "1.0.0")) for number in range(7)]
    assert list(outline(_plan(*releases))) == [
        "7 releases: adopt (readiness), no objects: shop/r0, shop/r1, shop/r2, shop/r3, shop/r4 and 2 more",
        "plan: 7 adopt",
    ]


def test_drift_names_objects_and_fields() -> None:
    release = _release("web", "unchanged", "drift", ("1.0.0", "1.0.0"), "change", "add")
    release["drift"] = [
        {"kind": "Deployment", "namespace": "shop", "name": "web", "fields": [f"f{number}" for number in range(8)]},
        {"kind": "ConfigMap", "namespace": "shop", "name": "web", "fields": []},
    ]
    told = [
        "shop/web: unchanged web 1.0.0 (drift), objects: 1 change, 1 add",
        "  Deployment web: f0, f1, f2, f3, f4, f5 and 2 more",
        "  ConfigMap web: is gone",
    ]
    assert list(outline(_plan(release))) == [*told, "plan: 1 unchanged"]
    assert list(ended(_plan(release))) == [*told, "nothing to do: 1 unchanged"]


def test_what_the_stack_no_longer_has_is_told() -> None:
    plan = _plan(_release("a", "unchanged", "", ("1", "1")), left_behind=["first/frontend"])
    line = "deployed by this stack, no longer in it: first/frontend (prune: true removes it)"
    assert list(outline(plan)) == [line, "plan: 1 unchanged"]
    assert list(ended(plan)) == [line, "nothing to do: 1 unchanged"]


def test_what_stays_when_the_stack_goes_is_told() -> None:
    going = _release("a", "uninstall", "removed", ("1", None), "remove")
    kept = {**_release("db", "skip", "protected", ("1", None)), "status": "deployed"}
    absent = {**_release("new", "skip", "ignored", (None, None)), "status": None}
    lines = list(ended(_plan(going, kept, absent, left_behind=["first/frontend"])))
    assert lines[:-1] == [
        "deployed by this stack, no longer in it: first/frontend (it stays)",
        "stays, as it is protected: shop/db",
    ]
    assert list(outline(_plan(going, kept, absent, left_behind=["first/frontend"])))[1:3] == lines[:-1]


@pytest.mark.parametrize(
    ("failed", "told"), [(None, "done: 1 upgrade, 1 object changes, 1 unchanged"), ("no", "1 of 2 releases failed; ")]
)
def test_a_run_ends_with_its_sum(failed: str | None, told: str) -> None:
    upgraded = {**_release("a", "upgrade", "values", ("1", "1"), "change"), "error": failed}
    (line,) = ended(_plan(upgraded, _release("b", "unchanged", "", ("1", "1"))))
    assert line.startswith(told)


def test_labels_of_releases_that_stay_do_not_count_as_objects() -> None:
    assert total(_plan(_release("a", "unchanged", "drift", ("1", "1"), "change"))) == "1 unchanged"


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"spec": {"replicas": 1, "x": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas", "spec.x"]),
        (
            {"containers": [{"name": "web", "image": "a"}, {"name": "b"}], "args": [1, 2]},
            {"containers": [{"name": "web", "image": "b"}, {"name": "b"}], "args": [1, 3]},
            ["containers[web].image", "args[1]"],
        ),
        ({"l": [1]}, {"l": [1, 2]}, ["l"]),
    ],
)
def test_fields_that_differ_are_named_as_people_write_them(before: Any, after: Any, paths: list[str]) -> None:
    assert list(differing(before, after)) == paths

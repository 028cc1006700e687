# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a plan that was approved, and what is said when the plan is another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import parts
from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief, differences
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan


def change(name: str, action: str, revision: int, *reasons: str) -> Change:
    found = Deployed("web", name, revision, "deployed", "") if revision else None
    return Change(name, "web", action, reasons, deployed=found)


def as_result(*changes: Change) -> dict[str, Any]:
    return {"digest": "sha256:1", "releases": [change.data for change in changes]}


CONFIG = ObjectChange("change", "ConfigMap", "web", "a")
ROLE = ObjectChange("change", "ClusterRole", "", "a")


def plan(*changes: Change) -> Plan:
    return Plan("s", None, changes, "sha256:2")


def test_of_a_plan_what_it_does_is_kept_and_a_brief_one_stays_as_it_is() -> None:
    found = brief(as_result(change("a", "upgrade", 3, "version"), change("b", "unchanged", 1), change("c", "skip", 0)))
    assert found == {"digest": "sha256:1", "changes": ["web/a: upgrade from revision 3 (version)"], "objects": []}
    assert brief(found) == found
    assert brief("sha256:1") == {"digest": "sha256:1"}


def test_of_a_very_large_plan_the_digest_is_kept() -> None:
    found = brief(as_result(*(change(f"n{n}", "install", 0, "new") for n in range(300))))
    assert found == {"digest": "sha256:1", "changes": None, "objects": []}
    assert brief(found) == found


@pytest.mark.parametrize(
    ("value", "told"), [("", "is empty"), ({}, "neither"), ({"digest": ""}, "neither"), (5, "neither")]
)
def test_what_is_no_plan_is_no_approval(value: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        brief(value)


def test_what_differs_is_told_release_by_release() -> None:
    same = change("same", "upgrade", 1, "version")
    expected = brief(as_result(same, change("a", "upgrade", 3, "values"), change("gone", "uninstall", 1, "removed")))
    assert differences(
        expected, plan(same, change("a", "upgrade", 4, "values"), change("new", "install", 0, "new"))
    ) == [
        "What differs:",
        "  web/a: upgrade from revision 4 (values); expected: upgrade from revision 3 (values)",
        "  web/gone: stays as it is; expected: uninstall from revision 1 (removed)",
        "  web/new: install from revision none (new); expected: stays as it is",
    ]


def test_what_differs_in_nothing_that_shows_is_told_so() -> None:
    same = change("same", "upgrade", 1, "version")
    assert "other charts or values" in differences(brief(as_result(same)), plan(same))[1]


def test_what_differs_is_told_object_by_object_where_the_release_is_the_same() -> None:
    before = replace(change("a", "upgrade", 1, "version"), objects=(CONFIG, ROLE))
    now = replace(before, objects=(CONFIG, replace(ROLE, op="add"), replace(CONFIG, name="b")))
    expected = brief(as_result(before))
    assert expected["objects"] == ["web/a, ConfigMap web/a: change", "web/a, ClusterRole a: change"]
    assert brief(expected) == expected
    assert differences(expected, plan(now)) == [
        "What differs:",
        "  web/a, ClusterRole a: add; expected: change",
        "  web/a, ConfigMap web/b: change; expected: nothing",
    ]


def test_of_a_plan_of_very_many_objects_the_releases_are_kept() -> None:
    many = tuple(replace(CONFIG, name=f"n{number}") for number in range(600))
    found = brief(as_result(replace(change("a", "upgrade", 1, "version"), objects=many)))
    assert (len(found["changes"]), found["objects"]) == (1, None)


def test_to_a_digest_alone_the_plan_of_now_is_told() -> None:
    found = differences({"digest": "x"}, plan(change("a", "upgrade", 3, "values"), change("b", "unchanged", 1)))
    assert found == ["What the plan is now:", "  web/a: upgrade from revision 3 (values)"]
    assert differences({"digest": "x"}, plan())[1] == "  nothing changes"


def marked(change: Change, values: Any = (), salt: str = "s") -> Change:
    return replace(change, parts=parts.mark(change, dict(values), salt))


@pytest.mark.parametrize(
    ("now", "values", "salt", "told"),
    [
        ({}, {"a": 1}, "s", None),
        ({}, {"a": 2}, "s", "other values"),
        ({"fingerprint": "2"}, {"a": 1}, "s", "other options, another Helm, or other APIs of the cluster"),
        ({"fingerprint": "2", "wave": 1}, {"a": 2}, "s", "other values, another order"),
        ({"edits": {("", "ConfigMap", "web", "a"): ["data.x"]}}, {"a": 1}, "s", "other live objects"),
        ({"deployed": Deployed("web", "a", 3, "deployed", "", uid="2")}, {"a": 1}, "2", "not in the same state"),
    ],
)
def test_what_a_plan_was_made_from_is_told_where_it_does_the_same(
    now: dict[str, Any], values: Any, salt: str, told: str | None
) -> None:
    before = marked(change("a", "upgrade", 3, "values"), {"a": 1})
    found = marked(replace(before, **now), values, salt)
    expected = brief(as_result(before))
    lines = differences(brief(expected), plan(found))
    assert (told or "the same in the same way") in lines[1]
    assert lines[1].startswith("  web/a: ") == bool(told)


def test_a_mark_without_its_salt_tells_nothing() -> None:
    one, other = (marked(change("a", "upgrade", 3, "values"), {"a": 1}, salt).parts for salt in "st")
    assert not set(one.split("-")) & set(other.split("-"))


def test_a_release_that_stays_is_named_when_its_state_is_another_one() -> None:
    upgrade, stays = marked(change("a", "upgrade", 3, "values")), change("b", "unchanged", 1)
    expected = brief(as_result(upgrade, marked(stays)))
    other = replace(stays, deployed=Deployed("web", "b", 2, "deployed", ""))
    found = differences(expected, plan(upgrade, marked(other)))
    assert found[1:] == ["  web/b: the release is not in the same state"]

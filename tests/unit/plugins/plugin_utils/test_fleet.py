# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a play over many hosts: what is the same is told once, and the sum names what needs a look."""

from __future__ import annotations

from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.fleet import Host, by_state, told


def plan(name: str, action: str = "upgrade") -> dict[str, Any]:
    release = {
        "namespace": "shop",
        "name": name,
        "action": action,
        "reason": ["values"],
        "chart": "web",
        "version": {"from": "1", "to": "1"},
        "objects": [{"op": "change"}] if action == "upgrade" else [],
    }
    return {"releases": [release], "summary": {action: 1}}


def entry(value: int) -> dict[str, str]:
    sides = {"before": "a: 0\n", "after": f"a: {value}\n"}
    return {"before_header": "shop/a: X", "after_header": "shop/a: X changes", **sides}


def change(value: int) -> dict[str, Any]:
    return {"changed": True, "plan": plan("a"), "plan_diff": [entry(value)]}


STAYS = {"changed": False, "plan": plan("a", "unchanged")}
HOSTS = [
    Host("h1", (change(1),)),
    Host("h2", (change(2),)),
    Host("h3", (change(1),)),
    Host("h4", ({"failed": True, "msg": "no context"},)),
    Host("h5", (STAYS,)),
    Host("h6", (STAYS,)),
    Host("h7", ()),
    Host("h8", ({"unreachable": True, "msg": "ssh"},)),
    Host("h9", ({"skipped": True},)),
]
SUM = "3 would change (h1, h2, h3), 2 would stay the same, 1 could not be reviewed (h4), 1 could not be reached (h8)"


def diff(value: int) -> list[str]:
    return ["--- before: shop/a: X", "+++ after: shop/a: X changes", "@@ -1 +1 @@", "-a: 0", f"+a: {value}", ""]


def test_plans_that_are_the_same_are_told_once() -> None:
    lines = ["  shop/a: upgrade web 1 (values), objects: 1 change", "  plan: 1 upgrade, 1 object changes"]
    assert list(told(HOSTS, check=True, most=0)) == [
        "2 hosts would change in the same way: h1, h3",
        *lines,
        *diff(1),
        "1 host would change: h2",
        *lines,
        *diff(2),
        "1 host could not be reviewed: h4",
        "  no context",
        f"9 hosts: {SUM}, 1 skipped (h9), 1 not begun (h7)",
    ]


def test_a_run_tells_what_failed_and_the_sum() -> None:
    assert list(told(HOSTS[:6], check=False, most=0)) == [
        "1 host failed: h4",
        "  no context",
        "6 hosts: 3 changed (h1, h2, h3), 2 stayed the same, 1 failed (h4)",
    ]


def test_how_far_the_releases_got_is_not_told_twice() -> None:
    message = "1 of 2 releases failed\nshop/a: boom\n  of helm\nState of the releases:\n  shop/b: unchanged"
    lines = list(told([Host("h0", ({"failed": True, "msg": message},)), HOSTS[0]], check=False, most=0))
    assert lines[1:4] == ["  1 of 2 releases failed", "  shop/a: boom", "    of helm"]
    assert len(lines) == 5


def test_what_failed_after_the_deployment_is_told_as_such() -> None:
    [line, why, _sum] = told([Host("h0", (change(1),), lost=True), HOSTS[0]], check=False, most=0)
    assert line == "1 host failed: h0"
    assert "what comes after its deployment failed" in why


def test_one_host_needs_a_line_only() -> None:
    assert list(told(HOSTS[:1], check=True, most=0)) == ["h1 would change"]
    assert list(told(HOSTS[5:6], check=True, most=0)) == ["h6 would stay the same"]
    assert list(told(HOSTS[3:4], check=False, most=0)) == ["h4 failed"]


def test_many_names_are_counted() -> None:
    hosts = [Host(f"h{number:02}", (change(1),)) for number in range(30)]
    assert next(told(hosts, check=True, most=0)).endswith("h08, h09 and 20 more")


def test_a_host_with_several_results_is_what_the_worst_of_them_is() -> None:
    failed, skipped = {"failed": True}, {"skipped": True}
    assert by_state([Host("a", (change(1), failed)), Host("b", (STAYS, change(1))), Host("c", (skipped, STAYS))]) == {
        "changed": ["b"],
        "unchanged": ["c"],
        "failed": ["a"],
        "unreachable": [],
        "skipped": [],
        "not_begun": [],
    }

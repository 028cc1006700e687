# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is on after a run: the new state, the old one, or half way."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils.standing import Standing, by_standing, standing, told


def release(name: str, state: str | None, status: str = "deployed", at: int | None = 2, **more: Any) -> dict[str, Any]:
    outcome = {"state": state, "revision": at} if state else None
    planned = {"action": "upgrade", "revision": {"from": 1, "to": 2}, **more}
    return {"namespace": "shop", "name": name, "status": status, "outcome": outcome, **planned}


def result(*releases: dict[str, Any], failed: bool = True) -> dict[str, Any]:
    return {"failed": failed, "plan": {"releases": list(releases)}}


DONE = release("a", "done")
NOT_READY = release("b", "failed")
AS_IT_WAS = release("b", "failed", at=1)
STAYS = release("c", None, action="unchanged")
GONE = release("b", "failed", "uninstalled", None, action="install", revision={"from": None, "to": 1})


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], Standing("old", "not begun")),
        ([{"skipped": True}], Standing("old", "not begun")),
        ([{"unreachable": True}], Standing("unknown", "it could not be reached")),
        ([{"failed": True, "msg": "no context"}], Standing("old")),
        ([result(DONE, STAYS, failed=False)], Standing("new")),
        ([result(STAYS, failed=False)], Standing("new")),
        ([result(DONE, NOT_READY, STAYS)], Standing("half", "new: shop/a; half: shop/b")),
        ([result(NOT_READY)], Standing("half", "half: shop/b")),
        ([result(AS_IT_WAS, release("d", "not started", at=None))], Standing("old")),
        ([result(DONE, AS_IT_WAS)], Standing("half", "new: shop/a; old: shop/b")),
        ([result(release("a", "rolled back", at=3), release("b", "failed", at=3))], Standing("old")),
        ([result(GONE)], Standing("old")),
        ([result(release("b", "failed", "failed"))], Standing("half", "half: shop/b")),
        ([result(release("b", "failed", "uninstalling", action="uninstall"))], Standing("half", "half: shop/b")),
        ([result(DONE, release("b", "failed", action="adopt"))], Standing("half", "new: shop/a; old: shop/b")),
        ([result(DONE, failed=False), {"failed": True}], Standing("half", "new: shop/a; old: what failed at once")),
        ([result(DONE), result(release("s", None))], Standing("half", "new: shop/a; old: shop/s")),
    ],
)
def test_what_a_host_is_on(results: list[dict[str, Any]], expected: Standing) -> None:
    assert standing(results) == expected


@pytest.mark.parametrize(
    ("undone", "expected"),
    [
        ({"taken_back": ["shop/a"], "left": []}, Standing("old", "taken back")),
        ({"taken_back": [], "left": []}, Standing("new")),  # there was nothing
        ({"skipped": True}, Standing("new")),
        ({"taken_back": ["shop/a"], "left": ["shop/b: gone"]}, Standing("half", "not taken back: shop/b: gone")),
        ({"failed": True, "msg": "no"}, Standing("half", "it could not be taken back")),
    ],
)
def test_what_a_host_is_on_when_its_batch_went_back(undone: dict[str, Any], expected: Standing) -> None:
    assert standing([result(DONE, failed=False)], undone=undone) == expected


def test_hosts_that_are_on_the_same_have_a_line() -> None:
    hosts = [("a", Standing("new")), ("b", Standing("half", "new: x")), ("c", Standing("new")), ("d", Standing("old"))]
    assert list(told(hosts)) == ["on the new state: a, c", "on the old state: d", "half way: b (new: x)"]
    assert by_standing(hosts) == {"new": ["a", "c"], "old": ["d"], "half": ["b"], "unknown": []}

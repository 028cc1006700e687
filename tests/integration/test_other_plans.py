# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole plan as expected_plan: what differs is named where the plan of now does the same in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Object, Workspace
from victim import here


def refused(workspace: Workspace, plan: Object) -> str:
    with pytest.raises(AssertionError) as caught:
        here(workspace, expected_plan=plan)
    return str(caught.value)


def test_values_charts_and_order_are_named(workspace: Workspace) -> None:
    chart = workspace.chart("app")
    a = workspace.ns("a")

    def stack(value: str, *needs: str, **keys: Any) -> None:
        one = workspace.release("one", set={"data": {"v": value}}, needs=list(needs), **keys)
        workspace.stack(one, workspace.release("two", set={"data": {"w": value}}))

    stack("1")
    here(workspace)
    stack("2")
    plan = here(workspace, check=True)["plan"]
    cases: list[tuple[Callable[[], None], str]] = [
        (lambda: stack("3"), f"{a}/one: other values\n  {a}/two: other values"),
        (lambda: stack("2", "two"), f"{a}/one: another order"),
        (lambda: stack("2", waitForJobs=True), f"{a}/one: other options, another Helm, or other APIs of the cluster"),
    ]
    for change, told in cases:
        change()
        assert told in refused(workspace, plan)
    stack("2")
    (chart / "README.md").write_text("new")
    assert f"{a}/one: another chart\n  {a}/two: another chart" in refused(workspace, plan)
    (chart / "README.md").unlink()
    workspace.api.patch(f"/api/v1/namespaces/{a}/configmaps/one", {"data": {"v": "by hand"}})
    assert f"{a}/one: other live objects" in refused(workspace, plan)

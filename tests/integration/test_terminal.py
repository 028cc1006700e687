# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read in the terminal besides diffs."""

from __future__ import annotations

from harness import Workspace
from victim import here


def told(output: str) -> list[str]:
    """The lines of progress, without the time."""
    lines = [line[len("  helmstack: ") :] for line in output.splitlines() if line.startswith("  helmstack: ")]
    return [line[9:] if line[2:3] == ":" else line for line in lines]


def test_drift_what_is_left_behind_and_the_sum_are_told(workspace: Workspace) -> None:
    workspace.chart("app")
    a = workspace.ns("a")
    releases = [workspace.release(name, set={"data": {"v": "1"}}) for name in ("one", "two", "three")]
    workspace.stack(*releases)
    lines = told(workspace.run({}).output)
    assert lines[0] == "plan: 3 install, 4 objects added"
    assert lines[-1] == "done: 3 install, 4 objects added"
    workspace.api.patch(f"/api/v1/namespaces/{a}/configmaps/one", {"data": {"v": "2", "w": "3"}})
    workspace.api.delete(f"/api/v1/namespaces/{a}/configmaps/two")
    workspace.stack(*releases[:2])
    drift, pruned = workspace.task({"drift": "report"}), workspace.task({"prune": True})
    run = workspace.run(
        {**drift, "name": "check", "check_mode": True}, drift, {**pruned, "name": "prune", "check_mode": True}
    )
    for task, word in (("check", "plan"), ("deploy", "nothing to do")):
        assert told(run.shown(task)) == [
            f"{a}/one: unchanged app 1.0.0 (drift), objects: 1 change",
            "  ConfigMap one: data.v",
            f"{a}/two: unchanged app 1.0.0 (drift), objects: 1 add",
            "  ConfigMap two: is gone",
            f"deployed by this stack, no longer in it: {a}/three (prune: true removes it)",
            f"{word}: 2 unchanged",
        ]
        assert run[task]["plan"]["left_behind"] == [f"{a}/three"]
    assert told(run.shown("prune")) == [
        f"{a}/three: uninstall app 1.0.0 (removed), objects: 1 remove",
        "plan: 1 uninstall, 1 object removed, 2 unchanged",
    ]
    workspace.write("env/dev.yaml", {"releases": {}})
    lines = told(workspace.run({"environment": "dev"}, check=True).output)
    assert lines[0].startswith("2 releases: adopt (")
    assert lines[0].endswith(f"), no objects: {a}/one, {a}/two")
    assert lines[-1] == "plan: 2 adopt"


def test_a_release_that_goes_although_others_need_it_is_a_warning(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("one"), workspace.release("two", needs=["one"]))
    here(workspace)
    a = workspace.ns("a")

    def told(**options: object) -> list[str]:
        warnings = here(workspace, check=True, state="absent", **options).get("warnings", ())
        return [warning for warning in warnings if "needs it" in warning]

    assert told(targets=["one"]) == [f"release {a}/one: it goes, although what stays needs it: {a}/two"]
    assert told(all=True) == told(targets=["two"]) == []

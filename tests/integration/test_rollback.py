# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With on_failure: rollback all goes back that a failed run has changed, and what cannot is told."""

from __future__ import annotations

import re

from harness import CONFIG, DEPLOYMENT, Workspace, actions_of, release_of

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "%s"}}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {helmstack.test/behaviour: fail}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/hook}]}
"""


def config(workspace: Workspace, name: str) -> str:
    path = f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/{name}"
    return str(workspace.api.get(path)["data"]["v"])


def charts(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT, "templates/config.yaml": CONFIG})
    workspace.chart("stays", files={"templates/config.yaml": CONFIG, "templates/job.yaml": JOB % "pre-delete"})
    workspace.chart("stuck", files={"templates/config.yaml": CONFIG, "templates/job.yaml": JOB % "pre-rollback"})


def test_everything_goes_back_and_what_cannot_is_told(workspace: Workspace) -> None:
    charts(workspace)
    common = [workspace.release("base"), workspace.release("web", "pod", needs=["base"])]
    common += [workspace.release("stuck", "stuck", needs=["web"])]
    old = [workspace.release("old"), workspace.release("older", "stays")]
    new = [workspace.release("new", namespace="b", needs=["stuck"])]
    for release in (*common, *old, *new):
        release["set"] = {"data": {"v": "${v}"}}
    workspace.stack(*common, *old, file="before.yaml")
    workspace.stack(*common, *new, file="after.yaml")
    workspace.deploy(stack_files=["before.yaml"], variables={"v": "1"})
    before = workspace.snapshot()
    options = {"stack_files": ["after.yaml"], "variables": {"v": "2"}, "prune": True, "on_failure": "rollback"}
    run = workspace.run({**options, "concurrency": 1}, code=2)
    assert "Traceback" not in run.output
    a, b = workspace.ns("a"), workspace.ns("b")

    # the last first: what was pruned, then what needs others, then these
    assert re.findall(r"(\S+): goes back to what it was", run.output) == [
        *(f"{a}/older", f"{a}/old", f"{b}/new"),
        *(f"{a}/stuck", f"{a}/web", f"{a}/base"),
    ]
    assert workspace.snapshot().changes_since(before) == {
        ("Namespace", "", b): "add",
        ("ConfigMap", a, "old"): "replace",
        ("ConfigMap", a, "stuck"): "change",
        ("Job", a, "older-hook"): "add",
        ("Job", a, "stuck-hook"): "add",
    }
    assert [config(workspace, name) for name in ("base", "web", "old", "older", "stuck")] == ["1", "1", "1", "1", "2"]
    states = {name: (item.revision, item.status) for name, item in workspace.snapshot().releases.items()}
    assert states.pop(f"{a}/stuck") == (3, "pending-rollback")  # as helm leaves it
    assert states == {
        f"{a}/base": (3, "deployed"),
        f"{a}/web": (3, "deployed"),
        f"{a}/old": (2, "deployed"),
        f"{a}/older": (2, "deployed"),
    }

    # and all of it is told
    result = run.result
    for line in (
        f"{a}/base: rolled back (upgrade undone): it is at revision 3, which is what revision 1 was",
        f"{a}/old: rolled back (uninstall undone): it is at revision 2, which is what revision 1 was",
        f"{a}/older: uninstall failed; it is at revision 2, which is what revision 1 was",
        f"{b}/new: rolled back (install undone): it is gone again",
        f"{a}/stuck: upgrade failed",
    ):
        assert line in result["msg"], result["msg"]
    assert "it could not go back to what it was" in release_of(result, "stuck")["error"]
    assert "giving up" in release_of(result, "older")["error"]  # the log of its hook
    assert release_of(result, "new")["status"] == "uninstalled"
    assert release_of(result, "base")["outcome"] == {"state": "rolled back", "revision": 3}
    assert release_of(result, "older")["outcome"] == {"state": "failed", "revision": 2}
    assert f"release {b}/new is gone again, but there remain: Namespace {b}" in result["warnings"]

    # what the run could not do, the next one does; the history of what was removed goes with it
    workspace.helm("uninstall", "older", "-n", a, "--no-hooks")
    again = workspace.results({**options, "pending_age": "0s"})[-1]
    actions = {"base": "upgrade", "web": "upgrade", "stuck": "recover", "new": "install", "old": "uninstall"}
    assert actions_of(again) == actions
    assert set(workspace.snapshot().releases) == {f"{a}/base", f"{a}/web", f"{a}/stuck", f"{b}/new"}

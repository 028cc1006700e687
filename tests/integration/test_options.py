# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each option that helm gets for a release has its effect, with Helm 3 and with Helm 4."""

from __future__ import annotations

import os

import pytest
from harness import CONFIG, DEPLOYMENT, Object, Run, Workspace, actions_of, objects_of, release_of

MAJOR = int(os.environ.get("HELMSTACK_HELM_MAJOR", "0"))
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "pre-install,post-upgrade,pre-delete"}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}"}
spec:
  template:
    metadata: {labels: {helmstack.test/behaviour: "{{ .Values.job }}"}, annotations: {helmstack.test/delay: "2s"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}
"""
PLUGIN = """\
apiVersion: v1
type: postrenderer/v1
name: upper
version: 0.1.0
runtime: subprocess
runtimeConfig: {platformCommand: [{command: '${HELM_PLUGIN_DIR}/run.sh'}]}
"""


def post_renderer(workspace: Workspace) -> str:
    """What gives every object "plain" another name: Helm 3 wants the path of a program, Helm 4 a plugin's name."""
    script = workspace.write("plugins/upper/run.sh", '#!/bin/sh\nsed \'s/name: "plain"/name: "rendered"/\'\n')
    script.chmod(0o755)
    workspace.write("plugins/upper/plugin.yaml", PLUGIN)
    return "upper" if MAJOR > 3 else str(script)


def config(workspace: Workspace, name: str) -> Object:
    return workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/{name}")


@pytest.fixture
def ran(workspace: Workspace) -> Run:
    """Four versions of a stack in which each release has one option; the last version cannot become ready."""
    workspace.chart("app")
    workspace.chart("hooked", files={"templates/config.yaml": CONFIG, "templates/hook.yaml": HOOK})
    workspace.chart("job", files={"templates/job.yaml": JOB})
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT})
    given = {"set": {"data": {"v": "${v}"}}}
    workspace.stack(
        workspace.release("history", historyMax=2, **given),
        workspace.release("quiet", "hooked", disableHooks=True, **given),
        workspace.release("patient", "job", waitForJobs=True, set={"job": "slow"}),
        workspace.release("hasty", "job", set={"job": "never-ready"}),
        workspace.release("plain", postRenderer=post_renderer(workspace), **given),
        workspace.release(
            "atomic", "pod", atomic=True, timeout=90, set={"behaviour": "${b:-ready}", "setting": "${v}"}
        ),
    )
    versions = [workspace.task({"variables": {"v": str(number)}}) for number in (1, 2, 3)]
    broken = workspace.task({"variables": {"v": "4", "b": "image-pull-error"}, "targets": ["atomic"]})
    gone = workspace.task({"variables": {"v": "3"}, "state": "absent", "targets": ["quiet"]})
    run = workspace.run(
        {**versions[0], "check_mode": True},
        *versions,
        {**broken, "ignore_errors": True},
        {**gone, "check_mode": True},
        env={"HELM_PLUGINS": str(workspace.root / "plugins")},
    )
    assert "Traceback" not in run.output
    return run


def test_options_have_their_effect(ran: Run, workspace: Workspace) -> None:
    """One run for all of them, as each takes seconds."""
    checked, first, _second, third, failed, removal = ran.results
    a = workspace.ns("a")
    assert objects_of(checked) == objects_of(first)
    # historyMax
    secrets = workspace.api.get(f"/api/v1/namespaces/{a}/secrets")["items"]
    revisions = [item["metadata"]["name"][-1] for item in secrets if ".history.v" in item["metadata"]["name"]]
    assert sorted(revisions) == ["2", "3"]
    # disableHooks: neither run nor planned, not at the end either
    assert not [name for kind, _ns, name in workspace.snapshot().objects if name == "quiet-hook"]
    for result in (first, third, removal):
        assert [item["name"] for item in release_of(result, "quiet")["objects"] if item["kind"] == "ConfigMap"] == [
            "quiet"
        ]
    # waitForJobs
    assert release_of(first, "patient")["duration"] >= 2
    assert release_of(first, "hasty")["status"] == "deployed"
    # postRenderer
    assert objects_of(checked)["ConfigMap", a, "rendered"] == "add"
    assert objects_of(third)["ConfigMap", a, "rendered"] == "change"
    assert config(workspace, "rendered")["data"] == {"v": "3"}
    # atomic: helm goes back to the old revision, and the result says so
    told = release_of(failed, "atomic")
    assert told["status"] == "deployed"
    assert told["duration"] < 45
    assert "ImagePullBackOff" in told["error"]
    assert "rolled back" in told["error"]
    assert f"{a}/atomic: upgrade failed; it is at revision 5, which is what revision 3 was" in failed["msg"]
    stored = workspace.snapshot().releases[f"{a}/atomic"]
    assert (stored.revision, stored.status) == (5, "deployed")
    pod = workspace.api.get(f"/apis/apps/v1/namespaces/{a}/deployments/atomic")["spec"]["template"]
    assert pod["metadata"]["labels"]["helmstack.test/behaviour"] == "ready"


def test_an_atomic_install_that_fails_leaves_nothing(workspace: Workspace) -> None:
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT})
    workspace.stack(workspace.release("atomic", "pod", atomic=True, timeout=60, set={"behaviour": "crash-loop"}))
    result = workspace.results(code=2)[-1]
    told = release_of(result, "atomic")
    assert told["status"] == "uninstalled"
    assert "crashes again and again" in told["error"]
    assert told["duration"] < 30
    assert workspace.snapshot().releases == {}


def test_a_post_renderer_that_is_changed_is_noticed(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("plain", postRenderer=post_renderer(workspace)))
    script = str(workspace.root / "plugins/upper/run.sh")
    edit = {"name": "edit", "ansible.builtin.replace": {"path": script, "regexp": '"rendered"', "replace": '"another"'}}
    check = {**workspace.task({}), "check_mode": True}
    env = {"HELM_PLUGINS": str(workspace.root / "plugins")}
    _deployed, before, _edited, after = workspace.results(workspace.task({}), check, edit, check, env=env)
    assert (actions_of(before), actions_of(after)) == ({"plain": "unchanged"}, {"plain": "upgrade"})
    a = workspace.ns("a")
    assert objects_of(after) == {("ConfigMap", a, "rendered"): "remove", ("ConfigMap", a, "another"): "add"}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target that does not see the controller's files gets what it needs, and keeps nothing of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from harness import DEPLOYMENT, HELM, HERE, Workspace, actions_of


def test_charts_values_and_kubeconfig_go_along_and_nothing_stays(workspace: Workspace) -> None:
    common = workspace.chart("common")
    own = (common / "templates/config.yaml").read_text().replace('Name }}"', 'Name }}-own"')
    dependency = {"name": "common", "version": "1.0.0", "repository": "file://../common"}
    workspace.chart("folder", dependencies=[dependency], files={"templates/config.yaml": own})
    packed = workspace.chart("packed")
    env = {**os.environ, "HOME": str(workspace.home)}
    package = [HELM, "package", str(packed), "-d", str(workspace.root / "charts")]
    subprocess.run(package, check=True, capture_output=True, env=env)
    shutil.rmtree(packed)
    shutil.copy(workspace.kubeconfig, workspace.root / "charts" / "kube.config")
    workspace.write("charts/values.yaml", {"data": {"from": "file"}})
    workspace.write("charts/host.yaml.j2", "data: {host: '{{ inventory_hostname }}'}\n")
    a = workspace.ns("a")
    releases = [
        {"name": "folder", "namespace": a, "chart": "./folder", "values": ["values.yaml", "host.yaml.j2"]},
        {"name": "packed", "namespace": a, "chart": "./packed-1.0.0.tgz", "needs": ["folder"]},
    ]
    stack = {"name": workspace.prefix, "helmDefaults": {"createNamespace": True}, "releases": releases}
    workspace.write("charts/helmstack.yaml", stack)
    controller = workspace.root / "charts"
    options = {"stack_file": "charts", "kubeconfig": "charts/kube.config"}
    task = workspace.task(options)
    settings = {"HELMSTACK_CONTROLLER": str(controller), "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins")}
    run = workspace.run(
        {**task, "check_mode": True}, task, task, inventory="target ansible_connection=elsewhere\n", env=settings
    )
    assert [result["changed"] for result in run.results] == [True, True, False]
    assert actions_of(run.results[1]) == {"folder": "install", "packed": "install"}
    data = workspace.api.get(f"/api/v1/namespaces/{a}/configmaps/folder-own")["data"]
    assert data == {"from": "file", "host": "target"}
    for folder in (workspace.remote_temp, workspace.temp, workspace.local_temp):
        assert [str(path) for path in folder.rglob("*") if path.is_file()] == []


def test_lines_of_progress_come_while_the_target_works(workspace: Workspace) -> None:
    workspace.chart("slow", files={"templates/all.yaml": DEPLOYMENT})
    a = workspace.ns("a")
    slow = {"behaviour": "slow"}
    workspace.stack({"name": "web", "namespace": a, "chart": "./charts/slow", "set": slow})
    settings = {
        "HELMSTACK_CONTROLLER": str(workspace.root / "charts"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "PYTHONUNBUFFERED": "1",
    }
    run = workspace.run({}, inventory="target ansible_connection=elsewhere\n", env=settings)
    begins, ready = (
        next(at for at, line in run.times if line.startswith("  helmstack: ") and f"{a}/web: {told}" in line)
        for told in ("install begins", "ready")
    )
    ended = next(record["at"] for record in run.records)
    # the pod takes five seconds
    assert ended - begins > 2
    assert ready <= ended + 1
    assert len([line for _at, line in run.times if line.startswith("  helmstack: ")]) == 4
    assert not [path for path in Path("/tmp").glob("helmstack-*") if workspace.prefix in path.read_text()]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target that does not see the controller's files gets what it needs, and keeps nothing of it."""

from __future__ import annotations

import os
import shutil
import subprocess

from harness import HELM, HERE, Workspace, actions_of


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

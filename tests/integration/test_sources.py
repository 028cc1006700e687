# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts from a registry, by URL and from an index, through every module, in a check and in a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import HELM, HERE, Object, Workspace, actions_of

sys.path.insert(0, str(HERE.parent / "cluster"))

from chart_repository import ChartRepository
from oci_registry import OciRegistry

USER = {"username": "me", "password": "s3cret"}
ELSEWHERE = "target ansible_connection=elsewhere\n"


def helm(workspace: Workspace, *words: str) -> None:
    env = {**os.environ, "HOME": str(workspace.home), "DOCKER_CONFIG": str(workspace.home / "docker")}
    subprocess.run([HELM, *words], check=True, capture_output=True, env=env, cwd=workspace.root)


@pytest.fixture
def registry(workspace: Workspace) -> Iterator[Any]:
    """One that wants a login, with app and an umbrella of it; the login file and the CA lie beside the stack."""
    workspace.chart("app")
    with OciRegistry(login="token", tls=True, **USER) as running:
        shutil.copy(str(running.ca_file), workspace.root / "charts" / "ca.crt")
        flags = ("--ca-file", "charts/ca.crt")
        config = ("--registry-config", "charts/logins.json")
        helm(workspace, "registry", "login", running.host, "-u", "me", "-p", "s3cret", *flags, *config)
        dependency = {"name": "app", "version": "1.0.0", "repository": "file://../app"}
        workspace.chart("umbrella", version="2.0.0+b.1", files={}, dependencies=[dependency])
        workspace.write("charts/umbrella/values.yaml", {"app": {"weight": 0, "data": {"from": "umbrella"}}})
        helm(workspace, "dependency", "update", "charts/umbrella")
        for name, file in (("app", "app-1.0.0.tgz"), ("umbrella", "umbrella-2.0.0+b.1.tgz")):
            helm(workspace, "package", f"charts/{name}")
            helm(workspace, "push", file, f"oci://{running.host}/team", *flags, *config)
            shutil.rmtree(workspace.root / "charts" / name)
        yield running


@pytest.fixture
def server(workspace: Workspace, registry: Any, tmp_path: Path) -> Iterator[Any]:
    """A web server that wants a login, with an index, the chart app, and values."""
    served = tmp_path / "served"
    served.mkdir()
    shutil.copy(workspace.root / "app-1.0.0.tgz", served)
    helm(workspace, "repo", "index", str(served))
    (served / "values.yaml").write_text("data: {from: url}\n")
    with ChartRepository(served, **USER) as running:
        yield running


@pytest.mark.parametrize("inventory", [None, ELSEWHERE], ids=["here", "elsewhere"])
def test_charts_from_everywhere_through_every_module(
    workspace: Workspace, registry: Any, server: Any, inventory: str | None
) -> None:
    a, b = workspace.ns("a"), workspace.ns("b")
    team = f"oci://{registry.host}/team"
    dependency = {"name": "app", "version": "^1.0.0", "repository": team}
    workspace.chart("local", files={}, dependencies=[dependency])
    values = [f"{server.url}/values.yaml"]
    workspace.stack(
        {"name": "ranged", "namespace": a, "chart": "team/app", "version": "^1.0.0"},
        {"name": "indexed", "namespace": a, "chart": "web/app", "version": "1.x"},
        {"name": "by-url", "namespace": a, "chart": f"{server.url}/app-1.0.0.tgz", "values": values},
        {"name": "local", "namespace": a, "chart": "./charts/local"},
        {"name": "whole", "namespace": b, "chart": f"{team}/umbrella", "version": "2.0.0+b.1", "spray": True},
        repositories=[
            {"name": "team", "url": team, "ca_file": "charts/ca.crt"},
            {"name": "web", "url": server.url, **USER},
        ],
    )
    deploy = workspace.task({"registry_config": "charts/logins.json"})
    rendered: Object = {
        "name": "rendered",
        "helmstack.core.helmstack_template": {"registry_config": "charts/logins.json", "binary_path": HELM},
    }
    settings = {
        "HELMSTACK_CONTROLLER": str(workspace.root / "charts"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
    }
    check = {**deploy, "check_mode": True}
    run = workspace.run(check, deploy, deploy, rendered, inventory=inventory, env=settings if inventory else None)
    first, second, third, templates = run.results
    assert [first["changed"], second["changed"], third["changed"]] == [True, True, False]
    assert first["plan"]["digest"] == second["plan"]["digest"]
    assert set(actions_of(second)) == {"ranged", "indexed", "by-url", "local", "app"}
    assert {release["name"] for release in templates["releases"]} == {"ranged", "indexed", "by-url", "local", "app"}
    data = workspace.api.get(f"/api/v1/namespaces/{a}/configmaps/by-url")["data"]
    assert data == {"from": "url"}
    assert "s3cret" not in run.output + json.dumps(run.results)
    for folder in (workspace.remote_temp, workspace.temp, workspace.local_temp):
        assert [str(path) for path in folder.rglob("*") if path.is_file()] == []


def test_an_umbrella_from_a_registry_is_sprayed(workspace: Workspace, registry: Any) -> None:
    ca = {"name": "team", "url": f"oci://{registry.host}/team", "ca_file": "charts/ca.crt", **USER}
    options = {"chart_ref": "team/umbrella", "chart_version": "2.x", "release_namespace": workspace.ns("a")}
    spray: Object = {
        "name": "spray",
        "helmstack.core.helm_spray": {
            **workspace.connection,
            **options,
            "repositories": [ca],
            "create_namespace": True,
        },
    }
    run = workspace.run({**spray, "check_mode": True}, spray, spray)
    assert [result["changed"] for result in run.results] == [True, True, False]
    assert actions_of(run.results[1]) == {"app": "install"}
    assert "s3cret" not in run.output + json.dumps(run.results)


def test_nobody_elses_login_is_used(workspace: Workspace, registry: Any) -> None:
    """Those of helm and docker lie where they look for them, and nobody has named them."""
    for place in (".config/helm/registry/config.json", ".docker/config.json"):
        (workspace.home / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.root / "charts/logins.json", workspace.home / place)
    repository = {"name": "team", "url": f"oci://{registry.host}/team", "ca_file": "charts/ca.crt"}
    workspace.stack({"name": "app", "namespace": workspace.ns("a"), "chart": "team/app"}, repositories=[repository])
    text = workspace.fail(check=True)
    assert "helmstack.yaml:" in text
    assert "the chart repository 'team' (127.0.0.1:" in text
    assert "wants a login for team/app: 401" in text
    assert actions_of(workspace.check(registry_config=str(workspace.root / "charts/logins.json"))) == {"app": "install"}

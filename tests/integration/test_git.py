# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts and stacks from git with a real helm (the environment variable HELMSTACK_HELM)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import HERE, Workspace, actions_of

from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

CHART = "apiVersion: v2\nname: {name}\nversion: 1.2.0\n{more}"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-{{ .Chart.Name }}'}\n"
UMBRELLA = "dependencies: [{name: web, version: 1.x.x, repository: 'file://../web'}]\n"


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    commit(
        folder,
        {
            "charts/web/Chart.yaml": CHART.format(name="web", more=""),
            "charts/web/templates/cm.yaml": CONFIG_MAP,
            "charts/umbrella/Chart.yaml": CHART.format(name="umbrella", more=UMBRELLA),
            "charts/umbrella/templates/cm.yaml": CONFIG_MAP,
            "note.txt": "no chart\n",
        },
    )
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ChartStore:
    return ChartStore(Helm(HELM, str(tmp_path / "helm"), None), str(tmp_path / "work"), (), str(tmp_path / "cache"))


def test_a_charts_dependencies_beside_it_in_the_repository_are_built(
    upstream: Path, store: ChartStore, tmp_path: Path
) -> None:
    chart = store.fetch(f"git+file://{upstream}//charts/umbrella?ref=main", "1.x")
    assert chart.origin is not None
    assert (chart.origin.kind, chart.origin.version, chart.origin.commit) == (
        "git",
        "1.2.0",
        git(upstream, "rev-parse", "HEAD"),
    )
    manifest = Helm(HELM, str(tmp_path / "other"), None).template(TemplateArgs("r", "default", chart.path))
    assert "r-umbrella" in manifest
    assert "r-web" in manifest


@pytest.mark.parametrize(
    ("reference", "version", "words"),
    [
        ("//charts/web", "2.x", "is version 1.2.0, but the stack wants 2.x"),
        ("//charts", None, r"'charts' in the git repository .* is no chart: it has no Chart.yaml .*//charts/name"),
        ("", None, r"'\.' in the git repository .* is no chart"),
    ],
)
def test_what_is_not_the_wanted_chart_is_told(
    upstream: Path, store: ChartStore, reference: str, version: str | None, words: str
) -> None:
    with pytest.raises(ChartError, match=words):
        store.fetch(f"git+file://{upstream}{reference}", version)


def _git_server() -> Any:
    path = HERE.parent / "unit" / "plugins" / "module_utils" / "git" / "git_server.py"
    spec = importlib.util.spec_from_file_location("git_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.GitServer


def test_the_password_of_a_private_repository_shows_nowhere_and_stays_nowhere(workspace: Workspace) -> None:
    upstream = workspace.root / "upstream" / "charts"
    commit(
        upstream,
        {
            "stack/helmstack.yaml": "releases:\n- {name: search, namespace: '${a}', chart: ../web}\n",
            "web/Chart.yaml": CHART.format(name="web", more=""),
            "web/templates/cm.yaml": CONFIG_MAP,
        },
    )
    server = _git_server()(upstream.parent, login="ci:c4n4ry-p@ss").start()
    url = f"git+{server.url}/charts"
    workspace.stack(
        {"name": "web", "namespace": workspace.ns("a"), "chart": f"{url}//web"},
        variables={"a": workspace.ns("a")},
        stacks=[{"name": "far", "url": f"{url}//stack"}],
        repositories=[
            {"name": "c", "type": "git", "url": server.url, "username": "ci", "password": "${CANARY}"},
        ],
    )
    task = workspace.task({})
    run = workspace.run({**task, "check_mode": True}, task, task, env={"CANARY": "c4n4ry-p@ss"}, args=["-vvv"])
    assert [result["changed"] for result in run.results] == [True, True, False]
    server.login = "ci:another"
    wrong = workspace.run(task, env={"CANARY": "c4n4ry-p@ss"}, code=2)
    server.stop()
    assert "it refuses this user" in wrong.output
    assert set(server.logins) == {"ci:c4n4ry-p@ss"}
    for output in (run.output, wrong.output, str(run.records)):
        assert "c4n4ry" not in output
    holding = [path for path in workspace.root.rglob("*") if path.is_file() and b"c4n4ry" in path.read_bytes()]
    assert holding == []


@pytest.mark.parametrize("remote", [False, True], ids=["here", "elsewhere"])
def test_a_stack_from_git_with_charts_of_its_own_and_from_git(workspace: Workspace, remote: bool) -> None:
    upstream = workspace.root / "upstream"
    head = commit(
        upstream,
        {
            "stacks/elk/helmstack.yaml": "releases:\n- {name: search, namespace: '${a}', chart: ../../charts/web}\n",
            "charts/web/Chart.yaml": CHART.format(name="web", more=""),
            "charts/web/templates/cm.yaml": CONFIG_MAP,
        },
    )
    workspace.write(
        "charts/helmstack.yaml",
        {
            "name": workspace.prefix,
            "helmDefaults": {"createNamespace": True},
            "variables": {"a": workspace.ns("a")},
            "releases": [
                {
                    "name": "web",
                    "namespace": workspace.ns("a"),
                    "chart": f"git+file://{upstream}//charts/web?ref={head}",
                }
            ],
            "stacks": [{"name": "elk", "url": f"git+file://{upstream}//stacks/elk?ref=main"}],
        },
    )
    task = workspace.task({"stack_file": "charts"})
    controller = str(workspace.root / "charts")
    settings = {"HELMSTACK_CONTROLLER": controller, "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins")}
    inventory = "target ansible_connection=elsewhere\n" if remote else None
    run = workspace.run({**task, "check_mode": True}, task, task, inventory=inventory, env=settings if remote else {})
    assert [result["changed"] for result in run.results] == [True, True, False]
    assert actions_of(run.results[0]) == actions_of(run.results[1]) == {"web": "install", "search": "install"}
    maps = workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps")["items"]
    assert {"web-web", "search-web"} <= {item["metadata"]["name"] for item in maps}
    for folder in (workspace.remote_temp, workspace.temp, workspace.local_temp):
        assert [str(path) for path in folder.rglob("*") if path.is_file()] == []


def test_the_lock_file_keeps_stacks_and_charts_of_a_branch_that_moves(workspace: Workspace) -> None:
    upstream = workspace.root / "upstream"
    first = commit(
        upstream,
        {
            "stack/helmstack.yaml": "releases:\n- {name: search, namespace: '${a}', chart: ../web}\n",
            "web/Chart.yaml": CHART.format(name="web", more=""),
            "web/templates/cm.yaml": CONFIG_MAP,
        },
    )
    url = f"git+file://{upstream}"
    workspace.stack(
        {"name": "web", "namespace": workspace.ns("a"), "chart": f"{url}//web?ref=main"},
        variables={"a": workspace.ns("a")},
        stacks=[{"name": "far", "url": f"{url}//stack?ref=main"}],
    )
    lock = {"name": "lock", "helmstack.core.helmstack_lock": {"binary_path": HELM}}
    made = workspace.run(lock, workspace.task({})).results[0]
    assert made["stacks"] == [{"stack": f"{url}//stack?ref=main", "commit": first}]
    assert [chart["commit"] for chart in made["charts"]] == [first]
    second = commit(upstream, {"web/templates/cm.yaml": CONFIG_MAP + "data: {new: '1'}\n"})
    update = {"name": "update", "helmstack.core.helmstack_lock": {"binary_path": HELM, "update": ["*"]}}
    run = workspace.run(workspace.task({}), lock, update, {**workspace.task({}), "check_mode": True})
    assert [result["changed"] for result in run.results] == [False, False, True, True]
    assert run.results[2]["stacks"][0]["commit"] == run.results[2]["charts"][0]["commit"] == second
    assert actions_of(run.results[3]) == {"web": "upgrade", "search": "upgrade"}

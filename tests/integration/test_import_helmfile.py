# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a helmfile to a stack, and a first check that says that nothing would change.

Where HELMSTACK_HELMFILE names a helmfile, it deploys and it prints what is imported; else helm is called as it calls
helm, and what it prints is as it was recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import DEPLOYMENT, HELM, OWN_SECRET, Workspace, actions_of

HELMFILE = os.environ.get("HELMSTACK_HELMFILE", "")
STATE = """\
environments: {dev: {values: [{size: 1}]}, prod: {values: [{size: 2}]}}
---
repositories: []
releases:
  - name: db
    namespace: NS
    chart: ./charts/app
    values: [db.yaml, {auth: {password: "of-{{ .Environment.Name }}-Db1"}}]
    labels: {tier: back}
  - name: web
    namespace: NS
    chart: ./charts/app
    needs: [NS/db]
    values: [{setting: "{{ .Environment.Name }}"}]
    set: [{name: replicas, value: "{{ .Values.size }}"}, {name: data.number, value: "356136738"}]
    hooks: [{events: [presync], command: "true", args: []}]
  - name: extra
    namespace: NS
    chart: ./charts/app
    installed: {{ eq .Environment.Name "prod" }}
"""


def built(workspace: Workspace, environment: str) -> str:
    """What `helmfile build --embed-values` prints."""
    if HELMFILE:
        return helmfile(workspace, environment, "build", "--embed-values")
    size, namespace = {"dev": 1, "prod": 2}[environment], workspace.ns("a")
    common: dict[str, Any] = {"chart": "./charts/app", "chartPath": "charts/app", "namespace": namespace}
    releases = [
        {**common, "name": "db", "labels": {"tier": "back"}, "values": [{"data": {"a": "b"}}, password(environment)]},
        {
            **common,
            "name": "web",
            "needs": [f"{namespace}/db"],
            "values": [{"setting": environment}],
            "set": [{"name": "replicas", "value": str(size)}, {"name": "data.number", "value": "356136738"}],
            "hooks": [{"name": "", "events": ["presync"], "command": "true", "args": [], "showlogs": False}],
        },
        {**common, "name": "extra", "installed": environment == "prod"},
    ]
    state = {"filepath": "helmfile.yaml", "releases": releases, "templates": {}, "renderedvalues": {"size": size}}
    return f"---\n#  Source: {workspace.root}/helmfile.yaml\n\n{json.dumps(state)}\n"


def password(environment: str) -> dict[str, Any]:
    return {"auth": {"password": f"of-{environment}-Db1"}}


def deploy(workspace: Workspace) -> None:
    """What `helmfile -e prod sync` does."""
    if HELMFILE:
        helmfile(workspace, "prod", "sync")
        return
    words = ("-n", workspace.ns("a"), "--create-namespace", "--reset-values", "charts/app")
    secret = workspace.write("password.yaml", password("prod"))
    workspace.helm("upgrade", "--install", "db", *words, "-f", "db.yaml", "-f", str(secret))
    sets = ("--set", "replicas=2", "--set", "data.number=356136738")
    setting = workspace.write("setting.yaml", {"setting": "prod"})
    workspace.helm("upgrade", "--install", "web", *words, "-f", str(setting), *sets)
    workspace.helm("upgrade", "--install", "extra", *words)


def helmfile(workspace: Workspace, environment: str, *words: str) -> str:
    command = [HELMFILE, "--helm-binary", HELM, "--environment", environment, "--file", "helmfile.yaml.gotmpl", *words]
    env = {**workspace.environ({}), "KUBECONFIG": workspace.kubeconfig}
    done = subprocess.run(command, cwd=workspace.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def deployed(workspace: Workspace) -> Workspace:
    number = '  number: "{{ (.Values.data | default dict).number }}"'
    config = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{{{{ .Release.Name }}}}'}}\ndata:\n{number}\n"
    files = {"templates/config.yaml": config}
    files |= {"templates/deployment.yaml": DEPLOYMENT, "templates/secret.yaml": OWN_SECRET}
    workspace.chart("app", files=files)
    workspace.write("db.yaml", {"data": {"a": "b"}})
    workspace.write("helmfile.yaml.gotmpl", STATE.replace("NS", workspace.ns("a")))
    deploy(workspace)
    return workspace


def test_what_helmfile_deployed_is_adopted_by_the_stack_that_is_made_of_it(deployed: Workspace) -> None:
    workspace = deployed
    for environment in ("dev", "prod"):
        workspace.write(f"{environment}.yaml", built(workspace, environment))
    workspace.write("vault-password", "a password")
    builds = [{"file": f"{name}.yaml", "environment": name} for name in ("dev", "prod")]
    importing = {"dest": "imported", "helmfile": builds}
    here = {**workspace.connection, "stack_files": ["imported"]}
    run = workspace.run(
        {"name": "plan", "helmstack.core.helmstack_import": importing, "check_mode": True},
        {"name": "import", "helmstack.core.helmstack_import": importing},
        {"name": "again", "helmstack.core.helmstack_import": importing},
        {"name": "check", "helmstack.core.helmstack": {**here, "environment": "prod"}, "check_mode": True},
        {"name": "other", "helmstack.core.helmstack": {**here, "environment": "dev"}, "check_mode": True},
        args=["--vault-password-file", "vault-password"],
    )
    assert [run[name]["changed"] for name in ("plan", "import", "again")] == [True, True, False]
    assert run["plan"]["diff"] == run["import"]["diff"]
    assert "of-prod-Db1" not in run.output
    assert any("its hook is not carried over" in note for note in run["import"]["notes"])
    assert actions_of(run["check"]) == dict.fromkeys(("db", "web", "extra"), "adopt")
    assert (run["check"]["changed"], run["check"]["diff"]) == (False, [])
    assert actions_of(run["other"]) == {"db": "upgrade", "web": "upgrade", "extra": "skip"}
    folder = workspace.root / "imported"
    assert (folder / "secrets" / "db.yaml").read_text().startswith("$ANSIBLE_VAULT;")
    assert not any("of-prod" in path.read_text() for path in folder.rglob("*.yaml"))


def test_secrets_of_a_helmfile_are_not_written_without_a_vault(deployed: Workspace, tmp_path: Path) -> None:
    deployed.write("prod.yaml", built(deployed, "prod"))
    told = deployed.fail(
        **{"helmstack.core.helmstack_import": {"dest": "imported", "helmfile": [{"file": "prod.yaml"}]}}
    )
    assert "values that look secret (auth.password of" in told
    assert not (deployed.root / "imported").exists()

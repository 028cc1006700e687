# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases that others have installed are taken as they are: a check says that nothing would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chart_repository import ChartRepository
from harness import Workspace, actions_of, objects_of
from ten_charts import TEN, write_ten

# What belongs to no namespace and is not among what a workspace takes away.
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


SPRAYED = ("argo-cd", "prometheus")


@pytest.fixture
def ten(workspace: Workspace) -> Iterator[dict[str, dict[str, Any]]]:
    try:
        yield write_ten(workspace)
    finally:
        for item in workspace.api.get(WEBHOOKS)["items"]:
            if item["metadata"]["name"].startswith(workspace.prefix):
                workspace.api.delete(f"{WEBHOOKS}/{item['metadata']['name']}")


def install(
    workspace: Workspace,
    name: str,
    values: dict[str, Any],
    chart: str = "",
    words: tuple[str, ...] = (),
    before: tuple[str, ...] = (),
) -> None:
    """A release in the way of most tools: values as a file, and hooks left out, which only cost time here."""
    file = workspace.write(f"given/{name}.yaml", values)
    chart = f"charts/{chart or name}"
    common = ("-n", workspace.ns("a"), "--create-namespace", "--no-hooks")
    workspace.helm("upgrade", "--install", name, chart, *common, *before, "-f", str(file), *words)


def ways(workspace: Workspace, ten: dict[str, dict[str, Any]]) -> None:
    """The ten releases, as helm by hand, kubernetes.core.helm, helmfile and helm-spray call helm."""
    install(workspace, "redis", ten["redis"])
    install(workspace, "postgresql", ten["postgresql"])
    install(workspace, "rabbitmq", ten["rabbitmq"])
    install(workspace, "keycloak", ten["keycloak"], words=("--reset-values", "--wait=false"))  # kubernetes.core.helm
    install(workspace, "mongodb", ten["mongodb"], words=("--reset-values",))
    install(workspace, "cert-manager", ten["cert-manager"], words=("--set", "settings.number=356136738"))  # helmfile
    install(workspace, "nginx", ten["nginx"], words=("--set", "replicas=2", "--set-string", "settings.zip=01234"))
    install(workspace, "kube-prometheus-stack", ten["kube-prometheus-stack"], words=("--history-max", "5"))
    for name in SPRAYED:  # helm-spray
        switches = ",".join(f"{other}.enabled={str(other == name).lower()}" for other in SPRAYED)
        defaults = str(workspace.root / "charts" / "umbrella" / "values.yaml")
        given = {key: ten[key] for key in SPRAYED}
        install(workspace, name, given, "umbrella", ("--set", switches), before=("-f", defaults))


def umbrella(workspace: Workspace, *names: str) -> None:
    files = {
        f"charts/{name}/{path.relative_to(workspace.root / 'charts' / name)}": path.read_text()
        for name in names
        for path in (workspace.root / "charts" / name).rglob("*")
        if path.is_file()
    }
    files["values.yaml"] = json.dumps({name: {"weight": 0} for name in names})
    needs = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in names]
    workspace.chart("umbrella", "3.0.0", files, dependencies=needs)


def test_ten_charts_that_others_installed_are_adopted(workspace: Workspace, ten: dict[str, dict[str, Any]]) -> None:
    umbrella(workspace, *SPRAYED)
    ways(workspace, ten)
    complete(workspace)
    sprayed = {key: ten[key] for key in SPRAYED}
    more = {
        "cert-manager": {"set": {"settings": {"number": 356136738}}},
        "nginx": {"set": {"replicas": 2, "settings": {"zip": "01234"}}},
    }
    workspace.stack(
        *(
            workspace.release(name, name, values=[f"given/{name}.yaml"], labels={"tier": "x"}, **more.get(name, {}))
            for name in TEN
            if name not in sprayed
        ),
        workspace.release("umbrella", "umbrella", values=[sprayed], spray=True),
    )
    result = workspace.check(wait=False, disable_hook=True)
    assert (result["changed"], objects_of(result), result["diff"]) == (False, {}, [])
    assert actions_of(result) == dict.fromkeys(TEN, "adopt")
    assert imported(workspace) == dict.fromkeys(TEN, "adopt")
    before = workspace.snapshot()
    run = workspace.deploy(wait=False, disable_hook=True)
    assert (run["changed"], actions_of(run)) == (False, dict.fromkeys(TEN, "adopt"))
    after = workspace.snapshot()
    assert (after.changes_since(before), after.new_revisions_since(before)) == ({}, {})
    assert after.releases[f"{workspace.ns('a')}/redis"].labels["tier"] == "x"
    assert actions_of(workspace.check(wait=False, disable_hook=True)) == dict.fromkeys(TEN, "unchanged")


def imported(workspace: Workspace) -> dict[str, str]:
    """What a check does with the stack that helmstack_import makes of the cluster."""
    for name in (*(name for name in TEN if name not in SPRAYED), "umbrella"):
        workspace.helm_plain("package", f"charts/{name}", "--destination", "repository")
    workspace.helm_plain("repo", "index", "repository")
    workspace.write("password", "a password")
    how = {**workspace.connection, "stack_files": ["imported"], "wait": False, "disable_hook": True}
    with ChartRepository(workspace.root / "repository") as repository:
        found = {"namespaces": [workspace.ns("a")], "repositories": [{"name": "charts", "url": repository.url}]}
        run = workspace.run(
            {
                "name": "import",
                "helmstack.core.helmstack_import": {**workspace.connection, "dest": "imported", **found},
            },
            {"name": "check", "helmstack.core.helmstack": how, "check_mode": True},
            args=["--vault-password-file", "password"],
        )
    assert (run["import"]["left_out"], run["check"]["changed"], run["check"]["diff"]) == ([], False, [])
    return actions_of(run["check"])


def complete(workspace: Workspace) -> None:
    """What charts leave to a controller or a program: the bundle of webhooks, and a Secret's content."""
    name = f"{workspace.prefix}-cert-manager-cert-manager"
    hook = workspace.api.get(f"{WEBHOOKS}/{name}")
    hook["webhooks"][0]["clientConfig"]["caBundle"] = "Y2E="
    workspace.api.patch(f"{WEBHOOKS}/{name}", {"webhooks": hook["webhooks"]})
    secret = f"/api/v1/namespaces/{workspace.ns('a')}/secrets/argo-cd-argo-cd-runtime"
    workspace.api.patch(secret, {"data": {"admin.password": "JDJh"}})

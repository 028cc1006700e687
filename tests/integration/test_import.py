# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what helm alone has installed to a stack of which a check says that nothing would change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import CONFIG, HELM, HERE, OWN_SECRET, RBAC, Object, Run, Workspace, actions_of
from leaks import forms, opened

from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import to_json

sys.path.insert(0, str(HERE.parent / "cluster"))

from chart_repository import ChartRepository
from oci_registry import OciRegistry

CANARIES = {
    "by name": "canary-Password-7781",
    "by shape": "canary-in-url-3391",
    "in a list": "canary-of-environment-2205",
    "elsewhere": "canary-Password-7781",
}
VALUES: Object = {
    "password": CANARIES["by name"],
    "dsn": f"postgres://app:{CANARIES['by shape']}@db.invalid/app",
    "env": [{"name": "LOG", "value": "debug"}, {"name": "API_TOKEN", "value": CANARIES["in a list"]}],
    "motd": f"do not tell {CANARIES['elsewhere']} to anybody",
    "data": {
        "a": "0x1F",
        "b": "1e3",
        "y": "yes",
        "d": "2024-01-01",
        "n": None,
        "f": 1.5,
        "u": "\u2028 😀",
        "l": [1, None],
    },
}
# numbers show whether they were integers or floats
ECHO = CONFIG + "  all: {{ .Values | toJson | quote }}\n  big: '{{ .Values.big }} {{ .Values.large }}'\n"
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "post-install,post-upgrade"}}
data: {value: "{{ .Chart.Version }}"}
"""
SCHEMA = {"type": "object", "properties": {"motd": {"type": "string"}}}


def package(workspace: Workspace, name: str, into: Path) -> None:
    workspace.helm_plain("package", f"charts/{name}", "--destination", str(into))


def install(workspace: Workspace, name: str, chart: str, *words: str, namespace: str = "a", **values: Any) -> None:
    workspace.write(f"given/{name}.yaml", to_json(values))
    where = ("-n", workspace.ns(namespace), "--create-namespace", "-f", f"given/{name}.yaml")
    workspace.helm("upgrade", "--install", name, chart, *where, *words)


def umbrella(workspace: Workspace) -> None:
    """An umbrella of two parts and a library, one of them under another name."""
    parts = [
        {"name": "part", "version": "1.0.0", "alias": name, "condition": f"{name}.enabled"} for name in ("one", "two")
    ]
    files: Object = {
        "values.yaml": {name: {"weight": weight, "data": {"of": name}} for weight, name in enumerate(("one", "two"))},
        "charts/part/Chart.yaml": {"apiVersion": "v2", "name": "part", "version": "1.0.0"},
        "charts/part/templates/config.yaml": CONFIG,
    }
    workspace.chart("whole", files=files, dependencies=parts)


def spray(workspace: Workspace, chart: str, *versions: str) -> None:
    """What helm-spray does with it: a release a part, the umbrella's own values as the first values file."""
    for on, off in (("one", "two"), ("two", "one")):
        switches = f"{on}.enabled=true,{off}.enabled=false"
        files = ("-f", "charts/whole/values.yaml", "-f", "given/spray.yaml")
        where = ("-n", workspace.ns("s"), "--create-namespace")
        workspace.helm("upgrade", "--install", f"p-{on}", chart, *versions, *where, *files, "--set", switches)


def upstream(folder: Path, chart: Path) -> None:
    shutil.copytree(chart, folder / "deep" / "tool")
    names = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "x"), ("tag", "v1.2.0")):
        subprocess.run(["git", *names, *words], cwd=folder, check=True)
    (folder / "deep" / "tool" / "Chart.yaml").write_text("apiVersion: v2\nname: tool\nversion: 1.3.0\n")
    subprocess.run(["git", *names, "commit", "-qam", "y"], cwd=folder, check=True)


@pytest.fixture(scope="module")
def cluster(shared: Workspace) -> Iterator[tuple[Workspace, list[Object]]]:
    """Releases of charts from everywhere, made by helm; and the repositories that are to be searched."""
    served = shared.root / "served"
    served.mkdir()
    shared.chart("web", files={"templates/config.yaml": ECHO, "values.yaml": {"port": 8080, "nothing": None}})
    shared.chart("cache")
    shared.chart("tool", "1.2.0")
    umbrella(shared)
    for name in ("web", "whole"):
        package(shared, name, served)
    shared.helm_plain("repo", "index", str(served))
    upstream(shared.root / "git", shared.root / "charts/tool")
    with ChartRepository(served) as server, OciRegistry() as registry:
        package(shared, "cache", shared.root)
        shared.helm_plain("push", "cache-1.0.0.tgz", f"oci://{registry.host}/team", "--plain-http")
        own = {"templates/config.yaml": ECHO, "templates/own.yaml": OWN_SECRET, "templates/hook.yaml": HOOK}
        shared.chart("own", "3.0.0", files={**own, "values.schema.json": SCHEMA, "files/a.txt": "text\n"})
        inner = {"name": "web", "version": "1.x", "repository": server.url}
        shared.chart("parent", files={"values.yaml": {"web": {"port": 1}}}, dependencies=[inner])
        shared.helm_plain("dependency", "build", "charts/parent")
        shared.write(
            "given/spray.yaml", {"two": {"data": {"extra": "y"}}, "global": {"password": "canary-of-spray-4417"}}
        )
        install(shared, "web", f"{server.url}/web-1.0.0.tgz", **VALUES)
        install(shared, "cache", "charts/cache", data={"a": "b"})
        install(shared, "tool", "charts/tool", data={"t": "1"})
        install(shared, "own", "charts/own", "--set", "big=123456789,list[0].n=7654321", large=987654321, **VALUES)
        install(shared, "own", "charts/own", namespace="b", motd="another of that name")
        install(shared, "parent", "charts/parent", web={"data": {"p": "q"}})
        spray(shared, f"{server.url}/whole-1.0.0.tgz")
        repositories = [
            {"name": "charts", "url": server.url},
            {"name": "team", "url": f"oci://{registry.host}/team", "plain_http": True},
            {"name": "upstream", "url": f"git+file://{shared.root}/git", "type": "git"},
        ]
        shared.write("vault-password", "of the vault\n")
        yield shared, repositories


def task(workspace: Workspace, **options: Any) -> Object:
    spaces = [workspace.ns(suffix) for suffix in "abs"]
    given = {**workspace.connection, "namespaces": spaces, "dest": "out", **options}
    return {"name": "import", "helmstack.core.helmstack_import": given}


VAULT = ("--vault-password-file", "vault-password")


def test_a_check_of_what_was_imported_says_that_nothing_would_change(
    cluster: tuple[Workspace, list[Object]],
) -> None:
    workspace, repositories = cluster
    tasks = task(workspace, repositories=repositories)
    checked = workspace.run(tasks, check=True, args=VAULT)
    assert not (workspace.root / "out").exists()
    again = {**task(workspace, repositories=repositories), "name": "again"}
    deploy = workspace.task({"stack_file": "out"})
    steps = [tasks, again, {**deploy, "name": "check", "check_mode": True}, deploy, {**deploy, "name": "last"}]
    run = workspace.run(*steps, args=VAULT)
    assert checked.result["files"] == run["import"]["files"]
    assert checked.result["diff"] == run["import"]["diff"]
    assert (run["import"]["changed"], run["again"]["changed"]) == (True, False)
    sources = {(each["namespace"][-1], each["name"]): each["source"] for each in run["import"]["releases"]}
    assert sources == {
        ("a", "web"): "repository",
        ("a", "cache"): "oci",
        ("a", "tool"): "git",
        ("a", "own"): "exported",
        ("b", "own"): "exported",
        ("a", "parent"): "exported",
        ("s", "whole"): "repository",
    }
    sprayed = next(each for each in run["import"]["releases"] if each["name"] == "whole")
    assert sprayed["spray"] == [f"{workspace.ns('s')}/p-one", f"{workspace.ns('s')}/p-two"]
    assert (run["check"]["changed"], set(actions_of(run["check"]).values())) == (False, {"adopt"})
    assert run["deploy"]["changed"] is False
    assert set(actions_of(run["last"]).values()) == {"unchanged"}
    _no_canary(workspace, checked, run)
    for name in ("web", f"{workspace.ns('a')}/own"):
        text = opened(workspace, f"out/secrets/{name}.yaml")
        assert all(canary in text for canary in CANARIES.values())
    assert "canary-of-spray-4417" in opened(workspace, "out/secrets/whole.yaml")


def _no_canary(workspace: Workspace, *runs: Run) -> None:
    said = "".join(run.output + json.dumps(run.results, ensure_ascii=False) for run in runs)
    folders = (workspace.root / "out", workspace.home, workspace.local_temp, workspace.remote_temp, workspace.temp)
    files = {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    for canary in {*CANARIES.values(), "canary-of-spray-4417"}:
        for form in forms(canary):
            if len(form) >= 8:
                assert form not in said
                assert [str(path) for path, content in files.items() if form.encode() in content] == []


def test_several_clusters_are_one_stack_with_environments(cluster: tuple[Workspace, list[Object]]) -> None:
    """Of one cluster, seen by two who may read different namespaces."""
    workspace, repositories = cluster
    limited = _reader_of(workspace, "a", "b")
    clusters = [{"name": "dev", "kubeconfig": workspace.kubeconfig}, {"name": "prod", "kubeconfig": limited}]
    options = {"clusters": clusters, "dest": "both", "repositories": repositories}
    a, b = workspace.ns("a"), workspace.ns("b")
    imported = task(workspace, **options, namespaces=[a, b])
    checks = [
        {
            **workspace.task({"stack_file": "both", "environment": name, "take_over": True}),
            "name": name,
            "check_mode": True,
        }
        for name in ("dev", "prod")
    ]
    run = workspace.run(imported, *checks, args=VAULT)
    assert run["import"]["environments"] == ["dev", "prod"]
    notes = "\n".join(run["import"]["notes"])
    assert "belongs to the stack 'out' already; another one takes it over with take_over: true" in notes
    assert "nothing differs" in (workspace.root / "both/env/prod.yaml").read_text()
    for name in ("dev", "prod"):
        assert run[name]["changed"] is False


def _reader_of(workspace: Workspace, *suffixes: str) -> str:
    """The kubeconfig of a user who may only read in some namespaces."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    user = "limited"
    for suffix in suffixes:
        path = f"{RBAC}/namespaces/{workspace.ns(suffix)}"
        workspace.api.create(f"{path}/roles", {"metadata": {"name": "reads"}, "rules": rules})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        binding = {"metadata": {"name": "reads"}, "roleRef": role, "subjects": [subject]}
        workspace.api.create(f"{path}/rolebindings", binding)
    return str(workspace.cluster.kubeconfig_for(user))


def test_without_a_vault_password_nothing_secret_is_written(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    run = workspace.run(task(workspace, dest="none"), code=2)
    assert "are written only encrypted, and no vault password is known. Give its password" in run.result["msg"]
    assert f"motd of {workspace.ns('a')}/own" in run.result["msg"]
    assert not (workspace.root / "none").exists()
    _no_canary(workspace, run)


def test_what_is_there_is_not_overwritten(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    workspace.write("there/helmstack.yaml", "name: mine\n")
    options = {"dest": "there", "names": ["tool"]}
    refused, forced = {**task(workspace, **options), "ignore_errors": True}, task(workspace, **options, force=True)
    look = {"name": "look", "ansible.builtin.find": {"paths": str(workspace.root / "there"), "file_type": "any"}}
    run = workspace.run(refused, look, forced)
    message = run["import"]["msg"]
    assert "there/helmstack.yaml' is there already, with another content. Name another folder" in message
    assert [Path(file["path"]).name for file in run["look"]["files"]] == ["helmstack.yaml"]
    assert run.result["changed"]
    assert "name: there" in (workspace.root / "there/helmstack.yaml").read_text()


def test_who_may_not_list_is_told_the_right(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    nobody = str(workspace.cluster.kubeconfig_for("nobody"))
    options = {"kubeconfig": nobody, "namespaces": [], "dest": "none"}
    run = workspace.run(task(workspace, **options), code=2)
    assert "no right to list secrets in the whole cluster: user 'nobody' may not" in run.result["msg"]
    assert "Or name the namespaces that may be read with namespaces" in run.result["msg"]


def test_the_storage_drivers(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    c = workspace.ns("c")
    workspace.api.create("/api/v1/namespaces", {"metadata": {"name": c}})
    subprocess.run(
        [HELM, "install", "kept", "charts/cache", "-n", c, "--kubeconfig", workspace.kubeconfig],
        cwd=workspace.root,
        env={**workspace.environ({}), "HELM_DRIVER": "configmap"},
        check=True,
        capture_output=True,
    )
    here = {"namespaces": [c], "dest": "kept"}
    sql = {**task(workspace, **here), "name": "sql", "environment": {"HELM_DRIVER": "sql"}, "ignore_errors": True}
    unset = {**task(workspace, **here), "name": "unset", "ignore_errors": True}
    right = {**task(workspace, **here), "environment": {"HELM_DRIVER": "configmap"}}
    check = {**workspace.task({"stack_file": "kept"}), "check_mode": True, "environment": {"HELM_DRIVER": "configmap"}}
    run = workspace.run(sql, unset, right, check)
    assert "HELM_DRIVER is 'sql', but releases can be read only from Secrets and ConfigMaps" in run["sql"]["msg"]
    assert "1 are stored in ConfigMaps: set HELM_DRIVER: configmap" in run["unset"]["msg"]
    assert actions_of(run.result) == {"kept": "adopt"}


def test_damaged_and_pending_releases_are_told(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    for name in ("damaged", "first", "again", "failed"):
        install(workspace, name, "charts/cache", namespace="d", data={"v": "1"})
    install(workspace, "again", "charts/cache", namespace="d", data={"v": "2"})
    install(workspace, "failed", "charts/cache", namespace="d", data={"v": "2"})
    _status(workspace, "first", 1, "pending-install")
    _status(workspace, "again", 2, "pending-upgrade")
    _status(workspace, "failed", 2, "failed")
    workspace.api.patch(workspace.secret("damaged", 1, "d"), {"data": {"release": "bm90IGEgcmVsZWFzZQ=="}})
    run = workspace.run(task(workspace, namespaces=[workspace.ns("d")], dest="told"))
    result = run.result
    assert [each["name"] for each in result["releases"]] == ["again", "failed"]
    left = "\n".join(result["left_out"])
    assert f"release {workspace.ns('d')}/damaged is not in the stack: the stored release" in left
    assert "is damaged" in left
    assert "first installation is at work still, or was killed (pending-install)" in left
    notes = "\n".join(result["notes"])
    assert "again: revision 2 is pending-upgrade, so that what is written is revision 1" in notes
    assert "failed: revision 2 is failed, so that what is written is revision 1" in notes
    assert "v: '1'" in (workspace.root / "told/values/again.yaml").read_text()
    assert "is not in the stack" in run.output


def _status(workspace: Workspace, name: str, revision: int, status: str) -> None:
    """As :func:`set_status`, in the namespace of these."""
    path = workspace.secret(name, revision, "d")
    workspace.api.patch(path, {"metadata": {"labels": {"status": status}}})
    if revision > 1:
        workspace.api.patch(workspace.secret(name, revision - 1, "d"), {"metadata": {"labels": {"status": "deployed"}}})


def test_a_chart_that_holds_a_secret_itself_is_not_exported(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    leak = "canary-in-the-chart-8812"
    workspace.chart("leaky", files={"templates/config.yaml": CONFIG, "files/init.sql": f"set password {leak}\n"})
    install(workspace, "leaky", "charts/leaky", namespace="e", password=leak)
    run = workspace.run(task(workspace, namespaces=[workspace.ns("e")], dest="leaky"), args=VAULT)
    assert [(each["source"], each["ignore"]) for each in run.result["releases"]] == [("missing", True)]
    assert "the file files/init.sql of its chart leaky 1.0.0 holds a secret" in "\n".join(run.result["notes"])
    written = b"".join(path.read_bytes() for path in (workspace.root / "leaky").rglob("*") if path.is_file())
    assert leak.encode() not in written
    assert leak not in run.output + json.dumps(run.results)


def test_from_another_host_comes_the_same_and_nothing_stays_there(cluster: tuple[Workspace, list[Object]]) -> None:
    workspace, _repositories = cluster
    env = {
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "HELMSTACK_CONTROLLER": str(workspace.root / "given"),
    }
    options = {"names": [f"{workspace.ns('a')}/own"], "repositories": []}
    here = workspace.run(task(workspace, dest="near", **options), args=VAULT)
    there = workspace.run(
        task(workspace, dest="far", **options), args=VAULT, inventory="target ansible_connection=elsewhere\n", env=env
    )
    assert there.result["files"] == here.result["files"]
    for path in ("values/own.yaml", "charts/own/templates/own.yaml"):
        assert (workspace.root / "far" / path).read_text() == (workspace.root / "near" / path).read_text()
    assert opened(workspace, "far/secrets/own.yaml") == opened(workspace, "near/secrets/own.yaml")
    _no_canary(workspace, here, there)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders crds/ of charts: what is made, what is upgraded and what is left alone, and by whom it can be seen."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from harness import CONFIG, OWN_SECRET, Object, Workspace, actions_of, exact, objects_of, plan_of, reader, release_of

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
USER = """\
apiVersion: {{ .Values.group }}.example.org/{{ .Values.version }}
kind: {{ .Values.kind }}
metadata: {name: "{{ .Release.Name }}"}
spec: {size: 1}
"""
ASKS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data:
  one: {{ .Capabilities.APIVersions.Has "GROUP/v1" | quote }}
  scale: {{ .Capabilities.APIVersions.Has "GROUP/v1/Scale" | quote }}
"""


def definition(plural: str, *versions: str, field: str = "size") -> Object:
    """A CustomResourceDefinition; the first version is stored."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {field: {"type": "integer"}}}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # as controller-gen writes it
        "metadata": {"name": f"{plural}.{plural}.example.org", "creationTimestamp": None},
        "spec": {
            "group": f"{plural}.example.org",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.capitalize()},
            "preserveUnknownFields": False,
            "versions": [
                {"name": name, "served": True, "storage": name == versions[0], "schema": {"openAPIV3Schema": schema}}
                for name in versions
            ],
        },
    }


def key(plural: str) -> tuple[str, str, str]:
    return "CustomResourceDefinition", "", f"{plural}.{plural}.example.org"


def test_definitions_are_upgraded_where_asked_and_only_there(workspace: Workspace) -> None:
    mine, off, ready = (f"{workspace.prefix}{word}" for word in ("mine", "off", "ready"))

    def chart(*versions: str, field: str = "size") -> None:
        files = {
            "templates/config.yaml": CONFIG,
            "crds/mine.yaml": definition(mine, *versions, field=field),
            "charts/off/Chart.yaml": {"apiVersion": "v2", "name": "off", "version": "1.0.0"},
            "charts/off/crds/off.yaml": definition(off, "v1"),
            "charts/on/Chart.yaml": {"apiVersion": "v2", "name": "on", "version": "1.0.0"},
            "charts/on/crds/ready.yaml": definition(ready, "v1", "v2"),
        }
        dependencies = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in ("on", "off")]
        workspace.chart("mine", files=files, dependencies=dependencies)

    def stack(**keys: Any) -> None:
        workspace.stack(workspace.release("mine", "mine", set={"off": {"enabled": False}}, **keys))

    chart("v1")
    stack()
    # one that is there already, and is another one: a first install leaves it alone
    workspace.api.create(CRD, definition(ready, "v1"))
    first = exact(workspace)
    assert {name: op for name, op in objects_of(first).items() if name[0].startswith("Custom")} == {key(mine): "add"}

    chart("v1", field="length")
    assert actions_of(exact(workspace)) == {"mine": "adopt"}

    stack(upgradeCRDs=True)
    # check mode says the same without the right to patch, and says that it could not ask
    task = workspace.task({})
    reads = {**workspace.task({"kubeconfig": reader(workspace)}), "check_mode": True}
    before = workspace.snapshot()
    seen, checked, second, again = workspace.results(reads, {**task, "check_mode": True}, task, reads)
    assert workspace.snapshot().changes_since(before) == objects_of(second)
    assert plan_of(seen) == plan_of(checked) == plan_of(second)
    assert seen["diff"] == checked["diff"] == second["diff"]
    [warning] = [text for text in seen["warnings"] if "crds/" in text]  # and one on the lock
    assert "computed without the server's dry run: no right to patch customresourcedefinitions" in warning
    assert "warnings" not in second
    assert objects_of(second) == {key(mine): "change", key(ready): "change"}
    assert release_of(second, "mine")["reason"] == ["chart"]
    assert "length" in json.dumps(second["diff"])
    assert actions_of(again) == {"mine": "unchanged"}

    # what people change can only be seen where drift is asked for
    stored = workspace.api.get(f"{CRD}/{key(ready)[2]}")
    workspace.api.patch(f"{CRD}/{key(ready)[2]}", {"spec": {"versions": stored["spec"]["versions"][:1]}})
    plain, reported = workspace.results({}, {"drift": "report"}, check=True)
    assert (plain["changed"], reported["changed"]) == (False, False)
    assert (objects_of(plain), objects_of(reported)) == ({}, {key(ready): "change"})
    assert objects_of(exact(workspace, drift="correct")) == {key(ready): "change"}

    chart("v2")
    refused = {**task, "check_mode": True, "ignore_errors": True}
    message = workspace.results(refused, {"state": "absent", "all": True})[0]["msg"]
    assert f"CustomResourceDefinition {key(mine)[2]} cannot lose version v1: objects may be stored in it" in message
    left = workspace.snapshot()
    assert not left.releases
    assert {name for name in left.objects if name[0] == "CustomResourceDefinition"} == {key(mine), key(ready)}


@pytest.mark.parametrize("folder", ["crds", "templates"])
def test_what_needs_a_new_kind_or_version_waits_for_it_and_is_planned(workspace: Workspace, folder: str) -> None:
    plural = f"{workspace.prefix}mine"
    known = '{{ .Capabilities.APIVersions.Has (printf "%s.example.org/v2" .Values.group) | quote }}'
    files = {"templates/user.yaml": USER, "templates/config.yaml": CONFIG + f"  known: {known}\n"}
    workspace.chart("user", files=files)
    # this one is asked of the server, which knows of no new version yet
    workspace.chart("counts", files={"templates/user.yaml": USER.replace("size: 1", "size: {{ .Release.Revision }}")})

    def stack(version: str, *versions: str) -> None:
        workspace.chart("mine", files={f"{folder}/mine.yaml": definition(plural, *versions)})
        values = {"group": plural, "kind": plural.capitalize(), "version": version}
        workspace.stack(
            workspace.release("mine", "mine", upgradeCRDs=True),
            workspace.release("user", "user", needs=["mine"], set=values),
            workspace.release("counts", "counts", needs=["mine"], set=values),
        )

    task = workspace.task({})
    check = {**task, "check_mode": True}
    for version, versions, action in (("v1", ("v1",), "install"), ("v2", ("v1", "v2"), "upgrade")):
        stack(version, *versions)
        checked, run, again = workspace.results(check, task, check)
        assert set(actions_of(checked).values()) == {action}
        assert plan_of(checked) == plan_of(run)
        assert set(actions_of(again).values()) == {"unchanged"}
        data = workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/user")["data"]
        assert data == {"known": str(version == "v2").lower()}


def test_sub_charts_of_a_sprayed_umbrella_bring_theirs(workspace: Workspace) -> None:
    one, all_of = (f"{workspace.prefix}{word}" for word in ("one", "all"))

    def chart(field: str) -> None:
        parts = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in ("one", "two")]
        files: Object = {"values.yaml": {"one": {"weight": 0}, "two": {"weight": 0}}}
        files["crds/all.yaml"] = definition(all_of, "v1", field=field)
        for name in ("one", "two"):
            files[f"charts/{name}/Chart.yaml"] = {"apiVersion": "v2", "name": name, "version": "1.0.0"}
            files[f"charts/{name}/templates/config.yaml"] = CONFIG
        files["charts/one/crds/one.yaml"] = definition(one, "v1", field=field)
        workspace.chart("umbrella", files=files, dependencies=parts)

    chart("size")
    workspace.stack(workspace.release("umbrella", "umbrella", spray=True, upgradeCRDs=True))
    first = exact(workspace)
    a = workspace.ns("a")
    listed = [(r["name"], item["name"]) for r in first["plan"]["releases"] for item in r["objects"]]
    crds = [(release, name) for release, name in listed if name.endswith("example.org")]
    assert sorted(crds) == sorted([("one", key(one)[2]), ("one", key(all_of)[2])])
    assert ("ConfigMap", a, "two") in objects_of(first)
    chart("length")
    second = exact(workspace)
    assert objects_of(second) == {key(one): "change", key(all_of): "change"}


@pytest.mark.parametrize("own", [True, False])
def test_a_chart_that_looks_up_something_and_has_kinds_that_are_to_come_is_planned(
    workspace: Workspace, own: bool
) -> None:
    plural = f"{workspace.prefix}mine"
    workspace.kinds[plural.capitalize()] = (f"/apis/{plural}.example.org/v1", plural)
    defined = {"crds/mine.yaml": definition(plural, "v1")}
    workspace.chart("mine", files=defined)
    workspace.chart("user", files={"templates/user.yaml": f"{USER}---\n{OWN_SECRET}", **(defined if own else {})})
    values = {"group": plural, "kind": plural.capitalize(), "version": "v1"}
    needs = {} if own else {"needs": ["mine"]}
    user = workspace.release("user", "user", set=values, **needs)
    workspace.stack(*([] if own else [workspace.release("mine", "mine")]), user)
    result = exact(workspace)
    if os.environ["HELMSTACK_HELM_MAJOR"] == "4":  # Helm 3 looks up, and does not ask for the kinds of what it renders
        told = "its templates' lookups find nothing here, as its kinds are not served yet"
        assert [told in warning for warning in result["warnings"]] == [True]
    assert actions_of(workspace.check())["user"] == "unchanged"


@pytest.mark.parametrize("folder", ["crds", "templates"])
def test_what_asks_for_apis_waits_for_those_that_the_run_brings_though_it_needs_nothing(
    workspace: Workspace, folder: str
) -> None:
    """Else it would see them or not, as chance has it, and the next run would change it."""
    plural = f"{workspace.prefix}mine"
    made = definition(plural, "v1")
    made["spec"]["versions"][0]["subresources"] = {
        "scale": {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.a"}
    }
    asks = {"templates/config.yaml": ASKS.replace("GROUP", f"{plural}.example.org")}
    workspace.chart("mine", files={f"{folder}/mine.yaml": made, **asks})
    workspace.chart("asks", files=asks)
    workspace.stack(*(workspace.release(name, name) for name in ("asks", "mine")))
    result = exact(workspace)
    assert release_of(result, "asks")["needs"] == [f"{workspace.ns('a')}/mine"]
    found = workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/asks")["data"]
    assert found == {"one": "true", "scale": "true"}
    assert set(actions_of(workspace.check()).values()) == {"unchanged"}
    # one that nobody has asked for is no change
    workspace.api.create(CRD, definition(f"{workspace.prefix}other", "v1"))
    assert set(actions_of(workspace.check()).values()) == {"unchanged"}

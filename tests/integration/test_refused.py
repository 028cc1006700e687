# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helm or the cluster will refuse: the check says so, and the run then fails at just that."""

from __future__ import annotations

import os
import time

import pytest
from harness import CONFIG, CORE, DEFINITION, DEPLOYMENT, OWN_SECRET, Object, Workspace, exact, objects_of, reader

MAJOR = int(os.environ.get("HELMSTACK_HELM_MAJOR", "0"))


def foreseen(workspace: Workspace, chart: str, files: Object, **keys: object) -> tuple[str, str]:
    """What a check warns of, and what the run then fails with; "": it does not."""
    workspace.chart(chart, files=files)
    workspace.stack(workspace.release("app", chart, timeout="20s", **keys))
    checked = workspace.check()
    result = workspace.attempt()
    return "\n".join(checked.get("warnings", ())), str(result["msg"]) if result.get("failed") else ""


def nameless(events: str = "", policy: str = "") -> str:
    words = ", ".join(
        f'helm.sh/{key}: "{text}"' for key, text in (("hook", events), ("hook-delete-policy", policy)) if text
    )
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{generateName: made-, annotations: {{{words}}}}}\n"


NESTED = """\
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inner}}]}]
"""


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        (nameless(), "makes no object without a name", "resource name may not be empty"),
        (NESTED, "no List inside of a List", "is not a list: no Items field"),
    ],
)
def test_what_helm_itself_refuses_is_told_before(workspace: Workspace, text: str, said: str, error: str) -> None:
    warned, failed = foreseen(workspace, "bad", {"templates/bad.yaml": text, "templates/config.yaml": CONFIG})
    assert said in warned
    assert error in failed


@pytest.mark.parametrize("policy", ["", "hook-failed", "hook-succeeded"])
def test_hooks_with_a_generated_name(workspace: Workspace, policy: str) -> None:
    files = {"templates/hook.yaml": nameless("post-install", policy)}
    warned, failed = foreseen(workspace, "bad", files)
    works = MAJOR == 3 and policy == "hook-failed"
    assert bool(warned) is bool(failed) is not works, (warned, failed)
    assert works or ("helm will fail at hook ConfigMap made-" in warned and "resource name may not be empty" in failed)


def test_a_definition_that_is_a_hook_is_changed_by_helm_4_and_stops_helm_3(workspace: Workspace) -> None:
    plural = f"{workspace.prefix}things"
    text = DEFINITION % {"plural": plural, "kind": plural.capitalize()}
    text = text.replace(".example.org}", ".example.org, annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}}", 1)
    columns = "      additionalPrinterColumns: {{ toJson .Values.columns }}\n"
    workspace.chart("hooked", files={"templates/hook.yaml": text + columns, "templates/config.yaml": CONFIG})
    for names in (["A"], ["B"]):
        found = [{"name": name, "type": "string", "jsonPath": ".spec.port"} for name in names]
        workspace.stack(workspace.release("app", "hooked", set={"columns": found}))
        before = workspace.snapshot()
        checked = workspace.check()
        result = workspace.attempt()
        failed = bool(result.get("failed"))
        done = workspace.snapshot().changes_since(before).get(("CustomResourceDefinition", "", f"{plural}.example.org"))
        if MAJOR == 3 and names == ["B"]:
            assert "it exists already" in "".join(checked["warnings"])
            assert (failed, done) == (True, None)
            assert "already exists" in result["msg"]
        else:
            assert (failed, done) == (False, "change" if names == ["B"] else "add")
            assert done in {item["op"] for item in checked["plan"]["releases"][0]["objects"]}


EVENT = """\
{{- $involved := dict "kind" "Namespace" "apiVersion" "v1" "name" .Release.Namespace "namespace" .Release.Namespace }}
apiVersion: {{ .Values.api }}
kind: Event
metadata: {name: happened}
type: Normal
reason: Because
action: Made
eventTime: "2026-01-01T00:00:00.000000Z"
reportingInstance: test
{{- if eq .Values.api "v1" }}
message: it did
reportingComponent: example.org/test
involvedObject: {{ toJson $involved }}
{{- else }}
note: it did
reportingController: example.org/test
regarding: {{ toJson $involved }}
{{- end }}
"""


def test_an_object_that_moves_to_another_api_group_is_deleted_and_this_is_told(workspace: Workspace) -> None:
    workspace.kinds["Event"] = (CORE, "events")
    workspace.chart("events", files={"templates/event.yaml": EVENT})
    place = ("Event", workspace.ns("a"), "happened")
    for api, op in (("v1", "add"), ("events.k8s.io/v1", "remove")):
        workspace.stack(workspace.release("app", "events", set={"api": api}))
        result = exact(workspace)
        assert objects_of(result)[place] == op
    assert "will be gone" in "".join(result["warnings"])
    assert objects_of(exact(workspace, drift="correct")) == {place: "add"}


TWICE = DEPLOYMENT.replace("env: [", 'env: [{name: SETTING, value: "1"}, ')
POLICY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}
            ]
        },
        "validations": [{"expression": "object.spec.ports.all(p, p.port != 81)", "message": "port 81 is not for us"}],
    },
}


def test_what_the_api_refuses_to_make_is_told_before(workspace: Workspace) -> None:
    """By validation and by a policy; where the namespace is there, and by one who may create."""
    a, hooks = workspace.ns("a"), ", annotations: {helm.sh/hook: post-install}"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: %s%s}\nspec: {ports: [{port: %s}]}\n"
    charts = {
        "fine": CONFIG,
        "twice": TWICE,
        "invalid": service % ("invalid", "", 0),
        "denied": service % ("denied", "", 81),
        "hooked": service % ("hooked", hooks, 0),
    }
    for name, text in charts.items():
        workspace.chart(name, files={"templates/one.yaml": text})
    workspace.stack(*(workspace.release(name, name, timeout="20s", wait=False) for name in charts))
    assert "warnings" not in workspace.check()  # no namespace: nothing can be asked
    workspace.api.create("/api/v1/namespaces", {"metadata": {"name": a}})
    place = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    policy = {**POLICY, "metadata": {"name": workspace.prefix}}
    spec = {"policyName": workspace.prefix, "validationActions": ["Deny"]}
    spec |= {"matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": a}}}}
    workspace.api.create(f"{place}ies", policy)
    workspace.api.create(f"{place}ybindings", {"metadata": {"name": workspace.prefix}, "spec": spec})
    workspace.api.create(f"/api/v1/namespaces/{a}/configmaps", {"metadata": {"name": "warm"}})
    try:
        time.sleep(2)  # the policy is compiled
        as_reader = reader(workspace)
        before = workspace.snapshot()
        checked = workspace.check()
        seen = workspace.check(kubeconfig=as_reader)
        assert workspace.snapshot().changes_since(before) == {}
        told = {text.partition(":")[0].rpartition("/")[2]: text for text in checked["warnings"]}
        result = workspace.attempt(on_failure="continue")
        failed = {item["name"] for item in result["plan"]["releases"] if item["error"]}
    finally:
        workspace.api.delete(f"{place}ies/{workspace.prefix}")
        workspace.api.delete(f"{place}ybindings/{workspace.prefix}")
    assert set(told) == failed, (checked["warnings"], result)
    assert failed == {"invalid", "denied", "hooked"} | ({"twice"} if MAJOR == 4 else set())
    assert "port 81 is not for us" in told["denied"]
    [warning] = seen["warnings"]
    assert warning.startswith("whether the cluster accepts all changes is unknown: no right to ")


def test_a_quota_is_told_before(workspace: Workspace) -> None:
    workspace.chart("app", files={"templates/c.yaml": CONFIG, "templates/s.yaml": OWN_SECRET})
    workspace.stack(workspace.release("app", timeout="20s"))
    a = workspace.ns("a")
    workspace.api.create("/api/v1/namespaces", {"metadata": {"name": a}})
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"count/configmaps": "0"}}}
    workspace.api.create(f"/api/v1/namespaces/{a}/resourcequotas", quota)
    deadline = time.monotonic() + 20
    while "hard" not in workspace.api.get(f"/api/v1/namespaces/{a}/resourcequotas/few").get("status", {}):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "exceeded quota: few" in "".join(workspace.check()["warnings"])
    assert "exceeded quota: few" in workspace.fail()

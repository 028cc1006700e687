# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live objects against what was deployed: what people change counts, what servers and controllers do does not."""

from __future__ import annotations

import json
import re

from harness import CONFIG, DEPLOYMENT, Workspace, actions_of, exact, objects_of, release_of

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {ports: [{port: 80}], selector: {app: "{{ .Release.Name }}"}}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: "{{ .Release.Name }}"}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}}}
"""
RBAC = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "{{ .Release.Name }}"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: "{{ .Release.Name }}"}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "{{ .Release.Name }}"}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData: {password: canary-in-a-secret}
"""
TEMPLATES = (CONFIG, DEPLOYMENT, SERVICE, CLAIM, JOB, RBAC, SCALER, SECRET)


def test_drift_is_what_people_changed(workspace: Workspace) -> None:
    files = {f"templates/{number}.yaml": text for number, text in enumerate(TEMPLATES)}
    workspace.chart("rich", files=files)
    a = workspace.ns("a")
    given = {"set": {"data": {"v": "1", "w": "1"}}}
    workspace.stack(*(workspace.release(name, "rich", **given) for name in ("edited", "managed")))
    report = {**workspace.task({"drift": "report"}), "check_mode": True}
    [_deployed, untouched] = workspace.results(workspace.task({}), report)
    assert (objects_of(untouched), set(actions_of(untouched).values())) == ({}, {"unchanged"})
    assert "warnings" not in untouched

    core, apps = f"/api/v1/namespaces/{a}", f"/apis/apps/v1/namespaces/{a}"
    # an autoscaler, and an operator that takes a field over
    workspace.api.patch(f"{apps}/deployments/managed/scale?fieldManager=autoscaler", {"spec": {"replicas": 3}})
    taken = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "managed"}, "data": {"v": "operator's"}}
    workspace.api.apply(f"{core}/configmaps/managed?fieldManager=operator&force=true", taken)
    # people
    workspace.api.patch(f"{core}/configmaps/edited?fieldManager=kubectl-edit", {"data": {"v": "by hand", "more": "x"}})
    workspace.api.patch(f"{core}/secrets/edited?fieldManager=kubectl-edit", {"stringData": {"password": "by-hand"}})
    workspace.api.patch(f"{apps}/deployments/edited?fieldManager=kubectl-edit", {"spec": {"replicas": 2}})
    workspace.api.delete(f"{core}/services/edited")

    ignored = [
        {"kind": "ConfigMap", "path": "data.v"},
        {"kind": "Deployment", "name": "edi*", "path": "/spec/replicas"},
        {"kind": "Se*"},
    ]
    tasks = ({}, {"drift": "report"}, {"drift": "report", "diff_ignore": ignored})
    plain, seen, left_out = workspace.results(*tasks, check=True)
    assert (plain["changed"], seen["changed"], left_out["changed"]) == (False, False, False)
    assert set(actions_of(seen).values()) == {"unchanged"}
    edited = {
        ("ConfigMap", a, "edited"): "change",
        ("Secret", a, "edited"): "change",
        ("Deployment", a, "edited"): "change",
        ("Service", a, "edited"): "add",
    }
    assert (objects_of(plain), objects_of(seen), objects_of(left_out)) == ({}, edited, {})
    assert release_of(seen, "edited")["reason"] == ["drift"]
    told = json.dumps(seen)
    assert "by hand" in told
    assert "canary-in-a-secret" not in told
    assert "by-hand" not in told

    corrected = exact(workspace, drift="correct")
    assert actions_of(corrected) == {"edited": "upgrade", "managed": "unchanged"}
    assert objects_of(corrected) == edited
    data = workspace.api.get(f"{core}/configmaps/edited")["data"]
    assert data == {"v": "1", "w": "1", "more": "x"}  # what nobody deployed is nobody's to take away
    assert workspace.api.get(f"{apps}/deployments/managed")["spec"]["replicas"] == 3


def test_drift_that_a_merge_cannot_bring_back_is_told_and_not_corrected_for_ever(workspace: Workspace) -> None:
    """A variable that stands twice: Helm 3 merges by name, and leaves one of them; Helm 4 applies what it is to be."""
    workspace.chart("web", files={"templates/web.yaml": DEPLOYMENT})
    workspace.stack(workspace.release("web", "web"))
    workspace.deploy()
    path = f"/apis/apps/v1/namespaces/{workspace.ns('a')}/deployments/web"
    [container] = workspace.api.get(path)["spec"]["template"]["spec"]["containers"]
    twice = [{"name": "SETTING", "value": "by hand"}, *container["env"]]
    spec = {"template": {"spec": {"containers": [{**container, "env": twice}]}}}
    workspace.api.patch(f"{path}?fieldManager=kubectl-edit", {"spec": spec})

    correct = workspace.task({"drift": "correct"})
    checked, first, second, last = workspace.results({**correct, "check_mode": True}, *[correct] * 3)
    assert (checked["changed"], first["changed"]) == (True, True)
    assert (second["changed"], last["changed"]) == (False, False)
    if workspace.helm("version", "--short").startswith("v3"):
        assert any("env SETTING occurs twice" in warning for warning in checked["warnings"])
        assert any("drift of Deployment web stays" in warning for warning in last["warnings"])
        spec["template"]["spec"]["containers"][0]["env"] = [{"name": "SETTING", "value": "by hand"}]
        workspace.api.patch(f"{path}?fieldManager=kubectl-edit", {"spec": spec})
        assert exact(workspace, drift="correct")["changed"] is True  # another edit is another attempt
    [container] = workspace.api.get(path)["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "SETTING", "value": "none"}]


def test_a_live_value_that_an_upgrade_overwrites_is_told(workspace: Workspace) -> None:
    """Scaled by hand, and the new chart says nothing of it any more: the diff of the manifests does not show it."""
    workspace.chart(
        "web", files={"templates/web.yaml": DEPLOYMENT.replace("default 1", "default 2"), "templates/c.yaml": CONFIG}
    )
    workspace.stack(workspace.release("web", "web", set={"data": {"size": "1024Mi", "v": 1}}, wait=False))
    workspace.deploy()
    a, path = workspace.ns("a"), f"/apis/apps/v1/namespaces/{workspace.ns('a')}/deployments/web"
    workspace.api.patch(f"{path}/scale?fieldManager=kubectl", {"spec": {"replicas": 5}})
    workspace.api.patch(f"/api/v1/namespaces/{a}/configmaps/web?fieldManager=kubectl-edit", {"data": {"size": "x"}})
    without = DEPLOYMENT.replace("  replicas: {{ .Values.replicas | default 1 }}\n", "")
    workspace.chart("web", version="1.1.0", files={"templates/web.yaml": without, "templates/c.yaml": CONFIG})
    workspace.stack(workspace.release("web", "web", set={"data": {"v": 2}}, wait=False))
    checked, done = workspace.results({**workspace.task({}), "check_mode": True}, workspace.task({}))
    told = "\n".join(checked.get("warnings", ()))
    merges = workspace.helm("version", "--short").startswith("v3")
    # what another one has taken over stays with server-side apply
    becomes = "and the upgrade takes it away" if merges else "and stays so"
    assert re.search(f"ConfigMap web was edited since: data.size is x in the cluster,? {becomes}", told)
    assert re.search(f"Deployment web was edited since: spec.replicas is 5 in the cluster,? {becomes}", told)
    assert workspace.api.get(path)["spec"]["replicas"] == (1 if merges else 5)
    data = workspace.api.get(f"/api/v1/namespaces/{a}/configmaps/web")["data"]
    assert data == ({"v": "2"} if merges else {"v": "2", "size": "x"})
    assert checked["plan"]["digest"] == done["plan"]["digest"]

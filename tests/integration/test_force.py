# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kubernetes refuses to change is deleted and made anew with ``force``, and told without it."""

from __future__ import annotations

import time
from typing import Any

from harness import APPS, CORE, DEPLOYMENT, Object, Workspace, exact, objects_of, plan_of, reader

FROZEN = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-frozen", annotations: {{ toJson (.Values.notes | default dict) }}}
immutable: true
data: {v: "{{ .Values.v }}"}
"""
OTHERS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-plain"}
data: {v: "{{ .Values.v }}"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}-job"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.invalid/app:{{ .Values.v }}"}]
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}-ip"}
spec:
  ports: [{port: 80}]
  {{- if eq (toString .Values.v) "2" }}
  clusterIP: None
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "{{ .Release.Name }}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "view{{ .Values.v }}"}
subjects: []
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: "{{ .Release.Name }}-claim"}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
SELECTED = DEPLOYMENT.replace('app: "{{ .Release.Name }}"', 'app: "x{{ .Values.v }}"')
SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: data}
spec:
  serviceName: data
  replicas: 1
  podManagementPolicy: {{ .Values.policy }}
  selector: {matchLabels: {app: data}}
  template:
    metadata: {labels: {app: data, helmstack.test/behaviour: ready}}
    spec: {containers: [{name: main, image: registry.invalid/app}]}
  volumeClaimTemplates:
    - metadata: {name: v}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_what_is_immutable_is_told_without_force_and_made_anew_with_it(workspace: Workspace) -> None:
    workspace.kinds["RoleBinding"] = ("/apis/rbac.authorization.k8s.io/v1", "rolebindings")
    files = {"templates/f.yaml": FROZEN, "templates/o.yaml": OTHERS, "templates/d.yaml": SELECTED}
    workspace.chart("app", files=files)

    def stack(v: str, **keys: Any) -> None:
        workspace.stack(workspace.release("app", set={"v": v}, timeout="30s", **keys))

    stack("1")
    workspace.deploy()
    a = workspace.ns("a")
    foreign = f"{CORE}/namespaces/{a}/configmaps/app-plain"
    workspace.api.patch(foreign, {"data": {"foreign": "stays"}})
    stack("2")
    told = "\n".join(workspace.check()["warnings"])
    refused = ["ConfigMap app-frozen", "Job app-job", "Service app-ip", "RoleBinding app", "Deployment app"]
    for name in refused:
        [line] = [line for line in told.splitlines() if f"{name}: helm will fail at it" in line]
        assert "'force: true' deletes it and makes it anew" in line
    assert "'force: true' deletes the object" in workspace.fail()
    stack("2", force=True)
    seen = workspace.check(kubeconfig=reader(workspace))
    result = exact(workspace)
    made = {(kind, a, name): "replace" for kind, name in (text.split() for text in refused)}
    assert objects_of(result).items() >= made.items()
    assert {key for key, op in objects_of(result).items() if op == "replace"} == made.keys()
    assert plan_of(seen)["digest"] == plan_of(result)["digest"]  # though a reader is not told what becomes of it
    assert workspace.api.get(foreign)["data"] == {"v": "2", "foreign": "stays"}


def test_what_is_to_be_kept_and_what_holds_data_is_not_deleted_by_force(workspace: Workspace) -> None:
    claim = OTHERS[OTHERS.index("apiVersion: v1\nkind: PersistentVolumeClaim") :].replace("1Gi", "{{ .Values.v }}Gi")
    claim = claim.replace("[ReadWriteOnce]", '["{{ .Values.mode }}"]')
    workspace.chart("app", files={"templates/f.yaml": FROZEN, "templates/c.yaml": claim})
    notes = {"helm.sh/resource-policy": "keep"}
    for v, mode in (("1", "ReadWriteOnce"), ("2", "ReadOnlyMany")):
        values: Object = {"v": v, "mode": mode, "notes": notes}
        workspace.stack(workspace.release("app", set=values, force=True, wait=False))
        before = workspace.snapshot()
        checked = workspace.check()
        result = workspace.attempt()
    told = "\n".join(checked["warnings"])
    assert "leaves it where it is, as its annotation helm.sh/resource-policy says" in told
    assert "'force: true' deletes no such object" in told
    assert result["failed"]
    assert set(workspace.snapshot().changes_since(before).values()) == set()


def test_a_stateful_set_is_made_anew_around_its_pods_and_claims(workspace: Workspace) -> None:
    workspace.chart("set", files={"templates/set.yaml": SET})
    a = workspace.ns("a")

    def uids(kind: str) -> set[str]:
        return {item["metadata"]["uid"] for item in workspace.api.get(f"{CORE}/namespaces/{a}/{kind}")["items"]}

    held: list[set[str]] = []
    for policy in ("OrderedReady", "Parallel"):
        workspace.stack(workspace.release("app", "set", set={"policy": policy}, force=True, timeout="60s"))
        result = workspace.deploy()
        held += [uids("pods"), uids("persistentvolumeclaims")]
    assert objects_of(result) == {("StatefulSet", a, "data"): "replace"}
    assert held[:2] == held[2:]
    assert all(held)
    live = workspace.api.get(f"{APPS}/namespaces/{a}/statefulsets/data")
    assert live["spec"]["podManagementPolicy"] == "Parallel"
    deadline = time.monotonic() + 20
    while True:
        [pod] = workspace.api.get(f"{CORE}/namespaces/{a}/pods")["items"]
        if [owner["uid"] for owner in pod["metadata"].get("ownerReferences", ())] == [live["metadata"]["uid"]]:
            break
        assert time.monotonic() < deadline, pod["metadata"]
        time.sleep(0.2)


def test_what_was_made_anew_goes_back_with_the_run(workspace: Workspace) -> None:
    workspace.chart("app", files={"templates/f.yaml": FROZEN})
    workspace.chart("bad", files={"templates/d.yaml": DEPLOYMENT})
    first = workspace.release("app", set={"v": "1"}, force=True)
    workspace.stack(first)
    workspace.deploy()
    bad = workspace.release("bad", "bad", set={"behaviour": "image-pull-error"}, needs=["app"], timeout="30s")
    workspace.stack({**first, "set": {"v": "2"}}, bad)
    result = workspace.results({"on_failure": "rollback"}, code=2)[-1]
    assert "could not go back" not in result["msg"]
    live = workspace.api.get(f"{CORE}/namespaces/{workspace.ns('a')}/configmaps/app-frozen")
    assert live["data"] == {"v": "1"}

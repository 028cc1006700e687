# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness against a real control plane, whose pods are ready, slow or in every kind of trouble."""

from __future__ import annotations

import os
import select
import socket
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply import kstatus_pods
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness import Readiness
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import NotReady
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.cluster.session import Session
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, InputError

KUBECONFIG = os.environ.get("HELMSTACK_KUBECONFIG", "")
pytestmark = pytest.mark.skipif(not KUBECONFIG, reason="needs HELMSTACK_KUBECONFIG")

Object = dict[str, Any]
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Pod": "/api/v1/namespaces/{}/pods",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "/api/v1/namespaces/{}/services",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
}
VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
}


def connect(folder: Path, **options: Any) -> Session:
    folder.mkdir(parents=True, exist_ok=True)
    return Session(
        write_kubeconfig(ConnectionOptions.of({"kubeconfig": KUBECONFIG, **options}), {}, folder), None, [], ""
    )


class Place:
    """A namespace of one test, and a readiness that waits for what is in it."""

    def __init__(self, session: Session) -> None:
        self.namespace = f"ready-{uuid.uuid4().hex[:6]}"
        self.session = session
        self.client = session.client
        self.readiness = Readiness(session)
        self.extra: list[str] = []
        self.create({"kind": "Namespace", "metadata": {"name": self.namespace}})

    def create(self, item: Object) -> Object:
        path = PATHS[item["kind"]].format(self.namespace)
        if item["kind"] in PATHS and "{}" not in PATHS[item["kind"]] and item["kind"] != "Namespace":
            self.extra.append(f"{path}/{item['metadata']['name']}")
        self.client.create(path, item)
        return item

    def path(self, kind: str, name: str) -> str:
        return f"{PATHS[kind].format(self.namespace)}/{name}"

    def wait(self, *items: Object, timeout: float = 30.0, for_jobs: bool = False, **how: Any) -> float:
        """The seconds it took."""
        began = time.monotonic()
        objects = [(self.namespace, item) for item in items]
        self.readiness.wait(objects, timeout=timeout, for_jobs=for_jobs, namespace=self.namespace, **how)
        return time.monotonic() - began

    def failure(self, *items: Object, timeout: float = 60.0, **how: Any) -> tuple[str, float]:
        """The message, and the seconds until it came."""
        began = time.monotonic()
        with pytest.raises(NotReady) as caught:
            self.wait(*items, timeout=timeout, **how)
        return str(caught.value), time.monotonic() - began

    def end(self) -> None:
        self.readiness.close()
        for path in (*self.extra, f"/api/v1/namespaces/{self.namespace}"):
            with suppress(ClusterError):
                self.client.delete(path)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes trouble for final sooner, so that a test need not last as long."""
    monkeypatch.setattr(kstatus_pods, "SCHEDULING", 5.0)
    monkeypatch.setattr(kstatus_pods, "A_WHILE", 3.0)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(connect(tmp_path / "admin"))
    yield found
    found.end()


def template(name: str, behaviour: str = "ready", **spec: Any) -> Object:
    labels = {"app": name, "helmstack.test/behaviour": behaviour}
    containers = [{"name": "main", "image": "registry.invalid/app:1"}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}


def workload(kind: str, name: str, behaviour: str = "ready", pod: Object | None = None, **spec: Any) -> Object:
    content: Object = {"template": template(name, behaviour, **(pod or {})), **spec}
    if kind != "Job":
        content["selector"] = {"matchLabels": {"app": name}}
    if kind == "StatefulSet":
        content["serviceName"] = name
    return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": {"name": name}, "spec": content}


def claim(name: str, **spec: Any) -> Object:
    content = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": content}


def balancer(name: str, behaviour: str) -> Object:
    metadata = {"name": name, "labels": {"helmstack.test/behaviour": behaviour}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "a"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


# -- ready


def test_a_release_of_many_kinds_gets_ready(place: Place) -> None:
    once = {"restartPolicy": "Never"}
    items = [
        workload("Deployment", "slow", "slow", replicas=2),
        workload("StatefulSet", "set", replicas=2),
        workload("DaemonSet", "daemon"),
        workload("Job", "job", pod=once),
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": template("pod")["spec"]},
        claim("claim"),
        balancer("balancer", "ready"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}},
    ]
    for item in items:
        place.create(item)
    assert place.wait(*items, for_jobs=True) > 3.0  # slow takes 5 s


def test_what_is_ready_already_needs_no_watch(place: Place) -> None:
    item = place.create(workload("Deployment", "web"))
    place.wait(item)
    opened = place.readiness.hub.opened
    assert place.wait(item) < 1.0
    assert place.readiness.hub.opened == opened


@pytest.mark.parametrize(
    ("kind", "behaviour", "spec"),
    [
        ("Deployment", "never-ready", {"paused": True}),
        ("Deployment", "never-ready", {"replicas": 0}),
        ("StatefulSet", "never-ready", {"replicas": 0}),
        ("StatefulSet", "never-ready", {"updateStrategy": {"type": "OnDelete"}}),
        ("DaemonSet", "never-ready", {"updateStrategy": {"type": "OnDelete"}}),
    ],
)
def test_no_trap(place: Place, kind: str, behaviour: str, spec: Object) -> None:
    place.wait(place.create(workload(kind, "idle", behaviour, **spec)), timeout=15.0)


def test_a_partitioned_rollout_ends_at_its_partition(place: Place) -> None:
    place.wait(place.create(workload("StatefulSet", "set", replicas=3)))
    item = workload("StatefulSet", "set", replicas=3, updateStrategy={"rollingUpdate": {"partition": 2}})
    item["spec"]["template"]["metadata"]["annotations"] = {"round": "2"}
    place.client.patch(place.path("StatefulSet", "set"), item)
    place.wait(item)
    pods = place.client.list(PATHS["Pod"].format(place.namespace))
    assert sorted(pod["metadata"].get("annotations", {}).get("round", "1") for pod in pods) == ["1", "1", "2"]


def test_failing_pods_of_the_former_revision_do_not_count(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "crash-loop", progressDeadlineSeconds=600))
    place.failure(item)
    better = workload("Deployment", "web", "slow")
    place.client.patch(place.path("Deployment", "web"), {"spec": {"template": better["spec"]["template"]}})
    assert place.wait(better) > 3.0


def test_a_watch_that_is_behind_does_not_pass_an_upgrade_off_as_ready(place: Place) -> None:
    """Other releases keep the watch open; each upgrade is followed by a wait at once."""
    blocker = place.create(workload("Deployment", "blocker", "never-ready"))
    web = place.create(workload("Deployment", "web"))
    with ThreadPoolExecutor() as pool:
        other = pool.submit(place.failure, blocker, timeout=8.0)
        place.wait(web)
        for number in range(10):
            place.client.patch(
                place.path("Deployment", "web"),
                {"spec": {"template": {"metadata": {"annotations": {"round": str(number)}}}}},
            )
            place.wait(web)
            live = place.client.get(place.path("Deployment", "web"))
            assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
            assert live["status"]["updatedReplicas"] == live["status"]["availableReplicas"] == 1
        other.result()


def test_jobs_are_awaited_only_on_request(place: Place) -> None:
    item = place.create(workload("Job", "job", "never-ready", pod={"restartPolicy": "Never"}))
    assert place.wait(item) < 1.0
    message, _seconds = place.failure(item, timeout=2.0, for_jobs=True)
    assert "0 of 1 completed" in message


def test_a_kind_that_the_release_has_brought_itself(place: Place) -> None:
    assert place.session.api.find("v1", "Pod")  # discovered before there is the kind
    group = f"{place.namespace}.example.org"
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    definition = place.create(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"things.{group}"},
            "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
        }
    )
    place.wait(definition)
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {}}
    path = f"/apis/{group}/v1/namespaces/{place.namespace}/things"
    place.client.create(path, thing)

    def conditions(*found: Object) -> None:
        place.client.patch(f"{path}/one/status", {"status": {"conditions": list(found)}})

    conditions({"type": "Ready", "status": "False", "reason": "Busy", "message": "making it"})
    message, _seconds = place.failure(definition, thing, timeout=1.0)
    assert "Thing" in message
    assert "making it (Busy)" in message
    threading.Timer(1.0, conditions, [{"type": "Ready", "status": "True"}]).start()
    assert 0.5 < place.wait(definition, thing) < 3.0
    conditions({"type": "Stalled", "status": "True", "message": "no such colour"})
    message, seconds = place.failure(definition, thing)
    assert "stalled: no such colour" in message
    assert seconds < 6.0


def rule(when: str, **keys: str) -> dict[str, str]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": "flag", "when": when, **keys}


def test_rules_hold_before_dependants_start(place: Place) -> None:
    rules = [rule("data.go == 'yes'")]
    message, _seconds = place.failure(rules=rules, timeout=1.0)
    assert f"ConfigMap {place.namespace}/flag" in message
    assert "does not exist yet" in message
    place.create({"kind": "ConfigMap", "metadata": {"name": "flag"}, "data": {"go": "no"}})
    message, _seconds = place.failure(rules=rules, timeout=1.0)
    assert "'data.go == 'yes'' is false" in message
    patch = {"data": {"go": "yes"}}
    threading.Timer(1.0, place.client.patch, [place.path("ConfigMap", "flag"), patch]).start()
    place.wait(rules=rules)
    with pytest.raises(InputError, match="no JMESPath"):
        place.wait(rules=[rule("data.[")])


def test_the_change_is_noticed_soon(place: Place) -> None:
    place.create({"kind": "ConfigMap", "metadata": {"name": "flag"}, "data": {"go": "0"}})
    took = []
    with ThreadPoolExecutor() as pool:
        for number in range(1, 8):
            waiting = pool.submit(place.wait, rules=[rule(f"data.go == '{number}'")])
            time.sleep(0.7)
            began = time.monotonic()
            place.client.patch(place.path("ConfigMap", "flag"), {"data": {"go": str(number)}})
            waiting.result()
            took.append(time.monotonic() - began)
    print(f"noticed after {statistics.median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms")
    assert max(took) < 2.0


def test_few_watches_however_many_releases_and_objects(place: Place) -> None:
    items = [place.create(workload("Deployment", f"web-{number}", "slow")) for number in range(24)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda start: place.wait(*items[start : start + 3]), range(0, 24, 3)))
    assert place.readiness.hub.opened == 4  # Deployments, ReplicaSets, pods, warnings
    assert place.readiness.pending() == []


def test_progress_and_stop(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "never-ready", replicas=3))
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(place.failure, item, stopped=stop.is_set)
        time.sleep(1.0)
        assert place.readiness.pending() == [f"Deployment {place.namespace}/web: 0 of 3 pods ready"]
        stop.set()
        message, seconds = waiting.result()
    assert "stopped while" in message
    assert seconds < 3.0


def test_close_ends_watches_at_once(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "never-ready"))
    place.failure(item, timeout=1.0)
    watches = [thread for thread in threading.enumerate() if thread.name.startswith("watch ")]
    assert len(watches) == 4
    place.readiness.close()
    for thread in watches:
        thread.join(1.0)
    assert not any(thread.is_alive() for thread in watches)


# -- what cannot become ready


def test_image_pull_error(place: Place) -> None:
    message, seconds = place.failure(place.create(workload("Deployment", "web", "image-pull-error")))
    assert seconds < 8.0
    assert f"Deployment {place.namespace}/web cannot become ready: 0 of 1 pod ready" in message
    assert "container main: ImagePullBackOff" in message
    assert "registry.invalid/app:1" in message
    assert "Check the image's name" in message
    assert "Last events:" in message
    assert "Failed: Failed to pull image: not found" in message


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_crash_loop(place: Place, kind: str) -> None:
    message, seconds = place.failure(place.create(workload(kind, "web", "crash-loop")))
    assert seconds < 10.0
    assert "crashes again and again" in message
    assert "exit code 1" in message
    assert "container main, run before the last restart:" in message
    assert "connection refused" in message


def test_a_crash_loop_may_end_when_another_object_is_ready(place: Place) -> None:
    """A program that crashes until its database is there."""
    web = place.create(workload("Deployment", "web", "crash-loop"))
    database = place.create(workload("StatefulSet", "database", "never-ready"))
    message, _seconds = place.failure(web, database, timeout=8.0)
    assert "2 objects are not ready after 8 s" in message
    assert "crashes again and again" in message


def test_failed_job(place: Place) -> None:
    item = place.create(workload("Job", "migrate", "fail", pod={"restartPolicy": "Never"}, backoffLimit=0))
    message, seconds = place.failure(item, for_jobs=True)
    assert seconds < 6.0
    assert "Job" in message
    assert "BackoffLimitExceeded" in message
    assert "ended with exit code 1" in message
    assert "Last log lines of pod migrate-" in message
    assert "connection refused" in message


def test_failed_pod(place: Place) -> None:
    metadata = {"name": "once", "labels": {"helmstack.test/behaviour": "fail"}}
    spec = {**template("once")["spec"], "restartPolicy": "Never"}
    item = place.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    # for a moment it is ready
    until(lambda: place.client.get(place.path("Pod", "once"))["status"].get("phase") == "Failed")
    message, seconds = place.failure(item)
    assert seconds < 5.0
    assert "pod once has failed: container main ended with exit code 1" in message
    assert "connection refused" in message


def test_unschedulable(place: Place) -> None:
    item = place.create(workload("Deployment", "web", pod={"nodeSelector": {"disk": "golden"}}))
    message, seconds = place.failure(item)
    assert 10.0 < seconds < 25.0
    assert "fits on no node" in message
    assert "correct nodeSelector" in message
    assert "FailedScheduling" in message


def event(place: Place, about: Object, reason: str, message: str, kind: str = "Warning", path: str = "") -> None:
    reference = {
        "fieldPath": path,
        "kind": about["kind"],
        "namespace": place.namespace,
        "uid": about["metadata"]["uid"],
    }
    reference["name"] = about["metadata"]["name"]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    place.client.create(
        f"/api/v1/namespaces/{place.namespace}/events",
        {
            "metadata": {"generateName": "test-"},
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "type": kind,
            "lastTimestamp": now,
            "firstTimestamp": now,
        },
    )


def pod_of(place: Place, name: str) -> Object:
    path = PATHS["Pod"].format(place.namespace)
    for _attempt in range(50):
        pods = place.client.list(path, label_selector=f"app={name}")
        if pods and pods[0].get("status", {}).get("conditions"):
            return {**pods[0], "kind": "Pod"}
        time.sleep(0.1)
    raise TimeoutError(name)


def started_pod_of(place: Place, name: str) -> Object:
    """A pod whose status nobody writes any more."""
    until(lambda: pod_of(place, name)["status"].get("containerStatuses"))
    return pod_of(place, name)


@pytest.mark.usefixtures("hasty")
def test_a_node_on_its_way_is_awaited(place: Place) -> None:
    item = place.create(workload("Deployment", "web", pod={"nodeSelector": {"disk": "golden"}}))
    event(place, pod_of(place, "web"), "TriggeredScaleUp", "pod triggered scale-up", "Normal")
    message, seconds = place.failure(item, timeout=9.0)
    assert seconds >= 9.0
    assert "not ready after 9 s" in message


def refuse_by_quota(place: Place) -> str:
    place.create({"kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    until(lambda: place.client.get(place.path("ResourceQuota", "none")).get("status", {}).get("hard"))
    return "exceeded quota: none"


def refuse_by_policy(place: Place) -> str:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    here = {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
    validation = {"expression": "false", "message": "pods are out of fashion"}
    place.create(
        {
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": place.namespace},
            "spec": {"matchConstraints": {"resourceRules": rules}, "validations": [validation]},
        }
    )
    place.create(
        {
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": place.namespace},
            "spec": {
                "policyName": place.namespace,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": here},
            },
        }
    )

    def denied() -> bool:
        pod = {"metadata": {"name": "probe"}, "spec": template("probe")["spec"]}
        try:
            place.client.create(PATHS["Pod"].format(place.namespace), pod, dryRun="All")
        except ClusterError:
            return True
        return False

    until(denied)
    return "pods are out of fashion"


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("refuse", [refuse_by_quota, refuse_by_policy])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job"])
def test_pods_that_are_refused(place: Place, kind: str, refuse: Callable[[Place], str]) -> None:
    words = refuse(place)
    pod = {"restartPolicy": "Never"} if kind == "Job" else {}
    message, seconds = place.failure(place.create(workload(kind, "web", pod=pod)), for_jobs=True)
    assert seconds < 8.0
    assert f"{kind} {place.namespace}/web cannot become ready: its pods are refused" in message
    assert words in message
    assert "FailedCreate" in message


def test_missing_secret_in_a_variable(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "never-ready"))
    pod = started_pod_of(place, "web")
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "password" not found'}
    statuses = [{"name": "main", "image": "a", "imageID": "", "ready": False, "restartCount": 0}]
    statuses[0]["state"] = {"waiting": waiting}
    path = place.path("Pod", pod["metadata"]["name"])
    place.client.patch(f"{path}/status", {"status": {"phase": "Pending", "containerStatuses": statuses}})
    message, seconds = place.failure(item)
    assert seconds < 14.0
    assert 'CreateContainerConfigError: secret "password" not found' in message
    assert "Make the ConfigMap, Secret or key" in message


@pytest.mark.usefixtures("hasty")
def test_missing_config_map_in_a_volume(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "never-ready"))
    event(place, pod_of(place, "web"), "FailedMount", 'MountVolume.SetUp failed: configmap "settings" not found')
    message, seconds = place.failure(item)
    assert seconds < 14.0
    assert 'configmap "settings" not found' in message


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("probe", ["Startup", "Liveness"])
def test_a_probe_that_fails_for_longer_than_its_limits(place: Place, probe: str) -> None:
    """The kubelet kills the container then, and starts it again."""
    item = place.create(workload("Deployment", "web", "never-ready"))
    pod = started_pod_of(place, "web")
    said = f"{probe} probe failed: HTTP probe failed with statuscode: 503"
    event(place, pod, "Unhealthy", said, path="spec.containers{main}")
    status = {"name": "main", "image": "a", "imageID": "", "ready": False, "restartCount": 1}
    status["state"] = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    status["lastState"] = {"terminated": {"exitCode": 137, "reason": "Error"}}
    path = place.path("Pod", pod["metadata"]["name"])
    place.client.patch(f"{path}/status", {"status": {"containerStatuses": [status]}})
    message, seconds = place.failure(item)
    assert seconds < 14.0
    assert f"container main was killed (1 restarts): {said}" in message
    assert "It fails for longer than the probe allows" in message
    assert "container main, run before the last restart:" in message


def test_deadline_of_a_deployment(place: Place) -> None:
    item = place.create(workload("Deployment", "web", "never-ready", progressDeadlineSeconds=3))
    message, seconds = place.failure(item)
    assert seconds < 12.0
    assert "no progress within its progressDeadlineSeconds" in message


@pytest.mark.usefixtures("hasty")
def test_an_object_that_somebody_has_deleted(place: Place) -> None:
    message, seconds = place.failure(workload("Deployment", "ghost"))
    assert seconds < 14.0
    assert "is not in the cluster" in message


# -- timeouts


def test_a_timeout_lists_what_is_not_ready_and_how_far_it_got(place: Place) -> None:
    items = [
        workload("Deployment", "web", "never-ready", replicas=2),
        claim("unbound", storageClassName="never"),
        balancer("front", "never-ready"),
        workload("Deployment", "fine"),
    ]
    for item in items:
        place.create(item)
    message, seconds = place.failure(*items, timeout=4.0)
    assert 4.0 <= seconds < 6.0
    assert "3 objects are not ready after 4 s" in message
    for line in (
        f"Deployment {place.namespace}/web: 0 of 2 pods ready",
        f"PersistentVolumeClaim {place.namespace}/unbound: not bound",
        f"Service {place.namespace}/front: its load balancer has no address",
        "Readiness probe failed",
        "Last log lines of pod web-",
    ):
        assert line in message
    assert "fine" not in message


@pytest.mark.usefixtures("hasty")
def test_pods_that_wait_for_an_unbound_claim_are_no_failure(place: Place) -> None:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "unbound"}}]
    items = [claim("unbound", storageClassName="never"), workload("Deployment", "web", pod={"volumes": volumes})]
    for item in items:
        place.create(item)
    message, seconds = place.failure(*items, timeout=8.0)
    assert seconds >= 8.0
    assert "2 objects are not ready" in message


def test_a_claim_that_is_bound_to_its_first_pod_waits_for_nobody(place: Place) -> None:
    late = place.namespace
    provisioner = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    place.create({"kind": "StorageClass", "metadata": {"name": late}, **provisioner})
    item = place.create(claim("spare", storageClassName=late))
    assert place.wait(item) < 3.0
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "spare"}}]
    place.create({"kind": "Pod", "metadata": {"name": "user"}, "spec": template("user", volumes=volumes)["spec"]})
    message, _seconds = place.failure(item, timeout=2.0)
    assert "not bound" in message


# -- rights and faults


def grant(place: Place, user: str, *rules: tuple[Sequence[str], Sequence[str]]) -> None:
    role = {"kind": "Role", "metadata": {"name": user}, "rules": []}
    for resources, verbs in rules:
        role["rules"].append({"apiGroups": ["", "apps"], "resources": list(resources), "verbs": list(verbs)})
    place.create(role)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    place.create({"kind": "RoleBinding", "metadata": {"name": user}, "roleRef": reference, "subjects": subjects})


@pytest.mark.parametrize("verbs", [["get", "list"], ["get"]])
def test_polls_where_watching_is_forbidden(place: Place, tmp_path: Path, verbs: list[str]) -> None:
    grant(place, place.namespace, (["deployments"], verbs))
    item = place.create(workload("Deployment", "web", "slow"))
    with closing(Readiness(connect(tmp_path / "weak", impersonate_user=place.namespace))) as weak:
        until(lambda: readable(weak, place, "web"))
        weak.wait([(place.namespace, item)], timeout=20.0, for_jobs=False)
        failing = place.create(workload("Deployment", "bad", "image-pull-error"))
        with pytest.raises(NotReady, match="0 of 1 pod ready"):  # pods are not readable
            weak.wait([(place.namespace, failing)], timeout=3.0, for_jobs=False)


def readable(weak: Readiness, place: Place, name: str) -> bool:
    try:
        weak.client.get(place.path("Deployment", name))
    except Forbidden:
        return False
    return True


def test_objects_that_may_not_be_read_are_an_error(place: Place, tmp_path: Path) -> None:
    item = place.create(workload("Deployment", "web"))
    weak = Readiness(connect(tmp_path / "weak", impersonate_user="nobody"))
    with pytest.raises(Forbidden):
        weak.wait([(place.namespace, item)], timeout=20.0, for_jobs=False)


class Tunnel:
    """A TCP proxy before the API server; cut() breaks all connections."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._target = (parts.hostname or "", parts.port or 443)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            if self.refusing:
                near.close()
                continue
            far = socket.create_connection(self._target)
            with self._lock:
                self._open += [near, far]
            threading.Thread(target=self._pump, args=(near, far), daemon=True).start()

    @staticmethod
    def _pump(near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (far if ready is near else near).sendall(data)

    def cut(self) -> None:
        with self._lock:
            for item in self._open:
                with suppress(OSError):
                    item.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()


@pytest.fixture
def tunnel(place: Place) -> Iterator[Tunnel]:
    found = Tunnel(place.client.server)
    yield found
    found.close()


def test_a_watch_that_breaks_goes_on(place: Place, tunnel: Tunnel, tmp_path: Path) -> None:
    place.create({"kind": "ConfigMap", "metadata": {"name": "flag"}, "data": {"go": "no"}})
    session = connect(tmp_path / "tunnel", host=tunnel.url)
    with closing(Readiness(session)) as readiness, ThreadPoolExecutor() as pool:
        how = {"rules": [rule("data.go == 'yes'")], "namespace": place.namespace}
        waiting = pool.submit(readiness.wait, [], timeout=30.0, for_jobs=False, **how)
        for _round in range(3):
            time.sleep(0.7)
            tunnel.cut()
        tunnel.refusing = True
        tunnel.cut()
        place.client.patch(place.path("ConfigMap", "flag"), {"data": {"go": "yes"}})
        time.sleep(1.0)
        assert not waiting.done()
        tunnel.refusing = False
        began = time.monotonic()
        waiting.result()
        assert time.monotonic() - began < 5.0
        assert readiness.hub.opened >= 4


def test_an_api_that_is_gone_is_told_at_the_timeout(place: Place, tunnel: Tunnel, tmp_path: Path) -> None:
    item = place.create(workload("Deployment", "web", "never-ready"))
    session = connect(tmp_path / "tunnel", host=tunnel.url)
    with closing(Readiness(session)) as readiness, ThreadPoolExecutor() as pool:
        began = time.monotonic()
        waiting = pool.submit(readiness.wait, [(place.namespace, item)], timeout=3.0, for_jobs=False)
        time.sleep(1.0)
        tunnel.refusing = True
        tunnel.cut()
        with pytest.raises(NotReady, match="0 of 1 pod ready") as caught:
            waiting.result()
        assert "does not say any more" in str(caught.value)
        assert time.monotonic() - began < 10.0

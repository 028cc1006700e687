# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of objects, and what pods suffer from, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply import kstatus_pods
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import (
    FAILED,
    READY,
    WAITING,
    Related,
    is_awaited,
    state,
)

Object = dict[str, Any]
GROUPS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1"}
GROUPS |= {"Job": "batch/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}
GROUPS |= {"APIService": "apiregistration.k8s.io/v1", "Thing": "example.org/v1"}
EARLY, LATER, LATEST = (f"2026-01-01T00:00:0{second}Z" for second in range(3))


def thing(kind: str, spec: Object | None = None, status: Any = None, **metadata: Any) -> Object:
    about = {"name": "a", "uid": "u", "generation": 2, "creationTimestamp": EARLY, **metadata}
    found = {"apiVersion": GROUPS.get(kind, "v1"), "kind": kind, "metadata": about, "spec": spec or {}}
    return found if status is None else {**found, "status": status}


def seen(**status: Any) -> Object:
    return {"observedGeneration": 2, **status}


def conditions(*found: str, **more: Any) -> Object:
    """Each as "Type=Status Reason message"."""
    result = []
    for text in found:
        head, reason, message = (*text.split(" ", 2), "", "")[:3]
        name, _equals, value = head.partition("=")
        result.append({"type": name, "status": value, "reason": reason, "message": message})
    return {"conditions": result, **more}


ROLLED = seen(replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=2)
SET = seen(replicas=3, updatedReplicas=3, readyReplicas=3, currentRevision="r1", updateRevision="r1")
DAEMONS = seen(
    desiredNumberScheduled=2,
    currentNumberScheduled=2,
    updatedNumberScheduled=2,
    numberReady=2,
    numberAvailable=2,
)
CASES = {
    "deployment unseen": (thing("Deployment", {"replicas": 2}, {}), WAITING, "not seen it yet"),
    "deployment seen before the change": (
        thing("Deployment", {"replicas": 2}, {**ROLLED, "observedGeneration": 1}),
        WAITING,
        "not seen the change",
    ),
    "deployment ready": (thing("Deployment", {"replicas": 2}, ROLLED), READY, "2 of 2 pods ready"),
    "deployment of one by default": (
        thing("Deployment", {}, seen(replicas=1, updatedReplicas=1)),
        WAITING,
        "0 of 1 pod ready",
    ),
    "deployment updating": (
        thing("Deployment", {"replicas": 2}, {**ROLLED, "updatedReplicas": 1}),
        WAITING,
        "1 of 2 pods updated",
    ),
    "deployment with an old pod": (
        thing("Deployment", {"replicas": 2}, {**ROLLED, "replicas": 3}),
        WAITING,
        "1 old pod left",
    ),
    "deployment not available yet": (
        thing("Deployment", {"replicas": 2}, {**ROLLED, "availableReplicas": 1}),
        WAITING,
        "1 of 2 pods ready",
    ),
    "deployment paused": (thing("Deployment", {"replicas": 2, "paused": True}, seen()), READY, "paused"),
    "deployment of none": (thing("Deployment", {"replicas": 0}, seen()), READY, "0 of 0"),
    "deployment beyond its deadline": (
        thing("Deployment", {}, seen(**conditions("Progressing=False ProgressDeadlineExceeded"))),
        FAILED,
        "no progress",
    ),
    "deployment refused": (
        thing("Deployment", {}, seen(**conditions("ReplicaFailure=True FailedCreate exceeded quota: q"))),
        FAILED,
        "exceeded quota: q",
    ),
    "deployment ready with a stale complaint": (
        thing("Deployment", {"replicas": 2}, {**ROLLED, **conditions("ReplicaFailure=True FailedCreate x")}),
        READY,
        "2 of 2",
    ),
    "replica set ready": (
        thing("ReplicaSet", {"replicas": 1}, seen(replicas=1, readyReplicas=1, availableReplicas=1)),
        READY,
        "1 of 1",
    ),
    "replica set refused": (
        thing("ReplicaSet", {}, seen(**conditions("ReplicaFailure=True FailedCreate denied"))),
        FAILED,
        "denied",
    ),
    "replication controller": (
        thing("ReplicationController", {"replicas": 2}, seen(replicas=2, readyReplicas=1, availableReplicas=1)),
        WAITING,
        "1 of 2",
    ),
    "stateful set ready": (thing("StatefulSet", {"replicas": 3}, SET), READY, "3 of 3"),
    "stateful set unseen": (thing("StatefulSet", {"replicas": 3}, {}), WAITING, "not seen it yet"),
    "stateful set growing": (
        thing("StatefulSet", {"replicas": 3}, {**SET, "replicas": 2, "readyReplicas": 2}),
        WAITING,
        "2 of 3 pods ready",
    ),
    "stateful set updating": (
        thing("StatefulSet", {"replicas": 3}, {**SET, "updatedReplicas": 1, "updateRevision": "r2"}),
        WAITING,
        "1 of 3 pods updated",
    ),
    "stateful set before its last step": (
        thing("StatefulSet", {"replicas": 3}, {**SET, "updateRevision": "r2"}),
        WAITING,
        "3 of 3 pods updated",
    ),
    "stateful set at its partition": (
        thing(
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {**SET, "updatedReplicas": 1, "updateRevision": "r2"},
        ),
        READY,
        "3 of 3",
    ),
    "stateful set before its partition": (
        thing(
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {**SET, "updatedReplicas": 1, "updateRevision": "r2"},
        ),
        WAITING,
        "1 of 2 pods updated",
    ),
    "stateful set on delete": (
        thing("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, seen(updateRevision="r2")),
        READY,
        "OnDelete",
    ),
    "daemon set ready": (thing("DaemonSet", {}, DAEMONS), READY, "2 of 2"),
    "daemon set without nodes": (thing("DaemonSet", {}, seen()), READY, "0 of 0"),
    "daemon set unseen": (thing("DaemonSet", {}, {}), WAITING, "not seen it yet"),
    "daemon set updating": (
        thing("DaemonSet", {}, {**DAEMONS, "updatedNumberScheduled": 1}),
        WAITING,
        "1 of 2 pods updated",
    ),
    "daemon set not ready": (thing("DaemonSet", {}, {**DAEMONS, "numberAvailable": 1}), WAITING, "1 of 2 pods ready"),
    "daemon set on delete": (thing("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, seen()), READY, "OnDelete"),
    "job running": (thing("Job", {"completions": 2}, {"active": 1, "succeeded": 1, "failed": 1}), WAITING, "1 of 2"),
    "job complete": (thing("Job", {}, conditions("Complete=True")), READY, "complete"),
    "job of two done": (thing("Job", {"completions": 2}, {"succeeded": 2}), READY, "complete"),
    "job failed": (
        thing("Job", {}, conditions("Failed=True BackoffLimitExceeded too often")),
        FAILED,
        "failed: too often (BackoffLimitExceeded)",
    ),
    "job about to fail": (thing("Job", {}, conditions("FailureTarget=True DeadlineExceeded")), FAILED, "Deadline"),
    "job suspended": (thing("Job", {"suspend": True}, {}), READY, "suspended"),
    "pod ready": (thing("Pod", {}, conditions("Ready=True", phase="Running")), READY, ""),
    "pod running": (thing("Pod", {}, conditions("Ready=False", phase="Running")), WAITING, "running, not ready"),
    "pod unseen": (thing("Pod", {}), WAITING, "pending"),
    "pod complete": (thing("Pod", {}, conditions("Ready=False", phase="Succeeded")), READY, ""),
    "pod failed": (thing("Pod", {}, {"phase": "Failed", "reason": "Evicted"}), FAILED, "Evicted"),
    "claim bound": (thing("PersistentVolumeClaim", {}, {"phase": "Bound"}), READY, ""),
    "claim pending": (thing("PersistentVolumeClaim", {}, {"phase": "Pending"}), WAITING, "not bound"),
    "claim lost": (thing("PersistentVolumeClaim", {}, {"phase": "Lost"}), FAILED, "lost"),
    "balancer without address": (thing("Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}), WAITING, "address"),
    "balancer": (thing("Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1"}]}}), READY, ""),
    "balancer by hand": (thing("Service", {"type": "LoadBalancer", "externalIPs": ["1"]}, {}), READY, ""),
    "service": (thing("Service", {"type": "ClusterIP"}, {}), READY, ""),
    "definition": (thing("CustomResourceDefinition", {}, conditions("Established=True")), READY, ""),
    "definition new": (thing("CustomResourceDefinition", {}, {}), WAITING, "not established"),
    "definition refused": (
        thing("CustomResourceDefinition", {}, conditions("NamesAccepted=False Taken", "Established=False")),
        FAILED,
        "Taken",
    ),
    "api service": (thing("APIService", {"service": {"name": "a"}}, conditions("Available=True")), READY, ""),
    "api service without pods": (
        thing("APIService", {"service": {"name": "a"}}, conditions("Available=False MissingEndpoints none")),
        WAITING,
        "none (MissingEndpoints)",
    ),
    "api service of the server": (thing("APIService", {}, {}), READY, ""),
    "namespace": (thing("Namespace", {}, {"phase": "Active"}), READY, ""),
    "namespace ending": (thing("Namespace", {}, {"phase": "Terminating"}), WAITING, "deleted"),
    "custom without status": (thing("Thing"), READY, ""),
    "custom with a strange status": (thing("Thing", {}, "fine"), READY, ""),
    "custom with strange conditions": (thing("Thing", {}, {"conditions": {"Ready": True}}), READY, ""),
    "custom with a strange generation": (thing("Thing", {}, {"observedGeneration": "1"}), READY, ""),
    "custom seen before the change": (
        thing("Thing", {}, {"observedGeneration": 1, **conditions("Ready=True")}),
        WAITING,
        "not seen the change",
    ),
    "custom ready": (thing("Thing", {}, seen(**conditions("Ready=True"))), READY, ""),
    "custom not ready": (thing("Thing", {}, conditions("Ready=False Busy making it")), WAITING, "making it (Busy)"),
    "custom unknown": (thing("Thing", {}, conditions("Ready=Unknown")), WAITING, "not ready"),
    "custom reconciling": (thing("Thing", {}, conditions("Ready=True", "Reconciling=True Busy")), WAITING, "Busy"),
    "custom stalled": (thing("Thing", {}, conditions("Stalled=True Wrong no")), FAILED, "no (Wrong)"),
    "being deleted": (thing("Thing", {}, {}, deletionTimestamp=EARLY), WAITING, "being deleted"),
    "not there": (None, FAILED, "not in the cluster"),
}


@pytest.mark.parametrize("case", CASES)
def test_state(case: str) -> None:
    item, kind, text = CASES[case]
    found = state(item, Related(for_jobs=True))
    assert (found.kind, text in found.text) == (kind, True), found
    assert (found.problem is not None) == (kind == FAILED)


def test_jobs_count_only_on_request() -> None:
    assert state(thing("Job", {}, conditions("Failed=True"))).kind == READY


def test_a_claim_without_consumer() -> None:
    item = thing("PersistentVolumeClaim", {}, {"phase": "Pending"})
    assert state(item, Related(unconsumed=True)).kind == READY


def test_a_claim_tells_why_it_is_not_bound() -> None:
    told = {"u": [{"reason": "ProvisioningFailed", "message": "disk full"}]}
    found = state(thing("PersistentVolumeClaim", {}, {"phase": "Pending"}), Related(events=told))
    assert (found.kind, found.text) == (WAITING, "not bound: disk full")


@pytest.mark.parametrize(
    ("kind", "version", "spec", "expected"),
    [
        ("Deployment", "apps/v1", {}, True),
        ("Pod", "v1", {}, True),
        ("ConfigMap", "v1", {}, False),
        ("Service", "v1", {"type": "LoadBalancer"}, True),
        ("Service", "v1", {}, False),
        ("Ingress", "networking.k8s.io/v1", {"ingressClassName": "nginx"}, False),
        ("HorizontalPodAutoscaler", "autoscaling/v2", {}, False),
        ("PodDisruptionBudget", "policy/v1", {}, False),
        ("CronJob", "batch/v1", {}, False),
        ("Job", "batch/v1", {}, False),
        ("Certificate", "cert-manager.io/v1", {}, True),
        ("Deployment", "example.org/v1", {}, True),
    ],
)
def test_what_is_awaited(kind: str, version: str, spec: Object, expected: bool) -> None:
    assert is_awaited({"apiVersion": version, "kind": kind, "spec": spec}, for_jobs=False) is expected


def test_jobs_are_awaited_on_request() -> None:
    assert is_awaited({"apiVersion": "batch/v1", "kind": "Job"}, for_jobs=True)


# -- pods


def pod(name: str = "p", status: Object | None = None, **metadata: Any) -> Object:
    about = {"name": name, "uid": name, "creationTimestamp": LATER, **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {}, "status": status or {}}


def stuck(reason: str, message: str = "", restarts: int = 0, **more: Any) -> Object:
    waiting = {"reason": reason, "message": message}
    entry = {"name": "main", "image": "img:1", "restartCount": restarts, "state": {"waiting": waiting}, **more}
    return pod(status={"phase": "Pending", "containerStatuses": [entry]})


def unschedulable(message: str, **status: Any) -> Object:
    return pod(status=conditions(f"PodScheduled=False Unschedulable {message}", phase="Pending", **status))


EXIT = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
TROUBLES = {
    "pull": (stuck("ErrImagePull", "not found"), "image", kstatus_pods.BRIEFLY, "ErrImagePull: not found"),
    "back-off": (stuck("ImagePullBackOff"), "image", kstatus_pods.BRIEFLY, "img:1"),
    "name": (stuck("InvalidImageName", "bad"), "image", kstatus_pods.BRIEFLY, "bad"),
    "never": (stuck("ErrImageNeverPull"), "image", kstatus_pods.BRIEFLY, "ErrImageNeverPull"),
    "registry busy": (stuck("ErrImagePull", "toomanyrequests"), "image", kstatus_pods.PASSING, "toomanyrequests"),
    "registry away": (stuck("ErrImagePull", "dial tcp: i/o timeout"), "image", kstatus_pods.PASSING, "timeout"),
    "crash": (stuck("CrashLoopBackOff", "", 2, **EXIT), "crash", kstatus_pods.BRIEFLY, "exit code 137, OOMKilled"),
    "config": (stuck("CreateContainerConfigError", "no s"), "config", kstatus_pods.A_WHILE, "no s"),
    "create": (stuck("CreateContainerError", "no m"), "create", kstatus_pods.A_WHILE, "no m"),
    "start": (stuck("RunContainerError", "no b"), "create", kstatus_pods.A_WHILE, "no b"),
    "no node": (unschedulable("0/1 nodes"), kstatus_pods.UNSCHEDULABLE, kstatus_pods.SCHEDULING, "0/1 nodes"),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_trouble_of_pods(case: str) -> None:
    item, cause, patience, text = TROUBLES[case]
    found = state(thing("Deployment", {}, seen(replicas=1, updatedReplicas=1)), Related(pods=[pod(), item]))
    assert found.kind == FAILED
    assert found.problem is not None
    assert (found.problem.cause, found.problem.patience) == (cause, patience)
    assert found.text.startswith("0 of 1 pod ready; pod p")
    assert text in found.text
    assert found.problem.hint
    alone = state({**item, "spec": {}}, Related())
    assert (alone.kind, alone.problem) == (FAILED, found.problem)


@pytest.mark.parametrize(
    "item",
    [
        stuck("ContainerCreating"),
        stuck("PodInitializing"),
        stuck("CrashLoopBackOff", "", 1),
        unschedulable("pod has unbound immediate PersistentVolumeClaims"),
        unschedulable("0/1 nodes", nominatedNodeName="n"),
        pod(status=conditions("PodScheduled=False SchedulingGated", phase="Pending")),
        pod(status={**stuck("ErrImagePull")["status"], **conditions("Ready=True")}),
        pod(status={**stuck("CrashLoopBackOff", "", 9)["status"], "phase": "Failed"}),
    ],
)
def test_no_trouble(item: Object) -> None:
    assert kstatus_pods.worst([item], {}) is None


def test_init_containers_count() -> None:
    status = stuck("ErrImagePull", "no")["status"]
    item = pod(status={"phase": "Pending", "initContainerStatuses": status["containerStatuses"]})
    found = kstatus_pods.worst([item], {})
    assert found is not None
    assert found.cause == "image"


def test_a_job_counts_crashes_itself() -> None:
    item = thing("Job", {}, {"active": 1})
    assert state(item, Related(for_jobs=True, pods=[stuck("CrashLoopBackOff", "", 5)])).kind == WAITING
    assert state(item, Related(for_jobs=True, pods=[stuck("ErrImagePull")])).kind == FAILED


def test_the_soonest_trouble_is_told() -> None:
    found = kstatus_pods.worst([unschedulable("0/1 nodes"), stuck("ErrImagePull", "no")], {})
    assert found is not None
    assert found.cause == "image"


def test_a_back_off_tells_what_the_events_tell() -> None:
    told = {"p": [{"reason": "Failed", "message": "Failed to pull image: dial tcp: i/o timeout"}]}
    found = kstatus_pods.worst([stuck("ImagePullBackOff", "Back-off")], told)
    assert found is not None
    assert "i/o timeout" in found.text
    assert found.patience == kstatus_pods.PASSING
    told["p"].append({"reason": "Failed", "message": "Failed to pull image: not found"})
    found = kstatus_pods.worst([stuck("ImagePullBackOff", "Back-off")], told)
    assert found is not None
    assert found.patience == kstatus_pods.BRIEFLY


@pytest.mark.parametrize(
    ("message", "status", "expected"),
    [
        ('MountVolume.SetUp failed for volume "v" : secret "s" not found', {}, True),
        ('MountVolume.SetUp failed for volume "v" : references non-existent config key: k', {}, True),
        ("MountVolume.SetUp failed: the node is slow", {}, False),
        ('configmap "c" not found', conditions("PodReadyToStartContainers=True"), False),
    ],
)
def test_mounts(message: str, status: Object, expected: bool) -> None:
    item = pod(status={"phase": "Pending", **status})
    found = kstatus_pods.worst([item], {"p": [{"reason": "FailedMount", "message": message}]})
    assert (found is not None and found.cause == kstatus_pods.MOUNT) is expected


def refused(time: str) -> dict[str, list[Object]]:
    return {"u": [{"reason": "FailedCreate", "message": "exceeded quota: q", "lastTimestamp": time}]}


READY_POD = pod(status=conditions("Ready=True"))


@pytest.mark.parametrize(
    ("events", "pods", "kind"),
    [
        (refused(LATER), [], FAILED),
        (refused(EARLY), [], WAITING),  # from before the last change
        (refused(LATER), [pod()], WAITING),  # the pods that are there come first
        (refused(LATEST), [READY_POD], FAILED),
        (refused(EARLY), [READY_POD], WAITING),
        ({}, [], WAITING),
    ],
)
def test_refused_pods_of_kinds_that_tell_it_by_events(
    events: dict[str, list[Object]], pods: list[Object], kind: str
) -> None:
    changed = [{"time": LATER}, {"time": LATEST, "subresource": "status"}]
    item = thing("StatefulSet", {"replicas": 3}, seen(replicas=1, readyReplicas=1), managedFields=changed)
    assert state(item, Related(pods=pods, events=events)).kind == kind


def test_a_failed_job_tells_of_its_newest_failed_pod() -> None:
    ended = [{"name": "main", "state": {"terminated": {"exitCode": 3}}}]
    pods = [
        pod("old", {"phase": "Failed", "containerStatuses": ended}, creationTimestamp=EARLY),
        pod("new", {"phase": "Failed", "containerStatuses": ended}, creationTimestamp=LATER),
        pod("running", {"phase": "Running"}, creationTimestamp=LATEST),
    ]
    found = state(thing("Job", {}, conditions("Failed=True X")), Related(for_jobs=True, pods=pods)).problem
    assert found is not None
    assert found.pod is pods[1]
    assert found.container == "main"
    assert "pod new has failed: container main ended with exit code 3" in found.text


def test_pods_of_the_current_revision() -> None:
    old = pod("old", labels={"controller-revision-hash": "r1", "pod-template-generation": "1"})
    new = pod("new", labels={"controller-revision-hash": "r2", "pod-template-generation": "2"})
    ending = pod("ending", deletionTimestamp=EARLY, labels=new["metadata"]["labels"])
    pods = [old, new, ending]
    assert kstatus_pods.current(thing("StatefulSet", {}, {"updateRevision": "r2"}), pods) == [new]
    generation = {"deprecated.daemonset.template.generation": "2"}
    assert kstatus_pods.current(thing("DaemonSet", annotations=generation), pods) == [new]
    assert kstatus_pods.current(thing("Job"), pods) == [old, new]


def test_the_replica_set_of_the_newest_template() -> None:
    sets = [
        thing("ReplicaSet", annotations={"deployment.kubernetes.io/revision": number}) for number in ("1", "3", "2")
    ]
    deployment = thing("Deployment", annotations={"deployment.kubernetes.io/revision": "3"})
    assert kstatus_pods.current_replica_set(deployment, sets) is sets[1]
    assert kstatus_pods.current_replica_set(deployment, sets[2:]) is None


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"lastTimestamp": LATER, "eventTime": None}, LATER),
        ({"lastTimestamp": None, "eventTime": "2026-01-01T00:00:01.123456Z"}, LATER),
        ({"eventTime": "2026-01-01T00:00:00Z", "series": {"lastObservedTime": LATEST}}, LATEST),
        ({"metadata": {"creationTimestamp": EARLY}}, EARLY),
    ],
)
def test_time_of_an_event(event: Object, expected: str) -> None:
    assert kstatus_pods.event_time(event) == expected


@pytest.mark.parametrize(
    ("message", "restarts", "container", "expected"),
    [
        ("Startup probe failed: 503", 1, "main", True),
        ("Liveness probe errored: no exec", 1, "main", True),
        ("Liveness probe failed: 503", 0, "main", False),  # not for as long as it may
        ("Readiness probe failed: 503", 1, "main", False),  # it has no limit
        ("Startup probe failed: 503", 1, "other", False),
    ],
)
def test_a_probe_that_kills_is_final(message: str, restarts: int, container: str, expected: bool) -> None:
    item = stuck("", "", restarts)
    told = {
        "reason": "Unhealthy",
        "message": message,
        "involvedObject": {"fieldPath": f"spec.containers{{{container}}}"},
    }
    found = kstatus_pods.worst([item], {"p": [told]})
    assert (found is not None and found.cause == "probe" and message in found.text) is expected
    assert kstatus_pods.worst([item], {"p": [told]}, jobs=True) is None

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far an object is: ready, under way, or in trouble. Pure: objects in, states out.

The rules are Helm 4's (kstatus), and Helm 3's (pkg/kube/ready.go) where kstatus says nothing: load balancers want an
address. A paused Deployment and a suspended Job wait for a person, so nothing here waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.apply import kstatus_pods as pods
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import (
    BRIEFLY,
    Object,
    Problem,
    condition,
    count,
    meta,
    spec,
    status,
)

READY = "ready"
WAITING = "waiting"
FAILED = "failed"


@dataclass(frozen=True)
class State:
    """How far an object is, in words that go on after its name."""

    kind: str  # READY, WAITING or FAILED
    text: str
    problem: Problem | None = None  # of FAILED; it counts once it has lasted its patience


@dataclass(frozen=True)
class Related:
    """What an object's state depends on besides itself."""

    pods: Sequence[Object] = ()  # of its current revision
    events: Mapping[str, Sequence[Object]] = field(default_factory=dict)  # warnings, by the uid they are about
    for_jobs: bool = False
    unconsumed: bool = False  # a claim that is bound when the first pod uses it, and none does


_ALONE = Related()
READY_STATE = State(READY, "ready")
_LEFT = "left to end"

# Groups of which nothing else than what _RULES names is ever waited for: Helm finds it ready at once.
_PLAIN_GROUPS = frozenset(
    "apps batch autoscaling policy networking.k8s.io rbac.authorization.k8s.io storage.k8s.io scheduling.k8s.io "
    "admissionregistration.k8s.io coordination.k8s.io discovery.k8s.io node.k8s.io events.k8s.io "
    "certificates.k8s.io flowcontrol.apiserver.k8s.io extensions".split()
) | {""}


def group(item: Object) -> str:
    return str(item.get("apiVersion", "")).rpartition("/")[0]


def is_awaited(item: Object, *, for_jobs: bool) -> bool:
    """Whether an object of a manifest can be anything else than ready once it is there."""
    kind = str(item.get("kind", ""))
    if (group(item), kind) == ("batch", "Job"):
        return for_jobs
    if (group(item), kind) == ("", "Service"):
        return spec(item).get("type") == "LoadBalancer"
    return (group(item), kind) in _RULES or group(item) not in _PLAIN_GROUPS


def state(item: Object | None, related: Related = _ALONE) -> State:
    """How far an object is; None is one that is not in the cluster."""
    if item is None:
        return _failed("missing", "is not in the cluster", "Look who deletes it", pods.A_WHILE)
    if meta(item).get("deletionTimestamp"):
        return State(WAITING, "is being deleted")
    generation, observed = meta(item).get("generation"), status(item).get("observedGeneration")
    rule = _RULES.get((group(item), str(item.get("kind", ""))))
    if isinstance(generation, int) and isinstance(observed, int) and observed != generation:
        return State(WAITING, "its controller has not seen the change yet")
    found = rule(item, related) if rule else _custom(item)
    if found.kind != WAITING:
        return found
    trouble = pods.worst(related.pods, related.events, jobs=item.get("kind") == "Job")
    if trouble is None:
        return found
    # that old pods are left is no cause, but what follows from it
    told = (trouble.text, found.text) if found.text.endswith(_LEFT) else (found.text, trouble.text)
    return State(FAILED, "; ".join(told), trouble)


def _failed(cause: str, text: str, hint: str, patience: float = BRIEFLY) -> State:
    return State(FAILED, text, Problem(cause, text, hint, patience))


# -- workloads


def _observed(item: Object) -> bool:
    return status(item).get("observedGeneration") is not None


def _unseen() -> State:
    return State(WAITING, "its controller has not seen it yet")


def _pods(ready: int, wanted: int) -> State:
    return State(READY if ready >= wanted else WAITING, f"{ready} of {wanted} pod{'' if wanted == 1 else 's'} ready")


def _surplus(left: int) -> State:
    return State(WAITING, f"{left} old pod{'' if left == 1 else 's'} {_LEFT}")


def _deployment(item: Object, related: Related) -> State:
    if spec(item).get("paused"):
        return State(READY, "paused")
    if not _observed(item):
        return _unseen()
    found = _rollout(item)
    if found.kind == READY:
        return found
    refused, progressing = condition(item, "ReplicaFailure"), condition(item, "Progressing")
    if refused.get("status") == "True":
        return _refused(_message(refused))
    if progressing.get("reason") == "ProgressDeadlineExceeded" and not pods.worst(related.pods, related.events):
        text = f"{found.text}, no progress within its progressDeadlineSeconds"
        # the condition is stale for a moment after a rollback to a ReplicaSet that exists already
        return _failed("deadline", text, "Look at the events and the log of its pods")
    return found


def _rollout(item: Object) -> State:
    wanted = count(spec(item), "replicas", 1)
    there, updated = count(status(item), "replicas"), count(status(item), "updatedReplicas")
    ready = min(count(status(item), "availableReplicas"), count(status(item), "readyReplicas"))
    if updated < wanted:
        return State(WAITING, f"{updated} of {wanted} pods updated")
    if there > wanted:
        return _surplus(there - wanted)
    return _pods(ready, wanted)


def _refused(message: str) -> State:
    quota = "exceeded quota" in message
    hint = (
        "Raise the ResourceQuota or ask for less"
        if quota
        else "Change what the message names: the chart's values, or the policy, quota or webhook that refuses its pods"
    )
    return _failed("refused", f"its pods are refused: {message}", hint)


def _stateful_set(item: Object, related: Related) -> State:
    if not _observed(item):
        return _unseen()
    strategy = spec(item).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return State(READY, "pods change when they are deleted (OnDelete)")
    wanted = count(spec(item), "replicas", 1)
    there, ready = count(status(item), "replicas"), count(status(item), "readyReplicas")
    updated = count(status(item), "updatedReplicas")
    due = max(0, wanted - count(strategy.get("rollingUpdate") or {}, "partition"))
    if there < wanted or ready < wanted:
        return _denied(item, related, short=there < wanted) or _pods(ready, wanted)
    if there > wanted:
        return _surplus(there - wanted)
    if updated < due:
        return _denied(item, related, short=True) or State(WAITING, f"{updated} of {due} pods updated")
    if due == wanted and status(item).get("currentRevision") != status(item).get("updateRevision"):
        return State(WAITING, f"{updated} of {wanted} pods updated")
    return _pods(ready, wanted)


def _daemon_set(item: Object, related: Related) -> State:
    if not _observed(item):
        return _unseen()
    if (spec(item).get("updateStrategy") or {}).get("type") == "OnDelete":
        return State(READY, "pods change when they are deleted (OnDelete)")
    wanted = count(status(item), "desiredNumberScheduled")
    there, updated = count(status(item), "currentNumberScheduled"), count(status(item), "updatedNumberScheduled")
    ready = min(count(status(item), "numberReady"), count(status(item), "numberAvailable"))
    if min(there, updated) < wanted:
        return _denied(item, related, short=True) or State(WAITING, f"{min(there, updated)} of {wanted} pods updated")
    return _pods(ready, wanted)


def _replica_set(item: Object, related: Related) -> State:
    if not _observed(item):
        return _unseen()
    wanted, there = count(spec(item), "replicas", 1), count(status(item), "replicas")
    ready = min(count(status(item), "readyReplicas"), count(status(item), "availableReplicas"))
    refused = condition(item, "ReplicaFailure")
    if ready < wanted and refused.get("status") == "True":
        return _refused(_message(refused))
    if there > wanted:
        return _surplus(there - wanted)
    return _pods(ready, wanted)


def _job(item: Object, related: Related) -> State:
    if not related.for_jobs:
        return READY_STATE
    if spec(item).get("suspend"):
        return State(READY, "suspended")
    succeeded, completions = count(status(item), "succeeded"), count(spec(item), "completions")
    if condition(item, "Complete").get("status") == "True" or 0 < completions <= succeeded:
        return State(READY, "complete")
    for name in ("Failed", "FailureTarget"):
        found = condition(item, name)
        if found.get("status") == "True":
            problem = pods.job_problem(related.pods, _message(found))
            return State(FAILED, problem.text, problem)
    failures = count(status(item), "failed")
    text = f"{succeeded} of {completions or 1} completed" + (f", {failures} failed" if failures else "")
    return _denied(item, related, short=not count(status(item), "active")) or State(WAITING, text)


def _denied(item: Object, related: Related, *, short: bool) -> State | None:
    """Pods that admission or a quota refuses, of kinds that report it in events only."""
    if not short or any(not pods.is_ready(pod) for pod in related.pods):
        return None  # the pods that are there come first
    since = max([_changed(item), *(str(meta(pod).get("creationTimestamp", "")) for pod in related.pods)])
    for event in related.events.get(str(meta(item).get("uid", "")), ()):
        if event.get("reason") == "FailedCreate" and pods.event_time(event) >= since:
            return _refused(str(event.get("message", "")))
    return None


def _changed(item: Object) -> str:
    """When somebody last changed the object itself, as RFC 3339 of whole seconds by the server's clock."""
    times = [str(meta(item).get("creationTimestamp", ""))]
    for entry in meta(item).get("managedFields") or ():
        if not entry.get("subresource") and entry.get("time"):
            times.append(str(entry["time"]))
    return max(times)


# -- others


def _pod(item: Object, related: Related) -> State:
    phase = status(item).get("phase")
    if phase == "Succeeded":
        return State(READY, "has run to its end")
    if phase == "Failed":
        problem = pods.failed_pod(item)
        return State(FAILED, problem.text, problem)
    if pods.is_ready(item):
        return READY_STATE
    trouble = pods.worst([item], related.events)
    text = f"{str(phase or 'Pending').lower()}, not ready"
    return State(FAILED, f"{text}; {trouble.text}", trouble) if trouble else State(WAITING, text)


def _claim(item: Object, related: Related) -> State:
    phase = str(status(item).get("phase", ""))
    if phase == "Bound":
        return State(READY, "bound")
    if phase == "Lost":
        return _failed("lost", "its volume is lost", "Restore the PersistentVolume, or delete the claim and its data")
    if related.unconsumed:
        return State(READY, "is bound when a pod uses it")
    events = related.events.get(str(meta(item).get("uid", "")), ())
    told = next((str(event.get("message", "")) for event in events if event.get("reason") == "ProvisioningFailed"), "")
    return State(WAITING, f"not bound: {told}" if told else "not bound to a volume")


def _service(item: Object, related: Related) -> State:
    if spec(item).get("type") != "LoadBalancer" or spec(item).get("externalIPs"):
        return READY_STATE
    if (status(item).get("loadBalancer") or {}).get("ingress"):
        return READY_STATE
    return State(WAITING, "its load balancer has no address")


def _definition(item: Object, related: Related) -> State:
    names, established = condition(item, "NamesAccepted"), condition(item, "Established")
    if names.get("status") == "False":
        return _failed("names", f"its names are refused: {_message(names)}", "Remove the CustomResourceDefinition "
                       "that has them")  # fmt: skip
    if established.get("status") == "True":
        return READY_STATE
    return State(WAITING, _message(established) or "not established")


def _api_service(item: Object, related: Related) -> State:
    if not spec(item).get("service"):
        return READY_STATE
    available = condition(item, "Available")
    if available.get("status") == "True":
        return READY_STATE
    return State(WAITING, _message(available) or "not available")


def _namespace(item: Object, related: Related) -> State:
    if status(item).get("phase", "Active") == "Active":
        return READY_STATE
    return State(WAITING, "is being deleted")


def _custom(item: Object) -> State:
    """kstatus' conventions; who follows none of them is ready."""
    if condition(item, "Stalled").get("status") == "True":
        text = f"stalled: {_message(condition(item, 'Stalled'))}"
        return _failed("stalled", text, "Look at the object's conditions and its controller's log")
    if condition(item, "Reconciling").get("status") == "True":
        return State(WAITING, f"reconciling: {_message(condition(item, 'Reconciling'))}")
    ready = condition(item, "Ready")
    if not ready or ready.get("status") == "True":
        return READY_STATE
    return State(WAITING, _message(ready) or "not ready")


def _message(found: Mapping[str, Any]) -> str:
    reason, message = str(found.get("reason") or ""), str(found.get("message") or "").strip()
    return f"{message} ({reason})" if message and reason else message or reason


_RULES: Mapping[tuple[str, str], Callable[[Object, Related], State]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "ReplicationController"): _replica_set,
    ("", "Pod"): _pod,
    ("batch", "Job"): _job,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("", "Namespace"): _namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
}

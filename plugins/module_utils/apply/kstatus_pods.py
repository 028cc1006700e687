# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps pods from becoming ready, and which pods count. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Events = Mapping[str, Sequence[Object]]  # warnings, by the uid of what they are about

# Seconds that a trouble lasts before it is taken for final.
AT_ONCE = 1.0  # so that there is time to find the pods with the reason
BRIEFLY = 3.0  # flapping between two states, a controller that is a moment behind
A_WHILE = 10.0  # another controller may be about to make what is missing
SCHEDULING = 15.0  # as kstatus; cluster-autoscaler looks every 10 s
PASSING = 30.0  # the network or a registry's limits

UNSCHEDULABLE = "unschedulable"  # causes
MOUNT = "mount"
_REVISION = "deployment.kubernetes.io/revision"
_PULL = frozenset(("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"))
_NAME = frozenset(("InvalidImageName", "ErrImageNeverPull"))
_CREATE = frozenset(("CreateContainerError", "RunContainerError", "PreCreateHookError", "PostStartHookError"))
_PASSES = re.compile(
    r"time(d )?out|deadline exceeded|connection (refused|reset)|\bEOF\b|toomanyrequests|too many requests|"
    r"\b(429|500|502|503|504)\b|temporar|no such host|network is unreachable|no route to host",
    re.IGNORECASE,
)
_KILLS = re.compile(r"(Startup|Liveness) probe ")
_NOT_FOUND = re.compile(
    r'(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key', re.IGNORECASE
)


@dataclass(frozen=True)
class Problem:
    """Why an object cannot become ready.

    ``cause`` is the same as long as it is one trouble, whatever its words.
    """

    cause: str
    text: str
    hint: str = ""
    patience: float = BRIEFLY  # seconds
    pod: Object | None = None
    container: str = ""  # its log says more
    by_others: bool = False  # may heal when something else of the release gets ready
    crashed: bool = False  # the log is that of the container's last run


def meta(item: Object) -> Mapping[str, Any]:
    return item.get("metadata") or {}


def spec(item: Object) -> Mapping[str, Any]:
    found = item.get("spec")
    return found if isinstance(found, Mapping) else {}


def status(item: Object) -> Mapping[str, Any]:
    found = item.get("status")
    return found if isinstance(found, Mapping) else {}


def count(where: Mapping[str, Any], key: str, default: int = 0) -> int:
    found = where.get(key)
    return default if found is None else int(found)


def condition(item: Object, name: str) -> Mapping[str, Any]:
    """A condition of the status; empty if it has none of that type."""
    found = status(item).get("conditions")
    if not isinstance(found, list):
        return {}
    return next((entry for entry in found if isinstance(entry, Mapping) and entry.get("type") == name), {})


def is_ready(pod: Object) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def event_time(event: Object) -> str:
    """When it happened last, as RFC 3339 of whole seconds."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    found = next((str(time) for time in times if time), str(meta(event).get("creationTimestamp", "")))
    return re.sub(r"\.\d+", "", found)


# -- which pods count


def current_replica_set(deployment: Object, replica_sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet of the newest template: controller and Deployment number it alike."""
    revision = (meta(deployment).get("annotations") or {}).get(_REVISION)
    return next(
        (item for item in replica_sets if (meta(item).get("annotations") or {}).get(_REVISION) == revision), None
    )


def current(owner: Object, pods: Iterable[Object]) -> list[Object]:
    """Of the pods of a workload those of its newest template: what is being replaced may fail as it likes."""
    alive = [pod for pod in pods if not meta(pod).get("deletionTimestamp")]
    if owner.get("kind") == "StatefulSet":
        revision = status(owner).get("updateRevision")
        return [pod for pod in alive if _label(pod, "controller-revision-hash") == revision]
    if owner.get("kind") == "DaemonSet":
        generation = (meta(owner).get("annotations") or {}).get("deprecated.daemonset.template.generation")
        return [pod for pod in alive if _label(pod, "pod-template-generation") in (generation, None)]
    return alive


def _label(pod: Object, name: str) -> str | None:
    return (meta(pod).get("labels") or {}).get(name)


# -- what they suffer from


def worst(pods: Iterable[Object], events: Events, *, jobs: bool = False) -> Problem | None:
    """The trouble of some pods that is final soonest.

    :arg jobs: they are a Job's, which counts failed runs itself.
    """
    found = [problem for pod in pods for problem in _problems(pod, events, jobs=jobs)]
    return min(found, key=lambda problem: problem.patience, default=None)


def _problems(pod: Object, events: Events, *, jobs: bool) -> Iterator[Problem]:
    if status(pod).get("phase") in ("Succeeded", "Failed") or is_ready(pod):
        return
    about = events.get(str(meta(pod).get("uid", "")), ())
    scheduling = _scheduling(pod)
    if scheduling:
        yield scheduling
        return
    containers = [*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())]
    stuck = [problem for container in containers if (problem := _container(pod, container, about, jobs=jobs))]
    yield from stuck
    if not stuck:
        yield from _mounts(pod, about)


def _scheduling(pod: Object) -> Problem | None:
    found = condition(pod, "PodScheduled")
    message = str(found.get("message", ""))
    if found.get("status") != "False" or found.get("reason") != "Unschedulable":
        return None
    # preemption is making room; a volume is being made
    if status(pod).get("nominatedNodeName") or "unbound immediate PersistentVolumeClaims" in message:
        return None
    text = f"pod {_name(pod)} fits on no node: {message}"
    hint = "Ask for less, add nodes, or correct nodeSelector, affinity and tolerations"
    return Problem(UNSCHEDULABLE, text, hint, SCHEDULING, pod=pod)


def _container(pod: Object, container: Mapping[str, Any], events: Sequence[Object], *, jobs: bool) -> Problem | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, name = str(waiting.get("reason", "")), str(container.get("name", ""))
    told = ": ".join(filter(None, (reason, str(waiting.get("message") or "").strip())))
    where = f"pod {_name(pod)}, container {name}"
    if reason in _PULL or reason in _NAME:
        return _pull(pod, container, f"{where}: {told}", reason, events)
    if reason == "CrashLoopBackOff" and count(container, "restartCount") >= 2 and not jobs:
        text = f"{where} crashes again and again ({count(container, 'restartCount')} restarts, {_exit(container)})"
        hint = "Its log says why; correct the values, the image or what the program needs"
        return Problem("crash", text, hint, BRIEFLY, pod, name, by_others=True, crashed=True)
    if not jobs and count(container, "restartCount") and not container.get("ready"):
        probe = _probe(name, events)
        if probe:
            text = f"{where} was killed ({count(container, 'restartCount')} restarts): {probe}"
            hint = "It fails for longer than the probe allows; correct the probe or the program, or allow more time"
            return Problem("probe", text, hint, A_WHILE, pod, name, by_others=True, crashed=True)
    if reason == "CreateContainerConfigError":
        hint = "Make the ConfigMap, Secret or key that the message names, or correct the reference to it"
        return Problem("config", f"{where}: {told}", hint, A_WHILE, pod, by_others=True)
    if reason in _CREATE:
        hint = "Correct the container's command, mounts or hooks"
        return Problem("create", f"{where}: {told}", hint, A_WHILE, pod, name)
    return None


def _probe(container: str, events: Sequence[Object]) -> str:
    """What a startup or liveness probe says, which kill when their limits are reached; readiness probes have none."""
    for event in reversed(events):
        about = (event.get("involvedObject") or {}).get("fieldPath", "")
        message = str(event.get("message", ""))
        if event.get("reason") == "Unhealthy" and _KILLS.match(message) and about.endswith(f"{{{container}}}"):
            return " ".join(message.split())
    return ""


def _pull(pod: Object, container: Mapping[str, Any], text: str, reason: str, events: Sequence[Object]) -> Problem:
    """A back-off does not say what it backs off from; the events do."""
    image = str(container.get("image", ""))
    told = [str(event.get("message", "")) for event in events if event.get("reason") == "Failed"]
    pulls = [message for message in told if "pull" in message]
    passes = reason in _PULL and any(_PASSES.search(message) for message in (text, *pulls[-1:]))
    if image and image not in text:
        text = f"{text} (image {image})"
    if reason == "ImagePullBackOff" and pulls and pulls[-1] not in text:
        text = f"{text}; {pulls[-1]}"
    hint = "Check the image's name and tag, and that the cluster may pull it (registry, imagePullSecrets)"
    return Problem("image", text, hint, PASSING if passes else BRIEFLY, pod)


def _mounts(pod: Object, events: Sequence[Object]) -> Iterator[Problem]:
    if condition(pod, "PodReadyToStartContainers").get("status") == "True":
        return  # the events are of the past
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") == "FailedMount" and _NOT_FOUND.search(message):
            hint = "Make the ConfigMap, Secret or key that the message names, or correct the reference to it"
            yield Problem(MOUNT, f"pod {_name(pod)}: {message}", hint, A_WHILE, pod, by_others=True)


def _exit(container: Mapping[str, Any]) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    reason = str(ended.get("reason") or "")
    text = f"exit code {ended['exitCode']}" if ended.get("exitCode") is not None else "no exit code"
    return f"{text}, {reason}" if reason not in ("", "Error") else text


def failed_pod(pod: Object) -> Problem:
    """A pod that is not started again."""
    containers = [*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())]
    name, told = "", str(status(pod).get("message") or status(pod).get("reason") or "")
    for container in containers:
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            name, told = str(container.get("name", "")), f"container {container.get('name')} ended with exit code "
            told += f"{ended['exitCode']}"
    text = f"pod {_name(pod)} has failed" + (f": {told}" if told else "")
    return Problem("failed", text, "Its log says why", AT_ONCE, pod, name)


def job_problem(pods: Sequence[Object], message: str) -> Problem:
    """A Job that has given up, with its newest failed pod."""
    failed = [pod for pod in pods if status(pod).get("phase") == "Failed"]
    newest = max(failed, key=lambda pod: str(meta(pod).get("creationTimestamp", "")), default=None)
    if newest is None:
        return Problem("failed", f"failed: {message}", "Look at the Job's events", AT_ONCE)
    found = failed_pod(newest)
    return Problem("failed", f"failed: {message}; {found.text}", found.hint, AT_ONCE, newest, found.container)


def _name(pod: Object) -> str:
    return str(meta(pod).get("name", ""))

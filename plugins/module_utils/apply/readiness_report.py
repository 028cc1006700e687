# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says why objects are not ready: the reason, the last events, the end of the container's log, and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import State
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import (
    MOUNT,
    UNSCHEDULABLE,
    Object,
    Problem,
    count,
    event_time,
    is_ready,
    meta,
    status,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.errors import ApplyError, ClusterError

_EVENTS = 5
_LOG_LINES = 10
_WIDTH = 300  # characters of a line
_TOLD = 20  # objects that a timeout names
_LOOKED_AT = 3  # objects, and pods of each, whose events a timeout shows
_SECONDS = 5.0  # for gathering all of it: an API in trouble must not hold the message back
# What a pod's events say when a trouble is over or taken care of.
_PASSING = {
    UNSCHEDULABLE: frozenset(("TriggeredScaleUp", "Nominated")),  # cluster-autoscaler, Karpenter: a node is coming
    MOUNT: frozenset(("Pulling", "Pulled", "Created", "Started")),
}


class NotReady(ApplyError):
    """Objects of a release are not ready; ``objects`` names them."""

    def __init__(self, what: str, *, hint: str = "", detail: str = "", objects: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.hint = hint
        self.detail = detail
        self.objects = tuple(objects)


@dataclass(frozen=True)
class Unready:
    """An object that is not ready, as far as it is known."""

    label: str  # "Deployment web/app"
    state: State
    item: Object | None = None
    made: Sequence[Object] = ()  # what carries events of it: its current ReplicaSet
    pods: Sequence[Object] = ()  # of its current revision


def failure(client: Client, one: Unready) -> NotReady:
    """The error for an object that cannot become ready."""
    evidence = _Evidence(client)
    problem = one.state.problem
    pod = problem.pod if problem else None
    detail = evidence.events([*filter(None, (one.item, *one.made, pod))])
    if problem and pod and problem.container:
        detail += evidence.log(pod, problem.container, crashed=problem.crashed)
    return NotReady(
        f"{one.label} cannot become ready: {one.state.text}",
        hint=problem.hint if problem else "",
        detail="\n".join(detail),
        objects=[one.label],
    )


def not_in_time(
    client: Client, seconds: float, unready: Sequence[Unready], trouble: ClusterError | None = None
) -> NotReady:
    """The error for objects that are not ready at the end of the timeout.

    :arg trouble: why nothing newer is known, if so.
    """
    first = unready[0]
    if len(unready) == 1:
        what = f"{first.label} is not ready after {seconds:g} s: {first.state.text}"
    else:
        names = ", ".join(one.label for one in unready[:_LOOKED_AT])
        more = f" and {len(unready) - _LOOKED_AT} more" if len(unready) > _LOOKED_AT else ""
        what = f"{len(unready)} objects are not ready after {seconds:g} s: {names}{more}"
    detail = [f"{one.label}: {one.state.text}" for one in unready[:_TOLD]] if len(unready) > 1 else []
    if trouble:
        return _late(what, unready, [*detail, f"The cluster does not say any more: {trouble}"])
    evidence = _Evidence(client)
    for one in unready[:_LOOKED_AT]:
        pods = [pod for pod in one.pods if not is_ready(pod)][:_LOOKED_AT]
        title = f"Last events of {one.label}:" if len(unready) > 1 else "Last events:"
        detail += evidence.events([*filter(None, (one.item, *one.made, *pods))], title)
    pod = next((pod for one in unready for pod in one.pods if not is_ready(pod)), None)
    if pod:
        container, crashed = _unready_container(pod)
        detail += evidence.log(pod, container, crashed=crashed) if container else []
    return _late(what, unready, detail)


def _late(what: str, unready: Sequence[Unready], detail: Sequence[str]) -> NotReady:
    return NotReady(
        what,
        hint="Look at what its events and log say, or raise the timeout if it only takes longer",
        detail="\n".join(detail),
        objects=[one.label for one in unready],
    )


def is_passing(client: Client, problem: Problem) -> bool:
    """Whether events say that a trouble is over or taken care of."""
    signs = _PASSING.get(problem.cause, frozenset())
    events = _Evidence(client).about(problem.pod) if signs and problem.pod else []
    return any(event.get("reason") in signs for event in events)


def _unready_container(pod: Object) -> tuple[str, bool]:
    """The name of the first container that has started and is not ready, and whether its last run's log says more."""
    for container in (*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())):
        state = container.get("state") or {}
        restarts = count(container, "restartCount")
        if not container.get("ready") and (restarts or "running" in state or "terminated" in state):
            return str(container.get("name", "")), bool(restarts and "waiting" in state)
    return "", False


class _Evidence:
    """Further evidence from the cluster; a failure to read it is no error."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._deadline = time.monotonic() + _SECONDS

    def events(self, items: Iterable[Object], title: str = "Last events:") -> list[str]:
        """The last events of some objects, with a title, oldest first; warnings push others out."""
        found = sorted((event for item in items for event in self.about(item)), key=event_time)
        weight = sorted(found, key=lambda event: (event.get("type") == "Warning", event_time(event)))[-_EVENTS:]
        return [title, *(_event_line(event) for event in found if event in weight)] if found else []

    def about(self, item: Object) -> list[Object]:
        uid, namespace = meta(item).get("uid"), meta(item).get("namespace") or "default"
        if not uid or time.monotonic() > self._deadline:
            return []
        try:
            return [
                *self._client.list(f"/api/v1/namespaces/{namespace}/events", field_selector=f"involvedObject.uid={uid}")
            ]
        except ClusterError:
            return []

    def log(self, pod: Object, container: str, *, crashed: bool) -> list[str]:
        """The end of a container's log, with a title; of the last run if it crashed."""
        path = f"/api/v1/namespaces/{meta(pod).get('namespace')}/pods/{meta(pod).get('name')}/log"
        for previous in (True, False) if crashed else (False,):
            if time.monotonic() > self._deadline:
                break
            try:
                text = self._client.text(path, container=container, previous=previous or None, tailLines=_LOG_LINES)
            except ClusterError:
                continue
            lines = [f"  {_cut(line)}" for line in text.rstrip().splitlines()[-_LOG_LINES:]]
            run = ", run before the last restart" if previous else ""
            return (
                [f"Last log lines of pod {meta(pod).get('name')}, container {container}{run}:", *lines] if lines else []
            )
        return []


def _event_line(event: Object) -> str:
    about = event.get("involvedObject") or {}
    times = count(event, "count", 1)
    often = f" (x{times})" if times > 1 else ""
    message = " ".join(str(event.get("message", "")).split())
    return _cut(f"  {about.get('kind')} {about.get('name')}: {event.get('reason')}{often}: {message}")


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"

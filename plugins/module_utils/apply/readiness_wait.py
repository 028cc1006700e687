# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One wait for some objects: it watches them, and whatever explains their state, until they are ready or fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import FAILED, READY, WAITING, Related, State
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import (
    AT_ONCE,
    Object,
    Problem,
    current,
    current_replica_set,
    event_time,
    meta,
    spec,
    status,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_gone import Gone
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import (
    NotReady,
    Unready,
    failure,
    is_passing,
    not_in_time,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_target import (
    NOT_BEGUN,
    Target,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, Unauthorized, Untrusted
from ansible_collections.helmstack.core.plugins.module_utils.cluster.watch import Feed, Hub
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

_CLOSER = 0.5  # seconds after which pods and events are watched too: what is ready by then never needs them
_MANY = 4  # objects of one collection that are read one by one; more are listed
_TICK = 0.5  # seconds between two looks without a change
_CALM = 0.05  # seconds between two looks with changes
PATIENCE = 4.0  # seconds of retries after the timeout, and for a message's further evidence
_HEAL = 60.0  # seconds for a trouble that others of the release may heal, as long as they are under way
_WITH_PODS = frozenset(("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")) | {
    ("batch", "Job"),
    ("", "ReplicationController"),
}


class Run(Protocol):
    """What the waits of a run share."""

    @property
    def client(self) -> Client:
        """The way to the API."""

    @property
    def impatient(self) -> Client:
        """The way to the API for what must not take long."""

    @property
    def hub(self) -> Hub:
        """The watches of all waits."""

    def publish(self, wait: object, texts: list[str]) -> None:
        """What a wait is waiting for now."""

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Where a kind is served."""

    def binds_late(self, storage_class: str) -> bool:
        """Whether claims of a class are bound when the first pod uses them."""


class Wait:
    """One wait for some objects."""

    def __init__(
        self, run: Run, targets: Sequence[Target], timeout: float, stopped: Callable[[], bool], *, for_jobs: bool
    ) -> None:
        self._run = run
        self._targets = targets
        self._for_jobs = for_jobs
        self._timeout = timeout
        self._stopped = stopped
        self._began = time.monotonic()
        self._changed = threading.Event()
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._since: dict[tuple[Target, str], float] = {}
        self.gone = Gone(run.impatient)
        self.only_failed = False  # only failed objects count, and are reported as soon as their pods are known

    def run(self) -> None:
        try:
            self._look()
            wanted = (FAILED,) if self.only_failed else (FAILED, WAITING)
            self._targets = [target for target in self._targets if self._state(target).kind in wanted]
            while not self._once():
                time.sleep(_CALM)  # changes come in swarms; the next one after that is seen at once
                self._changed.wait(self._until_due())
        finally:
            for feed in self._feeds.values():
                self._run.hub.leave(feed, self._changed)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _until_due(self) -> float:
        """Seconds until there is something to do without a change."""
        due = min(self._timeout, _CLOSER) if self._elapsed < _CLOSER else self._timeout
        return max(0.0, min(_TICK, due - self._elapsed))

    def _once(self) -> bool:
        """One look at all objects; true if all are ready."""
        self._changed.clear()
        self._follow()
        states = self._states()
        unready = {target: state for target, state in states.items() if state.kind != READY}
        self._run.publish(self, [f"{target.label}: {state.text}" for target, state in unready.items()])
        if not unready:
            return True
        self._fail_if_final(unready)
        if self._stopped():
            labels = [target.label for target in unready]
            raise NotReady(f"stopped while {_some(labels)} not ready", objects=labels)
        return self._elapsed >= self._timeout and self._last_look()

    # -- the objects

    def _look(self) -> None:
        """Reads the objects as they are now: a watch that others have opened may be behind what helm has just done."""
        while True:
            try:
                for path, targets in self._collections(self._targets):
                    self._read(path, targets)
            except (Forbidden, Unauthorized, Untrusted):
                raise
            except ClusterError:
                if self._elapsed >= self._timeout or self._stopped():
                    raise
                time.sleep(_TICK)
            else:
                return

    def _collections(self, targets: Iterable[Target]) -> list[tuple[str, list[Target]]]:
        """Objects of kinds that the cluster knows, by path of their collection."""
        groups: dict[str, list[Target]] = {}
        for target in targets:
            resource = self._run.resource(target.api_version, target.kind)
            if resource is not None:
                target.settle(resource)
                groups.setdefault(target.path, []).append(target)
        return list(groups.items())

    def _read(self, path: str, targets: Sequence[Target]) -> None:
        client = self._run.client.impatient(max(PATIENCE, self._timeout - self._elapsed))
        found: dict[str, Object] | None = None
        if len(targets) > _MANY:
            with suppress(Forbidden):  # to list is another right than to get
                found = {str(meta(item).get("name")): item for item in client.list(path)}
        for target in targets:
            item = found.get(target.name) if found is not None else client.get_or_none(f"{path}/{target.name}")
            target.saw(item)

    def _follow(self) -> None:
        """Watches the objects' collections, and after a moment those that explain why they are not ready."""
        for path, targets in self._collections(t for t in self._targets if t.feed is None):
            feed = self._feed(path, names=[target.name for target in targets])
            for target in targets:
                target.feed = feed
                if target.seen is not None:
                    feed.offer(target.seen)
        if self._elapsed >= _CLOSER:
            for target in self._targets:
                for key in _related_paths(target):
                    self._feed(*key)

    def _feed(self, path: str, field_selector: str = "", names: Iterable[str] = ()) -> Feed:
        key = (path, field_selector)
        if key not in self._feeds:
            self._feeds[key] = self._run.hub.follow(path, self._changed, field_selector, names)
        return self._feeds[key]

    # -- how far they are

    def _states(self) -> dict[Target, State]:
        states = {target: self._state(target) for target in self._targets}
        return {target: self._state(target) for target in states} if self.gone.settle(states) else states

    def _state(self, target: Target) -> State:
        return target.state(self._related(target))

    def _related(self, target: Target) -> Related:
        item = target.item
        if item is None:
            return Related(for_jobs=self._for_jobs)
        pods = self._pods(target, item)
        events = self._feeds.get(_events(target.namespace))
        uids = [str(meta(one).get("uid", "")) for one in (item, *pods)]
        return Related(
            pods=pods,
            events={uid: sorted(events.owned(uid), key=event_time) for uid in uids} if events else {},
            for_jobs=self._for_jobs,
            unconsumed=target.is_a("", "PersistentVolumeClaim")
            and status(item).get("phase") == "Pending"
            and self._unconsumed(target, item),
        )

    def _pods(self, target: Target, item: Object) -> list[Object]:
        feed = self._feeds.get(_pods(target.namespace))
        if feed is None or not target.is_one_of(_WITH_PODS):
            return []
        owner: Object | None = item
        if target.is_a("apps", "Deployment"):
            owner = self._replica_set(target, item)
        return current(item, feed.owned(str(meta(owner).get("uid", "")))) if owner else []

    def _replica_set(self, target: Target, deployment: Object) -> Object | None:
        feed = self._feeds.get(_replica_sets(target.namespace))
        return current_replica_set(deployment, feed.owned(str(meta(deployment).get("uid", "")))) if feed else None

    def _unconsumed(self, target: Target, claim: Object) -> bool:
        feed = self._feeds.get(_pods(target.namespace))
        if feed is None or not feed.complete or not self._run.binds_late(str(spec(claim).get("storageClassName", ""))):
            return False
        volumes = [volume for pod in feed.all() for volume in spec(pod).get("volumes") or ()]
        return all((volume.get("persistentVolumeClaim") or {}).get("claimName") != target.name for volume in volumes)

    # -- the end

    def _fail_if_final(self, unready: Mapping[Target, State]) -> None:
        """Raises for a trouble that has lasted as long as it may."""
        now = time.monotonic()
        troubles = [(t, state, state.problem) for t, state in unready.items() if state.problem]
        keys = {(target, problem.cause) for target, _state, problem in troubles}
        self._since = {key: self._since.get(key, now) for key in keys}
        under_way = any(state.kind == WAITING and state is not NOT_BEGUN for state in unready.values())
        for target, state, problem in troubles:
            lasted = now - self._since[target, problem.cause]
            patience = _HEAL if problem.by_others and under_way else problem.patience
            patience = AT_ONCE if self.only_failed else patience
            if lasted >= patience and not self._heals(target, problem):
                raise failure(self._run.impatient, self._unready(target, state))

    def _heals(self, target: Target, problem: Problem) -> bool:
        """Whether events say that it is over or taken care of; then patience begins anew."""
        if not is_passing(self._run.impatient, problem):
            return False
        self._since[target, problem.cause] = time.monotonic()
        return True

    def _last_look(self) -> bool:
        """At the end of the time the cluster's own word counts, not what a watch has brought."""
        trouble: ClusterError | None = None
        try:
            self._look()
        except ClusterError as error:
            trouble = error
        states = self._states()
        unready = [
            self._unready(target, state)
            for target, state in states.items()
            if state.kind != READY and state is not NOT_BEGUN
        ]
        if unready:
            raise not_in_time(self._run.impatient, self._timeout, unready, trouble)
        return True

    def _unready(self, target: Target, state: State) -> Unready:
        item = target.item
        if item is None:
            return Unready(target.label, state)
        made = self._replica_set(target, item) if target.is_a("apps", "Deployment") else None
        pods = [item] if target.is_a("", "Pod") else self._pods(target, item)
        return Unready(target.label, state, item, [made] if made else [], pods)


def _some(labels: Sequence[str]) -> str:
    return f"{labels[0]} was" if len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more were"


_Key = tuple[str, str]  # path and field selector of a feed


def _pods(namespace: str) -> _Key:
    return f"/api/v1/namespaces/{namespace}/pods", ""


def _replica_sets(namespace: str) -> _Key:
    return f"/apis/apps/v1/namespaces/{namespace}/replicasets", ""


def _events(namespace: str) -> _Key:
    return f"/api/v1/namespaces/{namespace}/events", "type=Warning"


def _related_paths(target: Target) -> list[_Key]:
    """The objects that explain why an object is not ready."""
    if target.is_one_of(_WITH_PODS):
        more = [_replica_sets(target.namespace)] if target.is_a("apps", "Deployment") else []
        return [_pods(target.namespace), _events(target.namespace), *more]
    if target.is_a("", "Pod"):
        return [_events(target.namespace)]
    if target.is_a("", "PersistentVolumeClaim"):
        return [_pods(target.namespace), _events(target.namespace)]
    return []

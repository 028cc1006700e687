# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until a release's objects are ready, by watch; ends soon when they cannot become so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import (
    Object,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_gone import expected
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import (
    NotReady,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_target import (
    Target,
    targets_of,
    version_of,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_wait import PATIENCE, Wait
from ansible_collections.helmstack.core.plugins.module_utils.cluster import discovery
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.cluster.watch import Hub
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

_REDISCOVER = 2.0  # seconds between two looks for kinds that the cluster does not know


class ApiAccess(Protocol):
    """What readiness asks of the run's session."""

    @property
    def client(self) -> Client:
        """The way to the API."""

    @property
    def api(self) -> Api:
        """The kinds of the cluster."""


class Readiness:
    """Waits for objects of releases to be ready; one for all releases of a run. Several threads may wait at once."""

    def __init__(self, session: ApiAccess) -> None:
        self.client = session.client
        self.impatient = session.client.impatient(PATIENCE)
        self.hub = Hub(session.client)
        self._session = session
        self._lock = threading.Lock()
        self._api: Api | None = None
        self._asked: dict[tuple[str, str], float] = {}
        self._late: dict[str, bool] = {}
        self._waits: dict[object, list[str]] = {}

    def wait(
        self,
        objects: Sequence[tuple[str, Object]],
        *,
        timeout: float,
        for_jobs: bool,
        rules: Sequence[Mapping[str, str]] = (),
        namespace: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Returns when all objects are ready, and says of which of them that is not sure.

        :arg objects: namespace and manifest.
        :arg timeout: seconds.
        :arg for_jobs: Jobs must be complete; otherwise they are not looked at.
        :arg rules: a release's ``ready``: apiVersion, kind, name, namespace (optional) and ``when`` in JMESPath.
        :arg namespace: of the release, for rules without one.
        :arg stopped: asked twice a second; true ends the wait.
        :raises NotReady: an object cannot become ready, or is not in time, or the wait was stopped.
        :raises InputError: a rule's JMESPath is wrong.
        :raises ClusterError: the API does not answer, or the user may not read the objects.
        """
        targets = targets_of(objects, rules, namespace, for_jobs=for_jobs)
        one = Wait(self, targets, timeout, stopped, for_jobs=for_jobs)
        self._run(one)
        return one.gone.unsure

    def expecting(
        self, objects: Sequence[tuple[str, Object]], stopped: Callable[[], bool] = lambda: False
    ) -> AbstractContextManager[None]:
        """Sees to it that a wait will know how Jobs ended that may be gone before it begins.

        :arg objects: namespace and manifest of what helm is about to make or change.
        """
        targets = [target for target in targets_of(objects, (), "", for_jobs=True) if target.expires]
        for target in targets:
            resource = self.resource(target.api_version, target.kind)
            if resource is not None:
                target.settle(resource)
        return expected(self.hub, targets, stopped)

    def beside_helm(self, objects: Sequence[tuple[str, Object]]) -> list[Target]:
        """What to watch of what helm is about to make or change, which counts once helm has got to it.

        :arg objects: namespace and manifest. Call it before helm starts.
        """
        targets = [replace(target, by_helm=True) for target in targets_of(objects, (), "", for_jobs=True)]
        for target in targets:
            resource = self.resource(target.api_version, target.kind)
            if resource is not None:
                target.settle(resource)
                with suppress(ClusterError):  # then helm's own word must do
                    there = self.client.get_or_none(f"{target.path}/{target.name}", accept=METADATA)
                    target.before = version_of(there) if there else None
        return targets

    def follow(self, targets: Sequence[Target], timeout: float, stopped: Callable[[], bool]) -> NotReady | None:
        """Why what helm waits for does not become ready; None if it does, or if helm has ended.

        :arg timeout: seconds.
        :arg stopped: whether helm has ended.
        """
        try:
            self._run(Wait(self, targets, timeout, stopped, for_jobs=True))
        except NotReady as trouble:
            return None if stopped() else trouble
        except ClusterError:  # helm uses the same API, and reports it
            return None
        return None

    def trouble(self, targets: Sequence[Target]) -> NotReady | None:
        """Why helm itself has found that its objects do not become ready, if that is still to be seen."""
        one = Wait(self, [replace(target, feed=None) for target in targets], PATIENCE, lambda: False, for_jobs=True)
        one.only_failed = True
        try:
            self._run(one)
        except NotReady as trouble:
            return trouble
        except ClusterError:
            return None
        return None

    def _run(self, one: Wait) -> None:
        try:
            one.run()
        finally:
            with self._lock:
                self._waits.pop(one, None)

    def pending(self) -> list[str]:
        """What is awaited now, each with how far it is: "Deployment web/app: 1 of 3 pods ready"."""
        with self._lock:
            return [text for texts in self._waits.values() for text in texts]

    def close(self) -> None:
        """Ends all watches."""
        self.hub.close()

    # -- for waits

    def publish(self, wait: object, texts: list[str]) -> None:
        with self._lock:
            self._waits[wait] = texts

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Where a kind is served; one that is not known is looked for anew, as its definition may just have come."""
        with self._lock:
            self._api = self._api or self._session.api
            found = self._api.find(api_version, kind)
            now = time.monotonic()
            if found is None and now - self._asked.get((api_version, kind), -_REDISCOVER) >= _REDISCOVER:
                self._asked[api_version, kind] = now
                with suppress(ClusterError):  # the next look may have more luck
                    self._api = discovery.discover(self.impatient)
                found = self._api.find(api_version, kind)
            return found

    def binds_late(self, storage_class: str) -> bool:
        """Whether claims of a class are bound when the first pod uses them; no, if that may not be read."""
        with self._lock:
            if storage_class not in self._late:
                path = f"/apis/storage.k8s.io/v1/storageclasses/{storage_class}"
                try:
                    found = self.impatient.get_or_none(path) or {}
                except Forbidden:
                    found = {}
                except ClusterError:  # the next look may have more luck
                    return False
                self._late[storage_class] = found.get("volumeBindingMode") == "WaitForFirstConsumer"
            return self._late[storage_class]

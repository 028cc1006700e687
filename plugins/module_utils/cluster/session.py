# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run's view of its cluster: each thing is asked once, and only when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import discovery, releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api, resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    MANAGER,
    Drifted,
    as_applied,
    comparable,
    compare,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen, lost_versions, overlaid
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import (
    ClusterInfo,
    Deployed,
    KubeconfigFile,
    ReleaseBody,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.objects import existing_namespaces
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Conflict, Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

APPLY = "application/apply-patch+yaml"


class Session:
    """The cluster of one run; may be asked from several threads at once.

    :arg namespaces: of the releases concerned; None: of the whole cluster.
    :arg wanted: identities of the releases concerned.
    :arg driver: HELM_DRIVER.
    """

    def __init__(
        self,
        kubeconfig: KubeconfigFile,
        namespaces: Collection[str] | None,
        wanted: Collection[str],
        driver: str,
        known: Collection[str] = (),
    ) -> None:
        self.client = Client(kubeconfig.path)
        self._context = kubeconfig.context
        self._namespaces = namespaces
        self._wanted = wanted
        self._driver = driver
        self._known = set(known) | set(namespaces or ())
        self._lock = threading.RLock()
        self._listing: dict[str, threading.Lock] = {}
        self._names: dict[str, frozenset[str] | None] = {}

    @cached_property
    def info(self) -> ClusterInfo:
        return discovery.cluster_info(self.client, self._context)

    @property
    def salt(self) -> str:
        """A random text of the cluster that no result shows; "" if it may not be read."""
        if self.info.uid is None:  # who may not read that namespace may not read another
            return ""
        try:
            found = self.client.get_or_none("/api/v1/namespaces/default", accept=METADATA)
        except Forbidden:
            return ""
        return str(found["metadata"]["uid"]) if found else ""

    def check(self, expected: str | None) -> None:
        """Holds if this is the expected cluster.

        :raises ClusterError: it is not.
        """
        discovery.check_expected(self.info, expected)

    def releases(self) -> Mapping[str, Deployed]:
        with self._lock:
            return self._releases

    @cached_property
    def _releases(self) -> dict[str, Deployed]:
        return releases.observe(self.client, self._namespaces, self._driver, self._wanted)

    def want(self, identities: Collection[str]) -> None:
        """Makes sure of more releases that they are not there, if they are not; those of umbrellas come later."""
        with self._lock:
            lost = set(identities) - set(self._releases) - set(self._wanted)
            self._releases |= releases.superseded(self.client, lost, self._driver)

    def now(self, namespace: str, name: str) -> Deployed | None:
        """A release as it is at this moment."""
        return releases.observe(self.client, [namespace], self._driver).get(f"{namespace}/{name}")

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        return releases.body(self.client, deployed, revision, self._driver)

    @property
    def api(self) -> Api:
        with self._lock:
            return self._api

    @cached_property
    def _api(self) -> Api:
        return discovery.discover(self.client)

    def api_versions(self) -> tuple[str, ...]:
        return self.api.api_versions()

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in namespaces; unknown kinds are custom resources to come, which mostly do."""
        found = self.api.find(api_version, kind)
        if found is None and "/" in api_version:
            group = api_version.partition("/")[0]
            found = next(
                (r for (version, k), r in self.api.resources.items() if k == kind and version.startswith(group + "/")),
                None,
            )
        return found.namespaced if found else True

    def live(self, api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object as it stands in the cluster; None if it, or its kind, is not there."""
        resource = self.api.find(api_version, kind)
        return self.client.get_or_none(resource_path(resource, namespace, name)) if resource else None

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is there: one LIST for all of a kind in a namespace, as plans ask for many."""
        resource = self.api.find(api_version, kind)
        if resource is None:
            return False
        if not resource.namespaced:
            return self.client.get_or_none(resource_path(resource, namespace, name), accept=METADATA) is not None
        path = resource_path(resource, namespace)
        with self._lock:
            lock = self._listing.setdefault(path, threading.Lock())
        with lock:
            if path not in self._names:
                self._names[path] = self._listed(path)
            names = self._names[path]
        if names is None:
            return self.client.get_or_none(f"{path}/{name}", accept=METADATA) is not None
        return name in names

    def _listed(self, path: str) -> frozenset[str] | None:
        """The names in a collection, None if it may not be listed."""
        try:
            return frozenset(item["metadata"]["name"] for item in self.client.list(path, metadata_only=True))
        except Forbidden:
            return None

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> Drifted | None:
        """How a live object differs from what applying its manifest again would make of it.

        :raises Forbidden: the server-side dry run needs the right to patch, though it changes nothing.
        """
        item = as_applied(manifest, release.name, release.namespace)
        api_version, kind = str(item.get("apiVersion", "")), str(item.get("kind", ""))
        name = str(item["metadata"]["name"])
        live = self.live(api_version, kind, namespace, name)
        if live is None:
            return Drifted(None, item)
        path = self.api.path(api_version, kind, namespace or None, name)
        applied = self.client.patch(path, item, APPLY, dryRun="All", fieldManager=MANAGER, force="true")
        return compare(live, applied)

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        """What applying an object of ``crds/`` would make of it: the server's word, or ours if it may not be asked.

        :raises ClusterError: the server would refuse it.
        """
        path, name = self._place(manifest, namespace)
        live = self.client.get_or_none(path)
        if live is None:
            return Foreseen(None, manifest)
        lost = lost_versions(live, manifest)
        if lost:
            raise ClusterError(
                f"{manifest['kind']} {name} cannot lose version {', '.join(lost)}: objects may be stored in it "
                "(status.storedVersions)",
                hint="Migrate them and take the version out of that list, or keep the definition with skipCRDs",
            )
        try:
            applied = self.client.patch(path, manifest, APPLY, dryRun="All", fieldManager=MANAGER, force="true")
        except Forbidden as error:
            return Foreseen(comparable(live), overlaid(comparable(live), comparable(manifest)), unsure=str(error))
        return Foreseen(comparable(live), comparable(applied))

    def apply(self, manifest: Mapping[str, Any], namespace: str, *, force: bool) -> None:
        """Applies an object as Helm's field manager; without ``force`` one that is there and differs stays as it is."""
        path, _name = self._place(manifest, namespace)
        try:
            self.client.patch(
                path, manifest, APPLY, accept=METADATA, fieldManager=MANAGER, force="true" if force else None
            )
        except Conflict:
            if force:
                raise

    def serves(self, kinds: Collection[tuple[str, str]]) -> bool:
        """Whether the cluster knows kinds (apiVersion, kind) by now."""
        known = discovery.discover(self.client).resources
        return all(kind in known for kind in kinds)

    def _place(self, manifest: Mapping[str, Any], namespace: str) -> tuple[str, str]:
        """The API path and the name of an object."""
        name = str((manifest.get("metadata") or {}).get("name") or "")
        kind = str(manifest.get("kind", ""))
        return self.api.path(str(manifest.get("apiVersion", "")), kind, namespace or None, name), name

    def has_namespace(self, name: str) -> bool:
        with self._lock:
            return name in self._existing

    @cached_property
    def _existing(self) -> set[str]:
        return existing_namespaces(self.client, self._known)

    def stamp(self, namespace: str, name: str, revision: int, labels: Mapping[str, str | None]) -> None:
        releases.stamp(self.client, namespace, name, revision, labels, self._driver)

    def restart(self, kind: str, namespace: str, name: str, at: str) -> None:
        """What ``kubectl rollout restart`` does.

        :arg at: RFC 3339.
        """
        resource = self.api.find("apps/v1", kind)
        if resource is None:
            raise ClusterError(f"the cluster does not know kind {kind} in apps/v1")
        annotations = {"kubectl.kubernetes.io/restartedAt": at}
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self.client.patch(resource_path(resource, namespace, name), patch, accept=METADATA)

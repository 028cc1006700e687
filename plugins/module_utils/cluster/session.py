# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run's view of its cluster: each thing is read once, when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import discovery, releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import APPLY_PATCH, METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import MANAGER
from ansible_collections.helmstack.core.plugins.module_utils.cluster.dry_runs import DryRuns
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import (
    ClusterInfo,
    Deployed,
    KubeconfigFile,
    ReleaseBody,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Conflict, Forbidden, NotFound
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError


class Session(DryRuns):
    """The cluster of one run; several threads may use it at once.

    :arg namespaces: of the releases concerned; None: of the whole cluster.
    :arg wanted: identities of the releases concerned.
    :arg driver: HELM_DRIVER.
    :arg tell: is called with a text if the API does not answer for long.
    """

    def __init__(
        self,
        kubeconfig: KubeconfigFile,
        namespaces: Collection[str] | None,
        wanted: Collection[str],
        driver: str,
        known: Collection[str] = (),
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(Client(kubeconfig.path, tell=tell, text=kubeconfig.text), set(known) | set(namespaces or ()))
        self._context = kubeconfig.context
        self._namespaces = namespaces
        self._wanted = wanted
        self._driver = driver

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
        return releases.latest(self.client, namespace, name, self._driver)

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        return releases.body(self.client, deployed, revision, self._driver)

    def record(self, deployed: Deployed, revision: int) -> Mapping[str, Any]:
        return releases.record(self.client, deployed, revision, self._driver)

    def apply(self, manifest: Mapping[str, Any], namespace: str, *, force: bool) -> None:
        """Applies an object as Helm's field manager; without ``force`` one that is there and differs stays as it is."""
        path, _name = self.place(manifest, namespace)
        if not force and self.client.get_or_none(path, accept=METADATA):
            return
        try:
            how: dict[str, Any] = {"fieldManager": MANAGER, "force": "true" if force else None}
            self.client.patch(path, manifest, APPLY_PATCH, accept=METADATA, again=True, **how)
        except Conflict:
            if force:
                raise

    def delete_namespace(self, name: str) -> None:
        """Begins to delete a namespace."""
        with suppress(NotFound):
            self.client.delete(f"/api/v1/namespaces/{name}", again=True)

    def discard(self, manifest: Mapping[str, Any], namespace: str, *, orphan: bool) -> bool:
        """Deletes an object; whether it was still there.

        :arg orphan: what it owns stays, for another to adopt.
        """
        path, _name = self.place(manifest, namespace)
        found = self.client.get_or_none(path, accept=METADATA)
        if found and not found["metadata"].get("deletionTimestamp"):
            options = {"propagationPolicy": "Orphan" if orphan else "Background"}
            with suppress(NotFound):
                self.client.delete(path, options, again=True)
        return found is not None

    def serves(self, kinds: Collection[tuple[str, str]]) -> bool:
        """Whether the cluster knows kinds (apiVersion, kind) by now."""
        known = discovery.discover(self.client).resources
        return all(kind in known for kind in kinds)

    def ending(self, namespace: str) -> bool:
        """Whether a namespace is there no longer than it takes to delete what is in it."""
        found = self.client.get_or_none(f"/api/v1/namespaces/{namespace}", accept=METADATA)
        return bool(found and found["metadata"].get("deletionTimestamp"))

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
        self.client.patch(resource_path(resource, namespace, name), patch, accept=METADATA, again=True)

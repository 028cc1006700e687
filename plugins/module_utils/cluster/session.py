# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run's view of its cluster: each thing is asked once, and only when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import creation, discovery, releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import (
    APPLY_PATCH,
    MERGE_PATCH,
    METADATA,
    Client,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api, resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    APPLY,
    FORCED_APPLY,
    MANAGER,
    MERGE,
    REPLACE,
    Drifted,
    as_applied,
    as_read,
    comparable,
    compare,
    covers,
    differing,
    goes_by_itself,
    less,
    typed,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen, lost_versions, overlaid
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import (
    ClusterInfo,
    Deployed,
    KubeconfigFile,
    ReleaseBody,
    Resource,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.objects import existing_namespaces
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    Untyped,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

STRATEGIC_PATCH = "application/strategic-merge-patch+json"
# Helm's own storage is large, and no object of any chart.
_NOT_HELMS = {"secrets": "type!=helm.sh/release.v1"}


class Session:
    """The cluster of one run; may be asked from several threads at once.

    :arg namespaces: of the releases concerned; None: of the whole cluster.
    :arg wanted: identities of the releases concerned.
    :arg driver: HELM_DRIVER.
    :arg tell: is told of an API that does not answer for long.
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
        self.client = Client(kubeconfig.path, tell=tell)
        self._context = kubeconfig.context
        self._namespaces = namespaces
        self._wanted = wanted
        self._driver = driver
        self._known = set(known) | set(namespaces or ())
        self._lock = threading.RLock()
        self._listing: dict[str, threading.Lock] = {}
        self._listed: dict[str, Mapping[str, Mapping[str, Any]] | None] = {}

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

    def live(self, api_version: str, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """An object as it stands in the cluster when the plan is made; None if it, or its kind, is not there.

        One LIST for all of a kind in a namespace, as plans ask for many.
        """
        resource = self.api.find(api_version, kind)
        if resource is None:
            return None
        if resource.namespaced and namespace in self._known and not self.has_namespace(namespace):
            return None
        path = resource_path(resource, namespace) if resource.namespaced else resource_path(resource, "", name)
        with self._lock:
            lock = self._listing.setdefault(path, threading.Lock())
        with lock:
            if path not in self._listed:
                self._listed[path] = self._list(path, resource) if resource.namespaced else self._one(path, name)
            items = self._listed[path]
        return self.client.get_or_none(f"{path}/{name}") if items is None else items.get(name)

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is there; one outside of namespaces, which may be a large definition, is not read."""
        resource = self.api.find(api_version, kind)
        if resource is None or resource.namespaced:
            return self.live(api_version, kind, namespace, name) is not None
        return self.client.get_or_none(resource_path(resource, namespace, name), accept=METADATA) is not None

    def _one(self, path: str, name: str) -> Mapping[str, Mapping[str, Any]]:
        """An object outside of namespaces, as there may be many others of its kind."""
        found = self.client.get_or_none(path)
        return {name: found} if found else {}

    def _list(self, path: str, resource: Resource) -> Mapping[str, Mapping[str, Any]] | None:
        """The objects of a collection by name, None if it may not be listed."""
        about = {"apiVersion": resource.api_version, "kind": resource.kind}
        try:
            items = self.client.list(path, field_selector=_NOT_HELMS.get(resource.plural))
        except Forbidden:
            return None
        return {item["metadata"]["name"]: {**about, **item} for item in items}

    def _beside(
        self, release: Deployed, manifest: Mapping[str, Any], namespace: str
    ) -> tuple[dict[str, Any], str, Mapping[str, Any] | None]:
        """A manifest as helm applies it, the object's API path ("" if it is not there), and the live object."""
        item = as_applied(manifest, release.name, release.namespace)
        api_version, kind = str(item.get("apiVersion", "")), str(item.get("kind", ""))
        name = str(item["metadata"]["name"])
        live = self.live(api_version, kind, namespace, name)
        return item, self.api.path(api_version, kind, namespace or None, name) if live else "", live

    def reapplied(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        doubt: bool,
        former: Mapping[str, Any] | None = None,
    ) -> Drifted | None:
        """What an upgrade that applies this manifest makes of the live object besides; None: nothing.

        :arg how: MERGE, APPLY, FORCED_APPLY or REPLACE.
        :arg doubt: the object may hold more of the release than the manifest says.
        :arg former: the manifest whose more a merge takes away.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None or (how != REPLACE and not doubt and covers(live, as_read(item))):
            return None
        applied, problem = self._foreseen(path, item, how, live)
        if former and how == MERGE:
            applied = less(applied, as_read(as_applied(former, release.name, release.namespace)), as_read(item))
        return differing(live, applied, problem)

    def refusal(self, release: Deployed, manifest: Mapping[str, Any], namespace: str, how: str) -> str:
        """Why an upgrade of an object that is there would fail; "" if it would not.

        :raises Forbidden: that may not be asked.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None:
            return ""
        try:
            self._tried(path, item, how, live)
        except NotFound:  # it has gone since
            return ""
        except Conflict as error:
            return f"helm will stop at it: {error}"
        except (Invalid, Denied) as error:
            return f"helm will fail at it: {error}"
        return ""

    def creation_refusal(self, release: str, manifest: Mapping[str, Any], namespace: str, *, applies: bool) -> str:
        """Why an object that a release brings cannot be made; "" if it can, as far as that can be told.

        :raises Forbidden: that may not be asked.
        """
        home, _slash, name = release.partition("/")
        item = as_applied(manifest, name, home)
        collection = self.api.path(str(item.get("apiVersion", "")), str(item.get("kind", "")), namespace or None)
        return creation.refusal(self.client, collection, item, applies=applies)

    def _foreseen(
        self, path: str, item: Mapping[str, Any], how: str, live: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], str]:
        """What becomes of an object, and why that is not sure."""
        try:
            return self._tried(path, item, how, live), ""
        except Conflict as error:
            applied, _problem = (
                self._foreseen(path, item, FORCED_APPLY, live) if how == APPLY else (overlaid(live, as_read(item)), "")
            )
            return applied, f"helm will stop at it: {error}"
        except (Invalid, Denied) as error:
            return overlaid(live, as_read(item)), f"helm will fail at it: {error}"
        except Forbidden as error:
            told = live if covers(live, as_read(item)) else overlaid(live, as_read(item))
            return told, f"whether the upgrade takes back what was edited cannot be told: {error}"

    def _tried(self, path: str, item: Mapping[str, Any], how: str, live: Mapping[str, Any]) -> Mapping[str, Any]:
        """A dry run of what helm does."""
        if how == REPLACE:
            now = self.client.get(path, accept=METADATA)  # a controller may have written since the LIST
            version = {"resourceVersion": now["metadata"]["resourceVersion"]}
            return self.client.replace(path, {**item, "metadata": {**item["metadata"], **version}}, dryRun="All")
        if how == MERGE:
            merge = STRATEGIC_PATCH if typed(item) else MERGE_PATCH
            return self.client.patch(path, item, merge, dryRun="All", fieldManager=MANAGER)
        return self.client.patch(path, item, APPLY_PATCH, dryRun="All", fieldManager=MANAGER, force=how != APPLY)

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> Drifted | None:
        """How a live object differs from what applying its manifest again would make of it.

        :raises Forbidden: the server-side dry run needs the right to patch, though it changes nothing.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None:
            return None if goes_by_itself(item) else Drifted(None, item)
        try:
            applied = self._tried(path, item, FORCED_APPLY, live)
        except Untyped:
            applied = self._tried(path, item, MERGE, live) if typed(item) else overlaid(live, as_read(item))
        except Invalid as error:
            return differing(live, overlaid(live, as_read(item)), str(error))
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
            applied = self.client.patch(path, manifest, APPLY_PATCH, dryRun="All", fieldManager=MANAGER, force="true")
        except Forbidden as error:
            return Foreseen(comparable(live), overlaid(comparable(live), comparable(manifest)), unsure=str(error))
        return Foreseen(comparable(live), comparable(applied))

    def apply(self, manifest: Mapping[str, Any], namespace: str, *, force: bool) -> None:
        """Applies an object as Helm's field manager; without ``force`` one that is there and differs stays as it is."""
        path, _name = self._place(manifest, namespace)
        if not force and self.client.get_or_none(path, accept=METADATA):
            return
        try:
            how: dict[str, Any] = {"fieldManager": MANAGER, "force": "true" if force else None}
            self.client.patch(path, manifest, APPLY_PATCH, accept=METADATA, again=True, **how)
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

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster serves a kind."""
        return self.api.find(api_version, kind) is not None

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is there, and not about to go."""
        with self._lock:
            return name in self._existing

    @cached_property
    def _existing(self) -> set[str]:
        return existing_namespaces(self.client, self._known)

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

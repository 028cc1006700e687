# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's kinds, namespaces and objects; each is read once a run, when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import contents, discovery
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api, resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.objects import existing_namespaces
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden

# Helm's own storage is large, and no object of any chart.
_NOT_HELMS = {"secrets": "type!=helm.sh/release.v1"}


class LiveObjects:
    """What is in a cluster as a plan is made; several threads may ask at once.

    :arg known: namespaces that matter to the run: nothing is asked in those that are not there.
    """

    def __init__(self, client: Client, known: Collection[str]) -> None:
        self.client = client
        self._known = known
        self._lock = threading.RLock()
        self._listing: dict[str, threading.Lock] = {}
        self._listed: dict[str, Mapping[str, Mapping[str, Any]] | None] = {}

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
        """An object as it is in the cluster when the plan is made; None if it, or its kind, does not exist.

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

    def place(self, manifest: Mapping[str, Any], namespace: str) -> tuple[str, str]:
        """The API path and the name of an object."""
        name = str((manifest.get("metadata") or {}).get("name") or "")
        kind = str(manifest.get("kind", ""))
        return self.api.path(str(manifest.get("apiVersion", "")), kind, namespace or None, name), name

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster serves a kind."""
        return self.api.find(api_version, kind) is not None

    def made_by_helm(self, namespace: str) -> bool:
        """Whether helm has made a namespace for a release."""
        return contents.made_by_helm(self.client, namespace)

    def contents(self, namespace: str) -> set[contents.Found]:
        """What is in a namespace at this moment, but for what the cluster puts into each.

        :raises Forbidden: that may not be asked.
        """
        return contents.contents(self.client, self.api, namespace)

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is there, and not about to go."""
        with self._lock:
            return name in self._existing

    @cached_property
    def _existing(self) -> set[str]:
        return existing_namespaces(self.client, self._known)

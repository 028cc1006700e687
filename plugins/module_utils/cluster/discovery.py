# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster answers, whether it is the expected one, and what kinds it serves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo, Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, Unreachable
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, did_you_mean

# Kubernetes 1.30 and later answer the first, 1.26 and later the second, all the third
_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
_MINOR = re.compile(r"v?\d+\.(\d+)")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def cluster_info(client: Client, context: str) -> ClusterInfo:
    """Asks the API server who it is: two requests."""
    version = client.get("/version")
    text = str(version.get("gitVersion", ""))
    number = _MINOR.match(text)
    if not number:
        raise ClusterError(f"{client.server} reports no Kubernetes version; is it an API server?")
    try:
        found = client.get_or_none("/api/v1/namespaces/kube-system", accept=METADATA)
    except Forbidden:
        found = None
    uid = found["metadata"]["uid"] if found else None
    return ClusterInfo(server=client.server, context=context, uid=uid, version=text, minor=int(number[1]))


def check_expected(info: ClusterInfo, expected: str | None) -> None:
    """Holds if ``expected`` is unset, the API server's URL, or the UID of namespace kube-system.

    :raises ClusterError: it is another cluster, or cannot be identified.
    """
    if not expected:
        return
    if not _UID.fullmatch(expected.strip()):
        if normalised(expected) != normalised(info.server):
            raise ClusterError(f"the wrong cluster: expected_cluster is {expected}, but {info.server} answers")
    elif info.uid is None:
        problem = (
            f"{info.server} may be another cluster than {expected}: the UID of namespace kube-system is not readable"
        )
        raise ClusterError(problem, hint="Grant get on that namespace, or set expected_cluster to the API server's URL")
    elif info.uid.lower() != expected.strip().lower():
        raise ClusterError(
            f"the wrong cluster: expected_cluster is {expected}, but {info.server} is {info.uid} (UID of kube-system)"
        )


def normalised(url: str) -> str:
    """A server's URL such that equal servers have equal URLs."""
    text = url.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return text
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme.lower()}://{host}:{port}{parts.path.rstrip('/')}"


@dataclass(frozen=True)
class Api:
    """The kinds that the cluster serves, and Helm's list of them."""

    resources: Mapping[tuple[str, str], Resource]  # by apiVersion and kind
    versions: tuple[str, ...]

    def api_versions(self) -> tuple[str, ...]:
        """What Helm has in .Capabilities.APIVersions when it talks to this cluster (action.GetVersionSet), sorted."""
        return self.versions

    def find(self, api_version: str, kind: str) -> Resource | None:
        """Where a kind is served, None if the cluster does not know it."""
        return self.resources.get((api_version, kind))

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of an object, or without ``name`` of its collection (all namespaces without ``namespace``).

        :raises ClusterError: the cluster does not know the kind.
        """
        resource = self.find(api_version, kind)
        if resource is None:
            others = [version for version, known in self.resources if known == kind]
            hint = f"It has it in {', '.join(sorted(others))}" if others else ""
            hint = hint or did_you_mean(kind, (known for _version, known in self.resources))
            raise ClusterError(f"the cluster does not know kind {kind} in apiVersion {api_version}", hint=hint)
        return resource_path(resource, namespace, name)


def resource_path(resource: Resource, namespace: str | None = None, name: str | None = None) -> str:
    """As :meth:`Api.path`, for a resource at hand."""
    root = "/apis" if "/" in resource.api_version else "/api"
    where = f"/namespaces/{namespace}" if resource.namespaced and namespace else ""
    return f"{root}/{resource.api_version}{where}/{resource.plural}" + (f"/{name}" if name else "")


def discover(client: Client) -> Api:
    """The cluster's kinds: two requests, or one a group version where a server is older than Kubernetes 1.26."""
    resources: list[Resource] = []
    versions: set[str] = set()
    for root in ("/api", "/apis"):
        data = client.get(root, accept=_AGGREGATED)
        if data.get("kind") == "APIGroupDiscoveryList":
            found = _aggregated(data)
        else:
            found = _each(client, root, data)
        for group_version, items, kinds in found:
            versions |= {group_version, *(f"{group_version}/{kind}" for kind in kinds)}
            resources += items
    # the first wins: a kind that two resources of a group version share is the one that is listed first
    by_kind = {(item.api_version, item.kind): item for item in reversed(resources)}
    return Api(resources=by_kind, versions=tuple(sorted(versions)))


_Found = Iterable[tuple[str, list[Resource], set[str]]]  # group version, resources, kinds of subresources included


def _aggregated(data: Mapping[str, Any]) -> _Found:
    """As client-go's SplitGroupsAndResources: stale versions and kindless resources are left out."""
    for group in data.get("items") or []:
        for version in group.get("versions") or []:
            if version.get("freshness") == "Stale":
                continue
            prefix = group["metadata"].get("name")
            group_version = f"{prefix}/{version['version']}" if prefix else version["version"]
            items, kinds = [], set()
            for entry in version.get("resources") or []:
                kind = (entry.get("responseKind") or {}).get("kind")
                if kind:
                    namespaced = entry["scope"] == "Namespaced"
                    items.append(Resource(group_version, kind, entry["resource"], namespaced, _stored(entry)))
                below = [(sub.get("responseKind") or {}).get("kind") for sub in entry.get("subresources") or []]
                kinds |= {item for item in (kind, *below) if item}
            yield group_version, items, kinds


def _each(client: Client, root: str, data: Mapping[str, Any]) -> _Found:
    """The documents of a server that does not aggregate them; a group whose own server is down has no kinds."""
    if root == "/api":
        group_versions = list(data.get("versions") or [])
    else:
        group_versions = [item["groupVersion"] for group in data.get("groups") or [] for item in group["versions"]]
    for group_version in group_versions:
        try:
            entries = client.get(f"{root}/{group_version}").get("resources") or []
        except Unreachable:
            raise
        except ClusterError:
            entries = []
        items = [
            Resource(group_version, entry["kind"], entry["name"], bool(entry["namespaced"]), _stored(entry))
            for entry in entries
            if "/" not in entry["name"]
        ]
        yield group_version, items, {entry["kind"] for entry in entries if entry.get("kind")}


def _stored(entry: Mapping[str, Any]) -> bool:
    return {"list", "delete"} <= set(entry.get("verbs") or ())

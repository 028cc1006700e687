# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a namespace, without what the cluster itself puts into each, and whether helm made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api, resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import MANAGER
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, NotFound

_AT_ONCE = 8
_OF_THE_CLUSTER = {
    "ConfigMap": ("kube-root-ca.crt", "openshift-service-ca.crt"),
    "ServiceAccount": ("default", "builder", "deployer"),
}
_OF_ITSELF = frozenset(("Event", "Endpoints", "EndpointSlice"))
_RELEASE = ("owner", "helm")  # a label of Helm's storage objects

Found = tuple[str, str, str]  # API group, kind, name; of Helm's storage the kind is "" and the name that of the release


def made_by_helm(client: Client, namespace: str) -> bool:
    """Whether a namespace comes from ``--create-namespace``: helm labels it with its name, and no release owns it."""
    try:
        found = client.get_or_none(f"/api/v1/namespaces/{namespace}", accept=METADATA)
    except Forbidden:  # who may not read it may not delete it either
        return False
    about = (found or {}).get("metadata") or {}
    if (about.get("labels") or {}).get("name") != namespace or about.get("deletionTimestamp"):
        return False
    if "meta.helm.sh/release-name" in (about.get("annotations") or {}):
        return False
    return any(
        entry.get("manager") == MANAGER and "f:name" in _labels(entry) for entry in about.get("managedFields") or ()
    )


def contents(client: Client, api: Api, namespace: str) -> set[Found]:
    """The objects that people put into a namespace; owned ones are deleted with their owner and do not count.

    :raises Forbidden: something may not be listed.
    """
    kinds: dict[tuple[str, str], Resource] = {}
    for resource in api.resources.values():
        if resource.namespaced and resource.stored and resource.kind not in _OF_ITSELF:
            kinds.setdefault((_group(resource), resource.plural), resource)

    def found(resource: Resource) -> list[Found]:
        try:
            items = client.list(resource_path(resource, namespace), metadata_only=True)
        except NotFound:  # its API has gone since
            return []
        return [each for item in items for each in _counted(resource, item["metadata"])]

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return {each for part in pool.map(found, kinds.values()) for each in part}


def _counted(resource: Resource, about: Mapping[str, Any]) -> Iterator[Found]:
    labels = about.get("labels") or {}
    if labels.get(_RELEASE[0]) == _RELEASE[1] and labels.get("name"):
        yield "", "", labels["name"]
    elif not (
        about.get("ownerReferences")
        or about["name"] in _OF_THE_CLUSTER.get(resource.kind, ())
        or "kubernetes.io/service-account.name" in (about.get("annotations") or {})
    ):
        yield _group(resource), resource.kind, about["name"]


def _group(resource: Resource) -> str:
    return resource.api_version.rpartition("/")[0]


def _labels(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = entry.get("fieldsV1") or {}
    return (fields.get("f:metadata") or {}).get("f:labels") or {}

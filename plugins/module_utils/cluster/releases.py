# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observed releases, read from and stamped onto Helm's own storage objects (drivers secret and configmap)."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, Hook, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, NotFound
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.set_arguments import as_read
from ansible_collections.helmstack.core.plugins.module_utils.stack.schema import HELM_LABELS

_DRIVERS = {
    "": "secrets",
    "secret": "secrets",
    "secrets": "secrets",
    "configmap": "configmaps",
    "configmaps": "configmaps",
}
_NAME = re.compile(r"sh\.helm\.release\.v1\.(?P<name>.+)\.v(?P<revision>\d+)")
_FEW = 3  # up to so many namespaces, one LIST each: it needs fewer rights and reads less
_NAMES_A_QUERY = 100
_Item = Mapping[str, Any]
_Taken = TypeVar("_Taken")


def resource_of(driver: str) -> str:
    """The kind of storage that HELM_DRIVER names, as the API's plural.

    :raises ClusterError: a driver that does not store in the cluster, or an unknown one.
    """
    try:
        return _DRIVERS[driver]
    except KeyError:
        problem = f"HELM_DRIVER is '{driver}', but releases can be read only from Secrets and ConfigMaps"
        raise ClusterError(problem, hint="Set it to secret or configmap") from None


def observe(
    client: Client, namespaces: Collection[str] | None, driver: str = "", wanted: Collection[str] = ()
) -> dict[str, Deployed]:
    """The releases of some namespaces (None: of all) by ``namespace/name``.

    Superseded revisions, which are most of a cluster's history, are not read, but where someone may have deleted the
    latest revision by hand: of releases of which nothing else is left, or only what failed.

    :arg wanted: identities for which "not there" must be sure.
    """
    resource = resource_of(driver)
    found = _newest(_history(client, resource, namespaces, "owner=helm,status!=superseded"))
    unsure = {key for key, item in found.items() if item.status != "deployed"} | (set(wanted) - set(found))
    return found | {key: _latest(found.get(key), old) for key, old in superseded(client, unsure, driver).items()}


def _latest(found: Deployed | None, old: Deployed) -> Deployed:
    """Of a release whose latest revision is not deployed, or lost, what it is with its newest superseded revision.

    Helm supersedes the old revision before it calls the new one deployed; a helm that was killed in between had done
    all its work but this.
    """
    if found is None or found.revision < old.revision:
        return replace(old, current_revision=found.current_revision if found else None)
    if found.status.startswith("pending") and found.current_revision is None:
        return replace(found, current_revision=old.revision)
    return found


def superseded(client: Client, wanted: Collection[str], driver: str = "") -> dict[str, Deployed]:
    """The newest superseded revisions of some releases, by ``namespace/name``."""
    resource = resource_of(driver)
    names = sorted({identity.partition("/")[2] for identity in wanted})
    scope = {identity.partition("/")[0] for identity in wanted}
    found: dict[str, Deployed] = {}
    for start in range(0, len(names), _NAMES_A_QUERY):
        some = ",".join(names[start : start + _NAMES_A_QUERY])
        found |= _newest(_history(client, resource, scope, f"owner=helm,status=superseded,name in ({some})"))
    return {identity: deployed for identity, deployed in found.items() if identity in wanted}


def latest(client: Client, namespace: str, name: str, driver: str = "") -> Deployed | None:
    """One release, read anew."""
    path = f"/api/v1/namespaces/{namespace}/{resource_of(driver)}"
    return _newest(_list(client, path, f"owner=helm,name={name}")).get(f"{namespace}/{name}")


def _history(client: Client, resource: str, namespaces: Collection[str] | None, selector: str) -> list[_Item]:
    """Metadata of storage objects: one LIST for the cluster, or one a namespace if they are few or rights are."""
    if namespaces is None:
        return _list(client, f"/api/v1/{resource}", selector)
    if len(namespaces) > _FEW:
        try:
            items = _list(client, f"/api/v1/{resource}", selector)
            return [item for item in items if item["metadata"]["namespace"] in namespaces]
        except Forbidden:
            pass
    paths = [f"/api/v1/namespaces/{namespace}/{resource}" for namespace in sorted(namespaces)]
    if len(paths) < 2:
        return [item for path in paths for item in _list(client, path, selector)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return [item for items in pool.map(lambda path: _list(client, path, selector), paths) for item in items]


def _list(client: Client, path: str, selector: str) -> list[_Item]:
    return [*client.list(path, metadata_only=True, label_selector=selector)]


def _newest(items: Iterable[_Item]) -> dict[str, Deployed]:
    """Of each release its latest revision, which also knows the last that was deployed."""
    revisions: dict[str, dict[int, _Item]] = {}
    for item in items:
        metadata = item["metadata"]
        match = _NAME.fullmatch(metadata["name"])
        if match:  # else somebody else's object with Helm's labels
            revisions.setdefault(f"{metadata['namespace']}/{match['name']}", {})[int(match["revision"])] = metadata
    return {identity: _deployed(history) for identity, history in revisions.items()}


def _deployed(history: Mapping[int, _Item]) -> Deployed:
    revision = max(history)
    metadata = history[revision]
    labels = metadata["labels"]
    deployed = [number for number, item in history.items() if item["labels"].get("status") == "deployed"]
    match = _NAME.fullmatch(metadata["name"])
    return Deployed(
        namespace=metadata["namespace"],
        name=match["name"] if match else "",
        revision=revision,
        status=labels.get("status", "unknown"),
        storage_name=metadata["name"],
        current_revision=max(deployed, default=None),
        modified=_modified(metadata),
        labels={key: value for key, value in labels.items() if key not in HELM_LABELS},
        uid=metadata.get("uid", ""),
    )


def _modified(metadata: _Item) -> int:
    """Helm writes one of these labels at each write of the object; a new revision may still bear those of the last."""
    stamps = [metadata["labels"].get(key, "") for key in ("modifiedAt", "createdAt")]
    created = metadata.get("creationTimestamp")
    seconds = [int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp())] if created else []
    return max([*(int(stamp) for stamp in stamps if stamp.isdigit()), *seconds], default=0)


def body(client: Client, deployed: Deployed, revision: int | None = None, driver: str = "") -> ReleaseBody:
    """The latest revision of a release, or another one, decoded.

    :raises NotFound: Helm keeps no such revision.
    """
    return decode(_item(client, deployed, revision, driver))


def items(
    client: Client, wanted: Collection[Deployed], namespaces: Collection[str] | None, driver: str = ""
) -> dict[str, _Item]:
    """The storage objects of releases, by ``namespace/name``: of each the one that is deployed, else the latest.

    Many come in one LIST; what is gone meanwhile is left out.
    """
    resource = resource_of(driver)
    names = {each.id: _storage_name(each.name, each.current_revision or each.revision) for each in wanted}
    found: dict[str, _Item] = {}
    if len(names) > _FEW:
        for path in _paths(resource, namespaces):
            for item in client.list(path, label_selector="owner=helm,status=deployed"):
                metadata = item["metadata"]
                match = _NAME.fullmatch(metadata["name"])
                identity = f"{metadata['namespace']}/{match['name'] if match else ''}"
                if names.get(identity) == metadata["name"]:
                    found[identity] = item
    lacking = [each for each in wanted if each.id not in found]
    with ThreadPoolExecutor(max_workers=8) as pool:
        places = {each.id: _path(driver, each.namespace, names[each.id]) for each in lacking}
        single = pool.map(lambda each: (each.id, client.get_or_none(places[each.id])), lacking)
        return found | {identity: item for identity, item in single if item is not None}


def selected(
    client: Client, namespaces: Collection[str] | None, labels: Collection[str], driver: str = ""
) -> frozenset[str]:
    """The identities of releases whose labels Kubernetes' label selectors fit."""
    selector = ",".join(("owner=helm", "status!=superseded", *labels))
    paths = _paths(resource_of(driver), namespaces)
    return frozenset(_newest(item for path in paths for item in _list(client, path, selector)))


def _paths(resource: str, namespaces: Collection[str] | None) -> list[str]:
    if namespaces is None:
        return [f"/api/v1/{resource}"]
    return [f"/api/v1/namespaces/{namespace}/{resource}" for namespace in sorted(namespaces)]


def record(client: Client, deployed: Deployed, revision: int, driver: str = "") -> Mapping[str, Any]:
    """A revision of a release, whole, as Helm has written it."""
    return dict(_unpack(_item(client, deployed, revision, driver)))


def _item(client: Client, deployed: Deployed, revision: int | None, driver: str) -> _Item:
    name = deployed.storage_name if revision is None else _storage_name(deployed.name, revision)
    try:
        return client.get(_path(driver, deployed.namespace, name))
    except NotFound:
        number = deployed.revision if revision is None else revision
        raise NotFound(f"release {deployed.id} has no revision {number} in Helm's storage") from None


def decode(item: _Item) -> ReleaseBody:
    """A storage object, a Secret or a ConfigMap, as the release that Helm put into it.

    :raises ClusterError: it is damaged.
    """
    labels = {key: value for key, value in (item["metadata"].get("labels") or {}).items() if key not in HELM_LABELS}
    return taken(item, lambda data: _body(data, labels))


def taken(item: _Item, take: Callable[[Mapping[str, Any]], _Taken]) -> _Taken:
    """What is wanted of the release in a storage object.

    :raises ClusterError: it is damaged.
    """
    metadata = item["metadata"]
    try:
        return take(_unpack(item))
    except (KeyError, TypeError, ValueError, AttributeError, EOFError, OSError, zlib.error, binascii.Error) as error:
        reason = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else str(error)
        raise ClusterError(
            f"the stored release {metadata.get('name')} in namespace {metadata.get('namespace')} is damaged: {reason}",
            hint="Restore it, or delete it to fall back to the revision before",
        ) from None


def _unpack(item: _Item) -> Any:
    """Helm's driver.encodeRelease backwards; a Secret's data is in base64 once more."""
    data = item["data"]["release"]
    # a Secret is known by its type, as items of a LIST carry no kind
    packed = base64.b64decode(base64.b64decode(data) if item.get("kind") == "Secret" or "type" in item else data)
    # what Helm stored before it compressed anything is not gzip
    text = gzip.decompress(packed) if packed[:3] == b"\x1f\x8b\x08" else packed
    return json.loads(text)


def _body(data: Mapping[str, Any], labels: Mapping[str, str]) -> ReleaseBody:
    info, chart = data["info"], data["chart"]
    about = chart["metadata"]
    return ReleaseBody(
        name=data["name"],
        namespace=data["namespace"],
        revision=int(data["version"]),
        status=info.get("status", "unknown"),
        description=info.get("description", ""),
        chart_name=about.get("name", ""),
        chart_version=about.get("version", ""),
        app_version=about.get("appVersion", ""),
        config=as_read(data.get("config") or {}),
        chart_values=chart.get("values") or {},
        manifest=data.get("manifest", ""),
        hooks=tuple(_hook(item) for item in data.get("hooks") or ()),
        notes=info.get("notes", ""),
        labels=labels,
        last_deployed=info.get("last_deployed", ""),
        templates={item["name"]: item.get("data") or "" for item in chart.get("templates") or ()},
        apply_method=data.get("apply_method", ""),
    )


def _hook(data: Mapping[str, Any]) -> Hook:
    return Hook(manifest=data.get("manifest", ""), events=tuple(data.get("events") or ()))


def stamp(
    client: Client,
    namespace: str,
    name: str,
    revision: int,
    labels: Mapping[str, str | None],
    driver: str = "",
) -> None:
    """Puts labels onto the storage object of a revision; None removes one. One request.

    :raises NotFound: there is no such revision.
    """
    path = _path(driver, namespace, _storage_name(name, revision))
    client.patch(path, {"metadata": {"labels": dict(labels)}}, accept=METADATA, again=True)


def _path(driver: str, namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/{resource_of(driver)}/{name}"


def _storage_name(name: str, revision: int) -> str:
    return f"sh.helm.release.v1.{name}.v{revision}"

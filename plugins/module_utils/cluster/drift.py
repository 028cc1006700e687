# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: the difference of a live object from what applying it again would make, by a dry run on the API server."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MANAGER = "helm"

# How an upgrade brings an object to its manifest: Helm 3's three-way merge; server-side apply, which stops at what
# others have changed, or does not (force).
MERGE, APPLY, FORCED_APPLY = "merge", "apply", "forced apply"

# What the server keeps for itself; it differs between any two reads.
_SERVERS = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")
_Path = tuple[str, ...]
# The API groups whose types Helm knows (client-go's scheme, and CustomResourceDefinitions), and merges strategically.
_TYPED = frozenset(
    """
    admissionregistration.k8s.io apiextensions.k8s.io apps authentication.k8s.io authorization.k8s.io autoscaling batch
    certificates.k8s.io coordination.k8s.io discovery.k8s.io events.k8s.io extensions flowcontrol.apiserver.k8s.io
    internal.apiserver.k8s.io networking.k8s.io node.k8s.io policy rbac.authorization.k8s.io resource.k8s.io
    scheduling.k8s.io storage.k8s.io storagemigration.k8s.io
    """.split()
) | {""}


@dataclass(frozen=True)
class Drifted:
    """A live object (None: it is gone), and the object after applying the release's manifest."""

    live: Mapping[str, Any] | None = field(repr=False)
    restored: Mapping[str, Any] = field(repr=False)
    problem: str = ""  # why applying it is refused, or which part of it is unknown


def typed(item: Mapping[str, Any]) -> bool:
    """Whether the object's kind is one of Kubernetes' own."""
    return str(item.get("apiVersion", "")).rpartition("/")[0] in _TYPED


def goes_by_itself(item: Mapping[str, Any]) -> bool:
    """Whether the cluster deletes an object some time after it is done, so that it need not be there."""
    return item.get("kind") == "Job" and (item.get("spec") or {}).get("ttlSecondsAfterFinished") is not None


def as_applied(item: Mapping[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """An object as helm applies it: with the marks by which it knows its own (pkg/action/validate.go)."""
    metadata = dict(item.get("metadata") or {})
    marks = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    return {**item, "metadata": metadata}


def compare(live: Mapping[str, Any], applied: Mapping[str, Any]) -> Drifted | None:
    """The drift of a live object, None if there is none.

    What another manager has taken over by purpose is no drift: a subresource's owner (an autoscaler's replicas), or one
    that applies server-side. What people change by hand with kubectl is.
    """
    owned = {path for entry in _managers(live) for path in _paths(entry.get("fieldsV1") or {})}
    before, after = comparable(live), copy.deepcopy(comparable(applied))
    for path in owned:
        _copy(path, before, after)
    return None if before == after else Drifted(before, after)


def differing(live: Mapping[str, Any], applied: Mapping[str, Any], problem: str = "") -> Drifted | None:
    """All differences, whatever their field's owner."""
    before, after = comparable(live), comparable(applied)
    return Drifted(before, after, problem) if problem or before != after else None


def less(applied: Any, former: Any, manifest: Any) -> Any:
    """The object after a merge has removed what only the manifest before had. Lists are left as they are."""
    if not all(isinstance(side, Mapping) for side in (applied, former, manifest)):
        return applied
    gone = former.keys() - manifest.keys()
    return {key: less(item, former.get(key), manifest.get(key)) for key, item in applied.items() if key not in gone}


def with_removals(former: Any, manifest: Any) -> Any:
    """A manifest as a merge patch that also takes away what only the one before said; lists are left as they are."""
    if not isinstance(former, Mapping) or not isinstance(manifest, Mapping):
        return manifest
    gone: dict[str, Any] = dict.fromkeys(key for key in former if key not in manifest and key != "status")
    kept = {k: item if k == "metadata" else with_removals(former.get(k), item) for k, item in manifest.items()}
    return {**gone, **kept}


def covers(live: Any, wanted: Any) -> bool:
    """Whether a live object already has all that a manifest says, so that to apply it again changes nothing.

    Errs on one side only: no may mean that the server writes a value in another way, or merges a list.
    """
    return next(deviations(live, wanted), None) is None


def deviations(live: Any, wanted: Any, above: _Path = ()) -> Iterator[_Path]:
    """Where a live object does not have what a manifest says; a list of another length is one place."""
    if isinstance(wanted, dict):
        held = live if isinstance(live, dict) else {}
        for key, item in wanted.items():
            yield from deviations(held.get(key), item, (*above, str(key)))
    elif isinstance(wanted, list) and len(wanted) == len(live if isinstance(live, list) else []):
        for place, item in enumerate(wanted):
            yield from deviations(live[place], item, (*above, str(place)))
    elif live != wanted or isinstance(live, bool) != isinstance(wanted, bool):
        yield above


def edits(live: Mapping[str, Any], manifest: Mapping[str, Any], release: str, namespace: str) -> tuple[_Path, ...]:
    """Where a live object is not, or is not written, as a release's manifest says."""
    return tuple(deviations(live, as_read(as_applied(manifest, release, namespace))))


def as_read(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A manifest as the server gives it back: it keeps a Secret's ``stringData`` as ``data``."""
    texts = item.get("stringData")
    if item.get("kind") != "Secret" or not isinstance(texts, Mapping):
        return item
    encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in item.items() if key != "stringData"}
    return {**rest, "data": {**(item.get("data") or {}), **encoded}}


def _managers(live: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in live.get("metadata", {}).get("managedFields") or ():
        manager = str(entry.get("manager", ""))
        on_purpose = entry.get("subresource") or entry.get("operation") == "Apply"
        if on_purpose and manager != MANAGER and not manager.startswith("kubectl"):
            yield entry


def _paths(fields: Mapping[str, Any], above: _Path = ()) -> Iterator[_Path]:
    """Leaf paths of a FieldsV1 set: ``f:`` and a field, or ``k:`` and the keys by which an item of a list is known.

    A list whose items are known by their values counts as a whole.
    """
    for key, inner in fields.items():
        if key.startswith(("f:", "k:")):
            path = (*above, key)
            deeper = list(_paths(inner, path))
            yield from deeper or [path]


def comparable(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the server keeps for itself."""
    metadata = {k: v for k, v in (item.get("metadata") or {}).items() if k not in _SERVERS}
    return {**{k: v for k, v in item.items() if k != "status"}, "metadata": metadata}


def _copy(path: _Path, source: Any, target: Any) -> None:
    """Makes ``target`` say at ``path`` what ``source`` says there."""
    for key in path[:-1]:
        source, target = _inside(source, key), _inside(target, key)
    name, said = path[-1][2:], _inside(source, path[-1])
    if path[-1].startswith("f:") and said is not None and isinstance(target, dict):
        target[name] = said


def _inside(container: Any, key: str) -> Any:
    """A field of a map, or an item of a list; None if it is not there."""
    if key.startswith("f:"):
        return container.get(key[2:]) if isinstance(container, Mapping) else None
    known = json.loads(key[2:])
    items = container if isinstance(container, list) else ()
    return next((item for item in items if isinstance(item, Mapping) and known.items() <= item.items()), None)

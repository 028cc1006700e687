# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conditions of ``risks`` on an object before and after its change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object

Question = Callable[[Object, Object], Any]

# The API's own groups have no dot or end so (k8s.io/kubernetes/pkg/apis); all others are custom or aggregated.
_OWN = re.compile(r"[a-z]*|[a-z.]+\.k8s\.io")
_STORAGE = re.compile(r"storage|persist|volumeclaim|volumespec|datavolume|^volume$|^pvcs?$", re.IGNORECASE)
_PODS = frozenset(("volumes", "volumeMounts", "containers", "initContainers", "ephemeral-storage"))


def at(item: Any, *path: str) -> Any:
    """The value there; None if there is none."""
    for key in path:
        item = item.get(key) if isinstance(item, Mapping) else None
    return item


def other(*path: str) -> Question:
    """Whether the value there has changed."""
    return lambda before, after: bool(before) and (at(before, *path) or None) != (at(after, *path) or None)


def more_of(key: str) -> Question:
    """Whether the list there has items that it did not have."""
    return lambda before, after: bool(before) and bool(_more(at(before, key), at(after, key)))


def custom_with_storage(before: Object, _after: Object) -> bool:
    """Whether a custom resource says that it keeps data: a field of its spec speaks of storage or volumes."""
    return not _OWN.fullmatch(manifest.group(before)) and _speaks_of_storage(before.get("spec"))


def _speaks_of_storage(value: Any) -> bool:
    if isinstance(value, Mapping):
        fields = {key: item for key, item in value.items() if key not in _PODS and item not in (None, False)}
        return any(_STORAGE.search(str(key)) or _speaks_of_storage(item) for key, item in fields.items())
    return isinstance(value, list) and any(map(_speaks_of_storage, value))


def deletes_claims(before: Object, _after: Object) -> bool:
    policy = at(before, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
    return policy == "Delete" and bool(at(before, "spec", "volumeClaimTemplates"))


def scaled_to_zero(before: Object, after: Object) -> bool:
    return bool(before) and at(after, "spec", "replicas") == 0 and at(before, "spec", "replicas") != 0


def service_differs(before: Object, after: Object) -> str:
    """A Service's changes that matter to its users and to its pods."""
    if not before:
        return ""
    old, new = (at(side, "spec") or {} for side in (before, after))
    told = []
    if (old.get("type") or "ClusterIP") != (new.get("type") or "ClusterIP"):
        told.append(f"its type changes from {old.get('type') or 'ClusterIP'} to {new.get('type') or 'ClusterIP'}")
    if (old.get("selector") or None) != (new.get("selector") or None):
        told.append("its selector changes: it leads to other pods")
    ports, others = _ports(old), _ports(new)
    lost = [number for number in ports if others.get(number) != ports[number]]
    if lost:
        told.append(f"port {', '.join(lost)} goes or leads elsewhere")
    return "; ".join(told)


def _ports(spec: Mapping[str, Any]) -> dict[str, str]:
    """Where each port leads; as the API has it, to the same number by default."""
    found = [port for port in spec.get("ports") or () if isinstance(port, Mapping)]
    return {
        f"{port.get('port')}/{port.get('protocol') or 'TCP'}": str(port.get("targetPort") or port.get("port"))
        for port in found
    }


def binding_widened(before: Object, after: Object) -> str:
    """Who is let in besides, or that another role is given."""
    if not before:
        return ""
    if _role(before) != _role(after):
        return f"it gives {_role(after)} instead of {_role(before)}"
    more = _more(at(before, "subjects"), at(after, "subjects"))
    named = [f"{at(each, 'kind')} {at(each, 'name')}" for each in more]
    return f"it also holds for {', '.join(named)}" if named else ""


def _role(binding: Object) -> str:
    return f"{at(binding, 'roleRef', 'kind')} {at(binding, 'roleRef', 'name')}"


def webhooks_differ(before: Object, after: Object) -> bool:
    """Whether webhooks change in more than the certificate that they are called with, which is often made anew."""
    return bool(before) and _without_certificates(at(before, "webhooks")) != _without_certificates(
        at(after, "webhooks")
    )


def _without_certificates(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_certificates(item) for key, item in value.items() if key != "caBundle"}
    return [_without_certificates(item) for item in value] if isinstance(value, list) else value


def keys_gone(before: Object, after: Object) -> str:
    """The keys that a Secret has no more."""
    lost = sorted(_keys(before) - _keys(after))
    return f"its key {', '.join(lost)} goes" if lost else ""


def _keys(secret: Object) -> set[str]:
    parts = (secret.get("data"), secret.get("stringData"))
    return {str(key) for part in parts if isinstance(part, Mapping) for key in part}


def _more(before: Any, after: Any) -> list[Any]:
    """The items of a list that were not in it."""
    old = before if isinstance(before, list) else []
    return [item for item in after if item not in old] if isinstance(after, list) else []

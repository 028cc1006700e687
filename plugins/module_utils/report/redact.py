# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be shown of Secret objects: which keys change, never what they hold, nor how long it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import MASK
from ansible_collections.helmstack.core.plugins.module_utils.plan.secrets import is_secret

_SECRETS_CHECKSUM = re.compile(r"(checksum|hash|sha256).*secret|secret.*(checksum|hash|sha256)", re.IGNORECASE)
_ABOVE_ANNOTATIONS = frozenset(("metadata", "spec", "template", "jobTemplate"))


def pair(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Both sides of a Secret with the values masked; of other objects checksums of Secrets are."""
    if not any(side is not None and is_secret(side) for side in (before, after)):
        return _without_checksums(before, after, "before"), _without_checksums(after, before, "after")
    old, new = dict(before or {}), dict(after or {})
    for part in ("data", "stringData"):
        left, right = _mapping(old.get(part)), _mapping(new.get(part))
        if left:
            old[part] = {key: _masked(key, right, value, "before") for key, value in left.items()}
        if right:
            new[part] = {key: _masked(key, left, value, "after") for key, value in right.items()}
    for side in (old, new):
        _mask_last_applied(side)
    return (old if before is not None else None), (new if after is not None else None)


def _masked(key: str, other: Mapping[str, Any], value: Any, side: str) -> str:
    return f"{MASK} ({side})" if key in other and other[key] != value else MASK


def _without_checksums(item: Any, other: Any, side: str) -> Any:
    """The object without hashes of Secrets: charts put them onto pods, and a short secret could be guessed from one."""
    if not isinstance(item, Mapping):
        return item
    result = {}
    for key, value in item.items():
        twin = _mapping(other).get(key)
        if key == "annotations":
            found = _mapping(twin)
            result[key] = {
                name: _masked(name, found, text, side) if _SECRETS_CHECKSUM.search(name) else text
                for name, text in _mapping(value).items()
            }
        else:
            result[key] = _without_checksums(value, twin, side) if key in _ABOVE_ANNOTATIONS else value
    return result


def _mask_last_applied(side: dict[str, Any]) -> None:
    metadata = _mapping(side.get("metadata"))
    annotations = _mapping(metadata.get("annotations"))
    key = "kubectl.kubernetes.io/last-applied-configuration"
    if key in annotations:
        side["metadata"] = {**metadata, "annotations": {**annotations, key: MASK}}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be shown of Secret objects: which keys change, never what they hold, nor how long it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import MASK
from ansible_collections.helmstack.core.plugins.module_utils.plan.secrets import is_secret


def pair(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Both sides of a Secret with the values masked; other objects as they are."""
    if not any(side is not None and is_secret(side) for side in (before, after)):
        return before, after
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


def _mask_last_applied(side: dict[str, Any]) -> None:
    metadata = _mapping(side.get("metadata"))
    annotations = _mapping(metadata.get("annotations"))
    key = "kubectl.kubernetes.io/last-applied-configuration"
    if key in annotations:
        side["metadata"] = {**metadata, "annotations": {**annotations, key: MASK}}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

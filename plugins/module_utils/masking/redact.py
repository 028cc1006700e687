# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secret objects without their secrets: the diff shows which keys change, but neither values nor their length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import is_secret

_CHECKSUM = re.compile(r"checksum|hash|sha-?\d|md5|digest", re.IGNORECASE)
_SECRET = re.compile(r"secret", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{6,128}|[0-9A-Za-z+/_-]{22,86}={0,2}")
_LINE = re.compile(r"""([\w./-]+)(["']?:[ \t]+)(["']?)([^\s"',{}]+)\3(?=[,}\s]|$)""")
_PARTS = ("data", "stringData")
_MARKS = frozenset(("annotations", "labels"))
_ABOVE_MARKS = frozenset(("metadata", "spec", "template", "jobTemplate"))


def pair(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, guessable: bool) -> tuple[Any, Any]:
    """Both sides of a Secret with the values masked; of other objects checksums are.

    :arg guessable: there are secrets, and a checksum of a template may cover one: a short one could be guessed.
    """
    if not any(side is not None and is_secret(side) for side in (before, after)):
        return (
            _without_checksums(before, after, "before", guessable=guessable),
            _without_checksums(after, before, "after", guessable=guessable),
        )
    old, new = dict(before or {}), dict(after or {})
    for part in _PARTS:
        for side in (old, new):
            if side.get(part) and not isinstance(side[part], Mapping):
                side[part] = MASK
        left, right = _mapping(old.get(part)), _mapping(new.get(part))
        if left:
            old[part] = {key: _masked(key, right, value, "before") for key, value in left.items()}
        if right:
            new[part] = {key: _masked(key, left, value, "after") for key, value in right.items()}
    for side in (old, new):
        _mask_last_applied(side)
    return (old if before is not None else None), (new if after is not None else None)


def checksums_in(text: str, *, guessable: bool) -> str:
    """The text of a manifest with checksums masked as in objects."""

    def without(match: re.Match[str]) -> str:
        name, colon, _quote, value = match.groups()
        return f"{name}{colon}'{MASK}'" if _is_checksum(name, value, guessable=guessable) else match[0]

    return _LINE.sub(without, text)


def _masked(key: str, other: Mapping[str, Any], value: Any, side: str) -> str:
    return f"{MASK} ({side})" if key in other and other[key] != value else MASK


def _without_checksums(item: Any, other: Any, side: str, *, guessable: bool) -> Any:
    """The object without checksums among its annotations and labels, where charts put them to restart pods."""
    if not isinstance(item, Mapping):
        return item
    result = {}
    for key, value in item.items():
        twin = _mapping(_mapping(other).get(key))
        if key in _MARKS:
            result[key] = {
                name: _masked(name, twin, text, side) if _is_checksum(name, text, guessable=guessable) else text
                for name, text in _mapping(value).items()
            }
        else:
            inner = key in _ABOVE_MARKS
            result[key] = _without_checksums(value, twin, side, guessable=guessable) if inner else value
    return result


def _is_checksum(name: str, text: Any, *, guessable: bool) -> bool:
    if not _CHECKSUM.search(name):
        return False
    return bool(_SECRET.search(name)) or (guessable and bool(_HASH.fullmatch(str(text))))


def _mask_last_applied(side: dict[str, Any]) -> None:
    metadata = _mapping(side.get("metadata"))
    annotations = _mapping(metadata.get("annotations"))
    key = "kubectl.kubernetes.io/last-applied-configuration"
    if key in annotations:
        side["metadata"] = {**metadata, "annotations": {**annotations, key: MASK}}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An object after server-side apply, and its computation without the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Foreseen:
    """A live object (None: there is none), and the object after applying a manifest."""

    live: Object | None = field(repr=False)
    applied: Object = field(repr=False)
    unsure: str = ""  # why the server did not answer; ``applied`` is then computed without it


def overlaid(live: Any, sent: Any) -> Any:
    """``live`` with all fields of ``sent``; fields that ``sent`` no longer has stay, as their owner is unknown here.

    Lists replace, as those of a definition do in server-side apply; but what the server leaves out is no difference.
    """
    if isinstance(live, Mapping) and isinstance(sent, Mapping):
        told = {key: overlaid(live.get(key), value) for key, value in sent.items() if key in live or not _empty(value)}
        return {**live, **told}
    return live if _without_empty(live) == _without_empty(sent) else sent


def lost_versions(live: Object, sent: Object) -> list[str]:
    """Versions in which a definition's objects may be stored, and which it would no longer have."""
    stored = (live.get("status") or {}).get("storedVersions") or ()
    kept = {version.get("name") for version in (sent.get("spec") or {}).get("versions") or ()}
    return [version for version in stored if version not in kept] if kept else []


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_empty(item) for key, item in value.items() if not _empty(item)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})

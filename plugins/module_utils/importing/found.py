# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import finds: releases as Helm has stored them, with their charts as far as Helm stores these."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# what Helm itself writes into a dependency as it processes it
_PROCESSED = ("enabled",)


@dataclass(frozen=True)
class StoredChart:
    """A chart as it is stored in a release: without its sub-charts, which Helm does not store.

    Of its dependencies those are listed that were enabled, an alias in place of the name.
    """

    data: Mapping[str, Any] = field(repr=False)

    @property
    def metadata(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get("metadata") or {}
        return found

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def version(self) -> str:
        return str(self.metadata.get("version") or "")

    @property
    def values(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get("values") or {}
        return found

    @property
    def schema(self) -> bytes | None:
        text = self.data.get("schema")
        return base64.b64decode(text) if text else None

    @property
    def dependencies(self) -> tuple[Mapping[str, Any], ...]:
        found = self.metadata.get("dependencies") or ()
        return tuple({key: item for key, item in each.items() if key not in _PROCESSED} for each in found)

    @property
    def locked(self) -> tuple[Mapping[str, Any], ...]:
        """The dependencies as the chart's lock file has them, under their own names."""
        return tuple((self.data.get("lock") or {}).get("dependencies") or ())

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """Templates and other files; ``crds/`` are among the latter."""
        parts = (*(self.data.get("templates") or ()), *(self.data.get("files") or ()))
        return {str(part["name"]): base64.b64decode(part.get("data") or "") for part in parts}

    def _kept(self, part: str) -> list[list[Any]]:
        """Names and contents; Helm 4 stores the files' times, too."""
        return [[each["name"], each.get("data") or ""] for each in self.data.get(part) or ()]

    @cached_property
    def digest(self) -> str:
        """The same for the same content."""
        kept = [self._kept("templates"), self._kept("files"), self.data.get("schema") or ""]
        said = {key: item for key, item in self.metadata.items() if key != "dependencies" and item}
        text = json.dumps([kept, said, list(self.dependencies), self.values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class FoundRelease:
    """A release to be written; its identity is ``namespace/name``."""

    namespace: str
    name: str
    revision: int
    labels: Mapping[str, str]  # the user's
    config: Mapping[str, Any] = field(repr=False)  # the user's values, as stored
    chart: StoredChart = field(repr=False)
    manifest: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Findings:
    """What one cluster holds."""

    name: str  # of the cluster; "" if there is but one
    releases: tuple[FoundRelease, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # releases that are not written, and why

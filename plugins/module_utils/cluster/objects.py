# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which namespaces there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden


def existing_namespaces(client: Client, names: Collection[str]) -> set[str]:
    """Those of ``names`` that exist and are not being deleted: one LIST, or a GET each if all may not be listed."""
    found: Iterable[Mapping[str, Any] | None]
    try:
        found = client.list("/api/v1/namespaces", metadata_only=True)
    except Forbidden:
        found = (client.get_or_none(f"/api/v1/namespaces/{name}", accept=METADATA) for name in sorted(names))
    about = [item["metadata"] for item in found if item]
    return {item["name"] for item in about if not item.get("deletionTimestamp")} & set(names)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live objects: what stands in the cluster now, fetched side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden


class Ref(NamedTuple):
    """Which object; ``namespace`` is "" for kinds that have none."""

    api_version: str
    kind: str
    namespace: str
    name: str


def live(client: Client, api: Api, refs: Iterable[Ref]) -> dict[Ref, dict[str, Any]]:
    """The objects that exist; kinds that the cluster does not know have none."""
    known = {ref: api.path(*ref) for ref in refs if api.find(ref.api_version, ref.kind)}
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(client.get_or_none, known.values())
        return {ref: item for ref, item in zip(known, found, strict=True) if item is not None}


def existing_namespaces(client: Client, names: Collection[str]) -> set[str]:
    """Those of ``names`` that exist: one LIST, or a GET each if all may not be listed."""
    try:
        items = client.list("/api/v1/namespaces", metadata_only=True)
        return {item["metadata"]["name"] for item in items} & set(names)
    except Forbidden:
        found = (client.get_or_none(f"/api/v1/namespaces/{name}", accept=METADATA) for name in sorted(names))
        return {item["metadata"]["name"] for item in found if item}

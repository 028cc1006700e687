# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of charts' ``crds/``: made when they are not there, and changed only with the option upgrade_crds.

Helm itself gets --skip-crds: Helm 3 never changes one that is there, but Helm 4 does so at a first install,
or fails on a conflict. Here both do the same, and the plan shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.crds import crds
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen
from ansible_collections.helmstack.core.plugins.module_utils.plan import compare, manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Definition
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release


class CrdCluster(Protocol):
    """The view of the cluster that this needs; every method only reads."""

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is in the cluster."""

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        """The object after applying it."""


@dataclass(frozen=True)
class Due:
    """The definitions that are created or changed before helm starts, and warnings on what is unknown."""

    definitions: tuple[Definition, ...] = ()
    warnings: tuple[str, ...] = ()


def due(
    release: Release,
    chart: Chart,
    values: Mapping[str, Any],
    cluster: CrdCluster,
    scope: Scope,
    *,
    helm: tuple[int, int],
    install: bool,
) -> Due:
    """Compares a release's ``crds/`` with the cluster.

    :arg values: the user's values, merged.
    :arg helm: the version of the helm that will apply it.
    :arg install: it is the release's first install, at which Helm makes what is not there.
    :raises ClusterError: the API would refuse a change.
    """
    options = release.options
    if options.skip_crds or not (install or options.upgrade_crds):
        return Due()
    found: dict[Key, Object] = {}
    for text in crds(chart, values, helm):
        for item in manifest.parse(text, chart.name):
            found.setdefault(scope.key(item), item)  # of two sub-charts with the same one Helm takes the first
    if options.upgrade_crds:
        return _upgrade(found, cluster)
    return Due(
        tuple(
            Definition(compare.change("add", key, None, item), item)
            for key, item in found.items()
            if not cluster.exists(str(item.get("apiVersion", "")), *key[1:])
        )
    )


def _upgrade(found: Mapping[Key, Object], cluster: CrdCluster) -> Due:
    told = {key: cluster.foresee(item, key[2]) for key, item in found.items()}
    reasons = dict.fromkeys(item.unsure for item in told.values() if item.unsure)
    return Due(
        tuple(
            Definition(compare.change("change" if side.live else "add", key, side.live, side.applied), found[key])
            for key, side in told.items()
            if side.live != side.applied
        ),
        tuple(f"what becomes of its crds/ is computed without the server's dry run: {reason}" for reason in reasons),
    )


def listed_once(changes: Iterable[Change]) -> list[Change]:
    """The changes with each definition that several releases bring shown in the first of them alone.

    It is also what the first says that is made: a definition that is there is left alone, unless by upgrade_crds.
    """
    first: dict[Key, Definition] = {}
    result = []
    for change in changes:
        if not change.definitions:
            result.append(change)
            continue
        upgrades = bool(change.release and change.release.options.upgrade_crds)
        again = {
            item.change.key
            for item in change.definitions
            if item.change.key in first and (not upgrades or first[item.change.key].manifest == item.manifest)
        }
        definitions = tuple(first[i.change.key] if i.change.key in again else i for i in change.definitions)
        first |= {item.change.key: item for item in definitions}
        objects = tuple(item for item in change.objects if item.key not in again)
        result.append(replace(change, objects=objects, definitions=definitions))
    return result

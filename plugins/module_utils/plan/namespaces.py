# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces that helm made for releases, after the last of these is uninstalled: helm leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

_NAMED = 5  # objects in a warning
Found = tuple[str, str, str]  # see cluster/contents.py


class Cluster(Protocol):
    """The view of the cluster that this needs; every method only reads."""

    def releases(self) -> Mapping[str, Deployed]:
        """The observed releases by identity."""

    def made_by_helm(self, namespace: str) -> bool:
        """Whether helm has made a namespace for a release."""

    def contents(self, namespace: str) -> set[Found]:
        """The objects that people put into a namespace."""


def left_over(changes: Iterable[Change], cluster: Cluster, *, delete: bool) -> list[Change]:
    """The changes with the outcome for namespaces that they leave without a release.

    :arg delete: those that are empty then are to go.
    """
    result = {change.id: change for change in changes}
    leaving = [change for change in result.values() if change.action == "uninstall"]
    gone = {change.id for change in leaving}
    staying = {
        found.namespace
        for identity, found in cluster.releases().items()
        if identity not in gone and found.status != "uninstalled"
    }
    for namespace in sorted({change.namespace for change in leaving} - staying):
        if not cluster.made_by_helm(namespace):
            continue
        last = max((c for c in leaving if c.namespace == namespace), key=lambda c: (c.wave, c.id))
        why = _stays(namespace, leaving, cluster) if delete else "'delete_namespace: true' removes it, if it is empty"
        if why:
            told = f"namespace {namespace}, which helm has made, stays: {why}"
            result[last.id] = replace(result[last.id], warnings=(*last.warnings, told))
        else:
            objects = (*last.objects, _removal(namespace))
            result[last.id] = replace(result[last.id], objects=objects, removes_namespace=True)
    return list(result.values())


def names(found: Iterable[Found]) -> str:
    """Objects in words."""
    told = sorted(f"{kind} {name}" if kind else f"release {name}" for _group, kind, name in found)
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return ", ".join(told[:_NAMED]) + more


def _stays(namespace: str, leaving: Sequence[Change], cluster: Cluster) -> str:
    """Why a namespace would not be empty; "" if it would."""
    goes: set[Found] = set()
    comes: set[Found] = set()
    for change in leaving:
        goes |= {("", "", change.name)} if change.namespace == namespace else set()
        for item in change.objects:
            if item.namespace == namespace:
                (goes if item.op == "remove" or _passes(item) else comes).add((item.group, item.kind, item.name))
    try:
        left = (cluster.contents(namespace) | comes) - goes
    except Forbidden as error:
        return f"whether it is empty is unknown: {error}"
    return f"there remain {names(left)}" if left else ""


def _passes(item: ObjectChange) -> bool:
    """Whether it is a hook that helm deletes when it has succeeded."""
    said: Any = manifest.annotations_of(item.after or {}).get(manifest.HOOK_DELETE_POLICY)
    return bool(item.hook) and "hook-succeeded" in str(said)


def _removal(name: str) -> ObjectChange:
    before = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}}
    return ObjectChange("remove", "Namespace", "", name, before, None)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes the namespaces that helm has made for releases which are gone, if nothing else is in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply import model
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Result
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change
from ansible_collections.helmstack.core.plugins.module_utils.plan.namespaces import Found, names

_PATIENCE = 60.0  # seconds for what is on its way out of a namespace, and for the namespace itself
_PAUSE = 0.3  # seconds between two looks


class Cluster(Protocol):
    """What this asks of the cluster."""

    def contents(self, namespace: str) -> set[Found]:
        """The objects that people put into a namespace."""

    def delete_namespace(self, name: str) -> None:
        """Begin to delete a namespace."""

    def ending(self, namespace: str) -> bool:
        """Whether a namespace is about to go."""


def remove(
    cluster: Cluster,
    changes: Collection[Change],
    results: Mapping[str, Result],
    pause: Callable[[float], bool],
) -> list[str]:
    """Removes what the plan says, where all that was to go from it has gone; returns warnings on what stays.

    :arg pause: waits some seconds; true if the run must end.
    """
    warnings = []
    for change in changes:
        if not change.removes_namespace:
            continue
        inside = [item.id for item in changes if item.namespace == change.namespace]
        done = all(identity in results and results[identity].state == model.DONE for identity in inside)
        try:
            why = _remove(cluster, change.namespace, pause) if done else "a release is still in it"
        except HelmstackError as error:
            why = str(error)
        if why:
            warnings.append(f"namespace {change.namespace} stays: {why}")
    return warnings


def _remove(cluster: Cluster, namespace: str, pause: Callable[[float], bool]) -> str:
    """Why a namespace stays; "" if it goes."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        left = cluster.contents(namespace)
        if not left:
            break
        if time.monotonic() > deadline or pause(_PAUSE):
            return f"there remain {names(left)}"
    cluster.delete_namespace(namespace)
    while cluster.ending(namespace):
        if time.monotonic() > deadline or pause(_PAUSE):
            return "it is being deleted, and has not gone yet"
    return ""

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes the objects that ``force`` replaces, so that helm makes them anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

_PAUSE = 0.2  # seconds between two looks


class ReplacingCluster(Protocol):
    """What this asks of the cluster."""

    def discard(self, manifest: Mapping[str, Any], namespace: str, *, orphan: bool) -> bool:
        """Delete an object, or only the object without what it owns; whether it was there, or still is."""


def discard(cluster: ReplacingCluster, change: Change, timeout: float, pause: Callable[[float], bool]) -> None:
    """Deletes what a change replaces by force, and waits until it has gone.

    :arg pause: waits some seconds; true if the run must end.
    :raises ClusterError: something does not go.
    """
    deadline = time.monotonic() + timeout
    for item in change.objects:
        if not item.forced or not item.after:
            continue
        while cluster.discard(item.after, item.namespace, orphan=_adoptable(item)):
            if time.monotonic() > deadline or pause(_PAUSE):
                where = f"{item.namespace}/{item.name}" if item.namespace else item.name
                raise ClusterError(
                    f"{item.kind} {where} must be made anew, but still exists",
                    hint="Look at its finalizers. The next run goes on from there",
                )


def _adoptable(item: ObjectChange) -> bool:
    """Whether the pods of a StatefulSet stay and become those of the new one: they do if its selector is the same."""
    if item.kind != "StatefulSet":
        return False
    old, new = (((side or {}).get("spec") or {}).get("selector") for side in (item.before, item.after))
    return item.before is None or old == new

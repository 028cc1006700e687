# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upgrade's inputs besides the wanted state: the release's past, and live objects that were edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.plan.cluster import ObservedCluster
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Manifests, stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ALL_TRIED, ObjectChange, Untried


@dataclass(frozen=True)
class History:
    """The part of a release's past that matters to an upgrade.

    :arg good: the revision to compare with, the last that was deployed.
    :arg last: the newest one; it may have failed.
    :arg held: what ``good`` has stored.
    :arg applied: what ``last`` has.
    """

    deployed: Deployed
    good: ReleaseBody
    last: ReleaseBody
    held: Manifests
    applied: Manifests


def history_of(cluster: ObservedCluster, deployed: Deployed) -> History:
    good = cluster.body(deployed, deployed.current_revision or deployed.revision)
    held = stored(good)
    if good.revision == deployed.revision:
        return History(deployed, good, good, held, held)
    last = cluster.body(deployed)
    return History(deployed, good, last, held, stored(last))


@dataclass(frozen=True)
class Reverted:
    """Objects that are not as their manifest says: what an upgrade makes of them, what of that is unsure, and where."""

    changes: list[ObjectChange]
    warnings: list[str]
    edits: dict[Key, Any]
    untried: Untried = ALL_TRIED  # why it is unknown whether the cluster accepts the changes
    overwritten: Mapping[Key, Any] = field(default_factory=dict)  # of objects that change, what was edited since

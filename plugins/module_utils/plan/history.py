# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a release's past matters to an upgrade."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.plan.cluster import ObservedCluster
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, stored


@dataclass(frozen=True)
class History:
    """What of a release's past matters to an upgrade.

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

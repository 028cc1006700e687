# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a failed upgrade that is done: the next upgrade does not repeat it, and its diff begins there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils.cluster import drift
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Live, identical
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange


def without_what_is_done(
    changes: Iterable[ObjectChange],
    deployed: Deployed,
    good: Mapping[Key, Object],
    failed: Mapping[Key, Object],
    live: Live,
) -> Iterator[ObjectChange]:
    """The changes that are left to do.

    :arg good: the manifests of the last revision that was deployed.
    :arg failed: those of the revision that failed.
    """
    for item in changes:
        applied = failed.get(item.key)
        if item.op != "change" or item.after is None or applied is None:
            yield item
            continue
        there = live(applied, item.namespace)
        if there is None or not _has_been_applied(there, applied, good.get(item.key, {}), deployed):
            yield item
        elif not identical(applied, item.after):
            yield replace(item, before=applied)


def _has_been_applied(there: Object, applied: Object, former: Object, deployed: Deployed) -> bool:
    """Whether a live object has all fields of a manifest, and none that only the manifest before had."""
    wanted = drift.as_read(drift.as_applied(applied, deployed.name, deployed.namespace))
    before = drift.as_read(drift.as_applied(former, deployed.name, deployed.namespace))
    return drift.covers(there, wanted) and identical(drift.less(there, before, wanted), there)

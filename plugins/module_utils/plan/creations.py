# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new objects and hooks of a release that the API would refuse to create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange, Untried
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_AT_ONCE = 4  # of each release, of which several are planned at once
Answer = tuple[str, str]  # why it is refused; why that is unknown


def refused(
    context: Context,
    release: Release,
    changes: Iterable[ObjectChange],
    whole: Mapping[Key, Object],
    coming: UpcomingKinds,
    *,
    applies: bool,
) -> tuple[list[str], Untried]:
    """A warning for each object that the API would refuse, and one on why the others are unknown.

    Only of those whose namespace is there, and whose kind the cluster serves as the run will find it.

    :arg whole: the manifests as helm sends them.
    :arg coming: kinds that earlier releases bring.
    """
    cluster = context.cluster

    def possible(item: ObjectChange, sent: Object) -> bool:
        kind = (str(sent.get("apiVersion", "")), item.kind)
        there = not item.namespace or cluster.has_namespace(item.namespace)
        return there and bool(manifest.metadata(sent).get("name")) and kind not in coming.kinds and cluster.knows(*kind)

    asked = [item for item in changes if item.op == "add" and item.key in whole and item.owner is None]
    asked = [item for item in asked if possible(item, whole[item.key])]
    if not asked:
        return [], Untried()

    def answer(item: ObjectChange) -> Answer:
        try:
            return cluster.creation_refusal(release.id, whole[item.key], item.namespace, applies=applies), ""
        except Forbidden as error:
            return "", str(error)

    first = answer(asked[0])
    if first[1]:  # an account without the right for one mostly lacks it for all: no need to wait for as many answers
        return [], Untried(first[1], frozenset(item.kind for item in asked))
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = [first, *pool.map(answer, asked[1:])]
    told = [f"{item.kind} {item.name}: {why}" for item, (why, _untold) in zip(asked, answers) if why]
    untold = [(item.kind, why) for item, (_why, why) in zip(asked, answers) if why]
    return told, Untried(untold[0][1], frozenset(kind for kind, _why in untold)) if untold else Untried()

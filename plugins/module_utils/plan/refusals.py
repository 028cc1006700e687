# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of objects that the API refuses: warnings, or with ``force`` deletions before the object is made anew.

Helm's own ``--force`` is a PUT, which fails at what is immutable, and at a Job or a claim that does not even change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.plan import object_owners
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ALL_TRIED, ObjectChange, Untried
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

# Their data cannot be made anew.
_PRECIOUS = frozenset(("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"))


@dataclass(frozen=True)
class Foreseen:
    """The changes that will be made, warnings on those that will not, and why this is unknown."""

    changes: list[ObjectChange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    untried: Untried = ALL_TRIED


def foreseen(
    context: Context,
    release: Release,
    deployed: Deployed,
    changes: Sequence[ObjectChange],
    held: Mapping[Key, Object],
    sent: Mapping[Key, Object],
    how: str,
) -> Foreseen:
    """The server's answer to each change in a dry run.

    :arg held: the manifests that the objects were deployed with.
    :arg sent: those that helm is about to apply.
    :arg how: see cluster/drift.py.
    """
    found: list[ObjectChange] = []
    warnings: list[str] = []
    for number, item in enumerate(changes):
        told = None
        if item.op == "change" and item.key in sent and not item.hook:
            try:
                told = context.cluster.refusal(deployed, sent[item.key], item.namespace, how, held.get(item.key))
            except Forbidden as error:
                rest = changes[number:]
                kinds = frozenset(
                    each.kind for each in rest if each.op == "change" and each.key in sent and not each.hook
                )
                return Foreseen([*found, *rest], warnings, Untried(str(error), kinds))
        hint = _hint(context, release, item, sent[item.key]) if told and told.immutable else ""
        if told and told.immutable and not hint:
            found.append(replace(item, op="replace", forced=True))
            continue
        found.append(item)
        warnings += [f"{item.kind} {item.name}: {told.why}{hint}"] if told else []
    return Foreseen(found, warnings)


def _hint(context: Context, release: Release, item: ObjectChange, sent: Object) -> str:
    """Why an object is not deleted and made anew, though only that would change it; "" if it is."""
    live = context.live(sent, item.namespace)
    if item.kind in _PRECIOUS:
        return "; 'force: true' deletes no such object, as its data would be lost: delete it yourself if it may be"
    if live is not None and object_owners.kept(sent, live):
        return "; 'force: true' leaves it where it is, as its annotation helm.sh/resource-policy says"
    if item.owner is not None:
        return ""
    return "" if release.options.force else "; 'force: true' deletes it and makes it anew"

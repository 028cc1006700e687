# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One object that two API groups serve: to helm these are two; what it applies as the one it deletes as the other.

Such are Events of v1 and events.k8s.io, and were Ingresses of extensions and networking.k8s.io.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange


def deleted_after_all(
    changes: Sequence[ObjectChange],
    objects: Iterable[Object],
    scope: Scope,
    live: Callable[[Object, str], Object | None],
) -> tuple[list[ObjectChange], list[str]]:
    """The changes without those of objects that helm deletes under another group's name, and a warning of each.

    :arg objects: the release's new objects.
    :arg live: an object as it is in the cluster.
    """
    removed = {(item.kind, item.namespace, item.name): item for item in changes if item.op == "remove" and item.before}
    gone, warnings = set(), []
    for item in objects if removed else ():
        key = scope.key(item)
        other = removed.get(key[1:])
        uid = _uid(live(item, key[2])) if other else ""
        if other and uid and other.group != key[0] and uid == _uid(live(other.before or {}, key[2])):
            gone.add(key)
            old, new = (str(side.get("apiVersion")) for side in (other.before or {}, item))
            warnings.append(
                f"{key[1]} {key[3]} of {old} and of {new} is one object: helm applies it as the one and then deletes "
                f"it as the other, so it will be gone; 'drift: correct' in a run after this one makes it anew"
            )
    return [item for item in changes if item.key not in gone], warnings


def _uid(item: Object | None) -> str:
    return str(manifest.metadata(item or {}).get("uid") or "")

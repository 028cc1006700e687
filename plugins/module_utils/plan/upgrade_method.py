# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an upgrade brings live objects to their manifests: by a merge, by server-side apply, or by replacing them."""

from __future__ import annotations

from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    APPLY,
    FORCED_APPLY,
    MERGE,
    typed,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options


def upgrade_method(options: Options, major: int, last: ReleaseBody, *, forced: bool) -> str:
    """How an upgrade brings live objects to their manifests.

    :arg major: Helm's version.
    :arg last: the release's last revision: Helm 4 keeps its method.
    :arg forced: whether helm takes back what others have changed.
    """
    if applies_server_side(major, last):
        return FORCED_APPLY if forced or options.force else APPLY
    return MERGE


def applies_server_side(major: int, last: ReleaseBody | None) -> bool:
    """Whether helm works by server-side apply; the first revision (``last`` is None) is made so by each Helm 4."""
    return major >= 4 and (last is None or last.apply_method == "ssa")


def touches(item: Object, how: str) -> bool:
    """Whether an upgrade looks at the live object at all if the manifest stays as it was.

    Helm that merges does so only with types that it knows: of others it compares manifests alone.
    """
    return how != MERGE or typed(item)

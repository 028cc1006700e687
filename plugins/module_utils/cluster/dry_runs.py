# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects after an upgrade: by dry runs on the server, or by computation where the user has no right to these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import creation
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import APPLY_PATCH, MERGE_PATCH
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    APPLY,
    FORCED_APPLY,
    MANAGER,
    MERGE,
    Drifted,
    as_applied,
    as_read,
    comparable,
    compare,
    covers,
    differing,
    goes_by_itself,
    less,
    typed,
    with_removals,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen, lost_versions, overlaid
from ansible_collections.helmstack.core.plugins.module_utils.cluster.live_objects import LiveObjects
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, Refusal
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    Untyped,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class DryRuns(LiveObjects):
    """Foresees what becomes of objects; nothing is changed."""

    def _beside(
        self, release: Deployed, manifest: Mapping[str, Any], namespace: str
    ) -> tuple[dict[str, Any], str, Mapping[str, Any] | None]:
        """A manifest as helm applies it, the object's API path ("" if it is not there), and the live object."""
        item = as_applied(manifest, release.name, release.namespace)
        api_version, kind = str(item.get("apiVersion", "")), str(item.get("kind", ""))
        name = str(item["metadata"]["name"])
        live = self.live(api_version, kind, namespace, name)
        return item, self.api.path(api_version, kind, namespace or None, name) if live else "", live

    def reapplied(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        *,
        may_hold_more: bool,
        former: Mapping[str, Any] | None = None,
    ) -> Drifted | None:
        """What an upgrade that applies this manifest makes of the live object besides; None: nothing.

        :arg how: MERGE, APPLY or FORCED_APPLY.
        :arg may_hold_more: the object may hold more of the release than the manifest says.
        :arg former: the manifest whose more a merge takes away.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None or (not may_hold_more and covers(live, as_read(item))):
            return None
        applied, problem = self._foreseen(path, item, how, live)
        if former and how == MERGE:
            applied = less(applied, as_read(as_applied(former, release.name, release.namespace)), as_read(item))
        return differing(live, applied, problem)

    def refusal(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        former: Mapping[str, Any] | None = None,
    ) -> Refusal | None:
        """Why an upgrade of an object that is there would fail; None if it would not.

        :arg former: the manifest before, whose more a merge takes away.
        :raises Forbidden: that may not be asked.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None:
            return None
        try:
            self._tried(path, with_removals(former, item) if former and how == MERGE else item, how)
        except NotFound:  # it has gone since
            return None
        except Conflict as error:
            return Refusal(f"helm will stop at it: {error}")
        except (Invalid, Denied) as error:
            immutable = creation.immutable(self.client, path.rpartition("/")[0], item, error)
            return Refusal(f"helm will fail at it: {error}", immutable)
        return None

    def creation_refusal(self, release: str, manifest: Mapping[str, Any], namespace: str, *, applies: bool) -> str:
        """Why a release's object cannot be created; "" if it can, or if that is unknown.

        :raises Forbidden: that may not be asked.
        """
        home, _slash, name = release.partition("/")
        item = as_applied(manifest, name, home)
        collection = self.api.path(str(item.get("apiVersion", "")), str(item.get("kind", "")), namespace or None)
        return creation.refusal(self.client, collection, item, applies=applies)

    def _foreseen(
        self, path: str, item: Mapping[str, Any], how: str, live: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], str]:
        """The object after the upgrade, and why that is not sure."""
        try:
            return self._tried(path, item, how), ""
        except Conflict as error:
            applied, _problem = (
                self._foreseen(path, item, FORCED_APPLY, live) if how == APPLY else (overlaid(live, as_read(item)), "")
            )
            return applied, f"helm will stop at it: {error}"
        except (Invalid, Denied) as error:
            return overlaid(live, as_read(item)), f"helm will fail at it: {error}"
        except Forbidden as error:
            told = live if covers(live, as_read(item)) else overlaid(live, as_read(item))
            return told, f"whether the upgrade takes back what was edited is unknown: {error}"

    def _tried(self, path: str, item: Mapping[str, Any], how: str) -> Mapping[str, Any]:
        """A dry run of what helm does."""
        if how == MERGE:
            merge = STRATEGIC_PATCH if typed(item) else MERGE_PATCH
            return self.client.patch(path, item, merge, dryRun="All", fieldManager=MANAGER)
        return self.client.patch(path, item, APPLY_PATCH, dryRun="All", fieldManager=MANAGER, force=how != APPLY)

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> Drifted | None:
        """How a live object differs from the result of applying its manifest again.

        :raises Forbidden: the server-side dry run needs the right to patch, though it changes nothing.
        """
        item, path, live = self._beside(release, manifest, namespace)
        if live is None:
            return None if goes_by_itself(item) else Drifted(None, item)
        try:
            applied = self._tried(path, item, FORCED_APPLY)
        except Untyped:
            applied = self._tried(path, item, MERGE) if typed(item) else overlaid(live, as_read(item))
        except Invalid as error:
            return differing(live, overlaid(live, as_read(item)), str(error))
        return compare(live, applied)

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        """An object of ``crds/`` after applying it: by a dry run, or by computation without the right to it.

        :raises ClusterError: the server would refuse it.
        """
        path, name = self.place(manifest, namespace)
        live = self.client.get_or_none(path)
        if live is None:
            return Foreseen(None, manifest)
        lost = lost_versions(live, manifest)
        if lost:
            raise ClusterError(
                f"{manifest['kind']} {name} cannot lose version {', '.join(lost)}: objects may be stored in it "
                "(status.storedVersions)",
                hint="Migrate them and take the version out of that list, or keep the definition with skipCRDs",
            )
        try:
            applied = self.client.patch(path, manifest, APPLY_PATCH, dryRun="All", fieldManager=MANAGER, force="true")
        except Forbidden as error:
            return Foreseen(comparable(live), overlaid(comparable(live), comparable(manifest)), unsure=str(error))
        return Foreseen(comparable(live), comparable(applied))

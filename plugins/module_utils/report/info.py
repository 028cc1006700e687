# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a stack's releases in the cluster, for helmstack_info."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.coalesce import Defaults, coalesce
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.redact import pair
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import (
    likely_secrets,
    secret_strings,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import verified
from ansible_collections.helmstack.core.plugins.module_utils.plan.cluster import ObservedCluster
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change
from ansible_collections.helmstack.core.plugins.module_utils.plan.plan import Planner
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.report.diff import to_yaml
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

_WORKERS = 8


@dataclass(frozen=True)
class InfoReader:
    """Reads releases; ``include`` names the parts that are large or delicate."""

    stack: Stack
    cluster: ObservedCluster
    planner: Planner
    include: Collection[str] = ()

    def read(self) -> dict[str, Any]:
        """The stack's releases in its order, then those that bear its label and are no longer in it."""
        wanted = [r for r in self.stack.releases if self.stack.targets is None or r.id in self.stack.targets]
        work = self.planner.work([release for release in wanted if not release.ignore])
        wanted = [*work.releases, *(release for release in wanted if release.ignore)]
        every = {release.id for release in (*self.stack.releases, *wanted)}
        found = self.cluster.releases()
        strays = [
            found[identity]
            for identity in sorted(found)
            if self.stack.targets is None
            and identity not in every
            and found[identity].labels.get(stamp.STACK) == self.stack.name
            and found[identity].labels.get(stamp.ENVIRONMENT, "") == (self.stack.environment or "")
        ]
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            known = pool.map(lambda release: self._release(release, work.charts.get(release.id)), wanted)
            return {"changed": False, "releases": [*known, *pool.map(lambda stray: self._known(None, stray), strays)]}

    def _release(self, release: Release, chart: Chart | None) -> dict[str, Any]:
        deployed = self.cluster.releases().get(release.id)
        if deployed is not None:
            return self._known(release, deployed, chart)
        absent = {
            "status": None,
            "revision": None,
            "chart": None,
            "version": None,
            "app_version": None,
            "updated": None,
        }
        return {**_identity(release.namespace, release.name), **absent, **_place(release), "verified": False}

    def _known(self, release: Release | None, deployed: Deployed, chart: Chart | None = None) -> dict[str, Any]:
        body = self.cluster.body(deployed)
        return {
            **_identity(deployed.namespace, deployed.name),
            "status": deployed.status,
            "revision": deployed.revision,
            "chart": body.chart_name,
            "version": body.chart_version,
            "app_version": body.app_version or None,
            "updated": body.last_deployed,
            **_place(release),
            "verified": release is not None and not release.ignore and self._verified(release, deployed, chart),
            **self._included(release, body),
        }

    def _verified(self, release: Release, deployed: Deployed, chart: Chart | None) -> bool:
        chart = chart or self.planner.fetch(release)
        changes = self.planner.changes
        change = Change(release.name, release.namespace, "unchanged", release=release, deployed=deployed)
        return verified(
            replace(change, fingerprint=changes.fingerprint(release, chart, UpcomingKinds())), changes.owner
        )

    def _included(self, release: Release | None, body: ReleaseBody) -> dict[str, Any]:
        if not self.include:
            return {}
        held = stored(body)
        objects = held.all
        helm = self.planner.changes.context.helm(release).version()
        values = coalesce(Defaults("", body.chart_values), body.config, (helm.major, helm.minor))
        # a Secret may hold but a hash of a password, or more than it
        secrets = {*self.stack.secrets, *secret_strings(objects), *likely_secrets(values, inherited=False)}
        public = {body.name, body.namespace, *map(manifest.name, objects)}
        mask, of_values = Mask(secrets, public), Mask({*secrets, *secret_strings(objects, short=True)}, public)

        def text(items: Collection[manifest.Object]) -> str:
            shown = (pair(item, None, guessable=mask.knows_secrets)[0] for item in items)
            return mask.text("---\n".join(to_yaml(mask.content(item)) for item in shown))

        parts = {
            "values": lambda: of_values.content(body.config),
            "computed_values": lambda: of_values.content(values),
            "manifest": lambda: text(held.objects),
            "hooks": lambda: text([hook.item for hook in held.hooks]),
            "notes": lambda: mask.text(body.notes),
        }
        return {name: parts[name]() for name in self.include}


def _identity(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name}


def _place(release: Release | None) -> dict[str, Any]:
    return {"in_stack": release is not None, "ignored": release is not None and release.ignore}

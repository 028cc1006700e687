# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared context of planning: the cluster, helm, the values, and the rules of comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import (
    compare,
    ignore,
    manifest,
    object_owners,
    unable,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.cluster import DriftedObject, ObservedCluster
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Hook, Key, Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import (
    ALWAYS,
    CHANGED,
    IGNORE,
    Drift,
    ObjectChange,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_TEST_EVENTS = frozenset(("test", "test-success"))


@dataclass(frozen=True)
class Context:
    """What change, comparison and renderer share; several threads may use it at once."""

    cluster: ObservedCluster
    helm: Callable[[Release | None], Helm]
    values: Callable[[Release], Values]
    diff_ignore: tuple[Mapping[str, Any], ...] = ()
    drift: Drift = IGNORE
    run_tests: str = CHANGED  # of releases that want their tests run: changed, always, never
    renders: SharedTexts | None = None  # what other hosts have rendered

    def major(self, release: Release | None) -> int:
        """The major version of the release's helm."""
        return self.helm(release).version().major

    def tests(self, release: Release, hooks: Iterable[Hook], *, changes: bool = True) -> tuple[str, ...]:
        """The test hooks that run when the release is ready, by name.

        :arg changes: whether anything is done with the release.
        """
        wanted = release.options.test and self.run_tests in ((CHANGED, ALWAYS) if changes else (ALWAYS,))
        return tuple(manifest.name(hook.item) for hook in hooks if hook.events & _TEST_EVENTS) if wanted else ()

    def deleted(self, found: Deployed, body: ReleaseBody, release: Release | None, scope: Scope) -> list[Object]:
        """The objects that helm deletes when it uninstalls a release; Helm 4 makes sure that they are its own."""
        checks_owner = self.major(release) >= 4
        there = [(i, self.live(i, scope.of(i))) for i in manifest.deletable(body.manifest, found.id)]
        return [item for item, now in there if now and not (checks_owner and object_owners.owner(now) != found.id)]

    def failing(self, hooks: Iterable[Hook], event: str, scope: Scope, *, applies: bool) -> tuple[str, ...]:
        """Warnings on hooks at which helm fails when ``event`` takes place."""
        running = [hook for hook in hooks if hook.runs_at(event)]
        return tuple(unable.failing(running, lambda item: self.exists(item, scope.of(item)), applies=applies))

    def unserved(self, manifests: Manifests, apis: UpcomingKinds, why: str) -> tuple[str, ...]:
        """A warning that names the kinds which neither the cluster serves nor an earlier release brings."""
        kinds = {(str(item.get("apiVersion", "")), manifest.kind(item)) for item in manifests.objects} - set(apis.kinds)
        lost = sorted(f"{kind} ({version})" for version, kind in kinds if not self.cluster.knows(version, kind))
        return (f"{why}: {', '.join(lost)}",) if lost else ()

    def live(self, item: Object, namespace: str) -> Object | None:
        return self.cluster.live(str(item.get("apiVersion", "")), manifest.kind(item), namespace, manifest.name(item))

    def exists(self, item: Object, namespace: str) -> bool:
        return self.live(item, namespace) is not None

    def counted(self, key: Key, drifted: DriftedObject) -> list[ObjectChange]:
        """The change back to the deployed state, without the parts that diff_ignore names."""
        before, after = (
            next(iter(ignore.without(Manifests((side,)), self.diff_ignore).objects), None) if side else None
            for side in (drifted.live, drifted.restored)
        )
        return [] if before == after else [compare.change("change" if before else "add", key, before, after)]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan. The only room with effects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply import model, schedule
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome, Result
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Plan
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import upgrade_args
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_RESTARTED = ("Deployment", "StatefulSet", "DaemonSet")


class Cluster(Protocol):
    """What applying asks of the cluster, besides what helm does."""

    def stamp(self, namespace: str, name: str, revision: int, labels: Mapping[str, str | None]) -> None: ...
    def restart(self, kind: str, namespace: str, name: str, at: str) -> None: ...
    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody: ...


@dataclass
class Applier:
    """Carries out one plan. ``helm`` gives the program that a release wants, None: the task's."""

    plan: Plan
    cluster: Cluster
    helm: Callable[[Release | None], Helm]
    values: Callable[[Release], Values]
    concurrency: int = 8
    stop_on_failure: bool = True
    correct_drift: bool = False
    _results: dict[str, Result] = field(default_factory=dict)
    _warnings: list[str] = field(default_factory=list)

    def run(self) -> Outcome:
        """Does everything that the plan says; failures are in the outcome, not raised."""
        changes = {change.id: change for change in self.plan.changes if change.effective or change.action == "adopt"}
        schedule.run(
            self._needs(changes),
            lambda identity: self._one(changes[identity]),
            self.concurrency,
            stop_on_failure=self.stop_on_failure,
        )
        results = {identity: self._results.get(identity, Result(model.NOT_STARTED)) for identity in changes}
        return Outcome(results, tuple(self._warnings))

    def _needs(self, changes: Mapping[str, Change]) -> dict[str, frozenset[str]]:
        """Needs among what is done at all: what stays as it is stands for all that it needs itself."""
        every = {change.id: change for change in self.plan.changes}
        final = [i for i, c in changes.items() if not self._is_prune(c)]

        def reach(identity: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
            found: set[str] = set()
            for need in every[identity].needs:
                if need in changes:
                    found.add(need)
                elif need in every and need not in seen:
                    found |= reach(need, seen | {need})
            return frozenset(found)

        return {i: frozenset(final) if self._is_prune(c) else reach(i) for i, c in changes.items()}

    @staticmethod
    def _is_prune(change: Change) -> bool:
        return change.action == "uninstall" and change.release is None

    def _one(self, change: Change) -> bool:
        began = time.monotonic()
        try:
            status, revision = self._carry_out(change)
            result = Result(model.DONE, status, revision)
        except HelmstackError as error:
            result = Result(model.FAILED, "failed", error=str(error))
        self._results[change.id] = Result(
            result.state, result.status, result.revision, round(time.monotonic() - began, 1), result.error
        )
        return result.state == model.DONE

    def _carry_out(self, change: Change) -> tuple[str, int | None]:
        if change.action == "uninstall":
            self._uninstall(change)
            return "uninstalled", None
        if change.action == "adopt":
            self._stamp(change, change.revision_from or 0)
            return "deployed", change.revision_from
        if change.action == "recover":
            self._recover(change)
        revision = self._upgrade(change)
        self._stamp(change, revision)
        return "deployed", revision

    def _upgrade(self, change: Change) -> int:
        release, chart = change.release, change.chart
        assert release is not None
        assert chart is not None
        labels = {stamp.STACK: self.plan.stack, stamp.ENVIRONMENT: self.plan.environment or ""}
        args = upgrade_args(release, chart, self.values(release), labels, force_conflicts=self.correct_drift)
        revision = self.helm(release).upgrade(args, self._warnings)
        if release.options.recreate_pods and change.action != "install":
            self._restart(change, revision)
        return revision

    def _restart(self, change: Change, revision: int) -> None:
        assert change.deployed is not None
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for item in stored(self.cluster.body(change.deployed, revision)).objects:
            if manifest.kind(item) in _RESTARTED:
                namespace = str(manifest.metadata(item).get("namespace") or change.namespace)
                self.cluster.restart(manifest.kind(item), namespace, manifest.name(item), now)

    def _recover(self, change: Change) -> None:
        """Back to the last good revision, or away with a first install that never became one."""
        found = change.deployed
        assert found is not None
        helm = self.helm(change.release)
        if found.current_revision is None or found.status == "uninstalling":
            helm.uninstall(found.name, found.namespace, disable_hooks=True)
        else:
            helm.rollback(found.name, found.namespace, found.current_revision, disable_hooks=True)

    def _uninstall(self, change: Change) -> None:
        found: Deployed | None = change.deployed
        assert found is not None
        if change.release is None:
            self.helm(None).uninstall(found.name, found.namespace, wait=True)
            return
        options = change.release.options
        self.helm(change.release).uninstall(
            found.name,
            found.namespace,
            wait=options.wait,
            timeout=options.timeout,
            disable_hooks=options.disable_hooks,
        )

    def _stamp(self, change: Change, revision: int) -> None:
        """Marks the revision as verified; without the right to it the next run only compares more."""
        labels = {
            stamp.STACK: self.plan.stack,
            stamp.ENVIRONMENT: self.plan.environment or "",
            stamp.FINGERPRINT: change.fingerprint,
            stamp.REVISION: str(revision),
        }
        try:
            self.cluster.stamp(change.namespace, change.name, revision, labels)
        except ClusterError as error:
            self._warnings.append(f"release {change.id} could not be stamped as verified: {error}")

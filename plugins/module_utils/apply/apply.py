# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan. The only room with effects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.apply import emptied, model, replacing, schedule
from ansible_collections.helmstack.core.plugins.module_utils.apply.helm_watch import (
    ending,
    guarded,
    helm_waits,
    is_there,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.lines import told
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome, Result
from ansible_collections.helmstack.core.plugins.module_utils.apply.protocols import ChangedCluster, ReadinessWait
from ansible_collections.helmstack.core.plugins.module_utils.apply.rollback import Rollback
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import MERGE
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import RollbackArgs, TestArgs, UninstallArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm, Upgraded
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest, order, restart
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, recorded, stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Plan, required
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import upgrade_args
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import kinds_defined_by
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

STOP, CONTINUE, ROLLBACK = "stop", "continue", "rollback"
_SERVED = 0.3  # seconds between two looks for new kinds


@dataclass
class Applier:
    """Carries out one plan. ``helm`` gives the program that a release wants, None: the task's."""

    plan: Plan
    cluster: ChangedCluster
    readiness: ReadinessWait
    helm: Callable[[Release | None], Helm]
    values: Callable[[Release], Values]
    permit: Callable[[], None]  # raises if nothing new may begin
    ended: threading.Event  # the run itself is ended
    interrupt: Callable[[], None]  # ends what runs, when the run itself is ended
    progress: Callable[[str], None]
    concurrency: int
    on_failure: str
    correct_drift: bool = False
    _results: dict[str, Result] = field(default_factory=dict)
    _warnings: list[str] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)  # namespaces that are there by now
    _begun: set[str] = field(default_factory=set)  # releases that were still what the plan saw

    def run(self) -> Outcome:
        """Does everything that the plan says; failures are in the outcome, not raised."""
        changes = {change.id: change for change in self._changes}
        schedule.run(
            _needs(self.plan, changes),
            lambda identity: self._one(changes[identity]),
            self.concurrency,
            stop_on_failure=self.on_failure != CONTINUE,
            interrupt=self.interrupt,
        )
        failed = any(result.state == model.FAILED for result in self._results.values())
        if failed and self.on_failure == ROLLBACK:
            self._roll_back(changes)
        elif self.on_failure == ROLLBACK:
            self._forget_removed(changes)
        if not (failed and self.on_failure == ROLLBACK):
            self._warnings += emptied.remove(self.cluster, self._changes, self._results, self.ended.wait)
        return self.outcome

    def take_back(self, done: Mapping[str, Result]) -> Outcome:
        """Takes back what another run has done of the plan."""
        self._results = dict(done)
        self._begun = set(done)
        self._roll_back({change.id: change for change in self.plan.changes})
        return self.outcome

    @property
    def outcome(self) -> Outcome:
        """What has become of the plan so far."""
        results = {change.id: self._results.get(change.id, Result(model.NOT_STARTED)) for change in self._changes}
        return Outcome(results, tuple(self._warnings))

    @property
    def _changes(self) -> list[Change]:
        return [change for change in self.plan.changes if change.has_work]

    # one release

    def _one(self, change: Change) -> bool:
        began = time.monotonic()
        self.progress(f"{change.id}: {change.action} begins")
        try:
            result = self._carry_out(change, began)
        except HelmstackError as error:
            begun = change.id in self._begun or not change.effective
            result = self._as_left(change, str(error)) if begun else Result(model.FAILED, error=str(error))
        result = replace(result, duration=round(time.monotonic() - began, 1))
        self._results[change.id] = result
        self.progress(f"{change.id}: {told(change, result)}")
        return result.state == model.DONE

    def _as_left(self, change: Change, error: str) -> Result:
        """A failure, with what helm has left: the old revision again if it was atomic."""
        try:
            left = self.cluster.now(change.namespace, change.name)
        except HelmstackError:
            return Result(model.FAILED, "failed", error=error)
        return Result(
            model.FAILED, left.status if left else "uninstalled", left.revision if left else None, error=error
        )

    def _carry_out(self, change: Change, began: float) -> Result:
        if change.effective:
            self._check_unchanged(change)
            self._begun.add(change.id)
        if change.action == "uninstall":
            self._uninstall(change)
            return Result(model.DONE, "uninstalled")
        if change.effective:
            self._recover(change)
            self._define(change, began)
        with self.readiness.expecting(ending(change), self.ended.is_set):
            done = self._upgrade(change) if change.effective else Upgraded(change.revision_from or 0)
            revision = done.revision
            try:
                self._await(change, done, began)
                self._test(change)
            except HelmstackError as error:
                return Result(model.FAILED, "deployed", revision, error=str(error))
        if change.effective or change.action == "adopt":
            self._stamp(change, revision)
        return Result(model.DONE, "deployed", revision)

    def _test(self, change: Change) -> None:
        """Runs the test hooks of a release that is ready.

        :raises HelmFailure: one failed; the message ends with the last lines of its log.
        """
        if not change.tests:
            return
        release = required(change.release)
        self.progress(f"{change.id}: tests begin: {', '.join(change.tests)}")
        args = TestArgs(change.name, change.namespace, release.options.timeout)
        self._warnings += self._helm(release).test(args)

    def _define(self, change: Change, began: float) -> None:
        """Applies what is due of the chart's ``crds/``, and waits until helm can use it.

        :raises HelmstackError: the API refuses it, or does not serve it in time.
        """
        if not change.definitions:
            return
        release = required(change.release)
        self.permit()
        for item in change.definitions:
            self.cluster.apply(item.manifest, item.change.namespace, force=release.options.upgrade_crds)
        deadline = began + release.options.timeout
        self.readiness.wait(
            [(item.change.namespace, item.manifest) for item in change.definitions],
            timeout=max(1.0, deadline - time.monotonic()),
            for_jobs=False,
            rules=(),
            namespace=release.namespace,
            stopped=self.ended.is_set,
        )
        kinds = kinds_defined_by(item.manifest for item in change.definitions).kinds
        while not self.cluster.serves(kinds):
            if time.monotonic() > deadline or self.ended.wait(_SERVED):
                names = ", ".join(sorted(f"{kind} ({version})" for version, kind in kinds))
                raise ClusterError(f"the cluster does not serve {names} yet, which the chart's crds/ define")

    def _check_unchanged(self, change: Change) -> None:
        """Holds if the release is still what the plan saw.

        :raises ClusterError: it is not, or that is unknown; nothing has been done.
        """
        seen, found = change.deployed, self.cluster.now(change.namespace, change.name)
        if _revision(seen) != _revision(found):
            raise ClusterError(
                f"release {change.id} is not what the plan saw, {_revision(seen)}, but {_revision(found)}",
                hint="It was left alone. Somebody else has changed it, or the API gave an old answer: run again",
            )

    def _upgrade(self, change: Change) -> Upgraded:
        release, chart = required(change.release), required(change.chart)
        marks = {**self._marks(change), stamp.MADE: str(change.revision_to)}
        labels = {key: value for key, value in marks.items() if value is not None}
        takes_over = self.correct_drift or release.options.force
        conflicts = takes_over and change.method != MERGE  # which knows none, and which helm refuses with the flag
        args = upgrade_args(release, chart, self.values(release), labels, self.cluster.info, force_conflicts=conflicts)
        # Only where it is to come: Helm 4 would else put its label onto a namespace that is there already, and to make
        # sure of one takes helm a third of its time.
        makes_namespace = change.makes_namespace and change.namespace not in self._made
        if makes_namespace:
            self._until_gone(change.namespace, release.options.timeout)
        args = replace(args, wait=args.wait and helm_waits(change), create_namespace=makes_namespace)
        args = replace(args, there=is_there(change))
        if any(item.forced for item in change.objects):
            self.permit()
            replacing.discard(self.cluster, change, release.options.timeout, self.ended.wait)
        done = guarded(
            self.readiness,
            change,
            release.options.timeout,
            lambda interrupt: self._helm(release).upgrade(args, interrupt),
        )
        self._warnings += done.warnings
        self._made.add(change.namespace)
        if release.options.recreate_pods and change.action != "install":
            self._restart(change, done)
        return done

    def _until_gone(self, namespace: str, timeout: float) -> None:
        """Waits while a namespace of the same name is being deleted.

        :raises ClusterError: it does not go.
        """
        deadline = time.monotonic() + timeout
        while self.cluster.ending(namespace):
            if time.monotonic() > deadline or self.ended.wait(_SERVED):
                raise ClusterError(
                    f"namespace {namespace} is being deleted and has not gone yet",
                    hint="Look at what is left in it and at the finalizers of that",
                )

    def _helm(self, release: Release | None) -> Helm:
        """The program, to change something with."""
        self.permit()
        return self.helm(release)

    def _await(self, change: Change, done: Upgraded, began: float) -> None:
        release = change.release
        if release is None or not release.options.wait:
            return
        left = release.options.timeout - (time.monotonic() - began)
        self._wait(change, done, release.options, left, release.ready)

    def _wait(
        self, change: Change, done: Upgraded, options: Options, timeout: float, rules: Sequence[Mapping[str, str]]
    ) -> None:
        unsure = self.readiness.wait(
            self._objects(change, done),
            timeout=max(1.0, timeout),
            for_jobs=options.wait_for_jobs,
            rules=rules,
            namespace=change.namespace,
            stopped=self.ended.is_set,
        )
        self._warnings += [f"release {change.id}: {text}" for text in unsure]

    def _objects(self, change: Change, done: Upgraded) -> list[tuple[str, Mapping[str, Any]]]:
        """The objects of a revision with their namespaces, as Helm has stored them."""
        return [
            (str(manifest.metadata(item).get("namespace") or change.namespace), item)
            for item in self._stored(change, done).objects
        ]

    def _stored(self, change: Change, done: Upgraded) -> Manifests:
        if done.manifest is not None:
            return recorded(done.manifest, (), change.id)
        found = Deployed(change.namespace, change.name, done.revision, "deployed", "")
        return stored(self.cluster.body(found, done.revision))

    def _restart(self, change: Change, done: Upgraded) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for namespace, item in self._objects(change, done):
            if manifest.kind(item) in restart.KINDS:
                self.cluster.restart(manifest.kind(item), namespace, manifest.name(item), now)

    def _recover(self, change: Change) -> None:
        """Back to the last good revision, or away with a first install that never became one."""
        if change.action != "recover":
            return
        found = required(change.deployed)
        helm = self._helm(change.release)
        if found.current_revision is None:
            helm.uninstall(UninstallArgs(found.name, found.namespace, disable_hooks=True))
        else:
            history = required(change.release).options.history_max
            revision = found.current_revision
            helm.rollback(RollbackArgs(found.name, found.namespace, revision, disable_hooks=True, history_max=history))

    def _uninstall(self, change: Change) -> None:
        options = change.release.options if change.release else Options()
        args = UninstallArgs(
            change.name,
            change.namespace,
            wait=options.wait,
            timeout=options.timeout,
            disable_hooks=options.disable_hooks,
            keep_history=self.on_failure == ROLLBACK,
        )
        self._warnings += guarded(
            self.readiness,
            change,
            options.timeout,
            lambda interrupt: self._helm(change.release).uninstall(args, interrupt),
        )

    def _marks(self, change: Change) -> dict[str, str | None]:
        """The labels that say whose the release is; None takes one away."""
        return {
            stamp.STACK: self.plan.stack,
            stamp.ENVIRONMENT: self.plan.environment or "",
            stamp.ORIGIN: self.plan.origin or None,
            stamp.UMBRELLA: (change.release.umbrella if change.release else "") or None,
        }

    def _stamp(self, change: Change, revision: int) -> None:
        """Marks the revision as verified; without the right to it the next run only compares more."""
        wanted = change.release.labels if change.action == "adopt" and change.release else {}
        labels = {
            **wanted,
            **self._marks(change),
            stamp.FINGERPRINT: change.fingerprint,
            stamp.REVISION: str(revision),
            stamp.DRIFT: change.attempt or None,
        }
        try:
            self.cluster.stamp(change.namespace, change.name, revision, labels)
        except ClusterError as error:
            self._warnings.append(f"release {change.id} could not be stamped as verified: {error}")

    # everything back

    def _roll_back(self, changes: Mapping[str, Change]) -> None:
        def ready(change: Change, revision: int) -> None:
            options = change.release.options if change.release else Options()
            if options.wait:
                self._wait(change, Upgraded(revision), options, options.timeout, ())

        begun = {identity: result for identity, result in self._results.items() if identity in self._begun}
        back, warnings = Rollback(self.cluster, self._helm, ready, self.progress).all(changes, begun)
        self._results |= back
        self._warnings += warnings

    def _forget_removed(self, changes: Mapping[str, Change]) -> None:
        """The history of removed releases was kept only in case that they must come back."""
        for change in changes.values():
            if change.action == "uninstall" and change.id in self._results:
                try:
                    args = UninstallArgs(change.name, change.namespace, disable_hooks=True)
                    self._helm(change.release).uninstall(args)
                except HelmstackError as error:
                    self._warnings.append(f"release {change.id} is uninstalled, but Helm keeps its history: {error}")


def _revision(found: Deployed | None) -> str:
    return f"revision {found.revision} ({found.status})" if found else "not there"


def _needs(plan: Plan, changes: Mapping[str, Change]) -> dict[str, frozenset[str]]:
    """Needs between the changes: a need of an unchanged release counts as a need of what that release needs.

    What prune removes goes last, but before what takes its objects over.
    """
    every = {change.id: change for change in plan.changes}
    pruned = {identity for identity, change in changes.items() if change.release is None}
    final = frozenset(changes) - pruned

    def reach(identity: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        found: set[str] = set()
        for need in every[identity].needs:
            if need in changes:
                found.add(need)
            elif need in every and need not in seen:
                found |= reach(need, seen | {need})
        return frozenset(found)

    needs = {identity: reach(identity) for identity in changes}
    if not pruned:
        return needs
    before = order.reach(needs)
    return {
        i: frozenset(other for other in final if i not in before[other]) if i in pruned else needs[i] for i in needs
    }

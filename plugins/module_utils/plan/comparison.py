# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One release without a valid stamp: rendered, and compared with the deployed manifests and the live objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.cluster import drift
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import secret_strings
from ansible_collections.helmstack.core.plugins.module_utils.plan import (
    compare,
    creations,
    ignore,
    images,
    manifest,
    object_owners,
    reasons,
    refusals,
    restart,
    same_object,
    stored_size,
    unable,
    uncorrectable,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.half_way import without_what_is_done
from ansible_collections.helmstack.core.plugins.module_utils.plan.history import History, Reverted, history_of
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import (
    CORRECT,
    Action,
    Change,
    ObjectChange,
    Untried,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.origins import ValueChange, explain
from ansible_collections.helmstack.core.plugins.module_utils.plan.origins import changes as value_changes
from ansible_collections.helmstack.core.plugins.module_utils.plan.overwritten import Overwritten, overwritten
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import reuses_values
from ansible_collections.helmstack.core.plugins.module_utils.plan.renderer import Rendered, Renderer
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.plan.upgrade_method import (
    applies_server_side,
    touches,
    upgrade_method,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import visible
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release


@dataclass(frozen=True)
class Comparison:
    """One release without a valid stamp: each method returns the Change for one situation of the release.

    An upgrade is what Helm makes of three sides (its pkg/action/upgrade.go and pkg/kube/client.go): the manifests of
    the revision deployed last, those that the chart renders now, and the live objects.

    :arg base: the parts of the change that need no rendering: fingerprint, crds/, warnings.
    :arg apis: kinds that releases before this one bring.
    """

    context: Context
    base: Change
    release: Release
    chart: Chart
    apis: UpcomingKinds

    @property
    def scope(self) -> Scope:
        return Scope(self.release.namespace, self.apis.namespaced(self.context.cluster.namespaced))

    def install(self) -> Change:
        """The change that installs a release that is not there.

        :raises HelmstackError: it cannot be rendered.
        """
        rendered = self._renderer().rendered(Manifests(), is_upgrade=False)
        after = rendered.after
        found = self._as_live(compare.objects((), after.objects, self.scope), after)
        changes = [*self._listed, *found, *self._hooks(Manifests(), after, "install")]
        revision = self.base.deployed.revision + 1 if self.base.deployed else 1
        return self._finished("install", ("new",), changes, rendered, revision)

    def anew(self, deployed: Deployed) -> Change:
        """A first install that never finished is uninstalled, and the release is installed again."""
        rendered = self._renderer().rendered(Manifests(), is_upgrade=False)
        after, scope = rendered.after, self.scope
        body = self.context.cluster.body(deployed)
        gone = {scope.key(item): item for item in self.context.deleted(deployed, body, self.release, scope)}
        found = self._as_live(compare.objects((), after.objects, scope), after)
        found = [replace(item, op="replace", owner=None) if item.key in gone else item for item in found]
        listed = {item.key for item in found}
        found += [compare.change("remove", key, item, None) for key, item in gone.items() if key not in listed]
        changes = [*self._listed, *found, *self._hooks(Manifests(), after, "install")]
        return self._finished("recover", ("pending",), changes, rendered, 1)

    def upgrade(self, deployed: Deployed, *, recovering: bool = False, drifted: bool = False) -> Change:
        """The change that makes a deployed release as it is wanted: an upgrade, or only a stamp (adopt).

        :arg recovering: the release goes back to its last good revision first.
        :arg drifted: it is upgraded because of drift, even without another reason.
        :raises HelmstackError: it cannot be rendered, or the cluster refuses to answer.
        """
        history = history_of(self.context.cluster, deployed)
        body = history.good
        rendered = self._renderer(recovering=recovering).rendered(history.held, is_upgrade=True)
        after, before, secrets = rendered.after, rendered.before, rendered.secrets
        changes = compare.objects(before.objects, after.objects, self.scope, self._kept)
        base = replace(
            self.base,
            chart_from=body.chart_name,
            version_from=body.chart_version,
            app_version_from=body.app_version or None,
            images=images.Used(images.of(history.held.all), images.of(rendered.whole.all)),
        )
        why = self._reasons(base, body, changes, before, after)
        why = () if why == ("chart",) and self._differs_by_chance(rendered) else why
        why = why or (("drift",) if drifted else ())
        base = replace(base, note=reasons.note(deployed, history.last.description))
        if not why and not self._lacks_restart(body, after) and not self._lacks_job(body, after):
            return replace(
                base,
                action="adopt",
                reasons=(reasons.READINESS,),
                revision_to=deployed.revision,
                secrets=secrets,
                tests=self.context.tests(self.release, after.hooks),
            )
        why = why or (reasons.READINESS,)
        changes, reverted = self._upgraded(history, rendered, recovering=recovering)
        gone = "helm cannot upgrade it from objects of kinds that are not served any more"
        warnings = (*base.warnings, *reverted.warnings, *self.context.unserved(history.applied, UpcomingKinds(), gone))
        values = self._value_changes(body) if "values" in why else ()
        base = replace(base, warnings=warnings, edits=reverted.edits, untried=reverted.untried, values=values)
        base = replace(base, method=self._method(history, recovering=recovering), overwritten=reverted.overwritten)
        action: Action = "recover" if recovering else "upgrade"
        rendered = replace(rendered, secrets=rendered.secrets | secret_strings(history.applied.all))
        revision = deployed.revision + (2 if recovering else 1)
        return replace(self, base=base)._finished(action, why, changes, rendered, revision, history.last)

    def _renderer(self, *, recovering: bool = False) -> Renderer:
        return Renderer(self.context, self.release, self.chart, self.apis, self.base.deployed, recovering)

    def _differs_by_chance(self, rendered: Rendered) -> bool:
        """Whether an upgrade would only take back what was random at the first install, such as its checksums."""
        sides = None if self.base.definitions else self._renderer().without_first_chance(rendered)
        if sides is None:
            return False
        before, after = sides
        changes = compare.objects(before.objects, after.objects, self.scope, self._kept)
        return not changes and compare.same_hooks(before.hooks, after.hooks, self.scope)

    def _upgraded(
        self, history: History, rendered: Rendered, *, recovering: bool
    ) -> tuple[list[ObjectChange], Reverted]:
        """All changes of an upgrade, new random values included; marks those that only undo edits of live objects."""
        held, after = ignore.without(history.held, self.context.diff_ignore), rendered.after
        changes = self._as_live(compare.objects(held.objects, after.objects, self.scope, self._kept), after)
        changes = changes if recovering else self._left_to_do(history, changes)
        told = refusals.Foreseen(changes) if recovering else self._refused(history, changes, rendered)
        changes = told.changes
        changes = [*self._listed, *(self._undone(history, held, changes) if recovering else changes)]
        reverted = self._reverted(history, changes, rendered, recovering=recovering)
        lost = self._overwritten(history, changes, rendered, recovering=recovering)
        reverted = replace(reverted, warnings=[*told.warnings, *lost.warnings, *reverted.warnings])
        reverted = replace(reverted, untried=told.untried, overwritten=lost.places)
        hooks = self._hooks(held, after, "upgrade")
        changes = [*changes, *reverted.changes]
        changes, gone = same_object.deleted_after_all(changes, after.objects, self.scope, self.context.live)
        reverted = replace(reverted, warnings=[*reverted.warnings, *gone])
        changes = compare.with_hooks(changes, hooks)
        return [*changes, *self._restarted(changes, after)], reverted

    def _reasons(
        self, base: Change, body: ReleaseBody, changes: Sequence[ObjectChange], before: Manifests, after: Manifests
    ) -> tuple[str, ...]:
        release, chart = self.release, self.chart
        status = base.deployed.status if base.deployed else ""
        given = self.context.values(release).merged
        hooks_differ = not compare.same_hooks(before.hooks, after.hooks, self.scope)
        version = (body.chart_name, body.chart_version) != (chart.name, chart.version)
        reuses = reuses_values(release, given)
        values = reasons.other_values(visible(release, given), visible(release, body.config), reuses=reuses)
        differ = bool(changes or hooks_differ)
        templates = differ and values and reasons.other_templates(body, chart.path, chart.templates)
        found = {
            "version": version,
            "values": values,
            "chart": not version and bool(base.definitions or templates or (differ and not values)),
            "options": reasons.other_labels(body.labels, release.labels),
            "failed": status == "failed",
            "pending": status.startswith(("pending", "uninstalling")),
        }
        return tuple(reason for reason, holds in found.items() if holds)

    def _value_changes(self, body: ReleaseBody) -> tuple[ValueChange, ...]:
        """The values that differ from those that Helm has stored, with the files and lines that set them."""
        hidden = self.release.hidden_values
        settings = {path: item for path, item in explain(self.release.values).items() if path[0] not in hidden}
        found = value_changes(visible(self.release, body.config), settings)
        reuses = reuses_values(self.release, self.context.values(self.release).merged)
        return tuple(item for item in found if not (reuses and item.removed))

    def _kept(self, item: Object) -> bool:
        return object_owners.kept(item, self.context.live(item, self.scope.of(item)))

    def _as_live(self, changes: list[ObjectChange], after: Manifests) -> list[ObjectChange]:
        """Objects that someone deleted come back with any upgrade, and those that are there already are not added."""
        scope = self.scope
        listed = {item.key: item for item in changes}
        for item in after.objects:
            key = scope.key(item)
            known = listed.get(key)
            there = self.context.live(item, scope.of(item))
            if there is None and (known is None or known.op != "add"):
                listed[key] = compare.change("add", key, None, item)
            elif there is not None and known is not None and known.op == "add":
                owner = object_owners.owner(there)
                listed[key] = replace(known, op="change", owner=None if owner == self.release.id else owner)
        return [item for item in listed.values() if item.op != "remove" or self._is_there(item)]

    def _is_there(self, item: ObjectChange) -> bool:
        return item.before is not None and self.context.exists(item.before, item.namespace)

    def _restarted(self, changes: Sequence[ObjectChange], after: Manifests) -> list[ObjectChange]:
        """The workloads that do not change themselves, but whose pods are made anew."""
        listed = {item.key for item in changes}
        scope = self.scope
        return [
            compare.change("change", scope.key(item), item, restart.restarted(item))
            for item in (after.objects if self.release.options.recreate_pods else ())
            if manifest.kind(item) in restart.KINDS and scope.key(item) not in listed
        ]

    def _lacks_restart(self, body: ReleaseBody, after: Manifests) -> bool:
        """Whether a run of ours that upgraded the release was killed before it had restarted its pods."""
        if not self.release.options.recreate_pods or body.revision < 2 or stamp.STACK not in body.labels:
            return False
        workloads = [item for item in after.objects if manifest.kind(item) in restart.KINDS]
        return any(
            restart.lacking(self.context.live(item, self.scope.of(item)) or {}, body.last_deployed)
            for item in workloads
        )

    def _lacks_job(self, body: ReleaseBody, after: Manifests) -> bool:
        """Whether the cluster removed a Job that must succeed, so that its end is unknown.

        So of a revision of ours that was never found ready: an upgrade runs the Job again.
        """
        options, labels = self.release.options, body.labels
        if not (options.wait and options.wait_for_jobs) or stamp.STACK not in labels:
            return False
        if labels.get(stamp.REVISION) == str(body.revision):
            return False
        ending = [item for item in after.objects if drift.goes_by_itself(item)]
        return any(not self.context.exists(item, self.scope.of(item)) for item in ending)

    def _undone(self, history: History, held: Manifests, changes: list[ObjectChange]) -> list[ObjectChange]:
        """Recovery goes back to the last good revision first, which deletes what only the unfinished one has."""
        scope = self.scope
        good = {scope.key(item) for item in held.objects}
        listed = {item.key: item for item in changes}
        for item in history.applied.objects:
            key = scope.key(item)
            if key not in good and self.context.exists(item, scope.of(item)) and not self._kept(item):
                known = listed.get(key)
                listed[key] = replace(known, op="replace") if known else compare.change("remove", key, item, None)
        return list(listed.values())

    def _reverted(
        self, history: History, changes: Sequence[ObjectChange], rendered: Rendered, *, recovering: bool
    ) -> Reverted:
        """Objects whose manifest is unchanged, but whose live state the upgrade changes."""
        scope, how, deployed = self.scope, self._method(history, recovering=recovering), history.deployed
        listed = {item.key for item in changes}
        # the last revision's manifests, if it failed and so is not the one to compare with
        applied = {scope.key(item): item for item in history.applied.objects}
        # of two manifests of the same object the last one is what helm leaves
        whole = {scope.key(item): item for item in rendered.whole.objects}
        found: list[ObjectChange] = []
        edited: dict[Key, Any] = {}
        unsure: dict[str, list[str]] = {}
        for key, item in {scope.key(item): item for item in rendered.after.objects}.items():
            more = history.last.revision != deployed.current_revision and applied.get(key) != whole[key]
            # going back changes the manifest, which changes objects of all kinds
            former = applied.get(key) if more and recovering else None
            if key in listed or not (former or touches(item, how)):
                continue
            live_item = self.context.live(item, scope.of(item)) or {}
            edits = drift.edits(live_item, item, self.release.name, self.release.namespace)
            edited |= {key: edits} if edits else {}
            drifted = self.context.cluster.reapplied(
                deployed, whole[key], scope.of(item), how, may_hold_more=more, former=former
            )
            if drifted is not None:
                found += self.context.counted(key, drifted)
                edited.setdefault(key, ())
                if drifted.problem:
                    unsure.setdefault(drifted.problem, []).append(f"{key[1]} {key[3]}")
                for place in uncorrectable.twice(live_item) if how == drift.MERGE else ():
                    why = f"{place} occurs twice, which helm's merge cannot tell apart: it may leave it as it is"
                    unsure.setdefault(why, []).append(f"{key[1]} {key[3]}")
        return Reverted(found, [f"{', '.join(names)}: {problem}" for problem, names in unsure.items()], edited)

    def _method(self, history: History, *, recovering: bool) -> str:
        """The upgrade works as the last revision did; after a rollback, as the revision that it restored."""
        major, forced = self.context.helm(self.release).version().major, self.context.drift == CORRECT
        last = history.good if recovering else history.last
        return upgrade_method(self.release.options, major, last, forced=forced)

    def _refused(self, history: History, changes: Sequence[ObjectChange], rendered: Rendered) -> refusals.Foreseen:
        """The changes that the cluster would refuse, such as those of immutable fields, and their outcome."""
        how = self._method(history, recovering=False)
        sides = (history.held, rendered.whole)
        held, sent = ({self.scope.key(item): item for item in side.objects} for side in sides)
        return refusals.foreseen(self.context, self.release, history.deployed, changes, held, sent, how)

    def _left_to_do(self, history: History, changes: list[ObjectChange]) -> list[ObjectChange]:
        if history.last.revision == history.good.revision:
            return changes
        rules = self.context.diff_ignore
        good, failed = (
            {self.scope.key(item): item for item in ignore.without(side, rules).objects}
            for side in (history.held, history.applied)
        )
        return [*without_what_is_done(changes, history.deployed, good, failed, self.context.live)]

    def _overwritten(
        self, history: History, changes: Sequence[ObjectChange], rendered: Rendered, *, recovering: bool
    ) -> Overwritten:
        held, wanted = (
            {self.scope.key(item): item for item in side.objects} for side in (history.held, rendered.whole)
        )
        method = self._method(history, recovering=recovering)
        return overwritten(self.context, history.deployed, method, changes, held, wanted)

    def _finished(
        self,
        action: Action,
        reasons: tuple[str, ...],
        changes: Sequence[ObjectChange],
        rendered: Rendered,
        revision: int,
        last: ReleaseBody | None = None,
    ) -> Change:
        before = [change.before for change in changes if change.before]
        fails = "helm fails at kinds that the cluster does not serve, unless something brings them before"
        unserved = self.context.unserved(rendered.after, self.apis, fails)
        refused, untried = self._not_made(changes, rendered.whole, last)
        return replace(
            self.base,
            action=action,
            reasons=reasons,
            images=replace(self.base.images, after=images.of(rendered.whole.all)),
            warnings=(*self.base.warnings, *rendered.unsure, *unserved, *self._unable(rendered.whole, last), *refused),
            untried=self.base.untried | untried,
            objects=tuple(changes),
            tests=self.context.tests(self.release, rendered.whole.hooks),
            revision_to=revision,
            secrets=rendered.secrets | secret_strings(before),
        )

    def _unable(self, whole: Manifests, last: ReleaseBody | None) -> tuple[str, ...]:
        """Why helm fails whatever the cluster says; ``last`` is None at a first install."""
        hooks, event = () if self.release.options.disable_hooks else whole.hooks, "upgrade" if last else "install"
        large = stored_size.warning(
            self.chart.path, whole.text, self.context.values(self.release).merged, self.chart.own_bytes
        )
        failing = self.context.failing(hooks, event, self.scope, applies=self._applies(last))
        expiring = unable.expiring(whole, self.release.options, self.context.major(self.release))
        return (*unable.refused(whole), *failing, *expiring, *((large,) if large else ()))

    def _not_made(
        self, changes: Sequence[ObjectChange], whole: Manifests, last: ReleaseBody | None
    ) -> tuple[list[str], Untried]:
        """Warnings on objects that the cluster would refuse to create, and on those of which this is unknown."""
        sent = {self.scope.key(item): item for item in whole.all}
        found = {item.change.key for item in self.base.definitions}
        asked = [item for item in changes if item.key not in found]
        return creations.refused(self.context, self.release, asked, sent, self.apis, applies=self._applies(last))

    def _applies(self, last: ReleaseBody | None) -> bool:
        return applies_server_side(self.context.major(self.release), last)

    def _hooks(self, before: Manifests, after: Manifests, event: str) -> list[ObjectChange]:
        name = "none" if self.release.options.disable_hooks else event
        return compare.hooks(before.hooks, after.hooks, self.scope, name, self.context.live)

    @property
    def _listed(self) -> list[ObjectChange]:
        return [item.change for item in self.base.definitions]

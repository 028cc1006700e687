# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to happen to one release: compared in full, unless its stamp says that nothing can have changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.cluster import drift
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo, Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm import Helm, HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.masking import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan import (
    clock,
    compare,
    definitions,
    ignore,
    live,
    manifest,
    restart,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import render as rendering
from ansible_collections.helmstack.core.plugins.module_utils.plan.apis import Apis, brought
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.definitions import Due
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key, Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, known
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import Capabilities
from ansible_collections.helmstack.core.plugins.module_utils.plan.secrets import likely_secrets, secret_strings
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

IGNORE, REPORT, CORRECT = "ignore", "report", "correct"


class Cluster(Protocol):
    """What the plan asks of the cluster; all of it reads."""

    @property
    def info(self) -> ClusterInfo:
        """Which cluster it is."""

    @property
    def salt(self) -> str:
        """A random text of the cluster that no result shows; "" if it may not be read."""

    def releases(self) -> Mapping[str, Deployed]:
        """The observed releases by identity."""

    def want(self, identities: Collection[str]) -> None:
        """Look again for releases that no stack file names."""

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        """A revision of a release, decoded; None: the latest."""

    def record(self, deployed: Deployed, revision: int) -> Mapping[str, Any]:
        """A revision of a release, whole, as Helm has written it."""

    def api_versions(self) -> tuple[str, ...]:
        """The cluster's APIs, as Helm lists them."""

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in namespaces."""

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster serves a kind."""

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is in the cluster."""

    def live(self, api_version: str, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """An object as it stands in the cluster."""

    def reapplied(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        doubt: bool,
        former: Mapping[str, Any] | None = None,
    ) -> Drifted | None:
        """What applying a manifest makes of the live object besides."""

    def refusal(self, release: Deployed, manifest: Mapping[str, Any], namespace: str, how: str) -> str:
        """Why the cluster would not take a manifest for an object that is there."""

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is in the cluster."""

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        """What applying an object would make of it."""

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> Drifted | None:
        """How a live object differs from what applying its manifest again would make of it."""


class Drifted(Protocol):
    """An object that is not in the cluster what it was deployed as."""

    @property
    def live(self) -> Mapping[str, Any] | None:
        """As it is; None: it is gone."""

    @property
    def restored(self) -> Mapping[str, Any]:
        """As applying its manifest again would make it."""

    @property
    def problem(self) -> str:
        """Why applying it is refused, or what of it cannot be told."""


@dataclass(frozen=True)
class Changes:
    """Plans single releases; may be asked from several threads at once."""

    cluster: Cluster
    helm: Callable[[Release | None], Helm]
    values: Callable[[Release], Values]
    recovery: Recovery
    owner: tuple[str, str]  # stack, environment
    diff_ignore: tuple[Mapping[str, Any], ...] = ()
    drift: str = IGNORE
    lenient: bool = False  # check mode: what may not be asked is told, and no failure

    def of(self, release: Release, chart: Chart, apis: Apis) -> Change:
        """The change that brings a release to what is wanted.

        :arg apis: kinds that releases bring which come before this one.
        """
        deployed = self.cluster.releases().get(release.id)
        base = Change(
            name=release.name,
            namespace=release.namespace,
            action="unchanged",
            release=release,
            chart=chart,
            deployed=deployed,
            fingerprint=self.fingerprint(release, chart, apis),
        )
        recovering = self.recovery.of(deployed) is not None
        if deployed is None or deployed.status == "uninstalled":
            return self._comparison(base, release, chart, apis, install=True).install()
        if verified(base, self.owner) and not recovering:
            kept = replace(base, chart_from=chart.name, version_from=chart.version, revision_to=deployed.revision)
            return self._with_drift(kept, deployed, apis)
        if recovering and deployed.current_revision is None:
            return self._comparison(base, release, chart, apis, install=True).anew(deployed)
        change = self._comparison(base, release, chart, apis, install=False).upgrade(deployed, recovering)
        return self._with_drift(change, deployed, apis) if change.action == "adopt" else change

    def _comparison(self, base: Change, release: Release, chart: Chart, apis: Apis, *, install: bool) -> _Comparison:
        """Templates see the kinds that the chart's own ``crds/`` bring, as those are there before helm renders."""
        due = self._due(base, release, chart, apis, install=install)
        apis |= brought(item.manifest for item in due.definitions)
        fingerprint = self.fingerprint(release, chart, apis)
        base = replace(base, fingerprint=fingerprint, definitions=due.definitions, warnings=due.warnings)
        return _Comparison(self, base, release, chart, apis)

    def _due(self, base: Change, release: Release, chart: Chart, apis: Apis, *, install: bool) -> Due:
        values = self.values(release).merged
        if release.options.upgrade_crds and base.deployed and rendering.reuses_values(release, values):
            values = merge((self.cluster.body(base.deployed).config, values))
        scope = Scope(release.namespace, apis.namespaced(self.cluster.namespaced))
        return definitions.due(release, chart, values, self.cluster, scope, install=install)

    def fingerprint(self, release: Release, chart: Chart, apis: Apis) -> str:
        """What the stamp of this release would say.

        :arg apis: kinds that will be there besides the cluster's own.
        """
        helm, values, options = self.helm(release), self.values(release), release.options
        asked = (chart.mentions | values.mentions).apis
        versions = apis.versions(self.cluster.api_versions()) if asked else ()
        seen = versions if "*" in asked else tuple(sorted(asked & frozenset(versions)))
        around = stamp.Around(
            helm=f"{helm.version.major}.{helm.version.minor}",
            cluster=(self.cluster.info.version, *seen),
            post_renderer=helm.post_renderer(options.post_renderer) if options.post_renderer else "",
            ignored=self.diff_ignore,
        )
        return stamp.fingerprint(release, chart, visible(release, values.merged), around)

    def asks(self, release: Release, chart: Chart) -> bool:
        """Whether the release's templates ask which APIs there are."""
        return bool((chart.mentions | self.values(release).mentions).apis)

    def stamped(self, change: Change, apis: Apis) -> Change:
        """A change that leaves the stamp of a cluster in which all of a plan's kinds are served."""
        return replace(change, fingerprint=self.fingerprint(known(change.release), known(change.chart), apis))

    def removal(self, found: Deployed, release: Release | None = None) -> Change:
        """The change that uninstalls a release.

        :raises Unfinished: another run may be at work on it.
        """
        self.recovery.of(found)
        body = self.cluster.body(found)
        before = stored(body)
        scope = Scope(found.namespace, self.cluster.namespaced)
        checks_owner = self.helm(release).version.major >= 4
        there = [(item, self.live(item, scope.of(item))) for item in before.objects]
        gone = [item for item, now in there if now and not (checks_owner and live.owner(now) != found.id)]
        changes = compare.objects(gone, (), scope)
        event = "none" if release and release.options.disable_hooks else "delete"
        changes += compare.hooks((), before.hooks, scope, event, self.live)
        return Change(
            name=found.name,
            namespace=found.namespace,
            action="uninstall",
            reasons=("removed",),
            release=release,
            deployed=found,
            chart_from=body.chart_name,
            version_from=body.chart_version,
            objects=tuple(changes),
            warnings=self.unserved(before, Apis(), "helm cannot remove what is of kinds that are not served any more"),
            secrets=_secrets(before),
        )

    def unserved(self, manifests: Manifests, apis: Apis, why: str) -> tuple[str, ...]:
        """A warning that names the kinds which neither the cluster serves nor an earlier release brings."""
        kinds = {(str(item.get("apiVersion", "")), manifest.kind(item)) for item in manifests.objects} - set(apis.kinds)
        lost = sorted(f"{kind} ({version})" for version, kind in kinds if not self.cluster.knows(version, kind))
        return (f"{why}: {', '.join(lost)}",) if lost else ()

    def live(self, item: Object, namespace: str) -> Object | None:
        return self.cluster.live(str(item.get("apiVersion", "")), manifest.kind(item), namespace, manifest.name(item))

    def exists(self, item: Object, namespace: str) -> bool:
        return self.live(item, namespace) is not None

    def _with_drift(self, change: Change, deployed: Deployed, apis: Apis) -> Change:
        if self.drift == IGNORE:
            return change
        held = stored(self.cluster.body(deployed))
        found, warnings = self._drifted(deployed, held)
        due = self._due(change, known(change.release), known(change.chart), apis, install=False)
        found = [*(item.change for item in due.definitions), *found]
        change = replace(change, warnings=(*due.warnings, *warnings))
        if not found:
            return change
        sides = [side for item in found for side in (item.before, item.after) if side]
        secrets = _secrets(held) | secret_strings(sides)
        change = replace(change, reasons=("drift",), objects=tuple(found), secrets=secrets)
        if self.drift == REPORT:
            return change
        comparison = self._comparison(change, known(change.release), known(change.chart), apis, install=False)
        corrected = comparison.upgrade(deployed, False, drifted=True)
        corrected = replace(corrected, warnings=(*corrected.warnings, *warnings))
        # no objects: helm merges, and what has drifted are objects of kinds that it does not know
        return corrected if corrected.objects else change

    def _drifted(self, deployed: Deployed, held: Manifests) -> tuple[list[ObjectChange], list[str]]:
        """The objects that are not as they were deployed, and warnings on those of which this cannot be told."""
        scope = Scope(deployed.namespace, self.cluster.namespaced)
        found = []
        unsure: dict[str, list[str]] = {}
        for item in held.objects:
            name = f"{manifest.kind(item)} {manifest.name(item)}"
            try:
                drifted = self.cluster.drifted(deployed, item, scope.of(item))
            except Forbidden as error:
                if self.drift == CORRECT and not self.lenient:
                    what = f"drift of {name} cannot be told: {error}"
                    raise ClusterError(what, hint="Or set 'drift: ignore'") from None
                unsure.setdefault(f"cannot be told: {error}", []).append(name)
                continue
            if drifted is not None:
                counted = self.counted(scope.key(item), drifted)
                found += counted
                if counted and drifted.problem:
                    unsure.setdefault(f"is told without the server: {drifted.problem}", []).append(name)
        return found, [f"drift of {', '.join(names)} {reason}" for reason, names in unsure.items()]

    def counted(self, key: Key, drifted: Drifted) -> list[ObjectChange]:
        """The change back to what was deployed, but for what is not to be looked at."""
        before, after = (
            next(iter(ignore.without(Manifests((side,)), self.diff_ignore).objects), None) if side else None
            for side in (drifted.live, drifted.restored)
        )
        return [] if before == after else [compare.change("change" if before else "add", key, before, after)]


@dataclass(frozen=True)
class _Rendered:
    """What a release is to be, and what it was, without what diff_ignore names and with random values marked.

    :arg secrets: the strings of all Secrets, also of those that are ignored or random.
    """

    after: Manifests
    before: Manifests
    whole: Manifests  # as helm applies it
    secrets: frozenset[str]
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reverted:
    """Objects that are not as their manifest says: what an upgrade makes of them, what of that is unsure, and where."""

    changes: list[ObjectChange]
    warnings: list[str]
    edits: dict[Key, Any]
    untried: str = ""  # why it cannot be told whether the cluster accepts what changes


@dataclass(frozen=True)
class _Comparison:
    """One release whose stamp does not settle it."""

    plan: Changes
    base: Change
    release: Release
    chart: Chart
    apis: Apis
    recovering: bool = False  # the release goes back to its last good revision first
    blind: str = ""  # why it is rendered without the release's history
    unseeing: bool = False  # rendered without a look into the cluster, which does not serve its kinds yet

    @property
    def scope(self) -> Scope:
        return Scope(self.release.namespace, self.apis.namespaced(self.plan.cluster.namespaced))

    def install(self) -> Change:
        rendered = self._rendered(Manifests(), is_upgrade=False)
        after = rendered.after
        found = self._as_live(compare.objects((), after.objects, self.scope), after)
        changes = [*self._listed, *found, *self._hooks(Manifests(), after, "install")]
        revision = self.base.deployed.revision + 1 if self.base.deployed else 1
        return self._finished("install", ("new",), changes, rendered, revision)

    def anew(self, deployed: Deployed) -> Change:
        """A first install that never got done goes away, and all begins again."""
        rendered = self._rendered(Manifests(), is_upgrade=False)
        after, scope = rendered.after, self.scope
        found = [
            compare.change("replace" if self.plan.exists(item, scope.of(item)) else "add", scope.key(item), None, item)
            for item in after.objects
        ]
        changes = [*self._listed, *found, *self._hooks(Manifests(), after, "install")]
        return self._finished("recover", ("pending",), changes, rendered, 1)

    def upgrade(self, deployed: Deployed, recovering: bool, drifted: bool = False) -> Change:
        body = self.plan.cluster.body(deployed, deployed.current_revision or deployed.revision)
        try:
            rendered = replace(self, recovering=recovering)._rendered(stored(body), is_upgrade=True)
        except HelmFailure as failure:
            if self.blind or not self._awaits_kinds(failure):
                raise
            return self.without_history("its kinds are not served yet").upgrade(deployed, recovering, drifted)
        after, before, secrets = rendered.after, rendered.before, rendered.secrets
        changes = compare.objects(before.objects, after.objects, self.scope, self._kept)
        base = replace(self.base, chart_from=body.chart_name, version_from=body.chart_version)
        reasons = self._reasons(base, body, changes, before, after) or (("drift",) if drifted else ())
        if not reasons and not self._lacks_restart(body, after):
            return replace(base, action="adopt", reasons=("readiness",), revision_to=deployed.revision, secrets=secrets)
        reasons = reasons or ("readiness",)
        last = body if body.revision == deployed.revision else self.plan.cluster.body(deployed)
        changes, reverted = self._upgraded(deployed, last, stored(body), rendered, recovering)
        gone = "helm cannot upgrade it from objects of kinds that are not served any more"
        lost = self.plan.unserved(stored(last), Apis(), gone)
        warnings = (*base.warnings, *reverted.warnings, *lost)
        base = replace(base, warnings=warnings, edits=reverted.edits, untried=reverted.untried)
        action = "recover" if recovering else "upgrade"
        rendered = replace(rendered, secrets=rendered.secrets | _secrets(stored(last)))
        revision = deployed.revision + (2 if recovering else 1)
        return replace(self, base=base)._finished(action, reasons, changes, rendered, revision)

    def _upgraded(
        self, deployed: Deployed, last: ReleaseBody, stored_before: Manifests, rendered: _Rendered, recovering: bool
    ) -> tuple[list[ObjectChange], _Reverted]:
        """All that an upgrade does, new random values included, and what of it follows from edits of live objects."""
        held, after = ignore.without(stored_before, self.plan.diff_ignore), rendered.after
        changes = self._as_live(compare.objects(held.objects, after.objects, self.scope, self._kept), after)
        refused, untried = ([], "") if recovering else self._refused(deployed, last, changes, rendered)
        changes = [*self._listed, *(self._undone(last, held, changes) if recovering else changes)]
        reverted = self._reverted(deployed, last, changes, rendered, recovering)
        reverted = replace(reverted, warnings=[*refused, *reverted.warnings], untried=untried)
        hooks = self._hooks(held, after, "upgrade")
        changes = compare.with_hooks([*changes, *reverted.changes], hooks)
        return [*changes, *self._restarted(changes, after)], reverted

    def _reasons(
        self, base: Change, body: ReleaseBody, changes: Sequence[ObjectChange], before: Manifests, after: Manifests
    ) -> tuple[str, ...]:
        release, chart = self.release, self.chart
        status = base.deployed.status if base.deployed else ""
        values = visible(release, self.plan.values(release).merged)
        scope = self.scope
        hooks_differ = {scope.key(i): i for i in before.hooks} != {scope.key(i): i for i in after.hooks}
        version = (body.chart_name, body.chart_version) != (chart.name, chart.version)
        other_values = not self._reuses and values != visible(release, body.config)
        reasons = {
            "version": version,
            "values": other_values,
            "chart": not version and bool(base.definitions or ((changes or hooks_differ) and not other_values)),
            "options": {**body.labels, **release.labels} != body.labels,
            "failed": status == "failed",
            "pending": status.startswith(("pending", "uninstalling")),
        }
        return tuple(reason for reason, holds in reasons.items() if holds)

    def _kept(self, item: Object) -> bool:
        return live.kept(item, self.plan.live(item, self.scope.of(item)))

    def _as_live(self, changes: list[ObjectChange], after: Manifests) -> list[ObjectChange]:
        """Objects that someone deleted come back with any upgrade, and those that are there already are not added."""
        scope = self.scope
        listed = {item.key: item for item in changes}
        for item in after.objects:
            key = scope.key(item)
            known = listed.get(key)
            there = self.plan.live(item, scope.of(item))
            if there is None and (known is None or known.op != "add"):
                listed[key] = compare.change("add", key, None, item)
            elif there is not None and known is not None and known.op == "add":
                owner = live.owner(there)
                listed[key] = replace(known, op="change", owner=None if owner == self.release.id else owner)
        return [item for item in listed.values() if item.op != "remove" or self._is_there(item)]

    def _is_there(self, item: ObjectChange) -> bool:
        return item.before is not None and self.plan.exists(item.before, item.namespace)

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
            restart.lacking(self.plan.live(item, self.scope.of(item)) or {}, body.last_deployed) for item in workloads
        )

    def _undone(self, last: ReleaseBody, held: Manifests, changes: list[ObjectChange]) -> list[ObjectChange]:
        """Recovery goes back to the last good revision first, which deletes what only the unfinished one has."""
        scope = self.scope
        good = {scope.key(item) for item in held.objects}
        listed = {item.key: item for item in changes}
        for item in stored(last).objects:
            key = scope.key(item)
            if key not in good and self.plan.exists(item, scope.of(item)) and not self._kept(item):
                known = listed.get(key)
                listed[key] = replace(known, op="replace") if known else compare.change("remove", key, item, None)
        return list(listed.values())

    def _reverted(
        self,
        deployed: Deployed,
        last: ReleaseBody,
        changes: Sequence[ObjectChange],
        rendered: _Rendered,
        recovering: bool,
    ) -> _Reverted:
        """Objects whose manifest stays as it is, but whose live state an upgrade does not leave as it is."""
        scope, how = self.scope, self._way(last)
        listed = {item.key for item in changes}
        # what the last revision has applied, if that is not the one to compare with: it failed
        applied = {scope.key(item): item for item in stored(last).objects}
        # of two manifests of the same object the last one is what helm leaves
        whole = {scope.key(item): item for item in rendered.whole.objects}
        found: list[ObjectChange] = []
        edited: dict[Key, Any] = {}
        unsure: dict[str, list[str]] = {}
        for key, item in {scope.key(item): item for item in rendered.after.objects}.items():
            doubt = last.revision != deployed.current_revision and applied.get(key) != whole[key]
            # to go back is a change of the manifest, by which all kinds are changed
            former = applied.get(key) if doubt and recovering else None
            if key in listed or not (former or live.touches(item, how)):
                continue
            live_item = self.plan.live(item, scope.of(item)) or {}
            edits = drift.edits(live_item, item, self.release.name, self.release.namespace)
            edited |= {key: edits} if edits else {}
            drifted = self.plan.cluster.reapplied(deployed, whole[key], scope.of(item), how, doubt, former)
            if drifted is not None:
                found += self.plan.counted(key, drifted)
                edited.setdefault(key, ())
                if drifted.problem:
                    unsure.setdefault(drifted.problem, []).append(f"{key[1]} {key[3]}")
        return _Reverted(found, [f"{', '.join(names)}: {problem}" for problem, names in unsure.items()], edited)

    def _way(self, last: ReleaseBody) -> str:
        major, forced = self.plan.helm(self.release).version.major, self.plan.drift == CORRECT
        return live.way(self.release.options, major, last, forced=forced)

    def _refused(
        self, deployed: Deployed, last: ReleaseBody, changes: Sequence[ObjectChange], rendered: _Rendered
    ) -> tuple[list[str], str]:
        """Changes that the cluster would refuse, such as those of immutable fields, and why that cannot be told."""
        how = self._way(last)
        whole = {self.scope.key(item): item for item in rendered.whole.objects}
        refused: list[str] = []
        for item in changes:
            if item.op != "change" or item.key not in whole:
                continue
            try:
                why = self.plan.cluster.refusal(deployed, whole[item.key], item.namespace, how)
            except Forbidden as error:
                return refused, str(error)
            refused += [f"{item.kind} {item.name}: {why}"] if why else []
        return refused, ""

    def _finished(
        self,
        action: str,
        reasons: tuple[str, ...],
        changes: Sequence[ObjectChange],
        rendered: _Rendered,
        revision: int,
    ) -> Change:
        before = [change.before for change in changes if change.before]
        fails = "helm fails at kinds that the cluster does not serve, unless something brings them before"
        unserved = self.plan.unserved(rendered.after, self.apis, fails)
        unsure = (f"its templates see revision 1 here, as {self.blind}",) if self.blind else ()
        return replace(
            self.base,
            action=action,
            reasons=reasons,
            warnings=(*self.base.warnings, *unsure, *rendered.unsure, *unserved),
            objects=tuple(changes),
            revision_to=revision,
            secrets=rendered.secrets | secret_strings(before),
        )

    @property
    def _mentions(self) -> Mentions:
        return self.chart.mentions | self.plan.values(self.release).mentions

    def _rendered(self, held: Manifests, *, is_upgrade: bool) -> _Rendered:
        try:
            return self._marked(held, is_upgrade=is_upgrade)
        except HelmFailure as failure:
            if self.unseeing or not self._awaits_kinds(failure):
                raise
            rendered = replace(self, unseeing=True)._rendered(held, is_upgrade=is_upgrade)
            why = "its templates' lookups find nothing here, as its kinds are not served yet"
            return replace(rendered, unsure=(why,))

    def _marked(self, held: Manifests, *, is_upgrade: bool) -> _Rendered:
        """Two renders differ in what is random, or follows the clock; there is none of it if one is what is deployed.

        :arg held: what is deployed.
        """
        rules, mentions = self.plan.diff_ignore, self._mentions
        whole = self._render(is_upgrade=is_upgrade)
        first, before = ignore.without(whole, rules), ignore.without(held, rules)
        if (mentions.random or mentions.clock) and first != before:
            home, near = self.plan.helm(self.release).home, self._dry_runs(is_upgrade)
            zone = clock.another(home, mentions, near=near) if mentions.clock else None
            second = ignore.without(self._render(is_upgrade=is_upgrade, time_zone=zone), rules)
            first, before = compare.without_random(first, second, before, self.scope)
        return _Rendered(first, before, whole, _secrets(whole) | _secrets(held))

    def _render(self, *, is_upgrade: bool, time_zone: str | None = None) -> Manifests:
        values = self.plan.values(self.release)
        try:
            return self._rendered_with(values, is_upgrade=is_upgrade, time_zone=time_zone)
        except HelmstackError as error:
            # which of the values are secret only the manifests could have said
            mask = Mask({*likely_secrets(values.merged), *secret_strings(self._held())})
            error.reword(mask.text)
            raise

    def _held(self) -> tuple[Object, ...]:
        """The objects that the release has been deployed with; none if they cannot be read."""
        deployed = self.base.deployed
        try:
            return stored(self.plan.cluster.body(deployed)).objects if deployed else ()
        except HelmstackError:
            return ()

    def _rendered_with(self, values: Values, *, is_upgrade: bool, time_zone: str | None) -> Manifests:
        helm, cluster = self.plan.helm(self.release), self.plan.cluster
        if self._dry_runs(is_upgrade):
            last = self._recovered() if self.recovering else None
            return rendering.dry_run(
                helm, self.release, self.chart, values, cluster.info, time_zone=time_zone, last=last
            )
        able = Capabilities(cluster.info.version, self.apis.versions(cluster.api_versions()))
        look_up = self._mentions.cluster and not self.unseeing
        how: dict[str, Any] = {"is_upgrade": is_upgrade, "look_up": look_up, "time_zone": time_zone}
        return rendering.template(helm, self.release, self.chart, values, able, **how)

    def _recovered(self) -> Mapping[str, Any]:
        """The last good revision as the recovery repeats it: a dry run of a release that is pending is refused."""
        deployed = known(self.base.deployed)
        record = self.plan.cluster.record(deployed, known(deployed.current_revision))
        return {**record, "version": deployed.revision + 1, "info": {**record["info"], "status": "deployed"}}

    def _dry_runs(self, is_upgrade: bool) -> bool:
        return is_upgrade and self._needs_history and not self.blind

    @property
    def _reuses(self) -> bool:
        return rendering.reuses_values(self.release, self.plan.values(self.release).merged)

    @property
    def _needs_history(self) -> bool:
        """Whether only an upgrade knows it: `helm template` always says revision 1 and reuses no values."""
        return self._mentions.revision or self._reuses

    def without_history(self, why: str) -> _Comparison:
        """The same, rendered as if there were no earlier revision.

        :raises InputError: what it renders follows from the values of an earlier one.
        """
        if self._reuses:
            raise InputError(
                f"what release {self.release.id} becomes cannot be told, as it reuses values and {why}",
                where=self.release.where,
                hint="Set resetValues for this run, or run without this release first",
            )
        return replace(self, blind=why)

    def _awaits_kinds(self, failure: HelmFailure) -> bool:
        """Whether a dry run failed on kinds that this run brings before it comes to this release."""
        return any(
            f'no matches for kind "{kind}" in version "{version}"' in failure.words
            or f"{version}, Kind={kind}" in failure.words  # of a lookup
            for version, kind in self.apis.kinds
        )

    def _hooks(self, before: Manifests, after: Manifests, event: str) -> list[ObjectChange]:
        name = "none" if self.release.options.disable_hooks else event
        return compare.hooks(before.hooks, after.hooks, self.scope, name, self.plan.live)

    @property
    def _listed(self) -> list[ObjectChange]:
        return [item.change for item in self.base.definitions]


def verified(change: Change, owner: tuple[str, str]) -> bool:
    """Whether the deployed release bears the stamp of just this, at its latest revision.

    :arg owner: the stack and the environment that it must belong to.
    """
    found = change.deployed
    if found is None or found.status != "deployed":
        return False
    wanted = {
        **(change.release.labels if change.release else {}),
        stamp.STACK: owner[0],
        stamp.ENVIRONMENT: owner[1],
        stamp.FINGERPRINT: change.fingerprint,
        stamp.REVISION: str(found.revision),
    }
    return wanted.items() <= found.labels.items()


def stored(body: ReleaseBody) -> Manifests:
    """The manifests that a release was deployed with."""
    name = f"{body.namespace}/{body.name}"
    hooks = [item for hook in body.hooks for item in manifest.parse(hook.manifest, name)]
    return Manifests(tuple(manifest.parse(body.manifest, name)), tuple(hooks))


def _secrets(manifests: Manifests) -> frozenset[str]:
    return secret_strings((*manifests.objects, *manifests.hooks))


def visible(release: Release, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that can shape the release: what a sprayed umbrella says of other sub-charts cannot."""
    return {key: value for key, value in values.items() if key not in release.hidden_values}

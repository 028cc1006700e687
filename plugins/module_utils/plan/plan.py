# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired times observed gives a Plan. Only reads: whatever it asks, check mode may ask too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, crds
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo, Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import compare, ignore, manifest, order
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import render as rendering
from ansible_collections.helmstack.core.plugins.module_utils.plan import spray as spraying
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import Capabilities
from ansible_collections.helmstack.core.plugins.module_utils.plan.secrets import secret_strings
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Work:
    """What is to be planned: releases, what each needs, and the charts that are known already."""

    releases: list[Release]
    edges: order.Graph
    charts: Mapping[str, Chart]
    sprays: tuple[Sprayed, ...]


class Cluster(Protocol):
    """What the plan asks of the cluster; all of it reads."""

    @property
    def info(self) -> ClusterInfo: ...
    def releases(self) -> Mapping[str, Deployed]: ...
    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody: ...
    def api_versions(self) -> tuple[str, ...]: ...
    def namespaced(self, api_version: str, kind: str) -> bool: ...
    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool: ...
    def has_namespace(self, name: str) -> bool: ...


@dataclass(frozen=True)
class Settings:
    """What the task says about planning, beyond the stack."""

    state: str = "present"
    all: bool = False
    prune: bool = False
    prune_max: int = 5
    concurrency: int = 8
    recovery: Recovery = field(default_factory=Recovery)
    diff_ignore: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Planner:
    """Makes the plan of one run. ``fetch``, ``helm`` and ``values`` give a release's chart, helm program and values."""

    stack: Stack
    settings: Settings
    cluster: Cluster
    fetch: Callable[[Release], Chart]
    helm: Callable[[Release], Helm]
    values: Callable[[Release], Values]
    expand: Callable[[Release, Chart], Sprayed]

    def plan(self) -> Plan:
        """The plan.

        :raises HelmstackError: the stack cannot be planned; nothing has been done.
        """
        selected = self._selected()
        ignored = [self._skipped(release, "ignored") for release in selected if release.ignore]
        work = self.work([release for release in selected if not release.ignore])
        if self.settings.state == "absent":
            changes = self._absent(work)
        else:
            changes = self._present(work) + self._pruned(work)
        ordered = _in_order([*changes, *ignored])
        return Plan(self.stack.name, self.stack.environment, ordered, self._digest(ordered), sprays=work.sprays)

    # which releases

    def _selected(self) -> list[Release]:
        targets = self.stack.targets
        if self.settings.prune and targets is not None:
            raise InputError("prune works on the whole stack, so it cannot be combined with targets or selector")
        if self.settings.state == "absent" and targets is None and not self.settings.all:
            raise InputError(
                "state: absent needs targets or a selector",
                hint="To uninstall the whole stack, say 'all: true'",
            )
        wanted = None if targets is None else set(targets)
        return [release for release in self.stack.releases if wanted is None or release.id in wanted]

    def work(self, releases: list[Release]) -> Work:
        """The releases to plan and their graph, sprayed umbrellas expanded."""
        umbrellas = [release for release in releases if release.spray is not None]
        found = self._parallel(lambda release: self.expand(release, self.fetch(release)), umbrellas)
        sprays = {sprayed.umbrella.id: sprayed for sprayed in found}
        every = [each for r in releases for each in (sprays[r.id].releases if r.id in sprays else (r,))]
        twice = [identity for identity, count in Counter(release.id for release in every).items() if count > 1]
        if twice:
            raise InputError(
                f"release {min(twice)} is declared twice: by a sprayed umbrella and by another release or umbrella",
                hint="Give the umbrella a prefix with 'prefix_releases'",
            )
        charts = {identity: chart for sprayed in found for identity, chart in sprayed.charts.items()}
        return Work(every, spraying.ordered(order.graph(releases), sprays), charts, tuple(found))

    def _present(self, work: Work) -> list[Change]:
        self._check_needs(work)
        depth = order.waves(work.edges)
        changes = self._parallel(lambda release: self._change(release, work.charts.get(release.id)), work.releases)
        changes = [replace(c, wave=depth[c.id], needs=tuple(sorted(work.edges[c.id]))) for c in changes]
        return self._with_namespaces(changes)

    def _check_needs(self, work: Work) -> None:
        planned = {r.id for r in work.releases} | {sprayed.umbrella.id for sprayed in work.sprays}
        every = {release.id: release for release in self.stack.releases}
        for release in (*work.releases, *(sprayed.umbrella for sprayed in work.sprays)):
            for need in release.needs:
                deployed = self.cluster.releases().get(need) if need not in planned else None
                if need in planned or (deployed and deployed.status == "deployed"):
                    continue
                why = "is ignored" if need in every and every[need].ignore else "is not among the targets"
                hint = "" if "ignored" in why else "Add it to the targets, or say 'include_needs: true'"
                raise InputError(
                    f"release {release.id} needs {need}, which {why} and is not deployed",
                    where=release.where,
                    hint=hint,
                )

    def _skipped(self, release: Release, why: str) -> Change:
        deployed = self.cluster.releases().get(release.id)
        return Change(release.name, release.namespace, "skip", release=release, deployed=deployed, note=why)

    def _absent(self, work: Work) -> list[Change]:
        edges = order.reversed_graph(work.edges)
        depth = order.waves(edges)
        observed = self.cluster.releases()

        def removal(release: Release) -> Change:
            found = observed.get(release.id)
            if release.protected and found:
                return self._skipped(release, "protected")
            if found is None or found.status == "uninstalled":
                return Change(release.name, release.namespace, "unchanged", release=release)
            return replace(self._removal(found), release=release)

        changes = self._parallel(removal, work.releases)
        return [replace(c, wave=depth[c.id], needs=tuple(sorted(edges[c.id]))) for c in changes]

    def _pruned(self, work: Work) -> list[Change]:
        if not self.settings.prune:
            return []
        wanted = {release.id: release for release in (*self.stack.releases, *work.releases)}
        mine = [found for found in self.cluster.releases().values() if self._is_mine(found)]
        gone = [
            found
            for found in mine
            if found.id not in wanted or (wanted[found.id].ignore and not wanted[found.id].protected)
        ]
        if len(gone) > self.settings.prune_max:
            names = ", ".join(sorted(found.id for found in gone))
            raise InputError(
                f"prune would uninstall {len(gone)} releases ({names}), and prune_max allows {self.settings.prune_max}",
                hint="Nothing was done. Raise prune_max if that is what you want",
            )
        return self._parallel(self._removal, gone)

    def _is_mine(self, found: Deployed) -> bool:
        return (
            found.status != "uninstalled"
            and found.labels.get(stamp.STACK) == self.stack.name
            and found.labels.get(stamp.ENVIRONMENT, "") == (self.stack.environment or "")
        )

    # one release

    def _change(self, release: Release, known: Chart | None = None) -> Change:
        chart = known or self.fetch(release)
        values = self.values(release)
        deployed = self.cluster.releases().get(release.id)
        base = Change(
            name=release.name,
            namespace=release.namespace,
            action="unchanged",
            release=release,
            chart=chart,
            values=values.files,
            deployed=deployed,
            fingerprint=self.fingerprint(release, chart),
        )
        recovery = self.settings.recovery.of(deployed)
        if deployed is None or deployed.status == "uninstalled":
            return self._install(base, chart, values)
        if recovery is None and self.verified(base):
            return replace(base, chart_from=chart.name, version_from=chart.version, revision_to=deployed.revision)
        return self._compared(base, chart, values, deployed, recovery is not None)

    def fingerprint(self, release: Release, chart: Chart) -> str:
        """What the stamp of this release would say."""
        helm = self.helm(release).version
        merged = _visible(release, self.values(release).merged)
        return stamp.fingerprint(release, chart, merged, f"{helm.major}.{helm.minor}", self.cluster.info.version)

    @staticmethod
    def verified(change: Change) -> bool:
        """Whether the deployed release bears the stamp of just this, at its latest revision."""
        found = change.deployed
        return (
            found is not None
            and found.status == "deployed"
            and found.labels.get(stamp.FINGERPRINT) == change.fingerprint
            and found.labels.get(stamp.REVISION) == str(found.revision)
        )

    def _install(self, base: Change, chart: Chart, values: Values) -> Change:
        release = _of(base)
        scope = self._scope(release)
        after, _unused = self._rendered(release, chart, values, Manifests(), scope, is_upgrade=False)
        changes = [
            *self._crds(release, chart),
            *compare.objects((), after.objects, scope),
            *self._hooks(release, Manifests(), after, scope, "install"),
        ]
        revision = base.deployed.revision + 1 if base.deployed else 1
        return self._finished(base, "install", ("new",), changes, after, revision)

    def _compared(self, base: Change, chart: Chart, values: Values, deployed: Deployed, recovering: bool) -> Change:
        release = _of(base)
        body = self.cluster.body(deployed, deployed.current_revision or deployed.revision)
        scope = self._scope(release)
        before = stored(body)
        after, before = self._rendered(release, chart, values, before, scope, is_upgrade=True)
        changes = compare.objects(before.objects, after.objects, scope)
        base = replace(base, chart_from=body.chart_name, version_from=body.chart_version)
        reasons = self._reasons(base, body, changes, before, after, scope)
        if not reasons and not recovering:
            return replace(base, action="adopt", reasons=("readiness",), revision_to=deployed.revision)
        changes += self._hooks(release, before, after, scope, "upgrade")
        action = "recover" if recovering else "upgrade"
        extra = 1 if recovering and deployed.current_revision else 0
        revision = deployed.revision + 1 + extra if deployed.current_revision or not recovering else 1
        return self._finished(base, action, reasons, changes, after, revision)

    def _reasons(
        self,
        base: Change,
        body: ReleaseBody,
        changes: list[ObjectChange],
        before: Manifests,
        after: Manifests,
        scope: Scope,
    ) -> tuple[str, ...]:
        release, deployed = _of(base), base.deployed
        status = deployed.status if deployed else ""
        found = []
        if (base.chart_from, base.version_from) != (_chart(base).name, _chart(base).version):
            found.append("version")
        values = _visible(release, self.values(release).merged)
        if not release.options.reuse_values and values != _visible(release, body.config):
            found.append("values")
        hooks_differ = {scope.key(i): i for i in before.hooks} != {scope.key(i): i for i in after.hooks}
        if (changes or hooks_differ) and not found:
            found.append("chart")
        if {**body.labels, **release.labels} != body.labels:
            found.append("options")
        if status == "failed":
            found.append("failed")
        if status.startswith(("pending", "uninstalling")):
            found.append("pending")
        return tuple(found)

    def _removal(self, found: Deployed) -> Change:
        body = self.cluster.body(found)
        before = stored(body)
        scope = Scope(found.namespace, self.cluster.namespaced)
        kept = [item for item in before.objects if not compare.keeps(item)]
        changes = compare.objects(kept, (), scope)
        changes += compare.hooks((), before.hooks, scope, "delete", self._exists)
        return Change(
            name=found.name,
            namespace=found.namespace,
            action="uninstall",
            reasons=("removed",),
            deployed=found,
            chart_from=body.chart_name,
            version_from=body.chart_version,
            objects=tuple(changes),
            secrets=secret_strings((*before.objects, *before.hooks)),
        )

    def _finished(
        self,
        base: Change,
        action: str,
        reasons: tuple[str, ...],
        changes: Sequence[ObjectChange],
        after: Manifests,
        revision: int,
    ) -> Change:
        before = [change.before for change in changes if change.before]
        return replace(
            base,
            action=action,
            reasons=reasons,
            objects=tuple(changes),
            revision_to=revision,
            secrets=secret_strings((*after.objects, *after.hooks, *before)),
        )

    # rendering

    def _rendered(
        self, release: Release, chart: Chart, values: Values, before: Manifests, scope: Scope, *, is_upgrade: bool
    ) -> tuple[Manifests, Manifests]:
        """The new manifests and the old ones, random values marked in both."""

        def once() -> Manifests:
            helm = self.helm(release)
            if rendering.looks_into_cluster(release, chart):
                return rendering.dry_run(helm, release, chart, values)
            able = Capabilities(self.cluster.info.version, self.cluster.api_versions)
            return rendering.template(helm, release, chart, values, able, is_upgrade=is_upgrade)

        first = ignore.without(once(), self.settings.diff_ignore)
        before = ignore.without(before, self.settings.diff_ignore)
        if not chart.random:
            return first, before
        second = ignore.without(once(), self.settings.diff_ignore)
        return compare.without_random(first, second, before, scope)

    # objects

    def _scope(self, release: Release) -> Scope:
        return Scope(release.namespace, self.cluster.namespaced)

    def _exists(self, item: Object, namespace: str) -> bool:
        return self.cluster.exists(str(item.get("apiVersion", "")), manifest.kind(item), namespace, manifest.name(item))

    def _hooks(
        self, release: Release, before: Manifests, after: Manifests, scope: Scope, event: str
    ) -> list[ObjectChange]:
        name = "none" if release.options.disable_hooks else event
        return compare.hooks(before.hooks, after.hooks, scope, name, self._exists)

    def _crds(self, release: Release, chart: Chart) -> list[ObjectChange]:
        """The chart's ``crds/``: Helm makes those that are not there, at the first install only."""
        if release.options.skip_crds:
            return []
        found = [item for text in crds(chart) for item in manifest.parse(text, chart.name)]
        scope = Scope("", lambda version, kind: False)
        return [compare.change("add", scope.key(item), None, item) for item in found if not self._exists(item, "")]

    def _with_namespaces(self, changes: list[Change]) -> list[Change]:
        """Adds to the first release of each new namespace the namespace that Helm makes for it."""
        made = {o.name for c in changes for o in c.objects if o.kind == "Namespace"}
        result = {}
        for change in sorted(changes, key=lambda item: item.wave):
            release = _of(change)
            if change.effective and change.namespace not in made and not self.cluster.has_namespace(change.namespace):
                if not release.options.create_namespace:
                    raise InputError(
                        f"namespace {change.namespace} of release {change.id} does not exist",
                        where=release.where,
                        hint="Make it, or set 'createNamespace: true' for the release or in helmDefaults",
                    )
                made.add(change.namespace)
                result[change.id] = replace(change, objects=(_namespace(change.namespace), *change.objects))
            else:
                result[change.id] = change
        return [result[change.id] for change in changes]

    def _parallel(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        todo = list(items)
        if not todo:
            return []
        with ThreadPoolExecutor(max_workers=max(1, self.settings.concurrency)) as pool:
            futures = [pool.submit(work, item) for item in todo]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _digest(self, changes: Iterable[Change]) -> str:
        cluster = self.cluster.info.uid or self.cluster.info.server
        facts = [
            [c.id, c.action, c.revision_from, c.deployed.status if c.deployed else None, c.fingerprint] for c in changes
        ]
        return "sha256:" + stamp.digest([cluster, self.stack.name, self.stack.environment, facts])


def stored(body: ReleaseBody) -> Manifests:
    """The manifests that a release was deployed with."""
    hooks = [item for hook in body.hooks for item in manifest.parse(hook.manifest, f"{body.namespace}/{body.name}")]
    return Manifests(tuple(manifest.parse(body.manifest, f"{body.namespace}/{body.name}")), tuple(hooks))


def _visible(release: Release, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that can shape the release: what a sprayed umbrella says of other sub-charts cannot."""
    return {key: value for key, value in values.items() if key not in release.hidden_values}


def _in_order(changes: list[Change]) -> tuple[Change, ...]:
    """By wave; removals that prune adds come last, as they are done last; else as the stack writes them."""
    return tuple(sorted(changes, key=lambda change: (change.release is None, change.wave)))


def _namespace(name: str) -> ObjectChange:
    after = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}}
    return ObjectChange("add", "Namespace", "", name, None, after)


def _of(change: Change) -> Release:
    assert change.release is not None
    return change.release


def _chart(change: Change) -> Chart:
    assert change.chart is not None
    return change.chart

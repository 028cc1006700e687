# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wanted and observed state give a Plan. It only reads, as check mode needs the same."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import (
    crds,
    namespaces,
    object_owners,
    order,
    owner,
    parts,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import spray as spraying
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import Begun, Changes
from ansible_collections.helmstack.core.plugins.module_utils.plan.cluster import ObservedCluster
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan, required
from ansible_collections.helmstack.core.plugins.module_utils.plan.pruning import Former
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds, kinds_defined_by
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import visible
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Work:
    """The input of a plan: releases, the needs of each, and the charts that are known already."""

    releases: list[Release]
    edges: order.Graph
    charts: Mapping[str, Chart]
    sprays: tuple[Sprayed, ...]


@dataclass(frozen=True)
class Settings:
    """The task's options for planning."""

    state: str
    all: bool
    prune: bool
    prune_max: int
    take_over: bool
    delete_namespace: bool
    concurrency: int


@dataclass
class Planner:
    """Makes the plan of one run: compares each release, then checks owners, order, namespaces and prune.

    docs/check_mode.md lists its rules with their cases, and what it cannot know.

    :arg stack: the wanted releases, resolved.
    :arg cluster: the observed releases; it is only read.
    :arg fetch: gives a release's chart.
    :arg expand: gives the releases of an umbrella and of its chart.
    :arg changes: plans single releases.
    :arg interrupt: ends the helm processes, if the run itself must end.
    """

    stack: Stack
    settings: Settings
    cluster: ObservedCluster
    fetch: Callable[[Release], Chart]
    expand: Callable[[Release, Chart], Sprayed]
    changes: Changes
    interrupt: Callable[[], None]

    def plan(self) -> Plan:
        """A change for each release of the stack, unchanged ones included, and for those that prune removes.

        :raises HelmstackError: the stack cannot be planned; nothing has been done.
        """
        selected = self._selected()
        ignored = [self._skipped(release, "ignored") for release in selected if release.ignore]
        work = self.work([release for release in selected if not release.ignore])
        if not self.settings.take_over:
            owner.check(work.releases, self.cluster.releases(), self.stack.name, self.stack.environment)
        former = Former(self.stack, work.releases, work.sprays, self.cluster.releases())
        if self.settings.state == "absent":
            changes = self._absent(work)
        else:
            present = self._present(work)
            gone = former.gone(self.settings.prune_max) if self.settings.prune else []
            removals = self._parallel(self.changes.removal, gone)
            changes = object_owners.in_waves(object_owners.moved([*present, *removals]))
        ordered = self._marked(_in_order([*changes, *ignored]))
        return Plan(
            self.stack.name,
            self.stack.environment,
            ordered,
            self._digest(ordered),
            sprays=work.sprays,
            origin=self.stack.origin,
            left_behind=former.left() if self.settings.state == "absent" or not self.settings.prune else (),
        )

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
        if found:
            self.cluster.want([release.id for sprayed in found for release in sprayed.releases])
        charts = {identity: chart for sprayed in found for identity, chart in sprayed.charts.items()}
        return Work(every, spraying.ordered(order.graph(releases), sprays), charts, tuple(found))

    def _present(self, work: Work) -> list[Change]:
        self._check_needs(work)
        depth = order.waves(work.edges)
        before = order.reach(work.edges)
        found: dict[str, Change] = {}

        def begun(release: Release) -> Begun:
            return self._begun(release, work, [found[identity] for identity in before[release.id]])

        self._fetch_at_once(work)
        for wave in range(max(depth.values(), default=-1) + 1):
            level = [release for release in work.releases if depth[release.id] == wave]
            for done in self._parallel(self.changes.of, map(begun, level), self.changes.kept):
                found[done.id] = done
        coming = self._coming(found.values())
        if coming:
            work = self._after_what_they_ask_for(work, found, coming)
            depth = order.waves(work.edges)
        changes = [_placed(found[r.id], depth[r.id], work.edges[r.id]) for r in work.releases]
        return self._with_namespaces(crds.listed_once(changes))

    def _coming(self, changes: Iterable[Change]) -> dict[str, UpcomingKinds]:
        """The kinds that the cluster does not serve yet, by the release that brings them."""
        found = {
            change.id: kinds_defined_by(item.after for item in change.objects if item.after).without(self.cluster.knows)
            for change in changes
            if change.effective
        }
        return {identity: apis for identity, apis in found.items() if apis.kinds}

    def _after_what_they_ask_for(
        self, work: Work, found: dict[str, Change], coming: Mapping[str, UpcomingKinds]
    ) -> Work:
        """Releases whose templates read the cluster's APIs wait for those that bring some, and are planned so.

        Else it would be left to chance what they see; and the next run would find them otherwise.

        :arg found: the changes by release, which are made anew where need be.
        """
        asking = [
            release
            for release in work.releases
            if self.changes.depends_on_apis(release, required(found[release.id].chart))
        ]
        edges = dict(work.edges)
        for release in reversed(asking):
            for bringer in coming:
                if bringer != release.id and release.id not in order.before(bringer, edges):
                    edges[release.id] |= {bringer}
        work = replace(work, edges=edges)
        reached, depth = order.reach(edges), order.waves(edges)
        later = [r for r in asking if not reached[r.id].isdisjoint(coming)]
        for release in sorted(later, key=lambda release: depth[release.id]):
            earlier = [found[identity] for identity in reached[release.id]]
            found[release.id] = self.changes.of(self._begun(release, work, earlier))
        every = reduce(or_, self._coming(found.values()).values(), UpcomingKinds())
        for release in asking:
            found[release.id] = self.changes.stamped(found[release.id], every)
        return work

    def _fetch_at_once(self, work: Work) -> None:
        """Fetches the charts that are not on this disk, each once, so that nobody waits for one after the other."""
        away = [
            release for release in work.releases if not os.path.isabs(release.chart) and release.id not in work.charts
        ]
        self._parallel(self.fetch, {(release.chart, release.version): release for release in away}.values())

    def _begun(self, release: Release, work: Work, before: list[Change]) -> Begun:
        """What is known of a release's change; it may use the kinds of the releases that it needs."""
        chart = work.charts.get(release.id) or self.fetch(release)
        new = (item.after for earlier in before for item in earlier.objects if item.after)
        return self.changes.begun(release, chart, kinds_defined_by(new))

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
            change = self.changes.removal(found, release)
            takers = sorted(stays & {taker.id for taker in self.stack.releases if release.id in taker.needs})
            why = f"it goes, although what stays needs it: {', '.join(takers)}"
            return replace(change, warnings=(*change.warnings, why)) if takers else change

        going = {release.id for release in work.releases} | {sprayed.umbrella.id for sprayed in work.sprays}
        stays = {i for i, found in observed.items() if i not in going and found.status != "uninstalled"}
        changes = self._parallel(removal, work.releases)
        placed = [_placed(change, depth[change.id], edges[change.id]) for change in changes]
        return namespaces.left_over(placed, self.cluster, delete=self.settings.delete_namespace)

    def _with_namespaces(self, changes: list[Change]) -> list[Change]:
        """Adds to one release of each new namespace the namespace that Helm makes for it; guests wait for its maker."""
        result = {change.id: change for change in sorted(changes, key=lambda item: item.wave)}
        makers: dict[str, str] = {}
        made_by_helm: set[str] = set()
        for change in result.values():
            makers |= {item.name: change.id for item in change.objects if item.kind == "Namespace"}
        homeless = [c for c in result.values() if c.effective and not self.cluster.has_namespace(c.namespace)]
        for change in homeless:
            if change.deployed and change.deployed.status != "uninstalled":
                raise InputError(
                    f"namespace {change.namespace} is being deleted, and release {change.id} with it",
                    where=required(change.release).where,
                    hint="Run again when it is gone",
                )
        for change in homeless:
            if change.namespace not in makers and required(change.release).options.create_namespace:
                made_by_helm.add(change.namespace)
                makers[change.namespace] = change.id
                result[change.id] = replace(change, objects=(_namespace(change.namespace), *change.objects))
        before = order.reach({change.id: frozenset(change.needs) for change in changes})
        for change in homeless:
            maker = makers.get(change.namespace, change.id)
            able = required(change.release).options.create_namespace
            if able and (change.namespace in made_by_helm or maker == change.id or change.id in before[maker]):
                result[change.id] = replace(result[change.id], makes_namespace=True)
            else:
                _check_maker(change, maker, before)
                needs = tuple(sorted({*change.needs, maker}))
                result[change.id] = replace(result[change.id], needs=needs)
        return object_owners.in_waves(result[change.id] for change in changes)

    def _parallel(
        self, work: Callable[[T], R], items: Iterable[T], quick: Callable[[T], R | None] = lambda item: None
    ) -> list[R]:
        """What becomes of each item, in order.

        :arg quick: gives what needs no thread; None: ``work`` must do it.
        """
        with ThreadPoolExecutor(max_workers=max(1, self.settings.concurrency)) as pool:
            try:
                found = [quick(item) or pool.submit(work, item) for item in items]
                return [each.result() if isinstance(each, Future) else each for each in found]
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                if not isinstance(error, Exception):
                    self.interrupt()
                raise

    def _marked(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """The changes with the marks of their inputs, salted with the uid of Helm's storage, which no result shows."""
        salt = self.cluster.salt if any(change.deployed is None for change in changes) else ""

        def mark(change: Change) -> str:
            return parts.mark(change, self._values(change), change.deployed.uid if change.deployed else salt)

        return tuple(replace(change, parts=mark(change)) for change in changes)

    def _values(self, change: Change) -> Mapping[str, Any]:
        if change.release is None or change.chart is None:
            return {}
        return visible(change.release, self.changes.context.values(change.release).merged)

    def _digest(self, changes: Sequence[Change]) -> str:
        """The plan's digest. It covers secrets and is shown, so it is salted with a text that no result shows:

        the random uid of each release's storage object, or of an object of the cluster if all are new.
        """
        cluster = self.cluster.info.uid or self.cluster.info.server
        facts = [parts.facts(change) for change in changes]
        salt = "" if any(change.deployed for change in changes) else self.cluster.salt
        return "sha256:" + stamp.digest([cluster, salt, self.stack.name, self.stack.environment, facts])


def _placed(change: Change, wave: int, needs: Iterable[str]) -> Change:
    """A change with its place in the order. Most have it from the beginning, and there may be very many."""
    place = (wave, tuple(sorted(needs)))
    return change if place == (change.wave, change.needs) else replace(change, wave=wave, needs=place[1])


def _check_maker(change: Change, maker: str, before: Mapping[str, frozenset[str]]) -> None:
    """A release can only live in a namespace that another one makes which does not need it itself."""
    if maker == change.id or change.id in before[maker]:
        raise InputError(
            f"namespace {change.namespace} of release {change.id} does not exist",
            where=required(change.release).where,
            hint="Make it, or set 'createNamespace: true' for the release or in helmDefaults",
        )


def _in_order(changes: list[Change]) -> tuple[Change, ...]:
    """By wave; removals that prune adds come last, unless others wait for them; else as the stack writes them."""
    awaited = {need for change in changes for need in change.needs}
    return tuple(sorted(changes, key=lambda c: (c.release is None and c.id not in awaited, c.wave)))


def _namespace(name: str) -> ObjectChange:
    after = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}}
    return ObjectChange("add", "Namespace", "", name, None, after)

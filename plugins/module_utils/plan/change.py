# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of one release: a full comparison, unless its stamp proves that nothing changed."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.enabled import without_effect
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import secret_strings
from ansible_collections.helmstack.core.plugins.module_utils.plan import (
    compare,
    crds,
    images,
    manifest,
    reasons,
    uncorrectable,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import render as rendering
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.crds import Due
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import (
    ALWAYS,
    CORRECT,
    IGNORE,
    REPORT,
    Change,
    ObjectChange,
    required,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery, check_upgradable
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds, kinds_defined_by
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import visible
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

# Most runs change nothing.
if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.plan.comparison import Comparison


@dataclass(frozen=True)
class Begun:
    """What is known of a release's change before anybody is asked: it is unchanged, unless that is found not to be so.

    :arg apis: kinds that earlier releases bring.
    """

    change: Change
    release: Release
    chart: Chart
    apis: UpcomingKinds


@dataclass(frozen=True)
class Changes:
    """Plans single releases; may be asked from several threads at once."""

    context: Context
    recovery: Recovery
    owner: tuple[str, str]  # stack, environment
    lenient: bool = False  # check mode: a missing right is a warning instead of a failure
    all_images: bool = False  # also those of unchanged releases, which takes a request each

    def begun(self, release: Release, chart: Chart, apis: UpcomingKinds) -> Begun:
        """What is known of a release before it is compared."""
        change = Change(
            name=release.name,
            namespace=release.namespace,
            action="unchanged",
            release=release,
            chart=chart,
            deployed=self.context.cluster.releases().get(release.id),
            fingerprint=self.fingerprint(release, chart, apis),
            warnings=self._warnings(release, chart),
        )
        return Begun(change, release, chart, apis)

    def kept(self, begun: Begun) -> Change | None:
        """The change of a release whose stamp proves that nothing changed; None: to tell takes more than a look."""
        looks = self.context.drift != IGNORE or self.all_images or begun.release.options.test
        deployed = begun.change.deployed
        if looks or deployed is None or not verified(begun.change, self.owner):
            return None
        return self.of(begun) if self.recovery.of(deployed) is None else None

    def of(self, begun: Begun) -> Change:
        """The change that makes a release as it is wanted."""
        base, release, chart, apis = begun.change, begun.release, begun.chart, begun.apis
        deployed = base.deployed
        recovering = self.recovery.of(deployed) is not None
        if deployed is None or deployed.status == "uninstalled":
            return self._comparison(base, release, chart, apis, install=True).install()
        if verified(base, self.owner) and not recovering:
            kept = replace(
                base,
                chart_from=chart.name,
                version_from=chart.version,
                app_version_from=chart.app_version,
                revision_to=deployed.revision,
                images=self._kept_images(deployed),
                tests=self._kept_tests(release, deployed),
            )
            return self._with_drift(kept, deployed, apis)
        if recovering and deployed.current_revision is None:
            return self._comparison(base, release, chart, apis, install=True).anew(deployed)
        if not recovering:
            check_upgradable(deployed, lambda: self.context.cluster.body(deployed).status)
        change = self._comparison(base, release, chart, apis, install=False).upgrade(deployed, recovering=recovering)
        if change.action != "adopt":
            return change
        adopted = replace(change, reasons=(reasons.of_adoption(deployed, self.owner),))
        return self._with_drift(adopted, deployed, apis)

    def _kept_tests(self, release: Release, deployed: Deployed) -> tuple[str, ...]:
        if not release.options.test or self.context.run_tests != ALWAYS:
            return ()
        return self.context.tests(release, stored(self.context.cluster.body(deployed)).hooks, changes=False)

    def _kept_images(self, deployed: Deployed) -> images.Used:
        if not self.all_images:
            return images.Used()
        found = images.of(stored(self.context.cluster.body(deployed)).all)
        return images.Used(found, found)

    def _warnings(self, release: Release, chart: Chart) -> tuple[str, ...]:
        values = self.context.values(release)
        # helm-spray's own switches are such values
        idle = () if release.umbrella else without_effect(chart.dependencies, values.merged)
        return (*chart.warnings, *values.warnings, *idle)

    def _comparison(
        self, base: Change, release: Release, chart: Chart, apis: UpcomingKinds, *, install: bool
    ) -> Comparison:
        """Templates see the kinds of the chart's own ``crds/``, which are applied before helm renders."""
        from ansible_collections.helmstack.core.plugins.module_utils.plan.comparison import Comparison

        due = self._due(base, release, chart, apis, install=install)
        apis |= kinds_defined_by(item.manifest for item in due.definitions)
        fingerprint = self.fingerprint(release, chart, apis)
        base = replace(base, fingerprint=fingerprint, definitions=due.definitions)
        base = replace(base, warnings=tuple(dict.fromkeys((*base.warnings, *due.warnings))))
        return Comparison(self.context, base, release, chart, apis)

    def _due(self, base: Change, release: Release, chart: Chart, apis: UpcomingKinds, *, install: bool) -> Due:
        values = self.context.values(release).merged
        if release.options.upgrade_crds and base.deployed and rendering.reuses_values(release, values):
            values = merge((self.context.cluster.body(base.deployed).config, values))
        scope = Scope(release.namespace, apis.namespaced(self.context.cluster.namespaced))
        version = self.context.helm(release).version()
        helm = version.major, version.minor
        return crds.due(release, chart, values, self.context.cluster, scope, helm=helm, install=install)

    def fingerprint(self, release: Release, chart: Chart, apis: UpcomingKinds) -> str:
        """The fingerprint of this release.

        :arg apis: kinds that the cluster will serve besides its own.
        """
        helm, values, options = self.context.helm(release), self.context.values(release), release.options
        asked = (chart.mentions | values.mentions).apis
        versions = apis.versions(self.context.cluster.api_versions()) if asked else ()
        seen = versions if "*" in asked else tuple(name for name in sorted(asked) if _holds(versions, name))
        around = stamp.Conditions(
            helm=f"{helm.version().major}.{helm.version().minor}",
            cluster=(self.context.cluster.info.version, *seen),
            post_renderer=helm.post_renderer(options.post_renderer) if options.post_renderer else "",
            ignored=self.context.diff_ignore,
        )
        return stamp.fingerprint(release, chart, visible(release, values.merged), around)

    def depends_on_apis(self, release: Release, chart: Chart) -> bool:
        """Whether the release's templates read which APIs the cluster has."""
        return bool((chart.mentions | self.context.values(release).mentions).apis)

    def stamped(self, change: Change, apis: UpcomingKinds) -> Change:
        """A change that leaves the stamp of a cluster in which all of a plan's kinds are served."""
        return replace(change, fingerprint=self.fingerprint(required(change.release), required(change.chart), apis))

    def removal(self, found: Deployed, release: Release | None = None) -> Change:
        """The change that uninstalls a release.

        :raises Unfinished: another run may be at work on it.
        """
        if found.status.startswith("pending"):  # a release that is being uninstalled may be uninstalled again
            self.recovery.of(found)
        body = self.context.cluster.body(found)
        before = stored(body)
        scope = Scope(found.namespace, self.context.cluster.namespaced)
        changes = compare.objects(self.context.deleted(found, body, release, scope), (), scope)
        event = "none" if release and release.options.disable_hooks else "delete"
        changes += compare.hooks((), before.hooks, scope, event, self.context.live)
        gone = "helm cannot remove what is of kinds that are not served any more"
        applies = self.context.major(release) >= 4
        return Change(
            name=found.name,
            namespace=found.namespace,
            action="uninstall",
            reasons=("removed",),
            release=release,
            deployed=found,
            chart_from=body.chart_name,
            version_from=body.chart_version,
            app_version_from=body.app_version or None,
            images=images.Used(before=images.of(before.all)),
            objects=tuple(changes),
            warnings=(
                *self.context.unserved(before, UpcomingKinds(), gone),
                *self.context.failing(before.hooks, event, scope, applies=applies),
            ),
            secrets=secret_strings(before.all),
        )

    def _with_drift(self, change: Change, deployed: Deployed, apis: UpcomingKinds) -> Change:
        if self.context.drift == IGNORE:
            return change
        held = stored(self.context.cluster.body(deployed))
        found, warnings = self._drifted(deployed, held)
        due = self._due(change, required(change.release), required(change.chart), apis, install=False)
        found = [*(item.change for item in due.definitions), *found]
        change = replace(change, warnings=(*change.warnings, *due.warnings, *warnings))
        if not found:
            return change
        sides = [side for item in found for side in (item.before, item.after) if side]
        secrets = secret_strings(held.all) | secret_strings(sides)
        change = replace(change, reasons=("drift",), objects=tuple(found), secrets=secrets)
        if self.context.drift == REPORT:
            return change
        attempt = uncorrectable.attempt(found, self.context.live)
        stays = replace(change, warnings=(*change.warnings, uncorrectable.told(found)))
        if attempt and deployed.labels.get(stamp.DRIFT) == attempt:
            return stays
        comparison = self._comparison(change, required(change.release), required(change.chart), apis, install=False)
        corrected = comparison.upgrade(deployed, drifted=True)
        told = tuple(dict.fromkeys((*corrected.warnings, *warnings)))
        corrected = replace(corrected, warnings=told, attempt=attempt)
        # no objects: helm merges, and only objects of kinds unknown to it have drifted
        return corrected if corrected.objects else stays

    def _drifted(self, deployed: Deployed, held: Manifests) -> tuple[list[ObjectChange], list[str]]:
        """The objects that are not as they were deployed, and warnings on those that cannot be compared."""
        scope = Scope(deployed.namespace, self.context.cluster.namespaced)
        found = []
        unsure: dict[str, list[str]] = {}
        for item in held.objects:
            name = f"{manifest.kind(item)} {manifest.name(item)}"
            try:
                drifted = self.context.cluster.drifted(deployed, item, scope.of(item))
            except Forbidden as error:
                if self.context.drift == CORRECT and not self.lenient:
                    what = f"drift of {name} is unknown: {error}"
                    raise ClusterError(what, hint="Or set 'drift: ignore'") from None
                unsure.setdefault(f"is unknown: {error}", []).append(name)
                continue
            if drifted is not None:
                counted = self.context.counted(scope.key(item), drifted)
                found += counted
                if counted and drifted.problem:
                    unsure.setdefault(f"is computed without the server: {drifted.problem}", []).append(name)
        return found, [f"drift of {', '.join(names)} {reason}" for reason, names in unsure.items()]


def _holds(versions: tuple[str, ...], name: str) -> bool:
    """Whether a name is among sorted ones, of which a cluster may have thousands, and a stack as many releases."""
    at = bisect_left(versions, name)
    return at < len(versions) and versions[at] == name


def verified(change: Change, owner: tuple[str, str]) -> bool:
    """Whether the latest revision of the deployed release has this fingerprint as its stamp.

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

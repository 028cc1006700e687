# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders one release: chooses helm's method, renders twice, and marks random values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import (
    likely_secrets,
    secret_strings,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import compare, ignore, render_clock
from ansible_collections.helmstack.core.plugins.module_utils.plan import render as rendering
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, stored
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import required
from ansible_collections.helmstack.core.plugins.module_utils.plan.render import Capabilities
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_UNSERVED = "its kinds are not served yet"


@dataclass(frozen=True)
class Rendered:
    """A release's new and old manifests, without the parts of diff_ignore and with random values marked.

    :arg secrets: the strings of all Secrets, also of those that are ignored or random.
    """

    after: Manifests
    before: Manifests
    whole: Manifests  # as helm applies it
    secrets: frozenset[str]
    unsure: tuple[str, ...] = ()  # what is not as the run will find it


@dataclass(frozen=True)
class Renderer:
    """Renders one release.

    :arg recovering: it goes back to its last good revision first.
    :arg blind: its history is not looked at, as the cluster does not serve its kinds yet.
    :arg unseeing: nor what its templates look up.
    """

    context: Context
    release: Release
    chart: Chart
    apis: UpcomingKinds
    deployed: Deployed | None
    recovering: bool = False
    blind: bool = False
    unseeing: bool = False

    @property
    def _mentions(self) -> Mentions:
        return self.chart.mentions | self.context.values(self.release).mentions

    def rendered(self, held: Manifests, *, is_upgrade: bool) -> Rendered:
        """The release's new manifests, beside the old ones.

        :arg held: what is deployed.
        :raises HelmstackError: it cannot be rendered.
        """
        try:
            return self._marked(held, is_upgrade=is_upgrade)
        except HelmFailure as failure:
            if not self._awaits_kinds(failure):
                raise
            if self._dry_runs(is_upgrade=is_upgrade):
                return self._without_history().rendered(held, is_upgrade=is_upgrade)
            if self.unseeing:
                raise
            return replace(self, unseeing=True).rendered(held, is_upgrade=is_upgrade)

    def without_first_chance(self, rendered: Rendered) -> tuple[Manifests, Manifests] | None:
        """The old and the new side without what is random at a first install, where a lookup finds nothing yet.

        A chart that keeps a password by a lookup renders it more than once at its first install, each time another one;
        so a checksum over it is right only from the first upgrade on. None: nothing is random in that way.
        """
        if not (self._mentions.random and self._mentions.cluster):
            return None
        unseeing, rules = replace(self, unseeing=True, blind=True), self.context.diff_ignore
        try:
            first, again = (ignore.without(unseeing._render(is_upgrade=False), rules) for _time in range(2))
        except HelmstackError:  # it cannot be installed without what it looks up
            return None
        before, after = (
            compare.without_random(first, again, side, self._scope)[1] for side in (rendered.before, rendered.after)
        )
        return before, after

    def _marked(self, held: Manifests, *, is_upgrade: bool) -> Rendered:
        """Two renders differ in what is random or follows the clock; there is none of it if one is what is deployed.

        What follows the date shows in another time zone, unless templates have other times than the present in it. The
        same date as the deployed one is no change.
        """
        rules, mentions = self.context.diff_ignore, self._mentions
        whole = self._render(is_upgrade=is_upgrade)
        first, before = ignore.without(whole, rules), ignore.without(held, rules)
        if first != before and (mentions.random or mentions.clock):
            elsewhere = None
            if mentions.clock:
                render_clock.next_second()
            again = ignore.without(self._render(is_upgrade=is_upgrade), rules)
            if mentions.clock and not mentions.times:
                zone = render_clock.zone(
                    self.context.helm(self.release).home, near=self._dry_runs(is_upgrade=is_upgrade)
                )
                elsewhere = ignore.without(self._render(is_upgrade=is_upgrade, time_zone=zone), rules)
            first, before = compare.without_random(first, again, before, self._scope, elsewhere)
        return Rendered(first, before, whole, secret_strings(whole.all) | secret_strings(held.all), self._unsure)

    def _render(self, *, is_upgrade: bool, time_zone: str | None = None) -> Manifests:
        values = self.context.values(self.release)
        try:
            return self._rendered_with(values, is_upgrade=is_upgrade, time_zone=time_zone)
        except HelmstackError as error:
            # which of the values are secret only the manifests could have said
            mask = Mask({*likely_secrets(values.merged), *self._held()})
            error.reword(mask.text)
            raise

    def _held(self) -> frozenset[str]:
        """The strings of the deployed release's Secrets; none if they cannot be read."""
        deployed = self.deployed
        try:
            return secret_strings(stored(self.context.cluster.body(deployed)).all) if deployed else frozenset()
        except HelmstackError:
            return frozenset()

    def _rendered_with(self, values: Values, *, is_upgrade: bool, time_zone: str | None) -> Manifests:
        helm, cluster = self.context.helm(self.release), self.context.cluster
        if self._dry_runs(is_upgrade=is_upgrade):
            last = self._recovered() if self.recovering else None
            return rendering.dry_run(
                helm, self.release, self.chart, values, cluster.info, time_zone=time_zone, last=last
            )
        able = Capabilities(cluster.info.version, self.apis.versions(cluster.api_versions()))
        look_up = self._mentions.cluster and not self.unseeing
        how: dict[str, Any] = {"is_upgrade": is_upgrade, "look_up": look_up, "time_zone": time_zone}
        renders = self.context.renders if self._is_the_same_everywhere else None
        return rendering.template(helm, self.release, self.chart, values, able, renders=renders, **how)

    @property
    def _is_the_same_everywhere(self) -> bool:
        """Whether all that templates see is known, so that another host's render may be taken."""
        mentions = self._mentions
        follows_more = mentions.cluster or mentions.random or mentions.clock or mentions.times
        return not follows_more and not self.release.options.post_renderer

    def _recovered(self) -> Mapping[str, Any]:
        """The last good revision as the recovery repeats it: a dry run of a release that is pending is refused."""
        deployed = required(self.deployed)
        record = self.context.cluster.record(deployed, required(deployed.current_revision))
        return {**record, "version": deployed.revision + 1, "info": {**record["info"], "status": "deployed"}}

    def _dry_runs(self, *, is_upgrade: bool) -> bool:
        return is_upgrade and self._needs_history and not self.blind

    @property
    def _reuses(self) -> bool:
        return rendering.reuses_values(self.release, self.context.values(self.release).merged)

    @property
    def _needs_history(self) -> bool:
        """Whether only an upgrade knows it: `helm template` always says revision 1 and reuses no values."""
        return self._mentions.revision or self._reuses

    def _without_history(self) -> Renderer:
        """The same, as if there were no earlier revision.

        :raises InputError: what it renders follows from the values of an earlier one.
        """
        if self._reuses:
            raise InputError(
                f"what release {self.release.id} becomes is unknown: it reuses values, and {_UNSERVED}",
                where=self.release.where,
                hint="Set resetValues for this run, or run without this release first",
            )
        return replace(self, blind=True)

    @property
    def _unsure(self) -> tuple[str, ...]:
        told = {
            f"its templates see revision 1 here, as {_UNSERVED}": self.blind,
            f"its templates' lookups find nothing here, as {_UNSERVED}": self.unseeing,
        }
        return tuple(text for text, holds in told.items() if holds)

    @property
    def _scope(self) -> Scope:
        return Scope(self.release.namespace, self.apis.namespaced(self.context.cluster.namespaced))

    def _awaits_kinds(self, failure: HelmFailure) -> bool:
        """Whether a dry run failed on kinds that this run brings before it comes to this release."""
        return any(
            f'no matches for kind "{kind}" in version "{version}"' in failure.words
            or f"{version}, Kind={kind}" in failure.words  # of a lookup
            for version, kind in self.apis.kinds
        )

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sprayed umbrella charts: one release becomes one a sub-chart, which take its place in the plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.plan.order import Graph
from ansible_collections.helmstack.core.plugins.module_utils.set_arguments import tells
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

# Most stacks have no umbrella.
if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import SprayOptions, SubRelease


@dataclass(frozen=True)
class Sprayed:
    """One umbrella: its table of sub-charts, and those that are wanted as releases."""

    umbrella: Release
    table: tuple[SubRelease, ...]
    releases: tuple[Release, ...]
    charts: Mapping[str, Chart] = field(repr=False)  # by the release's identity


def expand(release: Release, chart: Chart, workdir: str, helm: int) -> Sprayed:
    """The releases of an umbrella.

    :arg helm: the major version of the helm that will apply them.
    :raises HelmstackError: the umbrella, its values or the options do not allow it.
    """
    from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import spray

    try:
        table = spray(chart.path, _options(release, helm))
    except HelmstackError as error:
        error.where = error.where or release.where
        raise
    wanted = [row for row in table if row.targeted]
    last = max((row.weight for row in wanted), default=0)
    releases = tuple(_release(release, row, is_last=row.weight == last) for row in wanted)
    folder = os.path.join(workdir, "sprays", release.namespace, release.name)
    charts = {each.id: _chart(chart, row, folder) for each, row in zip(releases, wanted)}
    return Sprayed(release, table, releases, charts)


def _options(release: Release, helm: int) -> SprayOptions:
    from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import SprayOptions
    from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetValue

    given = release.spray or {}
    sets = given.get("set_values") or ()
    return SprayOptions(
        release_namespace=release.namespace,
        helm=helm,
        values=release.values,
        # the integers of the stack's `set` first, which what the spray sets may replace
        set_values=tuple(SetValue(text) for text in release.set_args)
        + tuple(
            SetValue(
                str(item["value"]),
                str(item.get("value_type") or "raw"),
                secret=bool(item.get("secret")) or tells(str(item["value"])),
            )
            for item in sets
        ),
        targets=tuple(given.get("targets") or ()),
        exclude=tuple(given.get("exclude") or ()),
        only=tuple(given.get("only") or ()),
        prefix_releases=given.get("prefix_releases") or None,
        prefix_releases_with_namespace=bool(given.get("prefix_releases_with_namespace")),
        default_weight=given.get("default_weight"),
        reuse_values=release.options.reuse_values,
        reset_values=release.options.reset_values and not release.options.reuse_values,
    )


def _chart(umbrella: Chart, row: SubRelease, folder: str) -> Chart:
    """The umbrella for one release, which becomes a file in ``folder`` when helm needs it."""
    reduced = row.reduced
    if reduced is None:
        raise ValueError(f"{row.name} is not targeted")

    @cache
    def place() -> str:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, f"{row.name}.tgz")
        reduced.write(path)
        return path

    return replace(
        umbrella,
        place=place,
        digest=row.digest,
        mentions=reduced.mentions,
    )


def _release(umbrella: Release, row: SubRelease, *, is_last: bool) -> Release:
    return replace(
        umbrella,
        name=row.name,
        umbrella=umbrella.name,
        version=None,
        values=row.values,
        set_args=row.set_args,
        # helm-spray waits for the Jobs of a wave too
        options=replace(umbrella.options, wait_for_jobs=True),
        hidden_values=row.hidden_values,
        weight=row.weight,
        needs=(),
        ready=umbrella.ready if is_last else (),  # it may name what only a later wave makes
        spray=None,
    )


def ordered(outer: Graph, sprays: Mapping[str, Sprayed]) -> dict[str, frozenset[str]]:
    """The graph with each umbrella replaced by its releases.

    They start after the umbrella's needs and the next lower weight; a release that needs the umbrella waits for all.
    """

    def members(identity: str) -> list[str]:
        return [release.id for release in sprays[identity].releases] if identity in sprays else [identity]

    edges: dict[str, frozenset[str]] = {}
    for identity, needs in outer.items():
        before = frozenset(member for need in needs for member in _through(need, outer, members))
        if identity not in sprays:
            edges[identity] = before
            continue
        lower: frozenset[str] = frozenset()
        for weight in sorted({release.weight or 0 for release in sprays[identity].releases}):
            level = [release.id for release in sprays[identity].releases if (release.weight or 0) == weight]
            edges |= dict.fromkeys(level, before | lower)
            lower = frozenset(level)
    return edges


def _through(need: str, outer: Graph, members: Callable[[str], list[str]]) -> list[str]:
    """The releases that a need means; an umbrella without any means its own needs."""
    return members(need) or [found for further in outer.get(need, ()) for found in _through(further, outer, members)]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases that helm-spray made of one umbrella chart, found among the others, as the one spray that they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import SprayOptions, SubRelease, spray
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import difference
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import FoundRelease
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import identical
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource

_FEWEST = 2  # one release alone does not show that it was sprayed


@dataclass(frozen=True)
class Group:
    """Releases of one umbrella; ``switch`` says of each which sub-chart is on in it."""

    namespace: str
    releases: tuple[FoundRelease, ...]
    switch: Mapping[str, str]  # by the release's identity
    prefix: str  # of the releases' names before that of the sub-chart


@dataclass(frozen=True)
class Umbrella:
    """A group as one release of a stack."""

    options: Mapping[str, Any]  # helm_spray's
    values: Mapping[str, Any] = field(repr=False)


def groups(releases: Sequence[FoundRelease]) -> Iterator[Group]:
    """The releases that look sprayed: of one chart, each with another one of its sub-charts switched on."""
    same: dict[tuple[str, str, str], list[tuple[FoundRelease, str]]] = defaultdict(list)
    for release in releases:
        switch = _switch(release)
        if switch:
            same[release.namespace, release.chart.name, release.chart.version].append((release, switch))
    for (namespace, _chart, _version), members in same.items():
        by_prefix: dict[str, list[tuple[FoundRelease, str]]] = defaultdict(list)
        for release, switch in members:
            if release.name.endswith(switch):
                by_prefix[release.name[: len(release.name) - len(switch)]].append((release, switch))
        for prefix, found in by_prefix.items():
            if len({switch for _release, switch in found}) >= _FEWEST and (not prefix or prefix.endswith("-")):
                switches = {release.id: switch for release, switch in found}
                yield Group(namespace, tuple(release for release, _switch in found), switches, prefix)


def _switch(release: FoundRelease) -> str:
    """The one sub-chart that the release's values switch on among others that they switch off; "": none."""
    switches = {
        key: item["enabled"]
        for key, item in release.config.items()
        if isinstance(item, Mapping) and isinstance(item.get("enabled"), bool)
    }
    on = [key for key, enabled in switches.items() if enabled]
    return on[0] if len(on) == 1 and len(switches) >= _FEWEST else ""


def umbrella(group: Group, chart_path: str, helm: int) -> Umbrella | None:
    """The group as one spray, if that makes just these releases with just these values again.

    :arg chart_path: the umbrella with all its sub-charts.
    """
    options = _options(group)
    try:
        rows = _rows(group, chart_path, options, {}, helm)
        if {row.name for row in rows} != {release.name for release in group.releases}:
            options["targets"] = sorted(group.switch.values())
            rows = _rows(group, chart_path, options, {}, helm)
        values = _values(group, rows)
        if values is None:
            return None
        rows = _rows(group, chart_path, options, values, helm)
    except HelmstackError:
        return None
    return Umbrella(options, values) if _same(group, rows) else None


def _options(group: Group) -> dict[str, Any]:
    if group.prefix == f"{group.namespace}-":
        return {"prefix_releases_with_namespace": True}
    return {"prefix_releases": group.prefix[:-1]} if group.prefix else {}


def _rows(
    group: Group, chart_path: str, options: Mapping[str, Any], values: Mapping[str, Any], helm: int
) -> list[SubRelease]:
    source = (ValuesSource("values", helmyaml.to_json(values)),) if values else ()
    given = SprayOptions(
        release_namespace=group.namespace,
        values=source,
        targets=tuple(options.get("targets") or ()),
        prefix_releases=options.get("prefix_releases"),
        prefix_releases_with_namespace=bool(options.get("prefix_releases_with_namespace")),
        helm=helm,
    )
    return [row for row in spray(chart_path, given) if row.targeted]


def _merged(row: SubRelease, helm: int = 4) -> dict[str, Any]:
    return merge(document for source in row.values for document in helmyaml.load_values(source.text, "", helm))


def _values(group: Group, rows: Sequence[SubRelease]) -> dict[str, Any] | None:
    """The user's values for the whole umbrella: what the releases have beyond its own; None: they contradict.

    Of a sub-chart's values those count that its own release has, as it alone sees them.
    """
    by_name = {row.name: row for row in rows}
    switches = set(group.switch.values()) | {row.used_name for row in rows}
    whole: dict[str, Any] = {}
    for release in group.releases:
        row = by_name.get(release.name)
        if row is None:
            return None
        mine = {key: item for key, item in release.config.items() if key not in row.hidden_values}
        own = _merged(row)
        for key, item in difference(own, _without_switches(mine, switches)).items():
            if item == {} and isinstance(own.get(key), Mapping):
                continue  # but for the switch it says the same
            if key in whole and not identical(whole[key], item):
                return None
            whole[key] = item
    return whole


def _without_switches(values: Mapping[str, Any], switches: set[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in values.items():
        if key in switches and isinstance(item, Mapping):
            inner = {name: value for name, value in item.items() if name != "enabled"}
            if inner:
                result[key] = inner
        else:
            result[key] = item
    return result


def _same(group: Group, rows: Sequence[SubRelease]) -> bool:
    by_name = {row.name: row for row in rows}
    if by_name.keys() != {release.name for release in group.releases}:
        return False
    for release in group.releases:
        row = by_name[release.name]
        hidden = set(row.hidden_values)
        now = {key: item for key, item in _merged(row).items() if key not in hidden}
        if not identical(now, {key: item for key, item in release.config.items() if key not in hidden}):
            return False
    return True

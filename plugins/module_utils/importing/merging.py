# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several clusters as one stack: what they have in common, and for each an overlay with what differs.

Values that are laid over others can change and add, but not take away: null would take the chart's own default away as
well. So the stack holds only what all clusters have that have the release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import difference
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import to_json
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    DraftChange,
    DraftEnvironment,
    DraftRelease,
)

Releases = Sequence[DraftRelease]


def together(clusters: Mapping[str, Releases]) -> tuple[tuple[DraftRelease, ...], tuple[DraftEnvironment, ...]]:
    """The releases of the stack, and the environments, one a cluster; each lays exactly what its cluster has."""
    names: dict[str, None] = {release.id: None for releases in clusters.values() for release in releases}
    held = {name: {release.id: release for release in releases} for name, releases in clusters.items()}
    bases = {
        identity: _base([held[name][identity] for name in clusters if identity in held[name]]) for identity in names
    }
    environments = []
    for name in clusters:
        changes = {identity: _change(base, held[name].get(identity)) for identity, base in bases.items()}
        kept = {identity: change for identity, change in changes.items() if change != DraftChange()}
        environments.append(DraftEnvironment(name, kept))
    return tuple(bases.values()), tuple(environments)


def _base(releases: Releases) -> DraftRelease:
    first = releases[0]
    chart, version = _most((release.chart, release.version) for release in releases)
    plain = first.spray is None
    same_spray = all(release.spray == first.spray for release in releases)
    return replace(
        first,
        chart=chart,
        version=version,
        values=common([release.values for release in releases]),
        set=common([release.set for release in releases]),
        labels={key: text for key, text in first.labels.items() if all(key in each.labels for each in releases)},
        needs=tuple(need for need in first.needs if all(need in each.needs for each in releases)),
        options=agreed([release.options for release in releases]),
        values_files=tuple(file for file in first.values_files if all(file in each.values_files for each in releases)),
        ignore=all(release.ignore for release in releases),
        spray=None if plain else first.spray if same_spray else {},
        comments=tuple(dict.fromkeys(text for release in releases for text in release.comments)),
    )


def _change(base: DraftRelease, release: DraftRelease | None) -> DraftChange:
    """What makes the stack's release that of a cluster; one that it does not have is none of its business."""
    if release is None:
        return DraftChange() if base.ignore else DraftChange(ignore=True)
    other_chart = (release.chart, release.version) != (base.chart, base.version)
    options = {key: item for key, item in release.options.items() if key not in base.options}
    if release.needs != base.needs:
        options["needs"] = list(release.needs)
    if other_chart and release.version is None and base.version is not None:
        options["version"] = None  # a local chart's own version counts
    if release.spray != base.spray:
        options["spray"] = False if release.spray is None else dict(release.spray) or True
    return DraftChange(
        chart=release.chart if release.chart != base.chart else None,
        version=release.version if release.version != base.version else None,
        values=difference(dict(base.values), dict(release.values)),
        values_files=tuple(file for file in release.values_files if file not in base.values_files),
        set=difference(dict(base.set), dict(release.set)),
        labels={key: text for key, text in release.labels.items() if base.labels.get(key) != text},
        ignore=release.ignore if release.ignore != base.ignore else None,
        options=options,
    )


def agreed(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The options that all of them say alike."""
    return {
        key: item
        for key, item in several[0].items()
        if all(key in each and to_json(each[key]) == to_json(item) for each in several)
    }


def common(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all trees have: of maps the keys that are in each, of all else what most of them say."""
    result: dict[str, Any] = {}
    for key in trees[0]:
        if not all(key in tree for tree in trees):
            continue
        items = [tree[key] for tree in trees]
        maps = [isinstance(item, Mapping) for item in items]
        if all(maps):
            inner = common(items)
            if inner or not any(items):
                result[key] = inner
        elif not any(maps):
            result[key] = _most(items)
    return result


def _most(items: Iterable[Any]) -> Any:
    """The item that is there most often; of several such the first."""
    found = list(items)
    texts = [to_json(item) for item in found]
    counted = Counter(texts)
    return found[max(range(len(texts)), key=lambda index: (counted[texts[index]], -index))]

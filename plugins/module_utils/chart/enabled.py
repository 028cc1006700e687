# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sub-charts a release uses: those whose conditions and tags do not switch them off.

Source: processDependencyEnabled and CoalesceValues in Helm's pkg/chartutil (3) and pkg/chart/v2/util (4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Dependency, metadata
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files, subcharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge

Values = Mapping[str, Any]
_Named = tuple[str, Files]  # the name by which the values know a sub-chart


def enabled(content: Files, values: Values, path: tuple[str, ...] = ()) -> Iterator[Files]:
    """A chart's files, then those of each sub-chart that stays, at any depth.

    :arg values: the user's values, merged.
    :arg path: of the chart in the outermost one's values.
    """
    yield content
    declared = metadata(content, "charts/").dependencies
    inner = present(content, declared)
    every = _coalesced(content, values, inner)
    off = {item.used_name for item in declared if not _is_on(item, every, path)}
    for name, files in inner:
        if name not in off:
            yield from enabled(files, every, (*path, name))


def present(content: Files, declared: Sequence[Dependency]) -> list[_Named]:
    """What lies in ``charts/``: under the names that dependencies give it, or its own if nothing declares it."""
    inner = [(metadata(files, "charts/"), files) for files in subcharts(content)]
    found = [
        (item.name, files)
        for item, files in inner
        if not any(_fits(each, item.name, item.version) for each in declared)
    ]
    for each in declared:
        found += [(each.used_name, files) for item, files in inner if _fits(each, item.name, item.version)][:1]
    return found


def _fits(dependency: Dependency, name: str, version: str) -> bool:
    wanted = dependency.version.strip()
    try:
        return dependency.name == name and bool(wanted) and semver.satisfies(version, wanted)
    except ValueError:
        return False


def _is_on(dependency: Dependency, values: Values, path: tuple[str, ...]) -> bool:
    """The first condition that is set to a boolean decides, else the tags: one that is true, or none that is false."""
    for condition in (dependency.condition or "").strip().split(","):
        found = _at(values, (*path, *condition.split("."))) if condition else None
        if isinstance(found, bool):
            return found
    tags = values.get("tags")
    said = {tags.get(tag) for tag in dependency.tags} if isinstance(tags, Mapping) else set()
    return True in said or False not in said


def _at(values: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)
    return values


def _coalesced(content: Files, values: Values, inner: Sequence[_Named]) -> dict[str, Any]:
    """The values laid over the chart's own, and below each sub-chart's name over that one's; ``global`` goes down."""
    own = helmyaml.load(content.get("values.yaml", b"").decode(errors="replace"), "values.yaml")
    result = merge((own if isinstance(own, Mapping) else {}, values))
    for name, files in inner:
        below = result.get(name)
        if below is None or isinstance(below, Mapping):
            shared = {"global": result["global"]} if isinstance(result.get("global"), Mapping) else {}
            declared = metadata(files, "charts/").dependencies
            result[name] = _coalesced(files, merge((below, shared)), present(files, declared))
    return result

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sub-charts a release uses: those whose conditions and tags do not switch them off.

Source: processDependencyEnabled in Helm's pkg/chartutil (3) and pkg/chart/v2/util (4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Dependency, metadata
from ansible_collections.helmstack.core.plugins.module_utils.chart.coalesce import Defaults, coalesce
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files, subcharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge

Values = Mapping[str, Any]
_Named = tuple[str, Files]  # the name by which the values know a sub-chart


def enabled(content: Files, values: Values, helm: tuple[int, int], path: tuple[str, ...] = ()) -> Iterator[Files]:
    """A chart's files, then those of each sub-chart that stays, at any depth.

    :arg values: the user's values, merged.
    :arg helm: the version of the helm that will apply it.
    :arg path: of the chart in the outermost one's values.
    """
    yield content
    about = metadata(content, "charts/")
    declared = about.dependencies
    if not about.declares:  # its charts/ and their own dependencies are not checked
        for files in subcharts(content):
            yield from _every(files)
        return
    inner = present(content, declared)
    if not inner:
        return
    every = coalesce(_defaults(path[-1] if path else "", content, inner, helm[0]), values, helm)
    off = {item.used_name for item in declared if not _is_on(item, every, path)}
    for name, files in inner:
        if name not in off:
            yield from enabled(files, every, helm, (*path, name))


def without_effect(dependencies: Sequence[Dependency], values: Values) -> tuple[str, ...]:
    """Warnings on sub-charts that the user's values seem to switch off, but that nothing can switch."""
    return tuple(
        f"'{item.used_name}.enabled: false' has no effect, as the chart's dependency '{item.used_name}' has neither a "
        "condition nor tags"
        for item in dependencies
        if not item.condition and not item.tags and _at(values, (item.used_name, "enabled")) is False
    )


def _every(content: Files) -> Iterator[Files]:
    yield content
    for inner in subcharts(content):
        yield from _every(inner)


def present(content: Files, declared: Sequence[Dependency]) -> list[_Named]:
    """The charts in ``charts/``: under the names that dependencies give them, or their own if nothing declares them."""
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
    """The first condition that is set to a boolean decides, else the tags: one that is true, or none that is false.

    A blank is a part of the condition's path: behind a comma it leads to nothing.
    """
    for condition in (dependency.condition or "").strip().split(","):
        found = _at(values, (*path, *condition.split("."))) if condition else None
        if isinstance(found, bool):
            return found
    tags = values.get("tags")
    said = [tags.get(tag) for tag in dependency.tags] if isinstance(tags, Mapping) else []
    return any(value is True for value in said) or not any(value is False for value in said)


def _at(values: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)
    return values


def _defaults(name: str, content: Files, inner: Sequence[_Named], major: int) -> Defaults:
    text = content.get("values.yaml", b"").decode(errors="replace")
    return Defaults(
        name,
        merge(helmyaml.load_values(text, "values.yaml", major)),
        tuple(_defaults(key, files, _loaded(files), major) for key, files in inner),
    )


def _loaded(content: Files) -> list[_Named]:
    """A sub-chart's own sub-charts, as they are called before their turn has come."""
    return [(metadata(files, "charts/").name, files) for files in subcharts(content)]

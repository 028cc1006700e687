# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart written down from what a release holds of it, where it is in no repository.

Helm does not store sub-charts: of these only name, version and repository are left, from where they are to come. With
an alias even the name is lost, unless the chart has a lock file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import StoredChart
from ansible_collections.helmstack.core.plugins.module_utils.importing.yamltext import to_yaml

# the repository's URL in which there is such a sub-chart, by its name, version and what Chart.yaml says; "": nowhere
Find = Callable[[str, str, str], str]
_WINDOWS = re.compile(r"[A-Za-z]:")
_TAKEN = frozenset(("Chart.yaml", "values.yaml", "values.schema.json", "Chart.lock"))


@dataclass(frozen=True)
class Exported:
    """A chart as files of a folder."""

    files: Mapping[str, bytes] = field(repr=False)
    fetched: tuple[str, ...] = ()  # sub-charts that come from their repositories: "redis 1.2.3"


def export(chart: StoredChart, find: Find, dependencies: Iterable[Mapping[str, Any]] | None = None) -> Exported:
    """The files of a chart.

    :arg dependencies: in place of those that the release lists.
    :raises ChartError: a sub-chart cannot be had, or the stored files are none that a chart may have.
    """
    files = {_checked(name, chart): content for name, content in chart.files.items()}
    declared = [
        _dependency(each, chart, find) for each in (chart.dependencies if dependencies is None else dependencies)
    ]
    metadata = {
        key: item for key, item in chart.metadata.items() if key != "dependencies" and item not in ("", None, [])
    }
    if declared and metadata.get("apiVersion", "v1") == "v1":
        files["requirements.yaml"] = to_yaml({"dependencies": declared}).encode()
    elif declared:
        metadata["dependencies"] = declared
    files["Chart.yaml"] = to_yaml(metadata).encode()
    files["values.yaml"] = to_yaml(dict(chart.values)).encode()
    if chart.schema:
        files["values.schema.json"] = chart.schema
    return Exported(files, tuple(f"{each['name']} {each['version']}" for each in declared))


def _checked(name: str, chart: StoredChart) -> str:
    """A file's path, if it stays in the chart's folder: what a cluster says is not to be trusted with more."""
    parts = name.split("/")
    bad = name.startswith("/") or ".." in parts or "\\" in name or "\x00" in name or _WINDOWS.match(name)
    if bad or posixpath.normpath(name) != name or name in _TAKEN or parts[0] == "charts":
        raise ChartError(f"its chart {chart.name} {chart.version} holds a file '{name}', which no chart may have")
    return name


def _dependency(said: Mapping[str, Any], chart: StoredChart, find: Find) -> dict[str, Any]:
    """A dependency with its exact version and a repository that has it."""
    name, asked, repository = (str(said.get(key) or "") for key in ("name", "version", "repository"))
    locked = _locked(said, chart)
    if locked:
        name, asked = str(locked["name"]), str(locked.get("version") or asked)
    elif said.get("alias") == name:
        name = ""
    url = find(name, asked, repository) if name else ""
    if not url:
        what = f"sub-chart '{said.get('alias') or name}' {asked}".rstrip()
        raise ChartError(
            f"Helm does not store sub-charts, and the {what} of its chart {chart.name} {chart.version} is in none of "
            "the repositories",
            hint="Name the repository of the chart with repositories, or write where it is into the stack file",
        )
    return {**said, "name": name, "version": asked, "repository": url}


def _locked(said: Mapping[str, Any], chart: StoredChart) -> Mapping[str, Any] | None:
    """What the lock file says of a dependency; by repository and version where an alias hides the name."""
    same = [each for each in chart.locked if each.get("name") == said.get("name")]
    if not said.get("alias") or same:
        return same[0] if len(same) == 1 else None
    fitting = [
        each
        for each in chart.locked
        if each.get("repository") == said.get("repository")
        and _fits(str(each.get("version")), str(said.get("version") or ""))
    ]
    return fitting[0] if len(fitting) == 1 else None


def _fits(version: str, asked: str) -> bool:
    try:
        return not asked or version == asked or semver.satisfies(version, asked)
    except (ValueError, InputError):
        return False

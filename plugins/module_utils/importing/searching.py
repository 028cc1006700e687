# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the charts of releases come from: the repositories that are named are searched for the same content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import mapping, metadata
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import is_git, parse
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import StoredChart
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import identical
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

# written by helm package and by helm dependency update, or no part of what is rendered
_PASSED_OVER = frozenset(("Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "requirements.yaml"))


@dataclass(frozen=True)
class Source:
    """A chart in a repository that is the one of a release."""

    chart: str  # as a stack file names it
    version: str | None
    repository: str
    kind: str  # repository, oci, git
    path: str  # on this disk


@dataclass(frozen=True)
class Search:
    """What became of looking for a chart."""

    source: Source | None
    told: tuple[str, ...] = ()  # the obstacles: "charts has 1.2.3 with other content"


class Searcher:
    """Looks for charts in repositories, in their order.

    :arg git: reads the repositories of type git, whose charts have no index.
    """

    def __init__(self, store: ChartStore, repositories: Iterable[Repository], git: GitRepositories) -> None:
        self._store = store
        self._repositories = tuple(repositories)
        self._git = git
        self._charts_in = lru_cache(maxsize=None)(self._walk)
        self._found: dict[str, Search] = {}

    def search(self, chart: StoredChart) -> Search:
        """The first repository that has a chart of this name, version and content.

        :raises HelmstackError: a repository does not answer.
        """
        if chart.digest not in self._found:
            self._found[chart.digest] = self._search(chart)
        return self._found[chart.digest]

    def sub_chart(self, name: str, version: str, said: str) -> str:
        """The URL of the repository that has a sub-chart; "": none has.

        :arg said: the repository that the chart's own Chart.yaml names.
        """
        if said.startswith(("http://", "https://", "oci://")):
            return said
        for repository in self._repositories:
            if repository.type == "git":
                continue
            try:
                self._store.fetch(f"{repository.name}/{name}", version or None)
            except HelmstackError:
                continue
            return repository.url
        return ""

    def _search(self, chart: StoredChart) -> Search:
        told: list[str] = []
        for repository in self._repositories:
            try:
                in_git = repository.type == "git"
                source = self._in_git(repository, chart) if in_git else self._in_index(repository, chart)
            except _Other as other:
                told.append(f"'{repository.name}' {other.what}")
                continue
            if source:
                return Search(source)
        return Search(None, tuple(told))

    def _in_index(self, repository: Repository, chart: StoredChart) -> Source | None:
        reference = f"{repository.name}/{chart.name}"
        try:
            versions = self._store.versions(reference)
        except ChartError as error:
            # a registry does not distinguish missing charts from hidden ones
            if repository.is_oci or "has no chart '" in error.what:
                return None
            raise
        version = next((each for each in versions if each.removeprefix("v") == chart.version.removeprefix("v")), None)
        if version is None:
            return None
        found = self._store.fetch(reference, version)
        _check_same(chart_files.read(found.path), chart)
        return Source(reference, version, repository.name, "oci" if repository.is_oci else "repository", found.path)

    def _in_git(self, repository: Repository, chart: StoredChart) -> Source | None:
        other: _Other | None = None
        for ref in ("", f"v{chart.version}", chart.version, f"{chart.name}-{chart.version}"):
            for folder, commit in self._charts_in(repository, ref).get((chart.name, chart.version), ()):
                path = f"//{folder}" if folder else ""
                reference = f"{_git_url(repository)}{path}?ref={ref or commit}"
                try:
                    found = self._store.fetch(reference)
                    _check_same(chart_files.read(found.path), chart)
                except _Other as error:
                    other = error
                    continue
                return Source(reference, None, repository.name, "git", found.path)
        if other:
            raise other
        return None

    def _walk(self, repository: Repository, ref: str) -> Mapping[tuple[str, str], list[tuple[str, str]]]:
        """The charts of a commit by name and version: their folders, and the commit."""
        try:
            checkout = self._git.checkout(parse(f"{_git_url(repository)}?ref={ref}" if ref else _git_url(repository)))
        except ChartError:
            if not ref:
                raise
            return {}
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for folder in _folders(checkout.path):
            about = _about(os.path.join(folder, "Chart.yaml"))
            if about:
                inner = os.path.relpath(folder, checkout.path)
                found.setdefault(about, []).append(("" if inner == "." else inner, checkout.commit))
        return found


class _Other(Exception):
    """A chart of the name and version is there, with other content."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _git_url(repository: Repository) -> str:
    return repository.url if is_git(repository.url) and repository.url.startswith("git+") else f"git+{repository.url}"


def _folders(root: str) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        if "Chart.yaml" in names:
            yield folder


def _about(path: str) -> tuple[str, str] | None:
    try:
        with open(path, "rb") as stream:
            about = metadata({"Chart.yaml": stream.read()}, path)
    except (OSError, HelmstackError):
        return None
    return about.name, about.version


def _check_same(files: Files, chart: StoredChart) -> None:
    """Holds if a chart is the one that was stored.

    :raises _Other: it is another one.
    """
    held = chart.files
    mine = {name: data for name, data in files.items() if not _passed_over(name)}
    stored = {name: data for name, data in held.items() if not _passed_over(name)}
    differing = sorted(name for name in mine.keys() | stored.keys() if mine.get(name) != stored.get(name))
    if differing:
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise _Other(f"has {chart.version} with another {differing[0]}{more}")
    defaults = mapping(files["values.yaml"], "values.yaml") if files.get("values.yaml", b"").strip() else {}
    if not _holds(chart.values, defaults, exact=not metadata(files, chart.name).dependencies):
        raise _Other(f"has {chart.version} with another values.yaml")


def _passed_over(name: str) -> bool:
    return name in _PASSED_OVER or name.startswith("charts/") or name.endswith(".prov")


def _holds(stored: Any, defaults: Any, *, exact: bool) -> bool:
    """Whether stored defaults are these; of charts with sub-charts Helm stores what it lays between them, too."""
    if not isinstance(defaults, Mapping) or not isinstance(stored, Mapping):
        return identical(stored, defaults)
    if exact and stored.keys() != defaults.keys():
        return False
    return all(key in stored and _holds(stored[key], item, exact=exact) for key, item in defaults.items())

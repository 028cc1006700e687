# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Local charts: used in place if their sub-charts are there, else completed in a copy."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import (
    Dependency,
    fits,
    mapping,
    metadata,
    missing_dependencies,
    scalar_text,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


class _OutOfSync(ChartError):
    """The lock file says other than Chart.yaml."""


class LocalCharts:
    """Folders and archives of the user. Nothing is ever written into them.

    :arg fetch: brings a chart of a repository or registry onto this disk.
    :arg guard: looks after the copies.
    """

    def __init__(
        self,
        repositories: Repositories,
        workdir: str,
        fetch: Callable[[Wanted], Found],
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._repositories = repositories
        self._workdir = workdir
        self._fetch = fetch
        self._lock = threading.RLock()
        self._complete: dict[str, str] = {}

    def complete(self, path: str, wanted_by: tuple[str, ...] = ()) -> str:
        """The path of a chart that holds all its sub-charts: the given one, or a copy that has been filled.

        :raises ChartError: there is no chart, a dependency cannot be had, or charts depend on each other in a cycle.
        """
        path = os.path.normpath(path)
        if path in wanted_by:
            raise ChartError("charts depend on each other in a cycle: " + " -> ".join([*wanted_by, path]))
        missing = missing_dependencies(chart_files.read(path), path)
        if not missing:
            return path
        # Helm, too, only checks the names of what is there.
        would_do = all(item.held for item in missing)
        if not os.path.isdir(path):
            if would_do:
                return path
            names = ", ".join(item.dependency.name for item in missing)
            raise ChartError(f"the chart archive '{path}' lacks its dependencies: {names}", hint="Package it anew")
        # One at a time: charts share sub-charts, and downloads are the slow part.
        with self._lock:
            if path not in self._complete:
                try:
                    self._complete[path] = self._build(path, [each.dependency for each in missing], (*wanted_by, path))
                except ChartError as error:
                    if not would_do or isinstance(error, _OutOfSync):
                        raise
                    self._complete[path] = path
            return self._complete[path]

    def _build(self, path: str, missing: list[Dependency], chain: tuple[str, ...]) -> str:
        if self._guard:
            self._guard.watch()
        copy = os.path.join(tempfile.mkdtemp(prefix="build-", dir=self._workdir), os.path.basename(path))
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns(".git"), ignore_dangling_symlinks=True)
        held = os.path.join(copy, "charts")
        os.makedirs(held, exist_ok=True)
        content = chart_files.read(path)
        locked = lock_of(content, metadata(content, path).dependencies, path)
        _drop_others(held, {item.name for item in missing}, [item for item in locked if item not in missing])
        for item, exact in zip(missing, (locked[each] for each in missing), strict=True):
            if item.repository.startswith("file://"):
                found = self._beside(item, exact, path, chain)
            else:
                found = self._fetched(item, exact, path)
            _put(found, held, item)
        return copy

    def _fetched(self, item: Dependency, version: str, path: str) -> str:
        """The path of a dependency's chart, from where Chart.yaml says."""
        if not item.repository:
            raise ChartError(
                f"the dependency '{item.name}' of chart '{path}' has no repository, and charts/ does not hold it",
                hint="Put it into charts/",
            )
        if item.repository.startswith("oci://"):
            reference = f"{item.repository.rstrip('/')}/{item.name}"
        else:
            reference = f"{self._repository(item, path).name}/{item.name}"
        try:
            return self._fetch(Wanted(reference, version or None)).path
        except ChartError as error:
            told = f"the dependencies of chart '{path}' cannot be fetched: {error.what}"
            raise ChartError(told, where=error.where, hint=error.hint) from None

    def _beside(self, item: Dependency, version: str, path: str, chain: tuple[str, ...]) -> str:
        original = os.path.normpath(os.path.join(path, item.repository.removeprefix("file://")))
        if not os.path.isdir(original):
            raise ChartError(
                f"the dependency '{item.name}' of chart '{path}' must be in '{original}', which is no folder"
            )
        completed = self.complete(original, chain)
        about = metadata(chart_files.read(completed), completed)
        if not fits(item, about.name, about.version):
            raise ChartError(
                f"the dependency '{item.name}' of chart '{path}' must be {version or item.version}, but '{original}' "
                f"is {about.name} {about.version}"
            )
        return completed

    def _repository(self, item: Dependency, path: str) -> Repository:
        found = self._repositories.at(item.repository)
        if found:
            return found
        if "://" not in item.repository:
            raise ChartError(
                f"the dependency '{item.name}' of chart '{path}' comes from the repository '{item.repository}', "
                "which is not declared in the stack",
                hint="Declare it under 'repositories'",
            )
        # Helm takes a URL that it does not know, but only without a lock file; here it is taken always.
        name = "url-" + hashlib.sha256(item.repository.encode()).hexdigest()[:16]
        repository = Repository(name=name, url=item.repository)
        self._repositories.add(repository)
        return repository


def lock_of(content: chart_files.Files, declared: Iterable[Dependency], path: str) -> dict[Dependency, str]:
    """The version of each dependency: that of the chart's lock file, or without one as it is declared.

    :raises ChartError: the lock file is of other dependencies.
    """
    declared = tuple(declared)
    name = next((each for each in ("Chart.lock", "requirements.lock") if each in content), None)
    if name is None:
        return {item: item.version for item in declared}
    said = mapping(content[name], f"{path}: {name}").get("dependencies") or []
    locked = [each if isinstance(each, dict) else {} for each in said]
    pairs = list(zip(declared, locked, strict=False))
    if len(locked) != len(declared) or not all(
        fits(item, str(each.get("name")), str(each.get("version"))) for item, each in pairs
    ):
        raise _OutOfSync(
            f"the lock file of chart '{path}' is out of sync with its dependencies",
            hint=f"Run: helm dependency update {path}",
        )
    return {item: scalar_text(each.get("version") or item.version) for item, each in pairs}


def _drop_others(held: str, names: set[str], present: Iterable[Dependency]) -> None:
    """Removes versions that are not wanted of what is going to be put there."""
    present = tuple(present)
    for entry in os.listdir(held):
        place = os.path.join(held, entry)
        if not entry.endswith(".tgz") and not os.path.isfile(os.path.join(place, "Chart.yaml")):
            continue
        about = metadata(chart_files.read(place), place)
        if about.name in names and not any(fits(item, about.name, about.version) for item in present):
            shutil.rmtree(place) if os.path.isdir(place) else os.unlink(place)


def _put(found: str, held: str, item: Dependency) -> None:
    """Two versions of a chart may be wanted, under two aliases."""
    about = metadata(chart_files.read(found), found)
    name = item.name if not os.path.lexists(os.path.join(held, item.name)) else f"{item.name}-{about.version}"
    if os.path.isdir(found):
        shutil.copytree(found, os.path.join(held, name), ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
    else:
        shutil.copyfile(found, os.path.join(held, f"{about.name}-{about.version}.tgz"))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Local charts: used in place if their sub-charts are there, else completed by helm in a copy."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import (
    Dependency,
    metadata,
    missing_dependencies,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories, write_config
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.helm import Helm, HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository


class _OutOfSync(ChartError):
    """The lock file says other than Chart.yaml."""


class LocalCharts:
    """Folders and archives of the user. Nothing is ever written into them."""

    def __init__(self, helm: Helm, repositories: Repositories, workdir: str) -> None:
        self._helm = helm
        self._repositories = repositories
        self._workdir = workdir
        self._lock = threading.RLock()
        self._complete: dict[str, str] = {}

    def complete(self, path: str, wanted_by: tuple[str, ...] = ()) -> str:
        """The path of a chart that holds all its sub-charts: the given one, or a copy that helm has filled.

        :raises ChartError: there is no chart, a dependency cannot be had, or charts depend on each other in a circle.
        """
        path = os.path.normpath(path)
        if path in wanted_by:
            raise ChartError("charts depend on each other in a circle: " + " -> ".join([*wanted_by, path]))
        missing = missing_dependencies(chart_files.read(path), path)
        if not missing:
            return path
        # Helm, too, asks for no more than the name of what lies there.
        would_do = all(item.held for item in missing)
        if not os.path.isdir(path):
            if would_do:
                return path
            names = ", ".join(item.dependency.name for item in missing)
            raise ChartError(f"the chart archive '{path}' lacks its dependencies: {names}", hint="Package it anew")
        # One at a time: charts share sub-charts, and helm's own downloads are the slow part.
        with self._lock:
            if path not in self._complete:
                try:
                    self._complete[path] = self._build(path, (*wanted_by, path))
                except ChartError as error:
                    if not would_do or isinstance(error, _OutOfSync):
                        raise
                    self._complete[path] = path
            return self._complete[path]

    def _build(self, path: str, chain: tuple[str, ...]) -> str:
        declared = metadata(chart_files.read(path), path).dependencies
        root = tempfile.mkdtemp(prefix="build-", dir=self._workdir)
        # The copy lies as deep as the original, so that relative file:// references lead from it to places within root.
        copy = os.path.join(root, path.lstrip(os.sep))
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns(".git"), ignore_dangling_symlinks=True)
        for item in declared:
            self._link_folder(item, path, copy, chain)
        try:
            self._helm.dependency_build(copy, self._config(declared, path, root))
        except HelmFailure as failure:
            raise _told(failure, path, root) from None
        return copy

    def _link_folder(self, item: Dependency, path: str, copy: str, chain: tuple[str, ...]) -> None:
        """Puts the chart of a relative file:// dependency where helm looks for it from the copy."""
        target = item.repository.removeprefix("file://")
        if target == item.repository or os.path.isabs(target):
            return
        original = os.path.normpath(os.path.join(path, target))
        if not os.path.isdir(original):
            raise ChartError(
                f"the dependency '{item.name}' of chart '{path}' is to lie in '{original}', which is no folder"
            )
        place = os.path.normpath(os.path.join(copy, target))
        if not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(self.complete(original, chain), place)

    def _config(self, declared: tuple[Dependency, ...], path: str, root: str) -> str:
        """A repositories.yaml with what this chart needs only: helm wants an index file for each that it names."""
        needed: dict[str, Repository] = {}
        for item in declared:
            if item.repository and not item.repository.startswith(("file://", "oci://")):
                repository = self._repository(item, path)
                needed[repository.name] = repository
                self._repositories.update(repository)
        config = os.path.join(root, "repositories.yaml")
        write_config(config, needed.values())
        return config

    def _repository(self, item: Dependency, path: str) -> Repository:
        found = self._repositories.at(item.repository)
        if found:
            return self._repositories.declared(found.name)
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


def _told(failure: HelmFailure, path: str, root: str) -> ChartError:
    said = failure.words.replace(root, "")
    if "out of sync" in said:
        return _OutOfSync(
            f"the lock file of chart '{path}' is out of sync with its dependencies",
            hint=f"Run: helm dependency update {path}",
        )
    return ChartError(f"the dependencies of chart '{path}' cannot be fetched: {said}")

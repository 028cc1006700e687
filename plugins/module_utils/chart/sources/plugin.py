# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts of repositories that helm reaches by a plugin, such as s3:// and gs://."""

from __future__ import annotations

import os

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import sha256
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import (
    Found,
    Surroundings,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.repository import parts
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository


class PluginSource:
    """``repository/name`` of a repository that is no web server's."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def takes(self, reference: str) -> bool:
        return "://" not in reference

    def find(self, wanted: Wanted) -> Found:
        repository, name = parts(self._around, wanted.reference)
        exact = wanted.version if wanted.version and semver.is_exact(wanted.version) else None
        cached = self._around.cache.find(*_key(repository, name, exact)) if exact else None
        if cached:
            return self._found(wanted, repository, cached[0], str(cached[1].get("version") or exact))
        path = self._pull(repository, name, wanted)
        version = load(path, wanted.reference).version
        keys = [_key(repository, name, each) for each in dict.fromkeys((exact or version, version))]
        self._around.cache.keep(path, {"version": version}, *keys)
        return self._found(wanted, repository, path, version)

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        repository, name = parts(self._around, wanted.reference)
        self._around.repositories.update(repository)
        return tuple(self._around.helm.chart_versions(f"{repository.name}/{name}"))

    def _found(self, wanted: Wanted, repository: Repository, path: str, version: str) -> Found:
        source = without_credentials(repository.url)
        return Found(path, Origin("repository", wanted.reference, source, version, f"sha256:{sha256(path)}"))

    def _pull(self, repository: Repository, name: str, wanted: Wanted) -> str:
        helm, repositories = self._around.helm, self._around.repositories
        repositories.update(repository)
        folder = self._around.folder("pull-")
        try:
            helm.pull(
                f"{repository.name}/{name}",
                folder,
                wanted.version,
                devel=wanted.devel,
                insecure=repository.insecure,
            )
        except HelmFailure as failure:
            raise repositories.explain(repository, name, wanted.version, failure) from None
        archives = [entry for entry in os.listdir(folder) if entry.endswith(".tgz")]
        if len(archives) != 1:
            raise ChartError(f"helm pull of chart {repository.name}/{name} left no archive")
        return os.path.join(folder, archives[0])


def _key(repository: Repository, name: str, version: str) -> tuple[str, ...]:
    # A chart that needs a user to be fetched must not be found by another.
    return ("plugin", repository.url.rstrip("/"), repository.username or "", name, version.removeprefix("v"))

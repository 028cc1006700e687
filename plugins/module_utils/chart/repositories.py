# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chart repositories of a run, in a Helm configuration of our own; credentials are in its 0600 file only."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    InputError,
    did_you_mean,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import begins_with, without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository


class Repositories:
    """Declared repositories; each index is downloaded once a run, and only if it is needed."""

    def __init__(self, helm: Helm, declared: Iterable[Repository]) -> None:
        self._helm = helm
        self._declared = {repository.name: repository for repository in declared}
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._updated: dict[str, str] = {}  # name -> why it failed, or ""
        write_config(helm.repository_config, self._declared.values())

    def declared(self, name: str) -> Repository:
        """The repository of a name.

        :raises InputError: it is not declared, or of a kind that is not supported.
        """
        repository = self._declared.get(name)
        if repository is None:
            hint = did_you_mean(name, self._declared) or "Declare it under 'repositories'"
            raise InputError(f"the chart repository '{name}' is not declared in the stack", hint=hint)
        return repository

    def named(self, name: str) -> Repository | None:
        """The declared repository of a name, if there is one."""
        return self._declared.get(name)

    def around(self, url: str) -> Repository | None:
        """The declared repository whose URL this one begins with; of several the nearest."""
        found = [item for item in list(self._declared.values()) if begins_with(url, _full_url(item))]
        return max(found, key=lambda item: len(item.url), default=None)

    def at(self, url: str) -> Repository | None:
        """The declared repository with this URL, or of this ``@name`` or ``alias:name``."""
        name = re.sub(r"^(@|alias:)", "", url)
        if name != url:
            return self._declared.get(name)
        same = (item for item in self._declared.values() if item.url.rstrip("/") == url.rstrip("/"))
        return next(same, None)

    def add(self, repository: Repository) -> None:
        """Makes a repository known that only a chart's dependencies name."""
        with self._lock:
            if repository.name not in self._declared:
                self._declared[repository.name] = repository
                write_config(self._helm.repository_config, self._declared.values())

    def update(self, repository: Repository) -> None:
        """Downloads the repository's index file, unless this run has done so.

        :raises ChartError: the repository does not answer, refuses, or is not trusted.
        """
        with self._lock:
            lock = self._locks.setdefault(repository.name, threading.Lock())
        with lock:
            if repository.name not in self._updated:
                self._updated[repository.name] = self._helm.repo_update(repository.name)
        reason = self._updated[repository.name]
        if reason:
            raise _unreachable(repository, reason)

    def explain(self, repository: Repository, name: str, version: str | None, failure: HelmFailure) -> ChartError:
        """Why a chart could not be pulled, from the index: no such chart, no such version, or what helm said."""
        charts = self._chart_names(repository)
        if charts and name not in charts:
            return ChartError(
                f"the repository '{repository.name}' has no chart '{name}'", hint=did_you_mean(name, charts)
            )
        versions = self._helm.chart_versions(f"{repository.name}/{name}") if version else []
        if version and versions and not _fits_any(version, versions):
            from ansible_collections.helmstack.core.plugins.module_utils.chart.sources import trouble

            return trouble.no_version(f"chart {repository.name}/{name}", version, versions)
        said = _reason(failure.words)
        return ChartError(f"chart {repository.name}/{name} cannot be fetched: {said}", hint=_cause(failure.words).hint)

    def _chart_names(self, repository: Repository) -> list[str]:
        """Helm keeps the names beside the index file, which may be many megabytes."""
        try:
            path = os.path.join(self._helm.repository_cache, f"{repository.name}-charts.txt")
            with open(path, encoding="utf-8") as stream:
                return stream.read().split()
        except OSError:
            return []


def _full_url(repository: Repository) -> str:
    return repository.url if "://" in repository.url or not repository.is_oci else f"oci://{repository.url}"


def write_config(path: str, repositories: Iterable[Repository]) -> None:
    """Helm's repositories.yaml, readable by this user only."""
    entries = [_entry(repository) for repository in repositories if not repository.is_oci and repository.type == "helm"]
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump({"apiVersion": "", "repositories": entries}, stream)
    os.replace(temporary, path)


def _entry(repository: Repository) -> dict[str, object]:
    return {
        "name": repository.name,
        "url": repository.url,
        "username": repository.username or "",
        "password": repository.password or "",
        "caFile": repository.ca_file or "",
        "certFile": repository.cert_file or "",
        "keyFile": repository.key_file or "",
        "insecure_skip_tls_verify": repository.insecure,
        "pass_credentials_all": False,
    }


def _fits_any(version: str, versions: Sequence[str]) -> bool:
    try:
        return any(semver.satisfies(found, version) for found in versions)
    except ValueError:
        return False


@dataclass(frozen=True)
class _Cause:
    """What Go's words on a failed request mean for the user."""

    sign: str
    verdict: str
    hint: str = ""


_CAUSES = (
    _Cause(r"\b40[13]\b", "refuses this user", "Check username and password of the repository"),
    _Cause(r"\b404\b", "has no such file", "Check its url"),
    _Cause(
        r"protocol handler",
        "is of a kind that helm does not know",
        "Use http or https, or install helm's plugin for it",
    ),
    _Cause(r"TLS config", "cannot be asked", "Check its ca_file, cert_file and key_file"),
    _Cause(r"x509|tls:", "is not trusted", "Give its certificate authority with ca_file"),
    _Cause(r"unmarshal|no API version|yaml:", "does not answer with a chart index", "Check its url"),
    _Cause(r"", "does not answer", "Check its url, the network, and the proxy settings"),
)


def _cause(said: str) -> _Cause:
    return next(cause for cause in _CAUSES if re.search(cause.sign, said))


def _unreachable(repository: Repository, reason: str) -> ChartError:
    cause = _cause(reason)
    who = f"the chart repository '{repository.name}' ({without_credentials(repository.url)})"
    return ChartError(f"{who} {cause.verdict}: {_reason(reason)}", hint=cause.hint)


def _reason(said: str) -> str:
    """The last cause of Go's chain, which is the real one."""
    text = said.strip().splitlines()[0] if said.strip() else "no reason given"
    text = re.sub(r'^looks like "[^"]*" is not a valid chart repository or cannot be reached: ', "", text)
    return re.sub(r'(?:Get|Head) "[^"]*": ', "", text)

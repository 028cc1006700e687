# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts of declared repositories with an index file on a web server."""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources import trouble
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import sha256
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.index import (
    Entry,
    Index,
    NotAnIndex,
    choose,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found, Surroundings
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.once import Once
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.url import download
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import proper, without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.web import Access, WebError


class RepositorySource:
    """``repository/name``."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lock = threading.Lock()
        self._indexes: dict[str, Index] = {}
        self._fetched: Once[tuple[object, ...], Found] = Once()

    def takes(self, reference: str) -> bool:
        declared = self._around.repositories.named(reference.partition("/")[0])
        return "://" not in reference and (declared is None or declared.url.startswith(("http://", "https://")))

    def find(self, wanted: Wanted) -> Found:
        repository, name = parts(self._around, wanted.reference)
        exact = wanted.version if wanted.version and semver.is_exact(wanted.version) else None
        if exact and (cached := self._cached(wanted, repository, name, exact)):
            return cached
        entry = self._entry(repository, name, wanted)
        cached = None if exact else self._cached(wanted, repository, name, entry.version, entry.digest)
        if cached:
            return cached
        # another range may lead to the same one
        key = (repository.name, name, entry.version, wanted.verify, wanted.digest or "")
        found = self._fetched.of(key, lambda: self._fetch(wanted, repository, name, entry, exact))
        return replace(found, origin=replace(found.origin, reference=wanted.reference))

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        repository, name = parts(self._around, wanted.reference)
        return tuple(entry.version for entry in self._entries(repository, name))

    def _entry(self, repository: Repository, name: str, wanted: Wanted) -> Entry:
        entries = self._entries(repository, name)
        try:
            entry = choose(entries, wanted.version, devel=wanted.devel)
        except ValueError as error:
            raise InputError(f"the wanted version of chart '{wanted.reference}' cannot be read: {error}") from None
        if entry is None and wanted.version:
            versions = [each.version for each in entries]
            raise trouble.no_version(f"chart {repository.name}/{name}", wanted.version, versions)
        if entry is None:
            raise ChartError(
                f"chart {repository.name}/{name} has only pre-releases", hint="Say devel, or which version is meant"
            )
        if not entry.urls:
            raise ChartError(f"the index of '{repository.name}' says no URL for chart {name} {entry.version}")
        return entry

    def _entries(self, repository: Repository, name: str) -> tuple[Entry, ...]:
        index = self._index(repository)
        who = _named(repository)
        try:
            entries = index.entries(name)
            if not entries:
                raise ChartError(
                    f"the repository '{repository.name}' has no chart '{name}'", hint=did_you_mean(name, index.names())
                )
        except WebError as error:
            raise trouble.of_web(error, who, login=bool(self._around.access(repository).authorization)) from None
        except NotAnIndex as error:
            raise ChartError(f"{who} does not answer with a chart index: {error}", hint="Check its url") from None
        return entries

    def _index(self, repository: Repository) -> Index:
        if not proper(repository.url):
            raise ChartError(f"{_named(repository)} cannot be asked: its url is not one", hint="Check its url")
        with self._lock:
            if repository.name not in self._indexes:
                access = self._around.access(repository)
                name = hashlib.sha256(f"{repository.url}\n{access.username}".encode()).hexdigest()[:32]
                folder = self._around.cache.folder("indexes", name)
                folder = folder or self._around.folder("index-")
                at = urllib.parse.urlsplit(repository.url)
                url = urllib.parse.urlunsplit(at._replace(path=at.path.rstrip("/") + "/index.yaml"))
                self._indexes[repository.name] = Index(url, access, folder)
            return self._indexes[repository.name]

    def _cached(
        self, wanted: Wanted, repository: Repository, name: str, version: str, digest: str | None = None
    ) -> Found | None:
        """An archive that is here; one that the index says is another one by now does not count."""
        found = self._around.cache.find(*_key(repository, name, version))
        if not found:
            return None
        path, noted = found
        if (digest is not None and noted.get("said") != digest) or (wanted.digest and wanted.digest != _digest(noted)):
            return None
        if wanted.verify and not os.path.isfile(str(noted.get("provenance") or "")):
            return None
        return self._found(wanted, repository, path, noted)

    def _fetch(self, wanted: Wanted, repository: Repository, name: str, entry: Entry, exact: str | None) -> Found:
        base = urllib.parse.urlsplit(repository.url)
        folder = base._replace(path=base.path.rstrip("/") + "/", query="")
        url = urllib.parse.urljoin(folder.geturl(), entry.urls[0])
        if base.query and "://" not in entry.urls[0]:
            url = urllib.parse.urlsplit(url)._replace(query=base.query).geturl()
        who = f"chart {repository.name}/{name} {entry.version} of {_named(repository)}"
        archive, provenance = download(
            self._around, url, self._around.access(repository), who, prove=wanted.verify, at=repository.url
        )
        load(archive, wanted.reference)  # what is no chart is not kept
        noted: Mapping[str, str] = {"version": entry.version, "said": entry.digest, "sha256": sha256(archive)}
        keys = [_key(repository, name, each) for each in dict.fromkeys((exact or entry.version, entry.version))]
        kept = self._around.cache.keep(archive, noted, *keys, beside=provenance)
        return self._found(wanted, repository, kept, {**noted, "provenance": f"{kept}.prov" if provenance else ""})

    def _found(self, wanted: Wanted, repository: Repository, path: str, noted: Mapping[str, str]) -> Found:
        source, version = without_credentials(repository.url), str(noted.get("version") or "")
        provenance = str(noted.get("provenance") or "") if wanted.verify else ""
        return Found(
            path, Origin("repository", wanted.reference, source, version, _digest(noted), provenance=provenance)
        )


def parts(around: Surroundings, reference: str) -> tuple[Repository, str]:
    """The declared repository and the chart's name.

    :raises InputError: the reference is not of this form, or the repository is not declared.
    """
    repository, slash, name = reference.partition("/")
    if not slash or "/" in name or not name:
        raise InputError(
            f"'{reference}' is no chart reference",
            hint="A chart is repository/name, or a path that begins with './', '../' or '/'",
        )
    declared = around.repositories.declared(repository)
    if declared.type == "git":
        raise InputError(f"'{repository}' is a git repository: chart '{reference}' is no reference into it")
    return declared, name


def _digest(noted: Mapping[str, str]) -> str:
    return f"sha256:{noted.get('sha256')}"


def _named(repository: Repository) -> str:
    return f"the chart repository '{repository.name}' ({without_credentials(repository.url)})"


def _key(repository: Repository, name: str, version: str) -> tuple[str, ...]:
    # A chart that needs a user to be fetched must not be found by another.
    user = Access.of(repository).username
    url = without_credentials(repository.url).rstrip("/")
    return ("repository", url, user, name, version.removeprefix("v"))

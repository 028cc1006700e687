# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts in OCI registries."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import MAX_BYTES
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources import trouble
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.logins import Login, LoginFile
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found, Surroundings
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.once import Once
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.registry import Manifest, Registry
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.web import Access, WebError

CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYERS = ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip")
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
_REFERENCE = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/(?P<path>[^:@]+)"
    r"(?::(?P<tag>[^@/]+))?(?:@(?P<digest>.+))?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_IN_AN_INDEX = 20


@dataclass(frozen=True)
class Place:
    """What a reference says."""

    host: str
    path: str
    version: str | None
    digest: str | None
    reference: str  # as the user wrote it

    @property
    def url(self) -> str:
        return f"oci://{self.host}/{self.path}"


def parse(url: str, version: str | None, reference: str) -> Place:
    """The parts of ``oci://host/path/name``, with a tag or a digest at its end or without.

    :arg reference: what the user wrote.
    :raises InputError: it is not of that form, or version and tag contradict each other.
    """
    match = _REFERENCE.fullmatch(url.removeprefix("oci://"))
    if not match:
        raise InputError(
            f"'{reference}' is no reference to a chart in a registry",
            hint="Write oci://host/path/name, and a login with the repository under 'repositories'",
        )
    path, tag, digest = match["path"], match["tag"], match["digest"]
    if not _PATH.fullmatch(path):
        raise InputError(
            f"'{reference}' is no reference to a chart in a registry",
            hint="Paths are of lower-case letters, digits, and single '.', '_', '-' and '/' between them",
        )
    if digest and not _DIGEST.fullmatch(digest):
        raise InputError(f"the digest of '{reference}' is not sha256: and 64 hexadecimal digits")
    tag = tag and tag.replace("_", "+")
    if tag and version and tag != version:
        raise InputError(f"version is {version}, but the chart '{reference}' names {tag}", hint="Leave one out")
    return Place(match["host"], path, version or tag, digest, reference)


class OciSource:
    """``oci://host/path/name``, and ``repository/name`` of a declared registry."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lock = threading.Lock()
        self._registries: dict[tuple[str, Access, Login | None], Registry] = {}
        self._login_file: LoginFile | None = None
        self._fetched: Once[tuple[object, ...], Found] = Once()

    def takes(self, reference: str) -> bool:
        if reference.startswith("oci://"):
            return True
        repository = self._around.repositories.named(reference.partition("/")[0])
        return "://" not in reference and repository is not None and repository.is_oci

    def find(self, wanted: Wanted) -> Found:
        place, declared = self._place(wanted)
        exact = place.digest or (place.version if place.version and semver.is_exact(place.version) else None)
        user = self._user(place, declared)
        if exact and (cached := self._cached(wanted, place, user, exact)):
            return cached
        try:
            found = self._fetch(wanted, place, declared, user)
        except WebError as error:
            raise self._told(error, place, declared) from None
        return found

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        place, declared = self._place(wanted)
        try:
            return _versions(self._registry(place, declared).tags(place.path))
        except WebError as error:
            raise self._told(error, place, declared) from None

    def _place(self, wanted: Wanted) -> tuple[Place, Repository | None]:
        """The wanted chart, and the declared repository with its login and certificates."""
        reference = wanted.reference
        if not reference.startswith("oci://"):
            name, _slash, rest = reference.partition("/")
            declared = self._around.repositories.declared(name)
            bare = declared.url.partition("://")[2] if "://" in declared.url else declared.url
            return parse(f"oci://{bare.rstrip('/')}/{rest}", wanted.version, reference), declared
        place = parse(reference, wanted.version, reference)
        return place, self._around.repositories.around(place.url)

    def _user(self, place: Place, declared: Repository | None) -> str:
        """The user: a chart that needs a login must not be found without it."""
        login = self._login(place, declared)
        return (login.username or "token") if login else ""

    def _login(self, place: Place, declared: Repository | None) -> Login | None:
        if declared and (declared.username or declared.password):
            return Login(declared.username or "", declared.password or "")
        if not self._around.registry_config:
            return None
        with self._lock:
            if self._login_file is None:
                self._login_file = LoginFile(self._around.registry_config)
        return self._login_file.find(place.host, place.path)

    def _registry(self, place: Place, declared: Repository | None) -> Registry:
        scheme = "http" if declared and declared.plain_http else "https"
        host = "registry-1.docker.io" if place.host in ("docker.io", "index.docker.io") else place.host
        access = self._around.access(declared) if declared else Access()
        key = (f"{scheme}://{host}", access, self._login(place, declared))
        with self._lock:
            if key not in self._registries:
                self._registries[key] = Registry(*key)
            return self._registries[key]

    def _cached(self, wanted: Wanted, place: Place, user: str, exact: str) -> Found | None:
        found = self._around.cache.find("oci", place.url, user, exact)
        if not found:
            return None
        path, noted = found
        digest, provenance = str(noted.get("digest")), str(noted.get("provenance") or "")
        # a replaced one is fetched anew, so that the registry's answer is reported; signatures are kept beside it
        if wanted.digest and digest != wanted.digest:
            return None
        if wanted.verify and not os.path.isfile(provenance):
            return None
        version = str(noted.get("version") or "")
        return Found(path, Origin("oci", wanted.reference, place.url, version, digest, provenance=provenance))

    def _fetch(self, wanted: Wanted, place: Place, declared: Repository | None, user: str) -> Found:
        registry = self._registry(place, declared)
        tag, manifest = self._manifest(registry, wanted, place)
        # another range may lead to the same one
        key = (place.url, user, tag, manifest.digest, wanted.verify)
        found = self._fetched.of(key, lambda: self._archive(registry, wanted, place, user, tag, manifest))
        return replace(found, origin=replace(found.origin, reference=wanted.reference))

    def _archive(
        self, registry: Registry, wanted: Wanted, place: Place, user: str, tag: str, manifest: Manifest
    ) -> Found:
        chart = _chart_manifest(registry, place, manifest)
        folder = self._around.folder("oci-")
        version = tag.replace("_", "+") if tag else place.digest or ""
        archive = os.path.join(folder, f"{place.path.rpartition('/')[2]}-{version.replace(':', '-')}.tgz")
        with open(archive, "w+b") as stream:
            registry.blob(place.path, _layer(chart, LAYERS), stream, MAX_BYTES)
        provenance = ""
        if wanted.verify and (layer := _layer(chart, (PROVENANCE,))):
            provenance = f"{archive}.prov"
            with open(provenance, "w+b") as stream:
                registry.blob(place.path, layer, stream, 1 << 20)
        version = version if tag else load(archive, wanted.reference).version
        load(archive, wanted.reference)  # what is no chart is not kept
        keys = [manifest.digest, *([version] if tag else [])]
        noted = {"version": version, "digest": manifest.digest}
        kept = self._around.cache.keep(
            archive, noted, *(("oci", place.url, user, key) for key in keys), beside=provenance
        )
        provenance = f"{kept}.prov" if provenance else ""
        return Found(kept, Origin("oci", wanted.reference, place.url, version, manifest.digest, provenance=provenance))

    def _manifest(self, registry: Registry, wanted: Wanted, place: Place) -> tuple[str, Manifest]:
        """The tag under which the chart was found, "" for a digest, and its manifest."""
        if place.digest:
            return "", registry.manifest(place.path, place.digest)
        if place.version and semver.is_exact(place.version):
            tag = place.version.strip().replace("+", "_")
            try:
                return tag, registry.manifest(place.path, tag)
            except WebError as error:
                if error.status != 404:
                    raise
            found = _same(registry.tags(place.path), place.version)
            if not found:
                raise _no_version(place, registry.tags(place.path))
            return found, registry.manifest(place.path, found)
        tags = registry.tags(place.path)
        chosen = choose(_versions(tags), place.version, devel=wanted.devel)
        if not chosen:
            raise _no_version(place, tags, devel=wanted.devel)
        tag = chosen.replace("+", "_")
        return tag, registry.manifest(place.path, tag)

    def _told(self, error: WebError, place: Place, declared: Repository | None) -> ChartError:
        who = f"the registry {place.host}"
        if declared:
            who = f"the chart repository '{declared.name}' ({place.host})"
        known = self._login_file.hosts if self._login_file else ()
        return trouble.of_registry(error, who, place, self._login(place, declared), known)


def choose(versions: tuple[str, ...], wanted: str | None, *, devel: bool) -> str | None:
    """The newest version that is wanted. ``versions`` has the newest first."""
    wanted = (wanted or "").strip() or (">0.0.0-0" if devel else "*")
    if wanted in versions:
        return wanted
    try:
        return next((version for version in versions if semver.satisfies(version, wanted)), None)
    except ValueError as error:
        raise InputError(f"the wanted version cannot be read: {error}") from None


def _versions(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags that are versions, newest first; ``v1.2.3``, which Helm passes over, only where there are no others."""
    found = [tag.replace("_", "+") for tag in tags]
    strict = [each for each in found if semver.is_exact(each) and not each.startswith("v")]
    usable = strict or [each for each in found if semver.is_exact(each)]
    zero = semver.Version((0, 0, 0))
    return tuple(sorted(usable, key=lambda each: ((semver.parse(each) or zero).key, each), reverse=True))


def _same(tags: tuple[str, ...], version: str) -> str | None:
    """The tag that differs from a version only by the "v" before it."""
    return next((tag for tag in tags if tag.replace("_", "+").removeprefix("v") == version.removeprefix("v")), None)


def _no_version(place: Place, tags: tuple[str, ...], *, devel: bool = False) -> ChartError:
    versions = list(_versions(tags))
    if place.version and versions:
        return trouble.no_version(f"chart '{place.reference}'", place.version, versions)
    if versions and not devel:
        return ChartError(
            f"chart '{place.reference}' has only pre-releases", hint=f"There are: {', '.join(versions[:3])}. Say devel"
        )
    other = f"It has the tags {', '.join(tags[:5])}" if tags else "It has no tags at all"
    return ChartError(f"chart '{place.reference}' has no version: none of its tags is one", hint=other)


def _layer(manifest: Mapping[str, Any], kinds: tuple[str, ...]) -> str:
    found = [each for each in manifest.get("layers") or () if each.get("mediaType") in kinds]
    return str(found[-1].get("digest")) if found else ""


def _chart_manifest(registry: Registry, place: Place, manifest: Manifest) -> Mapping[str, Any]:
    """The manifest with a chart in it: the given one, or the one that an index names.

    :raises ChartError: it is of something else, such as an image.
    """
    content: Mapping[str, Any] = manifest.content
    if _is_chart(content):
        return content
    for each in list(content.get("manifests") or ())[:_MOST_IN_AN_INDEX]:
        inner = registry.manifest(place.path, str(each.get("digest"))).content
        if _is_chart(inner):
            return inner
    kind = (content.get("config") or {}).get("mediaType") or content.get("artifactType") or content.get("mediaType")
    raise ChartError(
        f"'{place.reference}' is no chart: the registry holds {kind or 'something else'} there",
        hint="Is it the image instead of the chart? Charts are pushed with helm push",
    )


def _is_chart(content: Mapping[str, Any]) -> bool:
    return (content.get("config") or {}).get("mediaType") == CONFIG and bool(_layer(content, LAYERS))

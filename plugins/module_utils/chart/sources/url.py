# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives from web servers."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.parse

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import MAX_BYTES
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources import trouble
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import sha256
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found, Surroundings
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import (
    origin,
    proper,
    without_credentials,
    without_login,
)
from ansible_collections.helmstack.core.plugins.module_utils.web import Access, WebError

_NAME = re.compile(r"[^\w.+-]")


class UrlSource:
    """``https://…/x-1.2.3.tgz``: the URL names the version."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def takes(self, reference: str) -> bool:
        return reference.lower().startswith(("http://", "https://"))

    def find(self, wanted: Wanted) -> Found:
        url = wanted.reference
        if not proper(url):
            raise InputError(f"'{without_credentials(url)}' is no URL of a chart's archive")
        declared = self._around.repositories.around(without_login(url))
        access = self._around.access(declared) if declared else own_login(url)
        user = access.username if declared else ""
        key = ("url", hashlib.sha256(url.encode()).hexdigest(), user, wanted.digest or "")
        # a URL says nothing of its content, so only one whose digest is known is taken from the cache
        cached = self._around.cache.find(*key) if wanted.digest else None
        if cached and not wanted.verify:
            return self._found(wanted, cached[0], f"sha256:{cached[1].get('sha256')}", "")
        who = f"the chart {without_credentials(url)}"
        archive, provenance = download(self._around, url, access, who, prove=wanted.verify)
        load(archive, without_credentials(url))
        digest = f"sha256:{sha256(archive)}"
        if wanted.digest == digest:
            archive = self._around.cache.keep(archive, {}, key)
        return self._found(wanted, archive, digest, provenance)

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        return ()

    def _found(self, wanted: Wanted, path: str, digest: str, provenance: str) -> Found:
        shown = without_credentials(wanted.reference)
        return Found(path, Origin("url", shown, shown, "", digest, provenance=provenance))


def download(around: Surroundings, url: str, access: Access, who: str, *, prove: bool, at: str = "") -> tuple[str, str]:
    """The paths of an archive, and of its provenance file if that is wanted and there is one.

    :arg access: login and certificates, for their own server.
    :arg at: the URL that the login is for, if it is not this one.
    :arg who: for messages.
    :raises ChartError: it cannot be had.
    """
    if at and origin(at) != origin(url):
        access = Access(ca_file=access.ca_file, insecure=access.insecure, well_known=True)
    folder = around.folder("pull-")
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rstrip("/").rpartition("/")[2]
    archive = os.path.join(folder, _NAME.sub("_", name)[-200:] or "chart.tgz")
    if not archive.endswith(".tgz"):
        archive += ".tgz"
    try:
        _into(url, access, archive)
    except WebError as error:
        raise trouble.of_web(error, who, login=bool(access.authorization), what="does not exist") from None
    if not prove:
        return archive, ""
    provenance = f"{archive}.prov"
    try:
        parted = urllib.parse.urlsplit(url)
        _into(parted._replace(path=f"{parted.path}.prov").geturl(), access, provenance)
    except WebError as error:
        if error.status in (403, 404, 410):
            return archive, ""
        raise trouble.of_web(error, f"the signature of {who}", login=bool(access.authorization)) from None
    return archive, provenance


def own_login(url: str) -> Access:
    """The login that a URL itself has."""
    parts = urllib.parse.urlsplit(url)
    return Access(urllib.parse.unquote(parts.username or ""), urllib.parse.unquote(parts.password or ""))


def _into(url: str, access: Access, path: str) -> None:
    with open(path, "w+b") as stream:
        web.get(url, access, authorization=access.authorization, to=stream, limit=MAX_BYTES)
    if os.path.getsize(path) == 0:
        raise ChartError(f"{without_credentials(url)} is empty")

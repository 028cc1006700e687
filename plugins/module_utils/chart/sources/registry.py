# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the OCI distribution API that charts need: manifests, blobs and tags, with basic and token logins."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.logins import Login
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import origin
from ansible_collections.helmstack.core.plugins.module_utils.web import Access, Answer, WebError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_ACCEPTED = f"{MANIFEST}, {INDEX}"
_PAGE = 1000
_PAGES = 200
_PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """A manifest; ``digest`` is that of its bytes."""

    digest: str
    content: Mapping[str, Any] = field(repr=False)


class Registry:
    """One registry host, asked by one user. May be used from several threads at once.

    :arg url: scheme, host and port.
    """

    def __init__(self, url: str, access: Access, login: Login | None) -> None:
        self.url = url
        self._access = access
        self._login = login
        self._lock = threading.Lock()
        self._challenge = ""
        self._tokens: dict[str, str] = {}

    def manifest(self, path: str, reference: str) -> Manifest:
        """A manifest by its tag or digest.

        :raises WebError: there is none, or it cannot be had.
        """
        answer = self._get(path, f"manifests/{reference}", {"Accept": _ACCEPTED}, limit=1 << 22)
        digest = "sha256:" + hashlib.sha256(answer.body).hexdigest()
        if _SHA256.fullmatch(reference) and digest != reference:
            raise WebError(web.STATUS, f"it answers with a manifest that has the digest {digest}, not {reference}")
        return Manifest(digest, _mapping(answer))

    def blob(self, path: str, digest: str, to: IO[bytes], limit: int) -> None:
        """Writes a blob into a file, and checks that it is the one.

        :raises WebError: it cannot be had, or is another one.
        """
        if not _SHA256.fullmatch(digest):
            raise WebError(web.STATUS, f"its manifest names a layer by '{digest}', which is no sha256")
        self._get(path, f"blobs/{digest}", {}, to=to, limit=limit)
        to.flush()
        to.seek(0)
        found = hashlib.sha256()
        while block := to.read(1 << 20):
            found.update(block)
        if f"sha256:{found.hexdigest()}" != digest:
            raise WebError(
                web.STATUS, f"it answers with an archive that has the digest sha256:{found.hexdigest()}, not {digest}"
            )

    def tags(self, path: str) -> tuple[str, ...]:
        """All tags of a repository, in the registry's order.

        :raises WebError: there is no such repository, or it cannot be asked.
        """
        found: list[str] = []
        rest = f"tags/list?n={_PAGE}"
        for _page in range(_PAGES):
            answer = self._get(path, rest, {})
            found += [str(tag) for tag in _mapping(answer).get("tags") or ()]
            more = _NEXT.search(answer.headers.get("link", ""))
            if not more:
                break
            rest = "tags/list?" + urllib.parse.urlsplit(more[1]).query
        return tuple(found)

    def _get(
        self, path: str, rest: str, headers: Mapping[str, str], *, to: IO[bytes] | None = None, limit: int = 1 << 25
    ) -> Answer:
        url = f"{self.url}/v2/{path}/{rest}"
        authorization = self._known_authorization(path)
        try:
            return web.get(url, self._access, headers, authorization=authorization, to=to, limit=limit)
        except WebError as error:
            challenge = error.answer.headers.get("www-authenticate", "") if error.answer else ""
            if error.status != 401 or not challenge:
                raise
            fresh = self._authorized(path, challenge, refused=authorization)
            if not fresh:
                raise
        return web.get(url, self._access, headers, authorization=fresh, to=to, limit=limit)

    def _known_authorization(self, path: str) -> str:
        """The header for a repository, if it is known what the registry wants."""
        with self._lock:
            challenge = self._challenge
        return self._authorized(path, challenge, refused="") if challenge else ""

    def _authorized(self, path: str, challenge: str, refused: str) -> str:
        """The header's value after a challenge; "" if there is no (other) one.

        :arg refused: the one that the registry did not like.
        """
        kind, _space, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            answer = Access(self._login.username, self._login.password).authorization if self._login else ""
            fresh = "" if answer == refused else answer
        elif kind.lower() == "bearer":
            fresh = self._token(path, dict(_PARAMETER.findall(rest)), refused)
        else:
            fresh = ""
        with self._lock:
            self._challenge = challenge
        return fresh

    def _token(self, path: str, asked: Mapping[str, str], refused: str) -> str:
        scope = f"repository:{path}:pull"
        with self._lock:
            known = self._tokens.get(scope, "")
        if known and known != refused:
            return known
        answer = _mapping(self._ask_for_token(asked, scope))
        token = f"Bearer {answer.get('token') or answer.get('access_token') or ''}"
        with self._lock:
            self._tokens[scope] = token
        return token

    def _ask_for_token(self, asked: Mapping[str, str], scope: str) -> Answer:
        realm = asked.get("realm", "")
        if origin(realm)[0] not in ("http", "https"):
            raise WebError(web.STATUS, f"it sends logins to '{realm}', which is no http or https URL")
        if self.url.startswith("https:") and not realm.startswith("https:"):
            raise WebError(web.UNTRUSTED, f"it sends logins to {realm}, which is not encrypted")
        # the same server has the same certificates; another one is asked as any server is
        same = origin(realm) == origin(self.url)
        access = self._access if same else Access(ca_file=self._access.ca_file, insecure=self._access.insecure)
        fields = {"service": asked.get("service", ""), "scope": scope}
        if self._login and self._login.identity_token:
            form = {"grant_type": "refresh_token", "client_id": "helmstack"}
            form |= {**fields, "refresh_token": self._login.identity_token}
            return web.get(realm, access, data=urllib.parse.urlencode(form).encode())
        query = urllib.parse.urlencode({key: value for key, value in fields.items() if value})
        basic = Access(self._login.username, self._login.password).authorization if self._login else ""
        joined = f"{realm}{'&' if '?' in realm else '?'}{query}"
        return web.get(joined, access, authorization=basic)


def _mapping(answer: Answer) -> Mapping[str, Any]:
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise WebError(web.STATUS, "it does not answer as a registry does")
    return content

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin REST client of the Kubernetes API: kept connections, short timeouts, bounded retries, one-sentence errors."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.helmstack.core.plugins.module_utils.cluster.credentials import Access, load_access
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Gone,
    NotFound,
    Untrusted,
    refused,
    unreachable,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

try:
    import urllib3
    from urllib3._collections import HTTPHeaderDict  # urllib3 1.26 has it nowhere else
    from urllib3.exceptions import HTTPError
except ImportError:  # comes with kubernetes, whose absence the modules report
    urllib3 = None  # type: ignore[assignment]
    HTTPError = Exception  # type: ignore[assignment,misc]
    HTTPHeaderDict = dict  # type: ignore[assignment,misc]

JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MERGE_PATCH = "application/merge-patch+json"
PAGE = 500
Items = list[dict[str, Any]]
_POOL = 16
_BUSY = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Timeouts:
    """Seconds."""

    connect: float = 4.0
    answer: float = 8.0  # until the server's first answer of all, retries included
    read: float = 60.0  # between two bytes, once it has answered
    retry: float = 20.0  # for all retries of a request, once it has answered


class Client:
    """One cluster, one user, any number of threads."""

    def __init__(self, kubeconfig: Path | str, timeouts: Timeouts = Timeouts()) -> None:
        self._kubeconfig = Path(kubeconfig)
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._requests = 0
        self._answered = False
        self._use(load_access(self._kubeconfig))

    @property
    def server(self) -> str:
        """The API server's URL, without a trailing slash."""
        return self._access.server

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        return self._requests

    def get(self, path: str, *, accept: str = JSON, **query: Any) -> dict[str, Any]:
        """One object, or whatever JSON ``path`` gives.

        :raises NotFound: there is none.
        """
        return self._json("GET", path, accept=accept, query=query)

    def get_or_none(self, path: str, *, accept: str = JSON, **query: Any) -> dict[str, Any] | None:
        """As :meth:`get`, None if there is none."""
        try:
            return self.get(path, accept=accept, **query)
        except NotFound:
            return None

    def text(self, path: str, **query: Any) -> str:
        """What ``path`` gives as text, such as a container's log."""
        return self._send("GET", path, accept="*/*", query=query).decode("utf-8", "replace")

    def list(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Items:
        """All objects of a collection, page by page; anew if the pages expire meanwhile.

        :arg metadata_only: PartialObjectMetadata objects instead: no spec, no data.
        """
        query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": PAGE}
        accept = METADATA_LIST if metadata_only else JSON
        for _attempt in range(3):
            try:
                return self._pages(path, accept, query)
            except Gone:
                continue
        return self._pages(path, accept, {**query, "limit": None})

    def _pages(self, path: str, accept: str, query: Mapping[str, Any]) -> Items:
        items: Items = []
        token: str | None = None
        while token != "":
            page = self._json("GET", path, accept=accept, query={**query, "continue": token})
            items += page.get("items") or []
            token = page.get("metadata", {}).get("continue") or ""
        return items

    def patch(
        self, path: str, body: Any, content_type: str = MERGE_PATCH, *, accept: str = JSON, **query: Any
    ) -> dict[str, Any]:
        """Patches one object; with ``accept=METADATA`` the answer is small."""
        return self._json("PATCH", path, accept=accept, query=query, body=body, content_type=content_type)

    def replace(self, path: str, body: Any, **query: Any) -> dict[str, Any]:
        """Puts an object in the place of one that exists."""
        return self._json("PUT", path, query=query, body=body)

    def create(self, path: str, body: Any, **query: Any) -> dict[str, Any]:
        """Posts an object to its collection.

        :raises Conflict: it exists.
        """
        return self._json("POST", path, query=query, body=body)

    def delete(self, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """Deletes one object; ``body`` are DeleteOptions."""
        return self._json("DELETE", path, query=query, body=body)

    # -- how

    def _use(self, access: Access) -> None:
        self._access = access
        options: dict[str, Any] = {"maxsize": _POOL, "retries": False, "ssl_context": access.context}
        if access.tls_server_name:
            options["server_hostname"] = access.tls_server_name
        options["cert_reqs"] = access.context.verify_mode
        if access.context.verify_mode == ssl.CERT_NONE and access.server.startswith("https:"):
            options["assert_hostname"] = False
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has asked for it
        if access.proxy and access.proxy.startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            user, _colon, password = (access.proxy_login or "").partition(":")
            self._pool: Any = SOCKSProxyManager(access.proxy, user or None, password or None, **options)
        elif access.proxy:
            headers = urllib3.make_headers(proxy_basic_auth=access.proxy_login) if access.proxy_login else None
            self._pool = urllib3.ProxyManager(access.proxy, proxy_headers=headers, **options)
        else:
            self._pool = urllib3.PoolManager(**options)

    def _json(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        body = self._send(method, path, **how)
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise ClusterError(f"{self.server} answers {method} {path}, but not as a Kubernetes API does")
        return data

    def _send(
        self,
        method: str,
        path: str,
        *,
        accept: str = JSON,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> bytes:
        """Sends until there is a final answer or the time for retries is up."""
        text = urlencode({key: _text(value) for key, value in (query or {}).items() if value is not None})
        url = f"{path}?{text}" if text else path
        headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": "helmstack"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = content_type
        retry = _Retry(self._timeouts.retry if self._answered else self._timeouts.answer)
        renewed = False
        while True:
            try:
                status, answer, after = self._once(method, url, headers, data, retry.left())
            except HTTPError as error:
                failure = unreachable(self.server, error)
                if isinstance(failure, Untrusted) or method != "GET" or not retry.wait(None):
                    raise failure from None
                continue
            if status < 300:
                return answer
            problem = refused(status, answer, method, path, self.server)
            if status == 401 and not renewed:  # the token may have expired during a long run
                renewed = True
                self._use(load_access(self._kubeconfig))
            elif not ((status == 429 or (method == "GET" and status in _BUSY)) and retry.wait(after)):
                raise problem

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, left: float
    ) -> tuple[int, bytes, str | None]:
        limits = self._timeouts
        read = limits.read if self._answered else min(limits.read, left)
        timeout = urllib3.Timeout(connect=min(limits.connect, max(left, 0.5)), read=max(read, 0.5))
        with self._lock:
            self._requests += 1
        all_headers = with_login(headers, self._access)
        # not request(): in urllib3 1.26 it joins headers of the same name, which Impersonate-Group does not survive
        response = self._pool.request_encode_url(
            method, self._access.server + url, headers=all_headers, body=data, timeout=timeout, redirect=False
        )
        self._answered = True
        return response.status, response.data, response.headers.get("Retry-After")


def with_login(headers: Mapping[str, str], access: Access) -> HTTPHeaderDict:
    """A request's headers and those of the user's login, some of which may stand several times."""
    found = HTTPHeaderDict(headers)
    for key, value in access.headers.items():
        for item in (value,) if isinstance(value, str) else value:
            found.add(key, item)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Retry:
    """How long to go on for one request."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pause = 0.25

    def left(self) -> float:
        return self._deadline - time.monotonic()

    def wait(self, after: str | None) -> bool:
        """Sleeps, unless the time would be up then."""
        pause = float(after) if after and after.isdigit() else self._pause * random.uniform(0.8, 1.2)
        if pause >= self.left() - 0.5:
            return False
        time.sleep(pause)
        self._pause = min(self._pause * 2, 4.0)
        return True

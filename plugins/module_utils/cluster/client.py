# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin REST client of the Kubernetes API: kept connections, short timeouts, bounded retries, one-sentence errors.

What is sent again, with growing pauses or those that Retry-After asks for, until ``Timeouts.retry`` is over:

- what was read or only tried (dryRun), after any failure of the connection, a cut answer, and 429, 500, 502, 503, 504;
- what was written, if it cannot have been done (429, no connection), or if the caller says that twice does no harm.

That time counts from the API's last good answer to any request: in a long outage each further request is made once.
GET and LIST never name a resourceVersion, so that the server owes them its latest state.
"""

from __future__ import annotations

import copy
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.helmstack.core.plugins.module_utils.cluster.credentials import Access, load_access
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Gone,
    NotFound,
    Untrusted,
    Untyped,
    refused,
    unreachable,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

try:
    import urllib3
    from urllib3._collections import HTTPHeaderDict  # urllib3 1.26 has it nowhere else
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
except ImportError:  # comes with kubernetes, whose absence the modules report
    urllib3 = None  # type: ignore[assignment]
    HTTPError = ConnectTimeoutError = NewConnectionError = Exception  # type: ignore[assignment,misc]
    HTTPHeaderDict = dict  # type: ignore[assignment,misc]

JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
PAGE = 500
Items = list[dict[str, Any]]
_POOL = 16
_TOO_MANY = 429
_BROKEN = frozenset({500, 502, 503, 504})
_LONG = 5.0  # seconds of retries after which they are reported
_FORGOTTEN = 15.0  # seconds without any request after which an outage is a new one


@dataclass(frozen=True)
class Timeouts:
    """Seconds."""

    connect: float = 4.0
    answer: float = 8.0  # until the server's first answer of all, retries included
    read: float = 60.0  # between two bytes, once it has answered; in an outage ``answer``
    retry: float = 30.0  # for all retries of a request, once it has answered


class Client:
    """One cluster, one user, any number of threads.

    :arg tell: is called when retries take long, and when they have succeeded.
    :arg text: of the kubeconfig, if it need not be read.
    """

    def __init__(
        self,
        kubeconfig: Path | str,
        timeouts: Timeouts = Timeouts(),
        tell: Callable[[str], None] = lambda text: None,
        text: str = "",
    ) -> None:
        self._kubeconfig = Path(kubeconfig)
        self._text = text
        self._timeouts = timeouts
        self._outage = _Outage(tell)
        self._lock = threading.Lock()
        self._requests = 0
        self._answered = False
        self._use(load_access(self._kubeconfig, self._text))

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
        self,
        path: str,
        body: Any,
        content_type: str = MERGE_PATCH,
        *,
        accept: str = JSON,
        again: bool = False,
        **query: Any,
    ) -> dict[str, Any]:
        """Patches one object; with ``accept=METADATA`` the answer is small.

        :arg again: it may be sent again, as a second time does no harm.
        """
        return self._json("PATCH", path, accept=accept, query=query, body=body, content_type=content_type, again=again)

    def replace(self, path: str, body: Any, **query: Any) -> dict[str, Any]:
        """Puts an object in the place of one that exists."""
        return self._json("PUT", path, query=query, body=body)

    def create(self, path: str, body: Any, *, again: bool = False, **query: Any) -> dict[str, Any]:
        """Posts an object to its collection.

        :arg again: as for :meth:`patch`; then a Conflict may be with what the first time has made.
        :raises Conflict: it exists.
        """
        return self._json("POST", path, query=query, body=body, again=again)

    def delete(self, path: str, body: Any = None, *, again: bool = False, **query: Any) -> dict[str, Any]:
        """Deletes one object; ``body`` are DeleteOptions.

        :arg again: as for :meth:`patch`; then NotFound may mean that the first time has done it.
        """
        return self._json("DELETE", path, query=query, body=body, again=again)

    def impatient(self, seconds: float) -> Client:
        """The same client for requests that are not worth more than some seconds, retries included."""
        other, limits = copy.copy(self), self._timeouts
        other._timeouts = replace(
            limits,
            retry=min(limits.retry, seconds),
            answer=min(limits.answer, seconds),
            read=min(limits.read, seconds),
        )
        return other

    # -- how

    def _use(self, access: Access) -> None:
        self._access = access
        options: dict[str, Any] = {"maxsize": _POOL, "retries": False, "ssl_context": access.context}
        if access.tls_server_name:
            options["server_hostname"] = access.tls_server_name
        options["cert_reqs"] = access.context.verify_mode
        if access.context.verify_mode == ssl.CERT_NONE and access.server.startswith("https:"):
            options["assert_hostname"] = False
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user wants no checks
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
        again: bool = False,
    ) -> bytes:
        """Sends until there is a final answer or the time for retries is up."""
        text = urlencode({key: _text(value) for key, value in (query or {}).items() if value is not None})
        url = f"{path}?{text}" if text else path
        headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": "helmstack"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = content_type
        again = again or method == "GET" or "dryRun" in (query or {})
        retry = _Retry(self._outage, self._timeouts.retry if self._answered else self._timeouts.answer)
        renewed = False
        while True:
            try:
                status, answer, after = self._once(method, url, headers, data, retry)
            except HTTPError as error:
                failure = unreachable(self.server, error)
                self._outage.begin()
                repeatable = again or isinstance(error, (NewConnectionError, ConnectTimeoutError))
                if isinstance(failure, Untrusted) or not repeatable or not retry.wait(failure, None):
                    raise failure from None
                continue
            problem = refused(status, answer, method, path, self.server) if status >= 300 else None
            if isinstance(problem, Untyped):
                raise problem
            if status in _BROKEN:
                self._outage.begin()
                retry.extend(self._timeouts.retry)  # somebody is there: worth more patience than a silent address
            elif status != _TOO_MANY:
                self._outage.end()
            if problem is None:
                return answer
            if status == 401 and not renewed:  # the token may have expired during a long run
                renewed = True
                self._use(load_access(self._kubeconfig, self._text))
            elif not ((status == _TOO_MANY or (again and status in _BROKEN)) and retry.wait(problem, after)):
                raise problem

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, retry: _Retry
    ) -> tuple[int, bytes, str | None]:
        limits, left = self._timeouts, max(retry.left(), 0.5)
        if not self._answered:
            limits = replace(limits, connect=min(limits.connect, left), read=min(limits.read, left))
        elif self._outage.lasts:
            limits = replace(limits, read=min(limits.read, limits.answer))
        timeout = urllib3.Timeout(connect=limits.connect, read=limits.read)
        with self._lock:
            self._requests += 1
        all_headers = with_login(headers, self._access)
        how = {"redirect": False, "enforce_content_length": True}  # urllib3 1.26 takes a cut answer for a whole one
        # not request(): in urllib3 1.26 it joins headers of the same name, which Impersonate-Group does not survive
        response = self._pool.request_encode_url(
            method, self._access.server + url, headers=all_headers, body=data, timeout=timeout, **how
        )
        self._answered = True
        return response.status, response.data, response.headers.get("Retry-After")


def with_login(headers: Mapping[str, str], access: Access) -> HTTPHeaderDict:
    """A request's headers and those of the user's login; some may occur several times."""
    found = HTTPHeaderDict(headers)
    for key, value in access.headers.items():
        for item in (value,) if isinstance(value, str) else value:
            found.add(key, item)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Outage:
    """The time since which the API has given no good answer."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._since: float | None = None
        self._last = 0.0
        self._told = False

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def begin(self) -> None:
        """A request has failed; what failed long ago has nothing to do with it."""
        now = time.monotonic()
        with self._lock:
            if self._since is None or now - self._last > _FORGOTTEN:
                self._since, self._told = now, False
            self._last = now

    def end(self) -> None:
        with self._lock:
            since, told = self._since, self._told
            self._since, self._told = None, False
        if since is not None and told:
            self._tell(f"the Kubernetes API answers again, after {time.monotonic() - since:.0f} s")

    def began(self) -> float:
        """When the outage that lasts now began, else now."""
        now = time.monotonic()
        with self._lock:
            return now if self._since is None or now - self._last > _FORGOTTEN else self._since

    def tell(self, problem: ClusterError, left: float) -> None:
        """Reports an outage, once."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._tell(f"{problem.what}; tried again for up to {left:.0f} s")


class _Retry:
    """How long to go on for one request."""

    def __init__(self, outage: _Outage, seconds: float) -> None:
        self._outage = outage
        self._began = outage.began()
        self._seconds = seconds
        self._pause = 0.25

    def left(self) -> float:
        return self._began + self._seconds - time.monotonic()

    def extend(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)

    def wait(self, problem: ClusterError, after: str | None) -> bool:
        """Sleeps, unless the time would be up then."""
        pause = self._pause * random.uniform(0.8, 1.2)
        if after and after.isdigit():
            pause = max(pause, float(after))
        if pause >= self.left() - 0.5:
            return False
        if time.monotonic() + pause - self._began > _LONG:
            self._outage.tell(problem, self.left())
        time.sleep(pause)
        self._pause = min(self._pause * 2, 4.0)
        return True

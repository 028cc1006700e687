# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collections of objects, kept up to date by one watch each, however many waits use it."""

from __future__ import annotations

import copy
import json
import random
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import PAGE, Client, with_login
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Forbidden,
    Gone,
    NotFound,
    Unauthorized,
    refused,
    unreachable,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

try:
    import urllib3
    from urllib3.exceptions import HTTPError
except ImportError:  # comes with kubernetes, whose absence the modules report
    urllib3 = None  # type: ignore[assignment]
    HTTPError = Exception  # type: ignore[assignment,misc]

Object = Mapping[str, Any]

_LASTS = 30  # seconds until the server ends a watch; a connection that died silently is noticed a little later
_POLL = 2.0  # seconds between two looks where watching is forbidden
_PAUSES = (0.2, 5.0)  # seconds, the first and the longest, before what has failed is tried again
_IDLE = 16  # unused watches that are kept open for later waits


class Hub:
    """All the collections that one run watches; may be used from several threads.

    Watches have connections of their own, so they never hold up other requests.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._feeds: dict[tuple[str, str], Feed] = {}  # unused ones in the order in which they became so
        self._ended = 0  # watches that feeds opened which are no more
        self._closed = False

    def follow(self, path: str, listener: threading.Event, field_selector: str = "", names: Iterable[str] = ()) -> Feed:
        """The objects of a collection from now on; ``listener`` is set at each change until :meth:`leave`.

        :arg names: what to get one by one if the collection may not be listed.
        """
        with self._lock:
            key = (path, field_selector)
            feed = self._feeds.get(key) or Feed(self._client, path, field_selector)
            feed.join(listener, names)
            if key not in self._feeds and not self._closed:
                self._feeds[key] = feed
                threading.Thread(target=feed.run, name=f"watch {path}", daemon=True).start()
            return feed

    def leave(self, feed: Feed, listener: threading.Event) -> None:
        """The inverse of :meth:`follow`."""
        with self._lock:
            feed.part(listener)
            key = (feed.path, feed.field_selector)
            if not feed.listened and self._feeds.get(key) is feed:
                self._feeds[key] = self._feeds.pop(key)
                idle = [key for key, item in self._feeds.items() if not item.listened]
                for old in idle[: max(0, len(idle) - _IDLE)]:
                    self._end(self._feeds.pop(old))

    def _end(self, feed: Feed) -> None:
        self._ended += feed.opened
        feed.close()

    @property
    def watches(self) -> int:
        """Collections that are kept up to date now."""
        with self._lock:
            return len(self._feeds)

    @property
    def opened(self) -> int:
        """Watch requests sent so far."""
        with self._lock:
            return self._ended + sum(feed.opened for feed in self._feeds.values())

    def close(self) -> None:
        """Ends all watches."""
        with self._lock:
            self._closed = True
            for feed in self._feeds.values():
                self._end(feed)
            self._feeds.clear()


class Feed:
    """The content of one collection: a LIST, then a WATCH that continues from there, also after failures.

    ``synced``: what it holds is true, or was a moment ago. ``complete``: it is all there is, not only what was named.
    """

    def __init__(self, client: Client, path: str, field_selector: str = "") -> None:
        self.path = path
        self.field_selector = field_selector
        self.synced = False
        self.complete = False
        self.opened = 0  # watches so far, with those that went on from another's end
        self._client = client
        self._connection: _Connection | None = None
        self._lock = threading.Lock()
        self._listeners: set[threading.Event] = set()
        self._names: set[str] = set()
        self._items: dict[str, Object] = {}
        self._owned: dict[str, set[str]] = {}  # names by the uid of their owner
        self._gone: dict[str, Object] = {}  # of what was named and is no more, what it was at last
        self._version = ""
        self._pause = _PAUSES[0]
        self._ended = threading.Event()

    # -- for those who wait

    @property
    def listened(self) -> bool:
        return bool(self._listeners)

    def join(self, listener: threading.Event, names: Iterable[str]) -> None:
        with self._lock:
            self._listeners.add(listener)
            self._names |= set(names)

    def part(self, listener: threading.Event) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def get(self, name: str) -> Object | None:
        with self._lock:
            return self._items.get(name)

    def gone(self, name: str) -> Object | None:
        """As it was at last, an object that was named, has been seen, and is no more."""
        with self._lock:
            return self._gone.get(name)

    def all(self) -> list[Object]:
        with self._lock:
            return list(self._items.values())

    def owned(self, uid: str) -> list[Object]:
        """What the object with this uid controls; of events, those that are about it."""
        with self._lock:
            return [self._items[name] for name in self._owned.get(uid, ())]

    def offer(self, item: Object) -> None:
        """An object that was read otherwise and may be newer than what the watch has brought so far."""
        with self._lock:
            self._put(item)

    def close(self) -> None:
        self._ended.set()
        connection = self._connection
        if connection:
            connection.shut()

    # -- how

    def run(self) -> None:
        """Until :meth:`close`; the body of the feed's thread."""
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self._round()
                if time.monotonic() - began > 1.0:
                    self._pause = _PAUSES[0]
                    continue
            except Gone:
                self._version = ""
            except ClusterError as error:
                if isinstance(error, (Unauthorized, NotFound)):
                    self._version = ""  # a LIST renews the credentials, and notices that a kind has gone
            self._ended.wait(self._pause * random.uniform(0.8, 1.2))
            self._pause = min(self._pause * 2, _PAUSES[1])

    def _round(self) -> None:
        try:
            if not self._version:
                self._list()
            self._watch()
        except Forbidden:
            self._poll()

    def _list(self) -> None:
        items, version = self._pages()
        with self._lock:
            listed = {str(item["metadata"]["name"]): item for item in items}
            newer = {name: item for name, item in self._items.items() if _number(item) > _int(version)}
            self._bury({name: item for name, item in self._items.items() if name not in listed and name not in newer})
            self._items = {**listed, **newer}
            self._owned = {}
            for name, item in self._items.items():
                self._owned.setdefault(_owner(item), set()).add(name)
        self._version = version
        self.complete = self.synced = True
        self._tell()

    def _pages(self) -> tuple[list[Object], str]:
        items: list[Object] = []
        query: dict[str, Any] = {"fieldSelector": self.field_selector or None, "limit": PAGE}
        while True:
            page = self._client.get(self.path, **query)
            kind = {"apiVersion": page.get("apiVersion", ""), "kind": str(page.get("kind", "")).removesuffix("List")}
            items += [{**kind, **item} for item in page.get("items") or []]  # items of a LIST do not say their kind
            metadata = page.get("metadata") or {}
            query["continue"] = metadata.get("continue")
            if not query["continue"]:
                return items, str(metadata.get("resourceVersion", ""))

    def _watch(self) -> None:
        """Until the server ends the watch."""
        if self._connection is None:
            self._connection = _Connection(self._client)
        self.opened += 1
        query = {"fieldSelector": self.field_selector} if self.field_selector else {}
        for event in self._connection.events(self.path, {**query, "resourceVersion": self._version}, self._ended):
            item = event.get("object") or {}
            if event.get("type") == "ERROR":
                raise refused(int(item.get("code", 500)), json.dumps(item).encode(), "WATCH", self.path, "its server")
            self._version = str((item.get("metadata") or {}).get("resourceVersion") or self._version)
            self._pause = _PAUSES[0]
            if event.get("type") != "BOOKMARK":
                self._change(item, gone=event.get("type") == "DELETED")

    def _change(self, item: Object, *, gone: bool) -> None:
        with self._lock:
            self._put(item, gone=gone)
        self._tell()

    def _put(self, item: Object, *, gone: bool = False) -> None:
        name = str(item["metadata"]["name"])
        held = self._items.get(name)
        if held is not None:
            if _number(held) > _number(item):
                return
            self._owned.get(_owner(held), set()).discard(name)
            del self._items[name]
        if gone:
            self._bury({name: item})
        elif name not in self._gone or _uid(self._gone[name]) != _uid(item):  # what is deleted does not come back
            self._gone.pop(name, None)
            self._items[name] = item
            self._owned.setdefault(_owner(item), set()).add(name)

    def _bury(self, items: Mapping[str, Object]) -> None:
        self._gone |= {name: item for name, item in items.items() if name in self._names}

    def _poll(self) -> None:
        """For users who may not watch: looks at the collection, or if not even that is allowed at the objects."""
        while not self._ended.is_set():
            try:
                self._list()
            except Forbidden:
                self._get_each()
            self._ended.wait(_POLL)

    def _get_each(self) -> None:
        with self._lock:
            names = sorted(self._names)
        found = {name: self._client.get_or_none(f"{self.path}/{name}") for name in names}
        with self._lock:
            for name, item in found.items():
                if item is None:
                    held = self._items.pop(name, None)
                    self._bury({name: held} if held else {})
                else:
                    self._put(item)
        self.synced = True
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.set()


class _Connection:
    """A watch's own connection to the server, with the client's login."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._access: Any = None
        self._pool: Any = None
        self._response: Any = None

    def events(self, path: str, query: Mapping[str, str], ended: threading.Event) -> Iterator[dict[str, Any]]:
        """One watch's events.

        :raises ClusterError: it is refused, or breaks; :class:`Gone` if the version is too old.
        """
        text = urlencode({**query, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": _LASTS})
        server = self._client.server
        try:
            response = self._open(f"{server}{path}?{text}")
            self._response = response
            if response.status != 200:
                problem = refused(response.status, response.read(), "WATCH", path, server)
                _obey(response.headers.get("Retry-After"), ended)
                raise problem
            try:
                if ended.is_set():  # before there was a response to shut
                    return
                for line in _lines(response.stream(65536)):
                    yield _event(line, server, path)
            finally:
                response.close()  # if it has come to its end, the connection is in the pool again and stays open
        except (HTTPError, OSError) as error:
            raise unreachable(server, error) from None

    def _open(self, url: str) -> Any:
        if self._access is not self._client._access:  # at first, and when it has logged in anew
            own = copy.copy(self._client)
            own._use(self._client._access)  # the same login with another pool
            self._access, self._pool = own._access, own._pool
        headers = with_login({"Accept": "application/json", "User-Agent": "helmstack"}, self._access)
        timeout = urllib3.Timeout(connect=4.0, read=_LASTS + 5.0)
        how = {"headers": headers, "timeout": timeout, "redirect": False, "preload_content": False}
        return self._pool.request_encode_url("GET", url, **how)

    def shut(self) -> None:
        """Ends a read that waits in another thread; closing alone would not."""
        found = getattr(getattr(self._response, "connection", None), "sock", None)
        if found is not None:
            with suppress(OSError, ValueError):
                found.shutdown(socket.SHUT_RDWR)


def _obey(retry_after: str | None, ended: threading.Event) -> None:
    if retry_after and retry_after.isdigit():
        ended.wait(min(float(retry_after), 60.0))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _event(line: bytes, server: str, path: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ClusterError(f"{server} broke off in the middle of an answer to WATCH {path}")
    return event


def _owner(item: Object) -> str:
    """The uid of what controls an object, or of what an event is about."""
    about = item.get("involvedObject")
    if about is not None:
        return str(about.get("uid", ""))
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(owner.get("uid", "")) for owner in owners if owner.get("controller")), "")


def _uid(item: Object) -> str:
    return str(item["metadata"].get("uid", ""))


def _number(item: Object) -> int:
    return _int(item["metadata"].get("resourceVersion"))


def _int(version: Any) -> int:
    """Versions of one resource are ordered numbers; a server that does it otherwise has no order for us."""
    text = str(version or "")
    return int(text) if text.isdigit() else 0

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches against a server that breaks them in every way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.cluster import watch
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.watch import Feed, Hub

PATH = "/api/v1/namespaces/web/pods"
HANG = "hang"  # the watch stays open, silently
BREAK = "break"  # the connection ends in the middle of an event
Object = dict[str, Any]


def item(name: str, version: int, owner: str = "", **more: Any) -> Object:
    owners = [{"uid": "other"}, {"uid": owner, "controller": True}] if owner else []
    return {"metadata": {"name": name, "resourceVersion": str(version), "ownerReferences": owners}, **more}


def added(name: str, version: int, kind: str = "ADDED", **more: Any) -> Object:
    return {"type": kind, "object": item(name, version, **more)}


class Server(ThreadingHTTPServer):
    """Gives ``lists`` and ``watches`` in turn, the last one for ever; a number is an HTTP status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lists: list[Any] = [[]]
        self.watches: list[Any] = [[HANG]]
        self.named: list[Object] = []
        self.version = 1
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.guard = threading.Lock()
        self.connections: set[tuple[str, int]] = set()
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client hangs up in these tests."""

    def next(self, answers: list[Any]) -> Any:
        with self.guard:
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def queries(self, watching: bool) -> list[dict[str, str]]:
        return [query for _path, query in self.asked if ("watch" in query) == watching]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.connections.add(self.client_address)
        self.server.asked.append((parts.path, query))
        if "watch" in query:
            self.stream(self.server.next(self.server.watches))
        elif parts.path == PATH:
            self.whole(self.server.next(self.server.lists))
        else:
            found = {one["metadata"]["name"]: one for one in self.server.named}
            self.whole(found.get(parts.path.rpartition("/")[2], 404), one=True)

    def whole(self, answer: Any, one: bool = False) -> None:
        code = answer if isinstance(answer, int) else 200
        data: Any = {"message": "no"} if code != 200 else answer
        if code == 200 and not one:
            data = {"kind": "PodList", "apiVersion": "v1", "items": answer}
            data["metadata"] = {"resourceVersion": str(self.server.version)}
        text = json.dumps(data).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, events: Any) -> None:
        if isinstance(events, int):
            self.whole(events)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            if event == HANG:
                self.server.ended.wait(20)
            elif event == BREAK:
                self.chunk(b'{"type": "ADDED", "obj')
                self.close_connection = True
                return
            else:
                self.chunk(json.dumps(event).encode() + b"\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(watch, "_POLL", 0.1)
    monkeypatch.setattr(watch, "_PAUSES", (0.01, 0.05))
    found = Server()
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    found.ended.set()
    found.shutdown()
    found.server_close()


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    host = f"http://127.0.0.1:{server.server_address[1]}"
    return Client(write_kubeconfig(ConnectionOptions(host=host, api_key="t"), {}, tmp_path).path)


@pytest.fixture
def hub(client: Client) -> Iterator[Hub]:
    found = Hub(client)
    yield found
    found.close()


def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def names(feed: Feed) -> list[str]:
    return sorted(found["metadata"]["name"] for found in feed.all())


def test_a_list_and_then_a_watch_from_its_version(server: Server, hub: Hub) -> None:
    server.lists, server.version = [[item("a", 3, "u"), item("b", 4)]], 7
    server.watches = [[added("c", 8, owner="u"), added("a", 9, "MODIFIED", owner="v"), added("b", 10, "DELETED"), HANG]]
    changed = threading.Event()
    feed = hub.follow(PATH, changed, "type=Warning")
    until(lambda: names(feed) == ["a", "c"])
    assert changed.is_set()
    assert feed.complete
    assert [found["metadata"]["name"] for found in feed.owned("u")] == ["c"]
    assert [found["metadata"]["name"] for found in feed.owned("v")] == ["a"]
    assert feed.owned("other") == []
    assert server.queries(False) == [{"fieldSelector": "type=Warning", "limit": "500"}]
    query = server.queries(True)[0]
    assert (query["resourceVersion"], query["allowWatchBookmarks"], query["fieldSelector"]) == (
        "7",
        "true",
        "type=Warning",
    )


def test_items_of_a_list_get_their_kind(server: Server, hub: Hub) -> None:
    server.lists = [[item("a", 1)]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: feed.complete)
    found = feed.get("a")
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("v1", "Pod")


BROKEN = {
    "ended by the server": [added("a", 8)],
    "broken in mid-event": [added("a", 8), BREAK],
    "moved by a bookmark": [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}, BREAK],
}


@pytest.mark.parametrize("how", BROKEN)
def test_goes_on_where_it_was(server: Server, hub: Hub, how: str) -> None:
    server.watches = [BROKEN[how], [added("b", 9), HANG]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: feed.get("b"))
    assert len(server.queries(False)) == 1
    assert [query["resourceVersion"] for query in server.queries(True)] == ["1", "8"]
    assert feed.opened == hub.opened == 2


EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}


@pytest.mark.parametrize("how", [410, [EXPIRED]])
def test_lists_anew_when_its_version_has_expired(server: Server, hub: Hub, how: Any) -> None:
    server.lists = [[item("a", 1), item("gone", 1)], [item("a", 1), item("b", 2)]]
    server.watches = [how, [HANG]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: names(feed) == ["a", "b"])
    assert len(server.queries(False)) == 2


@pytest.mark.parametrize("code", [429, 500, 503, 504])
def test_is_patient_with_a_busy_server(server: Server, hub: Hub, code: int) -> None:
    server.watches = [code, code, code, [added("a", 2), HANG]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: feed.get("a"))
    assert [query["resourceVersion"] for query in server.queries(True)] == ["1"] * 4


def test_pauses_between_tries(server: Server, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PAUSES", (0.2, 5.0))
    server.watches = [503]
    hub.follow(PATH, threading.Event())
    time.sleep(1.0)
    assert 2 <= len(server.queries(True)) <= 4


def test_a_server_that_ends_watches_at_once_is_not_flooded(
    server: Server, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PAUSES", (0.2, 5.0))
    server.watches = [[]]
    hub.follow(PATH, threading.Event())
    time.sleep(1.0)
    assert 2 <= len(server.queries(True)) <= 4


def test_polls_where_watching_is_forbidden(server: Server, hub: Hub) -> None:
    server.watches = [403]
    server.lists = [[item("a", 1)], [item("a", 1), item("b", 2)]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: names(feed) == ["a", "b"])
    assert len(server.queries(True)) == 1


def test_gets_one_by_one_where_listing_is_forbidden(server: Server, hub: Hub) -> None:
    server.lists = [403]
    server.named = [item("a", 1)]
    feed = hub.follow(PATH, threading.Event(), names=["a", "none"])
    until(lambda: feed.synced)
    assert names(feed) == ["a"]
    assert not feed.complete
    server.named = []
    until(lambda: names(feed) == [])


def test_one_watch_for_all_who_want_it(server: Server, hub: Hub) -> None:
    server.watches = [[added("a", 2), HANG]]
    events = [threading.Event() for _number in range(5)]
    feeds = {id(hub.follow(PATH, event)) for event in events}
    until(lambda: all(event.is_set() for event in events))
    assert (len(feeds), hub.watches, hub.opened) == (1, 1, 1)


def test_what_was_read_otherwise_and_is_newer_counts(server: Server, hub: Hub) -> None:
    server.lists = [[item("a", 5, mark="list")]]
    feed = hub.follow(PATH, threading.Event())
    until(lambda: feed.complete)
    feed.offer(item("a", 4, mark="old"))
    assert feed.get("a") == item("a", 5, mark="list") | {"apiVersion": "v1", "kind": "Pod"}
    feed.offer(item("a", 6, mark="new"))
    assert feed.get("a") == item("a", 6, mark="new")


def test_an_older_event_does_not_undo_what_is_known(server: Server, hub: Hub) -> None:
    server.watches = [[added("b", 2), added("a", 3, "MODIFIED"), added("c", 4), HANG]]
    feed = hub.follow(PATH, threading.Event())
    feed.offer(item("a", 9, mark="new"))
    until(lambda: feed.get("c"))
    assert feed.get("a") == item("a", 9, mark="new")


def test_idle_watches_are_kept_for_the_next_and_are_few(
    server: Server, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_IDLE", 2)
    listener = threading.Event()
    feeds = [hub.follow(f"/api/v1/namespaces/{name}/pods", listener) for name in "abcd"]
    for feed in feeds:
        hub.leave(feed, listener)
    assert hub.watches == 2
    assert hub.follow("/api/v1/namespaces/d/pods", listener) is feeds[3]
    assert hub.follow("/api/v1/namespaces/a/pods", listener) is not feeds[0]


def test_a_shared_watch_stays_when_one_leaves(server: Server, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_IDLE", 0)
    one, other = threading.Event(), threading.Event()
    feed = hub.follow(PATH, one)
    hub.follow(PATH, other)
    hub.leave(feed, one)
    assert hub.watches == 1
    hub.leave(feed, other)
    assert hub.watches == 0


def test_close_does_not_wait_for_the_server(server: Server, hub: Hub) -> None:
    before = set(threading.enumerate())
    feed = hub.follow(PATH, threading.Event())
    until(lambda: server.queries(True))
    time.sleep(0.1)  # its thread sits in a read now
    threads = [thread for thread in set(threading.enumerate()) - before if thread.name == f"watch {PATH}"]
    assert len(threads) == 1
    began = time.monotonic()
    hub.close()
    threads[0].join(5.0)
    assert not threads[0].is_alive()
    assert time.monotonic() - began < 1.0
    assert feed.opened == 1


def test_watches_have_connections_of_their_own(server: Server, hub: Hub, client: Client) -> None:
    client.get(f"{PATH}")
    assert len(server.connections) == 1
    hub.follow(PATH, threading.Event())
    until(lambda: server.queries(True))
    for _number in range(5):
        client.get(PATH)
    assert len(server.connections) == 2

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API client against a server that plays its answers from a list."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.cluster import client as client_module
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import (
    METADATA_LIST,
    Client,
    Timeouts,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Gone,
    NotFound,
    Unauthorized,
    Unreachable,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

Answer = tuple[int, Any, dict[str, str]]


class Server(ThreadingHTTPServer):
    """Gives its answers in turn, the last one for ever; None hangs up."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answers: list[Answer | None] = [(200, {"ok": True}, {})]
        self.seen: list[Any] = []
        self.connections = 0
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _headers, _body in self.seen]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.guard:
            self.server.connections += 1

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.guard:
            self.server.seen.append((self.command, self.path, self.headers, body))
            answers = self.server.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            self.close_connection = True
            return
        code, data, headers = answer
        text = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(code)
        for key, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Late:
    """A server that begins to listen when it is told to."""

    def __init__(self, port: int) -> None:
        self._port = port

    def begin(self) -> None:
        self.server = Server(self._port)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Late:
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def connect(server: Server, tmp_path: Path) -> Callable[..., Client]:
    def make(timeouts: Timeouts | None = None, **options: Any) -> Client:
        connection = ConnectionOptions.of({"host": server.url, **options})
        return Client(write_kubeconfig(connection, {}, tmp_path).path, timeouts or Timeouts(retry=3.0))

    return make


def test_one_connection_serves_one_request_after_the_other(server: Server, connect: Callable[..., Client]) -> None:
    client = connect(api_key="secret")
    for _turn in range(3):
        assert client.get("/version", watch=False, limit=3, absent=None) == {"ok": True}
    assert server.paths() == ["GET /version?watch=false&limit=3"] * 3
    assert (client.requests, server.connections) == (3, 1)
    assert server.seen[0][2]["Authorization"] == "Bearer secret"


def test_many_threads_share_a_client(server: Server, connect: Callable[..., Client]) -> None:
    client = connect()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: client.get(f"/{number}")["ok"], range(200)))
    assert client.requests == 200
    assert server.connections <= 8


def test_a_list_is_read_page_by_page(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [
        (200, {"items": [1, 2], "metadata": {"continue": "a b"}}, {}),
        (200, {"items": [3], "metadata": {}}, {}),
    ]
    items: list[Any] = connect().list("/api/v1/secrets", metadata_only=True, label_selector="owner=helm,status!=x")
    assert items == [1, 2, 3]
    assert server.paths() == [
        "GET /api/v1/secrets?labelSelector=owner%3Dhelm%2Cstatus%21%3Dx&limit=500",
        "GET /api/v1/secrets?labelSelector=owner%3Dhelm%2Cstatus%21%3Dx&limit=500&continue=a+b",
    ]
    assert server.seen[0][2]["Accept"] == METADATA_LIST


def test_a_list_whose_pages_expire_begins_anew(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [
        (200, {"items": [1], "metadata": {"continue": "x"}}, {}),
        (410, {"message": "expired"}, {}),
        (200, {"items": [1, 2], "metadata": {}}, {}),
    ]
    items: list[Any] = connect().list("/x")
    assert items == [1, 2]


def test_a_list_that_expires_again_and_again_ends(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(410, {"message": "expired"}, {})]
    with pytest.raises(Gone):
        connect().list("/x")
    assert "limit" not in server.paths()[-1]


@pytest.mark.parametrize("busy", [(429, {}, {}), (500, {}, {}), (503, {}, {}), (504, {}, {}), None])
def test_reading_is_tried_again(server: Server, connect: Callable[..., Client], busy: Answer | None) -> None:
    server.answers = [busy, busy, (200, {"ok": 1}, {})]
    assert connect().get("/x") == {"ok": 1}
    assert len(server.seen) == 3


def test_retry_after_is_heeded(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(429, {}, {"Retry-After": "1"}), (200, {"ok": 1}, {})]
    started = time.monotonic()
    assert connect().patch("/x", {}) == {"ok": 1}
    assert time.monotonic() - started >= 1


def test_retries_end(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(503, {"message": "shutting down"}, {})]
    started = time.monotonic()
    with pytest.raises(ClusterError, match="shutting down"):
        connect(Timeouts(answer=2.0, retry=2.0)).get("/x")
    assert time.monotonic() - started < 3
    assert len(server.seen) > 2


def test_a_retry_after_beyond_the_limit_is_not_waited_for(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(503, {"message": "later"}, {"Retry-After": "600"})]
    with pytest.raises(ClusterError, match="later"):
        connect().get("/x")
    assert len(server.seen) == 1


def test_a_retry_after_of_nothing_is_no_reason_to_hurry(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(503, {}, {"Retry-After": "0"})]
    with pytest.raises(ClusterError):
        connect(Timeouts(answer=2.0, retry=2.0)).get("/x")
    assert len(server.seen) < 8


def test_a_cut_answer_is_asked_for_again(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(200, {"ok": 1}, {"Content-Length": "100", "Connection": "close"}), (200, {"ok": 2}, {})]
    assert connect().get("/x") == {"ok": 2}


@pytest.mark.parametrize("problem", [(500, {}, {}), (503, {}, {}), (504, {}, {}), None])
def test_writing_is_tried_again_where_twice_does_no_harm(
    server: Server, connect: Callable[..., Client], problem: Answer | None
) -> None:
    for write in (
        lambda client: client.create("/x", {}, again=True),
        lambda client: client.patch("/x", {}, again=True),
        lambda client: client.delete("/x", again=True),
    ):
        server.answers = [problem, (200, {"ok": 1}, {})]
        assert write(connect()) == {"ok": 1}


def test_writing_is_tried_again_when_nobody_was_there_to_do_it(
    server: Server, connect: Callable[..., Client], tmp_path: Path
) -> None:
    client = connect(Timeouts(answer=10.0))
    port = server.server_address[1]
    server.shutdown()
    server.server_close()
    with Late(port) as late, ThreadPoolExecutor(1) as pool:
        written = pool.submit(client.create, "/x", {})
        time.sleep(0.5)
        late.begin()
        assert written.result() == {"ok": True}
        assert len(late.server.seen) == 1


def test_in_a_long_outage_only_the_first_request_waits(server: Server, connect: Callable[..., Client]) -> None:
    client = connect(Timeouts(retry=2.0))
    client.get("/x")
    server.answers = [None]
    began = time.monotonic()
    for _turn in range(5):
        with pytest.raises(Unreachable):
            client.get("/x")
    assert 1.0 < time.monotonic() - began < 3.5
    server.answers = [(200, {}, {}), None, (200, {"ok": 1}, {})]
    client.get("/x")
    assert client.get("/x") == {"ok": 1}


def test_many_threads_share_an_outage(server: Server, connect: Callable[..., Client]) -> None:
    client = connect(Timeouts(retry=2.0))
    client.get("/x")
    server.answers = [(503, {"message": "shutting down"}, {})]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for asked in [pool.submit(client.get, f"/{number}") for number in range(24)]:
            with pytest.raises(ClusterError, match="shutting down"):
                asked.result()
    assert time.monotonic() - began < 4


def test_who_answers_at_all_is_given_more_time_than_who_is_silent(
    server: Server, connect: Callable[..., Client]
) -> None:
    server.answers = [(503, {}, {})] * 3 + [(200, {"ok": 1}, {})]
    assert connect(Timeouts(answer=1.0, retry=20.0)).get("/x") == {"ok": 1}


def test_an_outage_is_told_once_with_its_end(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_LONG", 0.5)
    told: list[str] = []
    config = write_kubeconfig(ConnectionOptions(host=server.url), {}, tmp_path)
    client = Client(config.path, tell=told.append)
    server.answers = [(503, {"message": "shutting down"}, {})] * 3 + [(200, {}, {})]
    client.get("/x")
    client.get("/x")
    assert len(told) == 2
    assert "refuses GET /x (503): shutting down; tried again for up to " in told[0]
    assert told[1].startswith("the Kubernetes API answers again, after ")
    server.answers = [(503, {}, {}), (200, {}, {})]
    client.get("/x")
    assert len(told) == 2


def test_an_impatient_client_gives_up_sooner(server: Server, connect: Callable[..., Client]) -> None:
    client = connect(Timeouts(retry=20.0))
    client.get("/x")
    server.answers = [(503, {}, {})]
    began = time.monotonic()
    with pytest.raises(ClusterError):
        client.impatient(1.5).get("/x")
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("problem", [(500, {}, {}), (503, {}, {}), None])
def test_writing_is_not_tried_again(server: Server, connect: Callable[..., Client], problem: Answer | None) -> None:
    server.answers = [problem]
    for write in (lambda client: client.create("/x", {}), lambda client: client.delete("/x")):
        server.seen.clear()
        with pytest.raises(ClusterError):
            write(connect())
        assert len(server.seen) == 1


def test_an_expired_token_is_read_anew_once(server: Server, connect: Callable[..., Client], tmp_path: Path) -> None:
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": server.url}}],
        "users": [{"name": "a", "user": {"tokenFile": str(tmp_path / "token")}}],
    }
    (tmp_path / "token").write_text("old\n")
    client = connect(kubeconfig=config)
    (tmp_path / "token").write_text("new\n")
    server.answers = [(401, {}, {}), (200, {"ok": 1}, {})]
    assert client.get("/x") == {"ok": 1}
    assert [headers["Authorization"] for _method, _path, headers, _body in server.seen] == ["Bearer old", "Bearer new"]
    server.answers = [(401, {}, {})]
    with pytest.raises(Unauthorized):
        client.get("/x")
    assert len(server.seen) == 4


def test_what_is_not_there_may_be_none(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(404, {"message": "not found"}, {})]
    assert connect().get_or_none("/x") is None
    with pytest.raises(NotFound):
        connect().get("/x")


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b""])
def test_a_server_that_is_no_kubernetes_api_is_told(
    server: Server, connect: Callable[..., Client], body: bytes
) -> None:
    server.answers = [(200, body, {})]
    with pytest.raises(ClusterError, match="but not as a Kubernetes API does"):
        connect().get("/version")


def test_text_is_given_as_it_is(server: Server, connect: Callable[..., Client]) -> None:
    server.answers = [(200, b"line\n\xff", {})]
    assert connect().text("/log", tailLines=2) == "line\n\ufffd"


def test_a_patch_says_its_type(server: Server, connect: Callable[..., Client]) -> None:
    connect().patch("/x", {"a": None}, "application/json-patch+json")
    _method, _path, headers, body = server.seen[0]
    assert (headers["Content-Type"], body) == ("application/json-patch+json", b'{"a": null}')


def test_each_impersonated_group_has_a_header_of_its_own(server: Server, connect: Callable[..., Client]) -> None:
    connect(impersonate_user="eve", impersonate_groups=["a", "b"], username="me", password="p").get("/x")
    headers = server.seen[0][2]
    assert (headers["Impersonate-User"], headers.get_all("Impersonate-Group")) == ("eve", ["a", "b"])
    assert headers["Authorization"] == "Basic bWU6cA=="


def test_a_proxy_is_used_with_its_login(server: Server, connect: Callable[..., Client]) -> None:
    login = {"proxy_basic_auth": "me:p@ss"}
    connect(host="http://api.example:8001", proxy=server.url, proxy_headers=login).get("/x")
    _method, path, headers, _body = server.seen[0]
    assert (path, headers["Proxy-Authorization"]) == ("http://api.example:8001/x", "Basic bWU6cEBzcw==")


def test_certificates_are_not_checked_on_request_even_without_tls(
    server: Server, connect: Callable[..., Client]
) -> None:
    assert connect(validate_certs=False).get("/x") == {"ok": True}


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"tokenFile": "/none/token"}, "the token file /none/token cannot be read: no such file"),
        ({"client-certificate-data": "*", "client-key-data": "eA"}, "client-certificate-data .* is not base64"),
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, "the client certificate cannot be used: "),
    ],
)
def test_unusable_credentials_are_told(
    server: Server, connect: Callable[..., Client], tmp_path: Path, user: dict[str, Any], sentence: str
) -> None:
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": server.url}}],
        "users": [{"name": "a", "user": user}],
    }
    with pytest.raises(ClusterError, match=sentence):
        connect(kubeconfig=config)
    assert [path.name for path in tmp_path.iterdir()] == ["kubeconfig"]


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        ({"certificate-authority": "/none/ca"}, "certificate authority cannot be read from /none/ca: no such file"),
        (
            {"certificate-authority-data": "eA=="},
            "certificate authority cannot be read from certificate-authority-data",
        ),
        (
            {"certificate-authority-data": "A"},
            "the cluster's certificate-authority-data in the kubeconfig is not base64",
        ),
    ],
)
def test_an_unusable_authority_is_told(connect: Callable[..., Client], cluster: dict[str, Any], sentence: str) -> None:
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://x", **cluster}}],
    }
    with pytest.raises(ClusterError, match=sentence):
        connect(kubeconfig=config, host=None)


def test_a_server_that_has_answered_before_is_waited_for_longer(server: Server, connect: Callable[..., Client]) -> None:
    # long enough for three pauses, however they are drawn
    limits = Timeouts(answer=1.0, retry=3.5)
    server.answers = [None]
    for answered, least in ((False, 0.2), (True, 1.2)):
        client = connect(limits)
        if answered:
            server.answers = [(200, {}, {}), None]
            client.get("/x")
        started = time.monotonic()
        with pytest.raises(Unreachable):
            client.get("/x")
        assert least <= time.monotonic() - started <= least + 3.0  # machines may be busy

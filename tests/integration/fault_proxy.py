# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTPS proxy in front of the API server, for tests: a hook sees every request and says what becomes of it.

with FaultProxy(cluster, folder, hook) as proxy: run something with proxy.kubeconfig; then read proxy.seen.
"""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent / "cluster"))

from cluster import Cluster

OURS, HELM = "ours", "helm"
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})  # of one connection only
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_KEPT = 30.0  # seconds; the server closes a connection that is not used for 90
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(frozen=True)
class Request:
    """A request as it has come in. ``number`` counts all, ``index`` those of its client, each from 0."""

    number: int
    index: int
    client: str  # OURS or HELM, by User-Agent
    method: str
    verb: str  # Kubernetes': get, list, watch, create, update, patch, delete
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def target(self) -> str:
        """The same for every request for the same thing, whenever it comes."""
        return f"{self.path}?{sorted(self.query.items())} {self.headers.get('Accept', '')}"

    def __str__(self) -> str:
        return f"{self.client} {self.index} {self.verb} {self.path}"


@dataclass(frozen=True)
class Answer:
    """A whole answer; of a watch that is forwarded ``body`` is empty, as it comes later."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A Kubernetes Status."""
        body = json.dumps(status_of(status, reason, message)).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})


@dataclass(frozen=True)
class Cut:
    """The connection ends.

    :arg share: of the answer's body that is still sent; 0: not even its first line, 1: all of it.
    :arg seconds: that a watch lasts till then.
    :arg clean: a watch ends as the server itself ends it.
    """

    share: float = 0.0
    seconds: float = 0.0
    clean: bool = False


Verdict = Answer | Cut | None


class Hook:
    """Lets all pass. Both methods run in the request's own thread: they may sleep, or kill somebody."""

    def before(self, request: Request) -> Verdict:
        """Before the request is forwarded: an answer in the server's place, a cut, or None to forward it."""
        return None

    def after(self, request: Request, answer: Answer) -> Verdict:
        """Before the server's answer is given: another one, a cut, or None to give it."""
        return None


def status_of(code: int, reason: str, message: str) -> dict[str, Any]:
    about = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**about, "message": message, "reason": reason, "code": code}


def verb_of(method: str, path: str, query: Mapping[str, str]) -> str:
    """Kubernetes' verb for a request; what is no resource is got."""
    if method != "GET":
        return _VERBS.get(method, method.lower())
    if query.get("watch") in ("true", "1"):
        return "watch"
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else []
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return "list" if len(rest) == 1 else "get"


class FaultProxy:
    """One proxy with its own port and kubeconfig; ``hook`` may be changed at any time."""

    def __init__(self, cluster: Cluster, folder: Path, hook: Hook | None = None) -> None:
        self.hook = hook or Hook()
        self.seen: list[Request] = []
        upstream = urlsplit(cluster.server)
        self.upstream = (str(upstream.hostname), int(upstream.port or 443))
        self.trust = ssl.create_default_context(cafile=str(cluster.ca_file))
        certs = cluster.folder / "certs"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certs / "apiserver.crt", certs / "apiserver.key")
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._indexes = {OURS: itertools.count(), HELM: itertools.count()}
        self._open: set[socket.socket] = set()
        self._server: _Server | None = None
        self._port = 0
        self.accept()
        folder.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = folder / "proxy.kubeconfig"
        text = cluster.kubeconfig.read_text(encoding="utf-8").replace(cluster.server, self.url)
        self.kubeconfig.write_text(text, encoding="utf-8")
        self.kubeconfig.chmod(0o600)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()

    def accept(self) -> None:
        """Listens, again at the same port."""
        self._server = _Server(("127.0.0.1", self._port), self, self._tls)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def refuse(self) -> None:
        """Cuts all connections and refuses new ones, until :meth:`accept`."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def restart(self) -> None:
        """Forgets what was seen; the next request is the first again."""
        with self._lock:
            self.seen = []
            self._numbers = itertools.count()
            self._indexes = {OURS: itertools.count(), HELM: itertools.count()}

    def counts(self, client: str = OURS) -> Counter[tuple[str, str]]:
        """How often each verb and path was asked."""
        return Counter((request.verb, request.path) for request in list(self.seen) if request.client == client)

    # for the handlers

    def take(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        client = OURS if headers.get("User-Agent", "").startswith("helmstack") else HELM
        verb = verb_of(method, parts.path, query)
        with self._lock:
            numbers = next(self._numbers), next(self._indexes[client])
            request = Request(*numbers, client, method, verb, parts.path, query, headers, body)
            self.seen.append(request)
        return request

    @contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], proxy: FaultProxy, tls: ssl.SSLContext) -> None:
        self.proxy = proxy
        self._tls = tls
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # the handshake is made at the first read, in the connection's own thread
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # clients may hang up at any time
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: _Server
    _kept: tuple[http.client.HTTPSConnection, float] | None = None  # to the server, and when it was used last

    def handle(self) -> None:
        with self.server.proxy.connected(self.connection):
            try:
                super().handle()
            finally:
                if self._kept:
                    self._kept[0].close()

    @contextmanager
    def _upstream(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection to the server: that of the request before, unless it is old or a watch has used it."""
        proxy, kept, self._kept = self.server.proxy, self._kept, None
        if kept and time.monotonic() - kept[1] > _KEPT:
            kept[0].close()
            kept = None
        upstream = kept[0] if kept else http.client.HTTPSConnection(*proxy.upstream, context=proxy.trust)
        try:
            yield upstream
        finally:
            if not self._kept:
                upstream.close()

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = self.server.proxy
        request = proxy.take(self.command, self.path, dict(self.headers.items()), body)
        verdict = proxy.hook.before(request)
        if verdict is not None:
            self._end(verdict, Answer(200))
            return
        with self._upstream() as upstream:
            self._pass_on(request, upstream)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward

    def _pass_on(self, request: Request, upstream: http.client.HTTPSConnection) -> None:
        upstream.putrequest(request.method, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # as they are: some stand several times
            if name.lower() not in _HOP:
                upstream.putheader(name, value)
        if request.body or request.method != "GET":
            upstream.putheader("Content-Length", str(len(request.body)))
        upstream.endheaders(request.body)
        response = upstream.getresponse()
        streams = request.verb == "watch" and response.status == 200
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        answer = Answer(response.status, b"" if streams else response.read(), headers)
        self._kept = None if streams else (upstream, time.monotonic())
        verdict = self.server.proxy.hook.after(request, answer)
        if streams and not isinstance(verdict, Answer):
            self._stream(upstream, response, answer, verdict)
        else:
            self._end(verdict or answer, answer)

    def _end(self, verdict: Answer | Cut, answer: Answer) -> None:
        """Gives an answer, or as much of it as a cut leaves."""
        share = verdict.share if isinstance(verdict, Cut) else 1.0
        found = answer if isinstance(verdict, Cut) else verdict
        if share:
            length = {} if found.status == 304 else {"Content-Length": str(len(found.body))}
            self._head(replace(found, headers={**found.headers, **length}))
            self.wfile.write(found.body[: int(len(found.body) * share)])
            self.wfile.flush()
        if isinstance(verdict, Cut):
            self._hang_up(reset=not share)

    def _head(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(
        self,
        upstream: http.client.HTTPSConnection,
        response: http.client.HTTPResponse,
        answer: Answer,
        cut: Cut | None,
    ) -> None:
        deadline = time.monotonic() + cut.seconds if cut else None
        self._head(replace(answer, headers={**answer.headers, "Transfer-Encoding": "chunked"}))
        self.wfile.flush()
        while True:
            if deadline is not None and upstream.sock:
                upstream.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = response.read1(1 << 16)
            except TimeoutError:
                break
            if data:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            if not data or (deadline is not None and time.monotonic() >= deadline):
                break
        if cut and not cut.clean:
            self._hang_up(reset=True)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self, reset: bool) -> None:
        self.close_connection = True
        with suppress(OSError):
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass

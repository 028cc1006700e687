"""An OCI registry in memory, as much of one as helm push and helm pull need: no login, no encryption, nothing to build.

with MemoryRegistry() as registry:
    run(["helm", "push", "web-1.0.0.tgz", f"oci://{registry.host}/charts", "--plain-http"])

Tests of what registries do use the real one, oci_registry.py; this one is for the demo, which must not compile one.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import urllib.parse
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

ADDRESS = "127.0.0.1"
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>blobs/uploads|blobs|manifests|tags)/(?P<reference>[^/]*)")


class MemoryRegistry:
    """Serves for as long as its `with` block lasts."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}  # by digest, whatever the repository
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}  # by repository, and by tag or digest
        self._server = ThreadingHTTPServer((ADDRESS, 0), partial(_Handler, self))

    @property
    def host(self) -> str:
        """Host and port, as they stand after oci://."""
        return f"{ADDRESS}:{self._server.server_port}"

    def tags(self, name: str) -> list[str]:
        """The tags of a repository."""
        return sorted(tag for repository, tag in self.manifests if repository == name and ":" not in tag)

    def __enter__(self) -> MemoryRegistry:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, registry: MemoryRegistry, *arguments: object) -> None:
        self._registry = registry
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Sends a manifest, a blob or the tags."""
        found = _PATH.fullmatch(self._path)
        if self._path == "/v2/":
            self._answer(200, b"{}", "application/json")
        elif not found:
            self._missing()
        elif found["kind"] == "tags":
            body = json.dumps({"name": found["name"], "tags": self._registry.tags(found["name"])}).encode()
            self._answer(200, body, "application/json")
        else:
            self._send(found["name"], found["kind"], found["reference"])

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Lets an upload begin; its number means nothing, as an upload comes in one piece."""
        self._read()
        self._answer(202, Location=f"{self._path.rstrip('/')}/1")

    def do_PUT(self) -> None:
        """Takes a blob, or a manifest, which is found by its tag and by its digest from then on."""
        body, found = self._read(), _PATH.fullmatch(self._path)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if not found:
            self._missing()
            return
        if found["kind"] == "manifests":
            manifest = (self.headers.get("Content-Type", ""), body)
            for reference in (found["reference"], digest):
                self._registry.manifests[found["name"], reference] = manifest
        elif self._query.get("digest") != [digest]:
            self._error(400, "DIGEST_INVALID")
            return
        else:
            self._registry.blobs[digest] = body
        self._answer(201, Location=self._path, Docker_Content_Digest=digest)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""

    @property
    def _path(self) -> str:
        return urllib.parse.urlsplit(self.path).path

    @property
    def _query(self) -> dict[str, list[str]]:
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, name: str, kind: str, reference: str) -> None:
        if kind == "manifests" and (name, reference) in self._registry.manifests:
            media_type, body = self._registry.manifests[name, reference]
            self._answer(200, body, media_type, Docker_Content_Digest="sha256:" + hashlib.sha256(body).hexdigest())
        elif kind == "blobs" and reference in self._registry.blobs:
            self._answer(200, self._registry.blobs[reference], "application/octet-stream")
        else:
            self._missing()

    def _missing(self) -> None:
        self._error(404, "NOT_FOUND")

    def _error(self, status: int, code: str) -> None:
        self._answer(status, json.dumps({"errors": [{"code": code}]}).encode(), "application/json")

    def _answer(self, status: int, body: bytes = b"", media_type: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

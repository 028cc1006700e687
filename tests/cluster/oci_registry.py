#!/usr/bin/env python3
"""An OCI registry on this machine: the one of the distribution project, over HTTP or TLS, open or with a login.

with OciRegistry(folder, username="me", password="secret", login="token", tls=True) as registry:
    run(["helm", "push", "web-1.0.0.tgz", f"oci://{registry.host}/charts", "--ca-file", str(registry.ca_file)])
assert len(registry.requests("GET")) == 1
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import cluster_binaries
from chart_repository import ADDRESS, _basic, _openssl, _tls_context

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
STARTS_WITHIN = 20.0  # seconds
_REQUEST = re.compile(r'"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/[\d.]+" (\d+)')


class OciRegistry:
    """Serves for as long as its `with` block lasts.

    `login` is "basic" or "token"; the user may pull and push everything. The token's server is one of its own.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        username: str = "",
        password: str = "",
        login: str = "",
        tls: bool = False,
    ) -> None:
        self._made = Path(tempfile.mkdtemp(prefix="oci-registry-"))
        self._folder = Path(folder) if folder else self._made / "storage"
        self._user = (username, password)
        self.login = login or ("basic" if username else "")
        self._tls = tls
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens: _TokenServer | None = None
        self._log = self._made / "log"

    @property
    def host(self) -> str:
        """Host and port, as they stand after oci://."""
        return f"{ADDRESS}:{self._port}"

    @property
    def ca_file(self) -> Path | None:
        """The PEM file of the CA; None without tls."""
        return self._made / "ca.crt" if self._tls else None

    def requests(self, method: str = "") -> list[tuple[str, str, int]]:
        """What was asked so far: method, path with query, and status; without its own checks of being alive."""
        found = _REQUEST.findall(self._log.read_text(encoding="utf-8", errors="replace"))
        asked = [(verb, path, int(status)) for verb, path, status in found if path != "/v2/?alive"]
        return [each for each in asked if method in ("", each[0])]

    def push(self, path: str, tag: str, config_type: str, archive: bytes) -> str:
        """Puts anything there as helm push would, and returns its digest; only where no login is asked for."""
        layer = {"mediaType": CHART_LAYER, "digest": self._blob(path, archive), "size": len(archive)}
        config = {"mediaType": config_type, "digest": self._blob(path, b"{}"), "size": 2}
        return self._manifest(path, tag, {"mediaType": MANIFEST, "config": config, "layers": [layer]})

    def index(self, path: str, digests: list[str], tag: str) -> str:
        """Puts an index of manifests there."""
        listed = [
            {"mediaType": MANIFEST, "digest": digest, "size": len(self._get(f"/v2/{path}/manifests/{digest}"))}
            for digest in digests
        ]
        return self._manifest(path, tag, {"mediaType": INDEX, "manifests": listed})

    def tag(self, path: str, reference: str, tag: str) -> None:
        """Gives what stands under a tag or digest another tag."""
        body = self._get(f"/v2/{path}/manifests/{reference}")
        self._manifest(path, tag, json.loads(body), body)

    def untag(self, path: str, tag: str) -> None:
        """Removes a tag."""
        self._ask("DELETE", f"/v2/{path}/manifests/{tag}")

    def _manifest(self, path: str, tag: str, content: dict[str, object], body: bytes = b"") -> str:
        body = body or json.dumps({"schemaVersion": 2, **content}).encode()
        self._ask("PUT", f"/v2/{path}/manifests/{tag}", body, str(content.get("mediaType") or MANIFEST))
        return _digest(body)

    def _blob(self, path: str, data: bytes) -> str:
        location = self._ask("POST", f"/v2/{path}/blobs/uploads/").headers["Location"]
        parts = urllib.parse.urlsplit(location)
        self._ask("PUT", f"{parts.path}?{parts.query}&digest={_digest(data)}", data, "application/octet-stream")
        return _digest(data)

    def _get(self, path: str) -> bytes:
        body: bytes = self._ask("GET", path).read()
        return body

    def _ask(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host)
        headers = {"Accept": f"{MANIFEST}, {INDEX}", **({"Content-Type": kind} if kind else {})}
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.read()[:200]!r}")
        return answer

    def start(self) -> OciRegistry:
        """Starts serving, and waits until it answers."""
        if self._tls or self.login == "token":
            _tls_context(self._made)
        config = self._made / "config.json"
        config.write_text(json.dumps(self._config()), encoding="utf-8")
        with open(self._log, "wb") as log:
            argv = [str(cluster_binaries.registry()), str(config)]
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._made)
        self._wait()
        return self

    def stop(self) -> None:
        """Ends serving and removes what it made itself."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._tokens is not None:
            self._tokens.stop()
        shutil.rmtree(self._made, ignore_errors=True)

    def __enter__(self) -> OciRegistry:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _config(self) -> dict[str, object]:
        served: dict[str, object] = {"addr": self.host}
        if self._tls:
            served["tls"] = {"certificate": str(self._made / "server.crt"), "key": str(self._made / "server.key")}
        storage = {"filesystem": {"rootdirectory": str(self._folder)}, "delete": {"enabled": True}}
        config: dict[str, object] = {"version": "0.1", "log": {"level": "error"}, "storage": storage, "http": served}
        if self.login == "basic":
            config["auth"] = {"htpasswd": {"realm": "charts", "path": str(self._htpasswd())}}
        elif self.login == "token":
            self._tokens = _TokenServer(self._made, *self._user, tls=self._tls)
            about = {"realm": self._tokens.url, "service": "charts", "issuer": "tests"}
            config["auth"] = {"token": {**about, "rootcertbundle": str(self._made / "token.crt")}}
        return config

    def _htpasswd(self) -> Path:
        user, password = self._user
        hashed = subprocess.run(
            [str(cluster_binaries.registry()), "hash", password], capture_output=True, text=True, check=True
        )
        path = self._made / "htpasswd"
        path.write_text(f"{user}:{hashed.stdout.strip()}\n", encoding="utf-8")
        return path

    def _wait(self) -> None:
        last = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < last and self._process and self._process.poll() is None:
            try:
                socket.create_connection((ADDRESS, self._port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        text = cluster_binaries.tail(self._log)
        self.stop()
        raise RuntimeError(f"the registry does not start:\n{text}")


class _TokenServer:
    """Gives a token for what is asked to whoever says user and password."""

    def __init__(self, folder: Path, username: str, password: str, tls: bool) -> None:
        self._folder = folder
        self.authorization = _basic(username or None, password or None)
        subject = ["-subj", "/CN=tests", "-keyout", "token.key", "-out", "token.crt", "-days", "2"]
        _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject)
        certificate = ssl.PEM_cert_to_DER_cert((folder / "token.crt").read_text(encoding="ascii"))
        self._header = {"alg": "RS256", "typ": "JWT", "x5c": [base64.b64encode(certificate).decode()]}
        self._server = ThreadingHTTPServer((ADDRESS, 0), partial(_Tokens, self))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "server.crt", folder / "server.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://{ADDRESS}:{self._server.server_port}/token"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def token(self, scope: str) -> str:
        """A token for a scope such as repository:charts/web:pull,push."""
        access = []
        for each in scope.split():
            kind, _colon, rest = each.partition(":")
            name, _colon, actions = rest.rpartition(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {"iss": "tests", "sub": "", "aud": "charts", "exp": now + 300, "nbf": now - 10, "iat": now}
        signed = ".".join(_encoded(json.dumps(each).encode()) for each in (self._header, {**claims, "access": access}))
        argv = ["openssl", "dgst", "-sha256", "-sign", str(self._folder / "token.key")]
        signature = subprocess.run(argv, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_encoded(signature)}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Tokens(BaseHTTPRequestHandler):
    def __init__(self, tokens: _TokenServer, *arguments: object) -> None:
        self._tokens = tokens
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answers with a token, or with 401."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        wanted = self._tokens.authorization
        allowed = wanted is None or self.headers.get("Authorization") == wanted
        token = self._tokens.token(" ".join(query.get("scope", []))) if allowed else ""
        body = json.dumps({"token": token} if allowed else {"errors": [{"code": "UNAUTHORIZED"}]}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])

#!/usr/bin/env python3
"""A chart repository on this machine: a folder over HTTP or HTTPS, with or without a password, that logs its requests.

with ChartRepository(folder, username="me", password="secret", tls=True) as repository:
    run(["helm", "repo", "add", "x", repository.url, "--ca-file", str(repository.ca_file)])
assert repository.requests.count("/index.yaml") == 1
"""

from __future__ import annotations

import argparse
import base64
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

ADDRESS = "127.0.0.1"


class ChartRepository:
    """Serves a folder for as long as its `with` block lasts; `requests` holds the paths that were asked for.

    `username` and `password` together ask for basic authentication; `tls` serves HTTPS with a certificate of an own CA.
    """

    def __init__(
        self,
        folder: Path | str,
        username: str | None = None,
        password: str | None = None,
        tls: bool = False,
        port: int = 0,
    ) -> None:
        self.folder = Path(folder)
        self.requests: list[str] = []
        self._authorization = _basic(username, password)
        self._tls = tls
        self._port = port
        self._certificates = Path()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The repository's URL, without a slash at its end."""
        assert self._server is not None, "the repository serves only inside its with block"
        return f"{'https' if self._tls else 'http'}://{ADDRESS}:{self._server.server_port}"

    @property
    def ca_file(self) -> Path | None:
        """The PEM file of the CA; None without tls."""
        return self._certificates / "ca.crt" if self._tls else None

    def allows(self, authorization: str | None) -> bool:
        """Whether a request with this Authorization header may pass."""
        return self._authorization is None or secrets.compare_digest(self._authorization, authorization or "")

    def start(self) -> ChartRepository:
        """Starts serving in a thread of its own."""
        self._server = ThreadingHTTPServer((ADDRESS, self._port), partial(_Handler, self))
        if self._tls:
            self._certificates = Path(tempfile.mkdtemp(prefix="chart-repository-"))
            self._server.socket = _tls_context(self._certificates).wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Ends serving and removes the certificates."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._certificates != Path():
            shutil.rmtree(self._certificates, ignore_errors=True)

    def __enter__(self) -> ChartRepository:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Handler(SimpleHTTPRequestHandler):
    """Notes the path, asks for the password, and leaves the rest to the standard library."""

    def __init__(self, repository: ChartRepository, *arguments: object) -> None:
        self._repository = repository
        super().__init__(*arguments, directory=str(repository.folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Serves a file."""
        self._repository.requests.append(self.path)
        if self._repository.allows(self.headers.get("Authorization")):
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="charts"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet: the repository's `requests` is the log."""


def _basic(username: str | None, password: str | None) -> str | None:
    if username is None and password is None:
        return None
    return "Basic " + base64.b64encode(f"{username or ''}:{password or ''}".encode()).decode()


def _tls_context(folder: Path) -> ssl.SSLContext:
    """Makes a CA and a certificate signed by it in the folder."""
    authority = ["-subj", "/CN=chart repository test CA", "-keyout", "ca.key", "-out", "ca.crt"]
    constraints = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    _openssl(folder, *_REQUEST, "-x509", "-days", "2", *authority, *constraints)
    (folder / "san.cnf").write_text(f"subjectAltName=IP:{ADDRESS},DNS:localhost\n", encoding="ascii")
    _openssl(folder, *_REQUEST, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san.cnf"]
    _openssl(folder, "x509", "-req", "-days", "2", "-in", "server.csr", "-out", "server.crt", *signing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


_REQUEST = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves a folder until interrupted; prints the URL, and the CA's file with --tls."""
    parser = argparse.ArgumentParser(description="Serves a folder as a chart repository.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--username")
    parser.add_argument("--password")
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args(arguments)
    with ChartRepository(options.folder, options.username, options.password, options.tls, options.port) as repository:
        print(*filter(None, (repository.url, repository.ca_file)), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

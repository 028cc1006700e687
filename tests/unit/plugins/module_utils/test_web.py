# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login goes to its own server only; what is busy is asked again; charts and values come from URLs."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import begins_with
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import fetched

LOGIN = web.Access("me", "s3cret").authorization
Replies = dict[str, Callable[[Any], tuple[int, dict[str, str], bytes]]]


class Server:
    """Answers by a table of paths, and notes what was asked with which login."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.replies: Replies = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization")))
                reply = outer.replies.get(self.path.partition("?")[0])
                status, headers, body = reply(self) if reply else (404, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                return None

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def other() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def archive(name: str = "web", version: str = "1.0.0") -> bytes:
    text = f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"{name}/Chart.yaml")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return packed.getvalue()


def gives(body: bytes, status: int = 200, **headers: str) -> Callable[[Any], tuple[int, dict[str, str], bytes]]:
    return lambda _request: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def guarded(body: bytes) -> Callable[[Any], tuple[int, dict[str, str], bytes]]:
    return lambda request: (200, {}, body) if request.headers.get("Authorization") == LOGIN else (401, {}, b"")


def store(tmp_path: Path, *repositories: Repository, cache: str | None = None) -> ChartStore:
    return ChartStore(Helm("/nowhere/helm", str(tmp_path / "helm"), None), str(tmp_path / "work"), repositories, cache)


def message(call: Callable[[], Chart], kind: type[HelmstackError] = ChartError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


def test_a_login_follows_a_redirect_to_its_own_server_only(server: Server, other: Server) -> None:
    server.replies = {
        "/away": gives(b"", 302, Location=f"{other.url}/file"),
        "/here": gives(b"", 307, Location="/file"),
        "/file": gives(b"mine"),
    }
    other.replies = {"/file": gives(b"theirs")}
    access = web.Access("me", "s3cret")
    assert web.get(f"{server.url}/here", access, authorization=LOGIN).body == b"mine"
    assert web.get(f"{server.url}/away", access, authorization=LOGIN).body == b"theirs"
    assert server.asked == [("/here", LOGIN), ("/file", LOGIN), ("/away", LOGIN)]
    assert other.asked == [("/file", None)]


def test_a_circle_of_redirects_and_one_to_another_scheme_end(server: Server) -> None:
    server.replies = {"/a": gives(b"", 302, Location="/a"), "/f": gives(b"", 302, Location="file:///etc/passwd")}
    for path, word in (("/a", "redirects more than 10 times"), ("/f", "it redirects to file:///etc/passwd")):
        with pytest.raises(web.WebError, match=word):
            web.get(server.url + path, web.Access())


def test_a_server_that_is_busy_is_asked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(web.time, "sleep", pauses.append)
    answers = iter([(503, {"Retry-After": "7"}, b"wait"), (429, {}, b""), (200, {}, b"done")])
    server.replies = {"/x": lambda _request: next(answers)}
    kept = io.BytesIO()
    web.get(f"{server.url}/x", web.Access(), to=kept)
    assert (kept.getvalue(), pauses) == (b"done", [7.0, 1.5])


def test_too_much_is_not_taken(server: Server) -> None:
    server.replies = {"/x": gives(b"0" * 2_000_000)}
    with pytest.raises(web.WebError, match="more than 1 MiB"):
        web.get(f"{server.url}/x", web.Access(), limit=1 << 20)


@pytest.mark.parametrize(
    ("url", "prefix", "expected"),
    [
        ("https://x.example.org/charts/a.tgz", "https://x.example.org/charts", True),
        ("https://x.example.org/charts/a.tgz", "https://X.example.org:443/charts/", True),
        ("https://x.example.org/charts2/a.tgz", "https://x.example.org/charts", False),
        ("https://x.example.org/charts/../a.tgz", "https://x.example.org/charts", False),
        ("https://x.example.org/charts/%2e%2e/a.tgz", "https://x.example.org/charts", False),
        ("https://x.example.org.evil.org/charts/a", "https://x.example.org/charts", False),
        ("http://x.example.org/charts/a.tgz", "https://x.example.org/charts", False),
        ("https://x.example.org:8443/charts/a.tgz", "https://x.example.org/charts", False),
        ("https://x.example.org:port/a", "https://x.example.org:port", False),
    ],
)
def test_what_lies_below_a_url(url: str, prefix: str, expected: bool) -> None:
    assert begins_with(url, prefix) is expected


def test_a_chart_by_url_with_the_login_of_the_repository_that_it_begins_with(
    server: Server, other: Server, tmp_path: Path
) -> None:
    server.replies = {"/charts/web-1.0.0.tgz": guarded(archive()), "/web.tgz": guarded(archive())}
    other.replies = {"/web-1.0.0.tgz": gives(archive())}
    declared = Repository("r", f"{server.url}/charts", "me", "s3cret")
    charts = store(tmp_path, declared)
    chart = charts.fetch(f"{server.url}/charts/web-1.0.0.tgz", "^1.0.0")
    assert (chart.name, chart.version) == ("web", "1.0.0")
    assert chart.origin
    assert (chart.origin.kind, chart.origin.digest[:7]) == ("url", "sha256:")
    assert charts.fetch(f"{other.url}/web-1.0.0.tgz").version == "1.0.0"
    assert other.asked == [("/web-1.0.0.tgz", None)]
    assert "wants a login: 401" in message(lambda: charts.fetch(f"{server.url}/web.tgz"))
    wrong = store(tmp_path, Repository("r", f"{server.url}/charts", "me", "other"))
    assert "refuses this user: 401" in message(lambda: wrong.fetch(f"{server.url}/charts/web-1.0.0.tgz"))
    assert "does not exist: 404" in message(lambda: charts.fetch(f"{server.url}/charts/none.tgz"))
    assert "but the stack wants 2.0.0" in message(lambda: charts.fetch(f"{other.url}/web-1.0.0.tgz", "2.0.0"))


def test_a_chart_by_url_whose_digest_is_known_costs_no_request_a_second_time(server: Server, tmp_path: Path) -> None:
    server.replies = {"/web.tgz": gives(archive()), "/page": gives(b"<html>")}
    cache = str(tmp_path / "cache")
    chart = store(tmp_path, cache=cache).fetch(f"{server.url}/web.tgz")
    assert chart.origin
    for _run in range(2):
        again = store(tmp_path, cache=cache).fetch(f"{server.url}/web.tgz", digest=chart.origin.digest)
        assert again.digest == chart.digest
    assert len(server.asked) == 2
    wrong = f"sha256:{'0' * 64}"
    text = message(lambda: store(tmp_path, cache=cache).fetch(f"{server.url}/web.tgz", digest=wrong))
    assert chart.origin.digest in text
    assert wrong in text
    assert "is damaged or no .tgz archive" in message(lambda: store(tmp_path).fetch(f"{server.url}/page"))


def test_values_come_with_the_login_of_the_repository_that_their_url_begins_with(server: Server) -> None:
    server.replies = {"/team/values.yaml": guarded(b"a: 1\n")}
    url = f"{server.url}/team/values.yaml"
    assert fetched(url, [Repository("r", f"{server.url}/team", "me", "s3cret")]) == "a: 1\n"
    with pytest.raises(InputError, match=r"cannot be fetched: 401 Unauthorized\. Declare a repository"):
        fetched(url, [Repository("r", f"{server.url}/other", "me", "s3cret")])

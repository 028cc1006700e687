# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Index files, however they are written: cut into sections or read as a whole, they say the same, and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.index import (
    Entry,
    Index,
    NotAnIndex,
    choose,
    cut,
)
from ansible_collections.helmstack.core.plugins.module_utils.web import Access

HELMS = """\
apiVersion: v1
entries:
  db:
  - annotations:
      images: |
        - name: db
        web:
    created: "2026-01-01T00:00:00Z"
    dependencies:
    - name: common
      version: 2.x.x
    name: db
    urls: [db-1.10.0.tgz]
    version: 1.10.0
  - name: db
    urls: ["https://other.example.org/db-1.9.0.tgz"]
    version: 1.9.0
    digest: abc
  - name: db
    version: nonsense
  web:
  - {name: web, version: 2.0.0-rc.1, urls: [web.tgz]}
generated: "2026-01-01T00:00:00Z"
"""
DB = (Entry("1.10.0", ("db-1.10.0.tgz",), ""), Entry("1.9.0", ("https://other.example.org/db-1.9.0.tgz",), "abc"))
WEB = (Entry("2.0.0-rc.1", ("web.tgz",), ""),)
TEXTS = {
    "as helm writes it": HELMS,
    "with Windows' line ends": HELMS.replace("\n", "\r\n"),
    "entries last": HELMS.replace("apiVersion: v1\n", "").replace("generated", "apiVersion: v1\ngenerated"),
    "quoted names": HELMS.replace("  db:\n", '  "db":\n').replace("  web:\n  - {", "  'web':\n  - {"),
    "indented lists": "apiVersion: v1\nentries:\n    web:\n      - version: 2.0.0-rc.1\n        urls: [web.tgz]\n"
    "    db:\n      - version: 1.9.0\n        digest: abc\n        urls:\n"
    "          - https://other.example.org/db-1.9.0.tgz\n"
    "      - version: 1.10.0\n        urls: [db-1.10.0.tgz]\n",
    "JSON": json.dumps(
        {
            "apiVersion": "v1",
            "entries": {
                "db": [{"version": each.version, "urls": each.urls, "digest": each.digest} for each in reversed(DB)],
                "web": [{"version": "2.0.0-rc.1", "urls": ["web.tgz"]}],
            },
        }
    ),
    "anchors over the sections": "apiVersion: v1\nentries:\n  web:\n  - version: &v 2.0.0-rc.1\n    urls: [web.tgz]\n"
    "  db:\n  - {version: 1.10.0, urls: [db-1.10.0.tgz], home: *v}\n"
    "  - {version: 1.9.0, digest: abc, urls: ['https://other.example.org/db-1.9.0.tgz']}\n",
    "a flow mapping": "apiVersion: v1\nentries: {web: [{version: 2.0.0-rc.1, urls: [web.tgz]}], db: [{version: 1.10.0, "
    "urls: [db-1.10.0.tgz]}, {version: 1.9.0, digest: abc, urls: ['https://other.example.org/db-1.9.0.tgz']}]}\n",
}


class Served:
    """One index file, its requests, and whether it has changed."""

    def __init__(self) -> None:
        self.text = HELMS
        self.etag: str | None = '"1"'
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("If-None-Match")
                outer.asked.append(known)
                same = known is not None and known == outer.etag
                body = b"" if same else outer.text.encode()
                self.send_response(304 if same else 200)
                if outer.etag:
                    self.send_header("ETag", outer.etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/index.yaml"
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def served() -> Iterator[Served]:
    running = Served()
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_an_index_says_the_same_however_it_is_written(served: Served, tmp_path: Path, text: str) -> None:
    served.text = text
    for _run in range(2):
        index = Index(served.url, Access(), str(tmp_path))
        assert (index.entries("db"), index.entries("web"), index.entries("none")) == (DB, WEB, ())
        assert sorted(index.names()) == ["db", "web"]
    assert served.asked == [None, '"1"']


def test_only_what_helm_writes_is_cut() -> None:
    assert set(cut(HELMS.encode()) or ()) == {"db", "web"}
    for strange in (b"", b"a: 1\n", b"apiVersion: v1\nentries: {}\n", b"apiVersion: v1\nentries:\n\tdb:\n"):
        assert cut(strange) is None


def test_another_index_is_read_anew_and_the_old_one_goes(served: Served, tmp_path: Path) -> None:
    assert Index(served.url, Access(), str(tmp_path)).entries("db") == DB
    served.text, served.etag = HELMS.replace("1.10.0", "1.11.0"), '"2"'
    assert Index(served.url, Access(), str(tmp_path)).entries("db")[0].version == "1.11.0"
    assert len(list(tmp_path.glob("*.yaml"))) == 1
    served.etag = None  # a server that cannot say that nothing has changed
    assert Index(served.url, Access(), str(tmp_path)).entries("db")[0].version == "1.11.0"
    assert served.asked == [None, '"1"', '"2"']


@pytest.mark.parametrize("text", ["<html>", "[1, 2]", "entries: {}\n", "a: [\n", '{"a": 1}'])
def test_what_is_no_index_is_told(served: Served, tmp_path: Path, text: str) -> None:
    served.text = text
    index = Index(served.url, Access(), str(tmp_path))
    for _time in range(2):
        with pytest.raises(NotAnIndex):
            index.entries("db")


@pytest.mark.parametrize(
    ("wanted", "devel", "expected"),
    [
        (None, False, "1.10.0"),
        (None, True, "2.0.0-rc.1"),
        ("1.9", False, "1.9.0"),
        ("~1.9.0", False, "1.9.0"),
        ("2.0.0-rc.1", False, "2.0.0-rc.1"),
        ("v1.9.0", False, "1.9.0"),
        ("3.x", False, None),
    ],
)
def test_the_newest_that_fits_is_taken(wanted: str | None, devel: bool, expected: str | None) -> None:
    entry = choose([*WEB, *DB], wanted, devel=devel)
    assert (entry.version if entry else None) == expected

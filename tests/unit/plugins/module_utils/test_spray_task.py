# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of helm_spray as a stack, and what is wrong with them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELM_SPRAY
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.spray_task import (
    Place,
    chart_name,
    stack_name,
    umbrella_stack,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack, ValuesSource
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import fetched
from ansible_collections.helmstack.core.plugins.module_utils.stack.schema import LABEL_VALUE

LABEL = LABEL_VALUE
REPOSITORY = {"name": "shop", "url": "https://charts.example.org"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "umbrella").mkdir()
    (tmp_path / "umbrella" / "Chart.yaml").write_text("name: shop\nversion: 1.0.0\n")
    (tmp_path / "shop-1.2.3.tgz").write_bytes(b"")
    (tmp_path / "values.yaml").write_text("a: 1\n")
    (tmp_path / "a,b.txt").write_text("text")
    (tmp_path / "logo.txt").write_text("logo")
    return tmp_path


class _Helpers:
    """Renders every template as what it sees."""

    def checkout(self, *_args: Any) -> Any:
        raise NotImplementedError

    def render(self, templates: Any, *_args: Any) -> list[str]:
        return [f"{template.text}data: {json.dumps(template.context.data)}\n" for template in templates]


def _stack(folder: Path, secrets: tuple[str, ...] = (), **options: Any) -> Stack:
    def find(path: str) -> str:
        if not (folder / path).exists():
            raise InputError(f"'{path}' does not exist on the controller", hint="Searched: here")
        return str(folder / path)

    def carry(path: str) -> tuple[str, str]:
        return f"/tar,get}}/{Path(find(path)).name}", "hidden text" if "logo" in path else ""

    given = HELM_SPRAY.typed({"chart": "umbrella", "namespace": "web", **options})
    return umbrella_stack(given, Place(PlainFiles(), find, carry, _Helpers()), secrets)


def _release(folder: Path, **options: Any) -> Release:
    return _stack(folder, **options).releases[0]


def test_a_spray_is_a_stack_of_one_umbrella(folder: Path) -> None:
    stack = _stack(
        folder, values_files=["values.yaml"], values={"b": "2"}, exclude=["x"], default_weight=3, timeout="2m"
    )
    release = stack.releases[0]
    assert (stack.name, stack.targets, release.id) == ("web_shop", None, "web/shop")
    assert release.chart == str(folder / "umbrella")
    assert release.values == (ValuesSource("values.yaml", "a: 1\n"), ValuesSource("release_values", '{"b": "2"}'))
    assert release.spray == {"exclude": ["x"], "default_weight": 3, "set_values": []}
    assert release.options.timeout == 120


def test_values_files_may_be_go_templates(folder: Path) -> None:
    (folder / "v.yaml.gotmpl").write_text("a: 1\n")
    release = _release(folder, values_files=["values.yaml", "v.yaml.gotmpl"])
    data = '{"Environment": {"Name": ""}, "Variables": {}, "Env": {}, "Release": {"Name": "shop", "Namespace": "web"}}'
    assert [source.text for source in release.values] == ["a: 1\n", f"a: 1\ndata: {data}\n"]
    assert release.values[1].label == "v.yaml.gotmpl"


def test_targets_select_the_umbrella_so_that_absent_and_prune_know(folder: Path) -> None:
    stack = _stack(folder, targets=["api"], state="absent")
    assert stack.targets == ("web/shop",)


@pytest.mark.parametrize(
    ("given", "reuse", "reset"),
    [
        ({}, False, True),
        ({"reuse_values": True}, True, False),
        ({"reuse_values": True, "reset_values": True}, False, True),
        ({"reset_values": False}, False, True),
    ],
)
def test_resetting_values_wins_over_reusing_them(
    folder: Path, given: dict[str, bool], reuse: bool, reset: bool
) -> None:
    options = _release(folder, **given).options
    assert (options.reuse_values, options.reset_values) == (reuse, reset)


def test_a_declared_repository_wins_over_a_folder_and_its_password_is_masked(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "shop").mkdir()
    repository = {**REPOSITORY, "password": "hidden text", "ca_file": "values.yaml"}
    stack = _stack(folder, chart="shop/shop", chart_version="^1.0", repositories=[repository])
    assert (stack.releases[0].chart, stack.releases[0].version) == ("shop/shop", "^1.0")
    assert stack.repositories[0].ca_file == str(folder / "values.yaml")
    assert stack.secrets == ("hidden text",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": ["a"], "exclude": ["b"]}, ["targets and exclude cannot be used together"]),
        (
            {"prefix_releases": "a", "prefix_releases_with_namespace": True},
            ["prefix_releases and prefix_releases_with_namespace"],
        ),
        ({"prune": True, "targets": ["a"]}, ["prune", "targets"]),
        ({"prune": True, "exclude": ["a"]}, ["prune", "exclude"]),
        ({"state": "absent"}, ["state: absent needs targets", "all: true"]),
        ({"state": "absent", "exclude": ["a"]}, ["state: absent needs targets", "all: true"]),
        ({"chart_version": "1.0.0"}, ["chart_version is 1.0.0", "a folder", "Leave chart_version out"]),
        ({"chart": "shop-1.2.3.tgz", "chart_version": "1.2.3"}, ["chart_version", "an archive"]),
        ({"chart": "https://x.example.org/shop-1.tgz", "chart_version": "1"}, ["chart_version", "a URL"]),
        ({"chart": "git+https://x.example.org/shop.git", "chart_version": "1"}, ["chart_version", "git"]),
        ({"chart": ""}, ["chart_ref is empty"]),
        ({"chart": "./none"}, ["'./none' does not exist on the controller"]),
        ({"chart": "none.tgz"}, ["'none.tgz' does not exist on the controller"]),
        ({"chart": "none"}, ["there is no chart 'none'", "repository/name or a path", "Searched: here"]),
        ({"chart": "shp/shop", "repositories": [REPOSITORY]}, ["'shp'", "not declared", "Did you mean 'shop'?"]),
        ({"chart": "shop/shop"}, ["'shop'", "not declared", "Declare it with the option repositories"]),
        ({"repositories": [{**REPOSITORY, "name": "a/b"}]}, ["a repository's name", "'a/b'"]),
        ({"repositories": [{**REPOSITORY, "ca_file": "none.pem"}]}, ["'none.pem' does not exist"]),
        ({"namespace": "We_b"}, ["namespace", "'We_b'"]),
        ({"timeout": "soon"}, ["timeout", "'soon'"]),
        ({"values_files": ["none.yaml"]}, ["'none.yaml' does not exist"]),
        ({"values_files": [" "]}, ["values_files holds an empty path"]),
        ({"values_files": ["ftp://u:p@x/y"]}, ["ftp://x/y", "neither a path nor an http"]),
        ({"values_files": ["logo.txt"]}, ["logo.txt", "must be a mapping"]),
        ({"set_values": [{"value": "a=1"}, {"value": "a[=1"}]}, ["item 2 of set_values"]),
        ({"set_values": [{"value": "a=1"}, {"value": "b=none.txt", "value_type": "file"}]}, ["'none.txt' does not"]),
        ({"set_values": [{"value": "a=", "value_type": "file"}, {"value": "b", "value_type": "file"}]}, ["item 2"]),
    ],
)
def test_bad_input_is_told_in_a_sentence(folder: Path, options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        _stack(folder, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("a=logo.txt", "a=/tar\\,get\\}/logo.txt"),
        ("a.b[0]=logo.txt,logo\\.txt=logo.txt", "a.b[0]=/tar\\,get\\}/logo.txt,logo\\.txt=/tar\\,get\\}/logo.txt"),
        ("a=a\\,b.txt,c=logo.txt", "a=/tar\\,get\\}/a\\,b.txt,c=/tar\\,get\\}/logo.txt"),
        (
            "a={logo.txt,a\\,b.txt},c=logo.txt",
            "a={/tar\\,get\\}/logo.txt,/tar\\,get\\}/a\\,b.txt},c=/tar\\,get\\}/logo.txt",
        ),
    ],
)
def test_files_of_set_values_are_named_as_the_module_finds_them(folder: Path, text: str, carried: str) -> None:
    stack = _stack(folder, set_values=[{"value": "x=1"}, {"value": text, "value_type": "file"}])
    spray = stack.releases[0].spray
    assert spray is not None
    assert spray["set_values"] == [
        {"value": "x=1", "value_type": "raw", "secret": False},
        {"value": carried, "value_type": "file", "secret": True},
    ]
    assert stack.secrets == ("hidden text",)


def test_what_came_out_of_a_vault_is_marked(folder: Path) -> None:
    items = [{"value": "pin=1234"}, {"value": "other=1"}]
    stack = _stack(folder, ("1234",), set_values=items, values={"pin": "1234"})
    release = stack.releases[0]
    assert release.spray is not None
    assert [item["secret"] for item in release.spray["set_values"]] == [True, False]
    assert release.values[0].secret
    assert stack.secrets == ("1234",)


@pytest.mark.parametrize(
    ("chart", "name"),
    [
        ("umbrella", "shop"),
        ("shop-1.2.3.tgz", "shop"),
        ("/x/my-shop-v1.2.3-rc.1+b.tgz", "my-shop"),
        ("/x/shop.tgz", "shop"),
        ("repo/shop", "shop"),
        ("oci://registry.example.org/charts/shop:1.2", "shop"),
        ("https://x.example.org/shop-1.2.3.tgz?token=x#y", "shop"),
        ("git+https://x.example.org/shop.git", "shop"),
        ("git+https://x.example.org/all.git//charts/shop?ref=v1", "shop"),
        ("repo/sh op!", "sh-op"),
    ],
)
def test_an_umbrella_has_one_name_however_it_comes(folder: Path, chart: str, name: str) -> None:
    path = folder / chart
    assert chart_name(str(path) if path.exists() else chart, PlainFiles()) == name


def test_stack_names_differ_where_prune_must_not_reach() -> None:
    parts = [("web", "", "shop"), ("web", "blue", "shop"), ("blue", "", "shop"), ("web", "", "blue_shop")]
    names = [stack_name(*each) for each in parts]
    long = [stack_name("n" * 60, "", f"{'c' * 60}{number}") for number in (1, 2)]
    assert len({*names, *long}) == 6
    assert all(LABEL.fullmatch(name) and len(name) <= 63 for name in (*names, *long))


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/values.yaml": b"a: 1\n", "/binary": b"\xff\xfe\xff"}.get(self.path.split("?")[0])
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_args: Any) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_a_values_file_may_be_a_url(folder: Path, server: str) -> None:
    release = _release(folder, values_files=[f"{server}/values.yaml?key=hidden"])
    assert release.values == (ValuesSource(f"{server}/values.yaml", "a: 1\n"),)


@pytest.mark.parametrize(("path", "reason"), [("/none.yaml?key=hidden", "404"), ("/binary", "UTF-8")])
def test_a_url_without_a_values_file_is_told(server: str, path: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        fetched(server + path)
    assert all(word in str(caught.value) for word in (server, reason))
    assert "hidden" not in str(caught.value)


def test_a_url_that_does_not_answer_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(InputError, match=f"values file http://127.0.0.1:{port}/v.yaml cannot be fetched: .*refused"):
        fetched(f"http://user:hidden@127.0.0.1:{port}/v.yaml")

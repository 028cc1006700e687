# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a chart is, and when it is the same."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Dependency, digest, load
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts

Tree = dict[str, bytes]

META = b"apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 1.20\n"
DB = {"Chart.yaml": b"apiVersion: v2\nname: db\nversion: 2.0.0\n", "templates/a.yaml": b"a: 1\n"}
WEB = {"Chart.yaml": META, "values.yaml": b"a: 1\n", "templates/cm.yaml": b"x: {{ .Values.a }}\n"}


def tgz(files: Tree, top: str, mtime: int = 0, owner: str = "") -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=mtime) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size, info.mtime, info.uname = len(content), mtime, owner
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def write(path: Path, files: Tree) -> str:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return str(path)


def inside(name: str, files: Tree) -> Tree:
    return {f"charts/{name}/{path}": content for path, content in files.items()}


def test_time_owner_order_and_compression_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz(WEB, "web"))
    (tmp_path / "b.tgz").write_bytes(tgz(dict(reversed(WEB.items())), "other", mtime=1_700_000_000, owner="me"))
    found = {load(path).digest for path in (write(tmp_path / "d", WEB), f"{tmp_path}/a.tgz", f"{tmp_path}/b.tgz")}
    assert len(found) == 1


SAME = {
    "an archive and a folder in charts/": (
        {**WEB, "charts/db-2.0.0.tgz": tgz(DB, "db")},
        {**WEB, **inside("database", DB)},
    ),
    "how Chart.yaml is written": (
        WEB,
        {
            **WEB,
            "Chart.yaml": b'# web\nversion: "1.0.0"\nname: web\nappVersion: "1.2"\napiVersion: v2\ndeprecated: false\n',
        },
    ),
    "when Chart.lock was made": (
        {**WEB, "Chart.lock": b"dependencies: []\ndigest: x\ngenerated: 2024-01-01T00:00:00Z\n"},
        {**WEB, "Chart.lock": b"generated: 2025-01-01T00:00:00Z\ndependencies: []\ndigest: x\n"},
    ),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME.keys())
def test_what_does_not_count(pair: tuple[Tree, Tree]) -> None:
    assert digest(pair[0]) == digest(pair[1])


OTHER = {
    "a template": {**WEB, "templates/cm.yaml": b"x: {{ .Values.b }}\n"},
    "a template's name": {
        **{k: v for k, v in WEB.items() if "cm" not in k},
        "templates/x.yaml": WEB["templates/cm.yaml"],
    },
    "a default": {**WEB, "values.yaml": b"a: 2\n"},
    "one more file": {**WEB, "files/x": b""},
    "the version": {**WEB, "Chart.yaml": META.replace(b"1.0.0", b"1.0.1")},
    "an annotation": {**WEB, "Chart.yaml": META + b'annotations: {a: "false"}\n'},
    "one more sub-chart": {**WEB, **inside("db", DB)},
    "the lock's digest": {**WEB, "Chart.lock": b"digest: y\n"},
}


@pytest.mark.parametrize("changed", OTHER.values(), ids=OTHER.keys())
def test_what_counts(changed: Tree) -> None:
    assert digest(changed) != digest(WEB)


def test_a_change_deep_inside_an_archive_counts() -> None:
    inner = {**DB, "charts/x.tgz": tgz({**WEB, "values.yaml": b"deep: 1\n"}, "web")}
    other = {**DB, "charts/x.tgz": tgz({**WEB, "values.yaml": b"deep: 2\n"}, "web")}
    assert digest({**WEB, "charts/db.tgz": tgz(inner, "db")}) != digest({**WEB, "charts/db.tgz": tgz(other, "db")})


def test_a_chart_says_who_it_is(tmp_path: Path) -> None:
    declared = b"{name: db, version: ^2.0.0, repository: '@r', alias: main, condition: main.enabled, tags: [t]}"
    dependencies = b"dependencies: [" + declared + b"]\n"
    chart = load(write(tmp_path / "web", {**WEB, "Chart.yaml": META + dependencies}), "./web")
    assert (chart.reference, chart.name, chart.version, chart.app_version) == ("./web", "web", "1.0.0", "1.2")
    assert chart.dependencies == (Dependency("db", "^2.0.0", "@r", "main", "main.enabled", ("t",)),)
    assert chart.dependencies[0].used_name == "main"
    assert chart.mentions == Mentions()


def test_requirements_of_an_old_chart_are_its_dependencies(tmp_path: Path) -> None:
    old = {
        "Chart.yaml": b"name: web\nversion: 1.0.0\n",
        "requirements.yaml": b"dependencies: [{name: db, version: 1.x.x}]\n",
    }
    assert load(write(tmp_path / "web", old)).dependencies == (Dependency("db", "1.x.x", ""),)


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("templates/_h.tpl", b'{{ define "x" }}{{ lookup "v1" "Secret" "a" "b" }}{{ uuidv4 }}{{ end }}'),
        ("values.yaml", b"extra: |\n  {{ lookup 1 }} {{ uuidv4 }}\n"),
        ("files/x.conf", b"{{ lookup 1 }} {{ randAlpha 3 }}"),
        ("charts/db.tgz", tgz({**DB, "templates/_x.tpl": b'{{ lookup "v1" }}{{ uuidv4 }}'}, "db")),
        (
            "charts/db.tgz",
            tgz({**DB, "charts/c.tgz": tgz({**WEB, "templates/a": b"{{ lookup }}{{ uuidv4 }}"}, "c")}, "db"),
        ),
    ],
    ids=["helper", "default values", "other file", "archive", "archive in archive"],
)
def test_calls_are_found_wherever_they_stand(tmp_path: Path, place: str, content: bytes) -> None:
    chart = load(write(tmp_path / "web", {**WEB, place: content}))
    assert chart.mentions == Mentions(cluster=True, random=True)


@pytest.mark.parametrize("place", ["README.md", "crds/a.yaml"])
def test_what_is_never_rendered_is_not_searched(tmp_path: Path, place: str) -> None:
    chart = load(write(tmp_path / "web", {**WEB, place: b"{{ lookup 1 }} {{ uuidv4 }}"}))
    assert chart.mentions == Mentions()


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (b"version: 1.0.0\n", "has no name in its Chart.yaml"),
        (b"name: web\n", "has no version in its Chart.yaml"),
        (b"- a\n", "Chart.yaml is not a mapping"),
        (b"name: [\n", "Chart.yaml:"),
        (b"name: a\nversion: 1.0.0\ndependencies: [{version: 1}]\n", "declares a dependency without a name"),
    ],
)
def test_a_bad_chart_yaml_is_told(tmp_path: Path, meta: bytes, expected: str) -> None:
    with pytest.raises(ChartError) as caught:
        load(write(tmp_path / "web", {"Chart.yaml": meta}))
    assert expected in str(caught.value)
    assert str(tmp_path / "web") in str(caught.value)


def test_what_other_processes_know_of_a_chart_is_what_its_files_say(tmp_path: Path) -> None:
    shared = SharedTexts.new()
    if shared is None:
        pytest.skip("this system has no memfd_create or no locks of open files")
    wanted = "dependencies:\n- {name: db, version: 3.0.0, repository: 'https://a', tags: [x], condition: db.on}\n"
    templates = {
        "templates/cm.yaml": b'x: {{ lookup "v1" "Secret" "a" "b" }} {{ .Capabilities.APIVersions.Has "a/v1" }}'
    }
    path = write(tmp_path / "web", {**WEB, **templates, **inside("db", DB), "Chart.yaml": META + wanted.encode()})
    for _time in range(2):
        found = load(path, "./web", shared)
        assert found == load(path, "./web")
        assert all((found.dependencies, found.warnings, found.mentions.apis, found.mentions.cluster))
    write(tmp_path / "web", {"values.yaml": b"a: 2\n"})
    assert load(path, "./web", shared) == load(path, "./web") != found

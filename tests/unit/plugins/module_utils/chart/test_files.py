# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart's files: what Helm would read, and what must be refused before helm sees it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import read, subcharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.helmignore import IgnoreRules
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError

CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"


def archive(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None, device: str = "") -> Path:
    with tarfile.open(path, "w:gz") as out:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            out.addfile(info)
        if device:
            info = tarfile.TarInfo(device)
            info.type = tarfile.CHRTYPE
            out.addfile(info)
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def test_an_archive_reads_as_its_folder(tmp_path: Path) -> None:
    files = {"Chart.yaml": b"\xef\xbb\xbf" + CHART, "templates/a.yaml": b"a: 1\n", "b.txt": b""}
    packed = archive(tmp_path / "w.tgz", {f"web/{name}": content for name, content in files.items()})
    expected = {**files, "Chart.yaml": CHART}
    assert read(str(packed)) == read(str(folder(tmp_path / "web", files))) == expected


def test_a_folder_is_read_in_helms_order(tmp_path: Path) -> None:
    names = ["Chart.yaml", "crds/a/z.yaml", "crds/a-b.yaml", "crds/a.yaml"]
    path = folder(tmp_path / "c", dict.fromkeys(names, CHART))
    assert list(read(str(path))) == names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web/../../etc/passwd", "'web/../../etc/passwd', a path that leaves the chart's folder"),
        ("/etc/passwd", "'/etc/passwd', a path that leaves the chart's folder"),
        ("web\\..\\..\\x", "a path that leaves the chart's folder"),
        ("c:/x", "a path that leaves the chart's folder"),
        ("Chart.yaml", "'Chart.yaml' outside the chart's folder"),
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    bad = archive(tmp_path / "bad.tgz", {"web/Chart.yaml": CHART, name: b"x"})
    with pytest.raises(ChartError) as caught:
        read(str(bad))
    assert expected in str(caught.value)
    assert str(bad) in str(caught.value)


def test_links_and_devices_in_archives_are_refused(tmp_path: Path) -> None:
    linked = archive(tmp_path / "l.tgz", {"web/Chart.yaml": CHART}, links={"web/values.yaml": "/etc/passwd"})
    device = archive(tmp_path / "d.tgz", {"web/Chart.yaml": CHART}, device="web/null")
    for path in (linked, device):
        with pytest.raises(ChartError, match="which is a link or a device, not a file"):
            read(str(path))


@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00garbage"])
def test_a_damaged_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tgz").write_bytes(content)
    with pytest.raises(ChartError, match=r"is damaged or no \.tgz archive"):
        read(str(tmp_path / "x.tgz"))


def test_a_cut_archive_is_told(tmp_path: Path) -> None:
    whole = archive(tmp_path / "w.tgz", {"web/Chart.yaml": CHART, "web/a": bytes(range(256)) * 500}).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ChartError, match=r"is damaged or no \.tgz archive"):
        read(str(tmp_path / "cut.tgz"))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_files, "MAX_BYTES", 1 << 20)
    packed = archive(tmp_path / "b.tgz", {"web/Chart.yaml": CHART, "web/a": bytes(1 << 20)})
    with pytest.raises(ChartError, match="unpacks to more than 1 MiB"):
        read(str(packed))


def test_a_folder_without_chart_names_the_charts_inside(tmp_path: Path) -> None:
    folder(tmp_path / "charts", {"web/Chart.yaml": CHART, "db/Chart.yaml": CHART, "x/y": b""})
    with pytest.raises(ChartError, match=r"it has no Chart\.yaml\. Charts in this folder: db, web"):
        read(str(tmp_path / "charts"))


def test_a_missing_path_names_the_nearest_file(tmp_path: Path) -> None:
    folder(tmp_path, {"web-env/Chart.yaml": CHART, "db/Chart.yaml": CHART})
    with pytest.raises(ChartError, match=r"there is no chart '.*web-evn'\. Did you mean 'web-env'\?"):
        read(str(tmp_path / "web-evn"))
    with pytest.raises(ChartError, match=r"the folder '.*nowhere' does not exist"):
        read(str(tmp_path / "nowhere/web"))


def test_a_link_to_a_folder_above_is_refused(tmp_path: Path) -> None:
    folder(tmp_path / "web", {"Chart.yaml": CHART, "templates/a": b""})
    (tmp_path / "web/templates/loop").symlink_to(tmp_path / "web")
    with pytest.raises(ChartError, match="a symbolic link to a folder that holds it"):
        read(str(tmp_path / "web"))


def test_links_in_folders_are_followed_as_helm_does(tmp_path: Path) -> None:
    folder(tmp_path / "shared", {"a.yaml": b"a"})
    folder(tmp_path / "web", {"Chart.yaml": CHART})
    (tmp_path / "web/templates").symlink_to(tmp_path / "shared")
    assert read(str(tmp_path / "web"))["templates/a.yaml"] == b"a"


def test_subcharts_are_folders_and_archives_but_not_what_helm_skips(tmp_path: Path) -> None:
    packed = archive(tmp_path / "db.tgz", {"db/Chart.yaml": b"name: db\nversion: 1.0.0\n"}).read_bytes()
    content = {
        "Chart.yaml": CHART,
        "charts/db-1.0.0.tgz": packed,
        "charts/cache/Chart.yaml": b"name: cache\nversion: 1.0.0\n",
        "charts/cache/templates/a": b"a",
        "charts/_old/Chart.yaml": b"x",
        "charts/.hidden": b"x",
        "charts/db-1.0.0.tgz.prov": b"x",
    }
    assert [sorted(inner) for inner in subcharts(content)] == [["Chart.yaml", "templates/a"], ["Chart.yaml"]]


def test_a_damaged_subchart_is_named() -> None:
    with pytest.raises(ChartError, match=r"sub-chart archive 'charts/db\.tgz' is damaged"):
        subcharts({"charts/db.tgz": b"junk"})
    with pytest.raises(ChartError, match=r"'charts/README\.md' is not a chart"):
        subcharts({"charts/README.md": b"x"})


@pytest.mark.parametrize(
    ("rules", "path", "is_folder", "expected"),
    [
        ("", "templates/.swp", False, True),
        ("", "templates/sub/.swp", False, False),
        ("", ".git", True, False),
        (".git/", ".git", True, True),
        (".git/", ".git", False, False),
        ("*.bak", "a/b.bak", False, True),
        ("/*.bak", "a/b.bak", False, False),
        ("/*.bak", "b.bak", False, True),
        ("a/*.txt", "a/b.txt", False, True),
        ("a/*.txt", "x/a/b.txt", False, False),
        ("a/*.txt", "a/b/c.txt", False, False),
        ("# *.txt", "b.txt", False, False),
        ("!keep.txt", "drop.txt", False, True),
        ("!keep.txt", "keep.txt", False, False),
        ("[^a].txt", "a.txt", False, False),
        ("[^a].txt", "b.txt", False, True),
        ("\ufeffx", "x", False, True),
        ("\\#c", "#c", False, True),
        ("\\!d", "!d", False, True),
        ("\\!d", "e", False, False),
        ("[\\]x]", "]", False, True),
        ("a\\*", "ab", False, False),
    ],
)
def test_helmignore_means_what_helm_makes_of_it(rules: str, path: str, is_folder: bool, expected: bool) -> None:
    assert IgnoreRules.of(rules).ignores(path, is_folder=is_folder) is expected


@pytest.mark.parametrize("rules", ["a/**", "x\n[a", "\\"])
def test_a_pattern_that_helm_refuses_is_refused_with_its_line(rules: str) -> None:
    with pytest.raises(ChartError, match=rf"^\.helmignore:{rules.count(chr(10)) + 1}: Helm does not take this pattern"):
        IgnoreRules.of(rules)

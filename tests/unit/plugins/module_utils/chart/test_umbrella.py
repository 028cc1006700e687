# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an umbrella stays in the smaller ones that are made from it, and what is said of damaged ones."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.chart.umbrella import Umbrella
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")


def chart(folder: Path, name: str, version: str = "1.0.0", **more: Any) -> Path:
    write(folder / "Chart.yaml", {"apiVersion": "v2", "name": name, "version": version, **more})
    write(folder / "templates" / "x.yaml", f"name: {name}\n")
    return folder


def pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(folder, arcname=folder.name)
    return archive


def umbrella(root: Path, *dependencies: dict[str, Any], v1: bool = False) -> Path:
    for name in ("a", "b", "c"):
        chart(root / "charts" / name, name)
    listed = [{"version": "1.x", **item} for item in dependencies]
    declared = {} if v1 else {"dependencies": listed}
    write(root / "Chart.yaml", {"apiVersion": "v1" if v1 else "v2", "name": "u", "version": "2.0.0", **declared})
    if v1:
        write(root / "requirements.yaml", {"dependencies": listed})
    write(root / "values.yaml", "x: 1\n")
    write(root / "conf" / "f.txt", "f")
    return root


def reduced(path: Path, *used_names: str) -> tuple[list[str], str]:
    """The files of the umbrella that keeps only the named dependencies, and its digest."""
    found = Umbrella(str(path))
    kept = [item for item in found.dependencies if item.used_name in used_names]
    made = found.reduce(kept)
    archive = path.parent / f"reduced-{'-'.join(used_names)}.tgz"
    made.write(str(archive))
    shutil.rmtree(unpacked(path, *used_names), ignore_errors=True)
    with tarfile.open(archive) as stream:
        stream.extractall(archive.with_suffix(""))
        return sorted(name.partition("/")[2] for name in stream.getnames()), made.digest


def unpacked(path: Path, *used_names: str) -> Path:
    return path.parent / f"reduced-{'-'.join(used_names)}" / "chart"


def charts_of(path: Path, *used_names: str) -> list[str]:
    return sorted({name.split("/")[1] for name in reduced(path, *used_names)[0] if name.startswith("charts/")})


def test_only_the_kept_sub_chart_and_the_umbrellas_own_files_stay(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b", "alias": "bee"}, {"name": "c"})
    write(root / "Chart.lock", "digest: x\n")
    expected = ["Chart.yaml", "charts/b/Chart.yaml", "charts/b/templates/x.yaml", "conf/f.txt", "values.yaml"]
    assert reduced(root, "bee")[0] == expected
    text = (unpacked(root, "bee") / "Chart.yaml").read_text(encoding="utf-8")
    assert helmyaml.load(text, "Chart.yaml") == {
        "apiVersion": "v2",
        "name": "u",
        "version": "2.0.0",
        "dependencies": [{"version": "1.x", "name": "b", "alias": "bee"}],
    }


def test_an_archive_gives_the_same(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "c"})
    expected = reduced(root, "a")
    assert reduced(pack(root, tmp_path / "u-2.0.0.tgz"), "a") == expected


def test_what_helmignore_names_is_left_out_and_does_not_count(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"})
    write(root / ".helmignore", "*.bak\n")
    before = reduced(root, "a")
    write(root / "charts" / "a" / "templates" / "x.yaml.bak", "{{ lookup 1 }}")
    assert reduced(root, "a") == before


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("charts/a/templates/x.yaml", '{{ lookup "v1" "Secret" "" "" }}', Mentions(cluster=True)),
        ("charts/b/templates/x.yaml", '{{ lookup "v1" "Secret" "" "" }}', Mentions()),
        ("templates/_own.tpl", "{{ randAlphaNum 8 }}", Mentions(random=True)),
        ("values.yaml", "{{ .Release.Revision }}", Mentions(revision=True)),
        ("charts/a/README.md", "{{ .Capabilities.APIVersions }}", Mentions()),
    ],
)
def test_mentions_are_those_of_what_stays(tmp_path: Path, file: str, text: str, expected: Mentions) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "c"})
    write(root / file, text)
    found = Umbrella(str(root))
    assert found.reduce(found.dependencies[:1]).mentions == expected


def test_scalars_of_chart_yaml_stay_as_they_are_written(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u")
    text = "name: u\nversion: 1.10\nappVersion: 2024-01-01\nannotations: {y: '0123', z: 0o17}\ndependencies:\n"
    write(root / "Chart.yaml", text + "- {name: a, version: 1.0}\n- &b {name: b, version: 1}\n- {<<: *b, alias: bb}\n")
    reduced(root, "bb")
    found = (unpacked(root, "bb") / "Chart.yaml").read_text(encoding="utf-8")
    for line in ("version: 1.10\n", "appVersion: 2024-01-01\n", "'0123'", "z: 0o17"):
        assert line in found
    kept = helmyaml.load(found, "f")["dependencies"]
    assert kept == [{"name": "b", "version": 1, "alias": "bb"}]


@pytest.mark.parametrize(
    ("dependencies", "kept", "expected"),
    [
        ([{"name": "a"}, {"name": "b"}], "a", ["a", "c"]),  # c is not declared, so helm keeps it
        ([{"name": "a", "alias": "x"}, {"name": "a", "alias": "y"}, {"name": "b"}, {"name": "c"}], "x", ["a"]),
        ([{"name": "a", "alias": "c"}, {"name": "b"}], "b", ["b"]),  # helm drops the stray c by the alias's name
        ([{"name": "a", "version": "9"}, {"name": "b"}, {"name": "c"}], "b", ["b"]),  # a misfit is dropped by its name
        ([{"name": "a", "version": "9"}, {"name": "b"}, {"name": "c"}], "a", ["a"]),
    ],
)
def test_charts_stay_as_helm_would_keep_them(
    tmp_path: Path, dependencies: list[dict[str, Any]], kept: str, expected: list[str]
) -> None:
    assert charts_of(umbrella(tmp_path / "u", *dependencies), kept) == expected


def test_of_two_versions_the_one_that_fits_stays(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a", "alias": "old"}, {"name": "a", "alias": "new", "version": ">=2"})
    pack(chart(tmp_path / "two" / "a", "a", "2.1.0"), root / "charts" / "a-2.1.0.tgz")
    assert charts_of(root, "old") == ["a", "b", "c"]
    assert charts_of(root, "new") == ["a-2.1.0.tgz", "b", "c"]


def test_requirements_of_v1_are_reduced(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "c"}, v1=True)
    write(root / "requirements.lock", "digest: x\n")
    assert charts_of(root, "a") == ["a"]
    found = (unpacked(root, "a") / "requirements.yaml").read_text(encoding="utf-8")
    assert helmyaml.load(found, "f") == {"dependencies": [{"version": "1.x", "name": "a"}]}
    assert not (unpacked(root, "a") / "requirements.lock").exists()


def test_requirements_that_templates_can_read_stay_and_what_they_name_is_a_stub(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "c"}, v1=True)
    write(root / "templates" / "x.yaml", "")
    names = reduced(root, "a")[0]
    assert [name for name in names if name.startswith("charts/")] == [
        "charts/a/Chart.yaml",
        "charts/a/templates/x.yaml",
        "charts/b/Chart.yaml",
        "charts/c/Chart.yaml",
    ]
    assert (unpacked(root, "a") / "requirements.yaml").read_bytes() == (root / "requirements.yaml").read_bytes()


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ("charts/b/templates/x.yaml", True),
        ("Chart.lock", True),
        ("values.yaml", True),
        ("charts/a/templates/x.yaml", False),
        ("charts/a/templates/new.yaml", False),
        ("conf/f.txt", False),
        ("templates/_own.tpl", False),
    ],
)
def test_the_digest_changes_with_what_the_release_holds(tmp_path: Path, changed: str, same: bool) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "c"})
    _names, before = reduced(root, "a")
    (root / changed).unlink(missing_ok=True)
    write(root / changed, "changed: 1\n")
    assert (reduced(root, "a")[1] == before) is same


def test_archive_and_folder_have_the_same_digest(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"})
    assert reduced(root, "a")[1] == reduced(pack(root, tmp_path / "u.tgz"), "a")[1]


def test_links_are_followed(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "linked"})
    (root / "charts" / "linked").symlink_to(chart(tmp_path / "elsewhere", "linked"), target_is_directory=True)
    assert "linked" in charts_of(root, "linked")


def everything(path: str) -> Any:
    found = Umbrella(path)
    return found.dependencies, found.packed


def _no_chart(root: Path) -> Path:
    (root / "Chart.yaml").unlink()
    return root


def _broken_yaml(root: Path) -> Path:
    write(root / "Chart.yaml", "name: [")
    return root


def _list(root: Path) -> Path:
    write(root / "Chart.yaml", "[]")
    return root


def _twice(root: Path) -> Path:
    write(root / "requirements.yaml", {"dependencies": [{"name": "b"}]})
    return root


def _nameless(root: Path) -> Path:
    write(root / "Chart.yaml", {"name": "u", "version": "1.0.0", "dependencies": [{"alias": "x"}]})
    return root


def _no_list(root: Path) -> Path:
    write(root / "Chart.yaml", {"name": "u", "version": "1.0.0", "dependencies": {"a": 1}})
    return root


def _broken_archive(root: Path) -> Path:
    write(root / "charts" / "d-1.0.0.tgz", "no archive")
    return root


def _cut_archive(root: Path) -> Path:
    whole = pack(chart(root.parent / "d", "d"), root.parent / "d.tgz").read_bytes()
    (root / "charts" / "d-1.0.0.tgz").write_bytes(whole[: len(whole) // 2])
    return root


def _empty_folder(root: Path) -> Path:
    write(root / "charts" / "d" / "README.md", "")
    return root


def _binary(root: Path) -> Path:
    (root / "charts" / "a" / "Chart.yaml").write_bytes(b"name: \xff\n")
    return root


def _outside(root: Path) -> Path:
    archive = root.parent / "u.tgz"
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(root / "Chart.yaml", arcname="u/../../Chart.yaml")
    return archive


def _loop(root: Path) -> Path:
    (root / "conf" / "loop").symlink_to(root / "conf", target_is_directory=True)
    return root


def _gone(root: Path) -> Path:
    return root.parent / "gone.tgz"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_no_chart, "has no Chart.yaml"),
        (_broken_yaml, "not valid YAML"),
        (_list, "is not a mapping"),
        (_twice, "dependencies are in both Chart.yaml and requirements.yaml"),
        (_nameless, "dependency 1 has no name"),
        (_no_list, "'dependencies' is not a list"),
        (_broken_archive, "charts/d-1.0.0.tgz' is damaged"),
        (_cut_archive, "charts/d-1.0.0.tgz' is damaged"),
        (_empty_folder, "'charts/d' is not a chart: it has no Chart.yaml"),
        (_binary, "charts/a/Chart.yaml: is not text in UTF-8"),
        (_outside, "a path that leaves the chart's folder"),
        (_loop, "conf/loop' is a symbolic link to a folder that holds it"),
        (_gone, "there is no chart '"),
    ],
)
def test_a_damaged_umbrella_is_told_by_its_fault(tmp_path: Path, damage: Any, message: str) -> None:
    path = damage(umbrella(tmp_path / "u", {"name": "a"}))
    with pytest.raises(ChartError) as caught:
        everything(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conf/f.txt", "f"),
        ("templates/x.yaml", None),
        ("charts/a/Chart.yaml", None),
        ("values.yaml", None),
        ("Chart.yaml", None),
        ("gone", None),
    ],
)
def test_text_gives_what_templates_see_as_files(tmp_path: Path, name: str, text: str | None) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"})
    write(root / "templates" / "x.yaml", "")
    assert Umbrella(str(root)).text(name) == text

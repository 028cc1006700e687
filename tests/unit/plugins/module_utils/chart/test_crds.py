# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions in crds/ that a release brings, and which sub-charts it uses at all."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.crds import crds
from ansible_collections.helmstack.core.plugins.module_utils.chart.enabled import without_effect

Tree = dict[str, str]


def chart(name: str, *dependencies: dict[str, Any], values: Any = None, version: str = "1.0.0", **inner: Tree) -> Tree:
    """A chart whose one definition is its name, with sub-charts by their folders in charts/."""
    files = {
        "Chart.yaml": json.dumps({"name": name, "version": version, "dependencies": list(dependencies)}),
        "values.yaml": json.dumps(values or {}),
        f"crds/{name}.yaml": name,
    }
    return {**files, **{f"charts/{key}/{path}": text for key, files in inner.items() for path, text in files.items()}}


def found(folder: Path, files: Tree, values: Any = None, helm: tuple[int, int] = (4, 3)) -> list[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return crds(load(str(folder)), values or {}, helm)


def needs(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.x.x", **more}


def test_own_ones_come_first_and_only_manifests_count(tmp_path: Path) -> None:
    files = {**chart("web", needs("db"), db=chart("db")), "crds/README.md": "no", "crds/a.JSON": "a"}
    assert found(tmp_path, files) == ["a", "web", "db"]
    assert found(tmp_path / "none", {"Chart.yaml": "{name: a, version: 1.0.0}"}) == []


BY_CONDITION = needs("db", condition="db.on,second.on")
BY_TAG = needs("db", tags=["back", "data"])
NESTED = chart("db", needs("inner", condition="inner.on"), values={"inner": {"on": False}}, inner=chart("inner"))
CASES = {
    "nothing said": (chart("web", BY_CONDITION, db=chart("db")), {}, ["web", "db"]),
    "switched off": (chart("web", BY_CONDITION, db=chart("db")), {"db": {"on": False}}, ["web"]),
    "the first that is set decides": (
        chart("web", BY_CONDITION, db=chart("db")),
        {"db": {"on": "no boolean"}, "second": {"on": False}},
        ["web"],
    ),
    "off by default": (chart("web", BY_CONDITION, values={"db": {"on": False}}, db=chart("db")), {}, ["web"]),
    "off by default, on by the user": (
        chart("web", BY_CONDITION, values={"db": {"on": False}}, db=chart("db")),
        {"db": {"on": True}},
        ["web", "db"],
    ),
    "off by the sub-chart itself": (chart("web", BY_CONDITION, db=chart("db", values={"on": False})), {}, ["web"]),
    "all tags false": (chart("web", BY_TAG, db=chart("db")), {"tags": {"back": False}}, ["web"]),
    "one tag true": (chart("web", BY_TAG, db=chart("db")), {"tags": {"back": False, "data": True}}, ["web", "db"]),
    "a tag that is a number, which is false to Python only": (
        chart("web", BY_TAG, db=chart("db")),
        {"tags": {"back": 0}},
        ["web", "db"],
    ),
    "a tag that is a list": (chart("web", BY_TAG, db=chart("db")), {"tags": {"back": ["a"]}}, ["web", "db"]),
    "a tag that is a map, another false": (
        chart("web", BY_TAG, db=chart("db")),
        {"tags": {"back": {"a": 1}, "data": False}},
        ["web"],
    ),
    "a number beside one that is true": (
        chart("web", BY_TAG, db=chart("db")),
        {"tags": {"back": 1, "data": False}},
        ["web"],
    ),
    "a condition that is a number": (chart("web", BY_CONDITION, db=chart("db")), {"db": {"on": 0}}, ["web", "db"]),
    "a second condition behind a blank": (
        chart("web", needs("db", condition="db.on, second.on"), db=chart("db")),
        {"second": {"on": False}},
        ["web", "db"],
    ),
    "nested under a chart that declares nothing": (
        chart("web", mid=chart("mid", needs("db", condition="db.on"), values={"db": {"on": False}}, db=chart("db")))
        | {"Chart.yaml": json.dumps({"name": "web", "version": "1.0.0"})},
        {},
        ["web", "mid", "db"],
    ),
    "a user's null deletes what the sub-chart says": (
        chart("web", BY_CONDITION, db=chart("db", values={"on": False})),
        {"db": {"on": None}},
        ["web", "db"],
    ),
    "a condition wins over tags": (
        chart("web", needs("db", condition="db.on", tags=["back"]), db=chart("db")),
        {"tags": {"back": False}, "db": {"on": True}},
        ["web", "db"],
    ),
    "declared by nothing": (chart("web", db=chart("db")), {"db": {"on": False}}, ["web", "db"]),
    "another version": (chart("web", needs("db"), db=chart("db", version="2.0.0")), {}, ["web", "db"]),
    "by its alias": (
        chart("web", needs("db", alias="main", condition="main.on"), db=chart("db")),
        {"main": {"on": False}},
        ["web"],
    ),
    "twice, one of them on": (
        chart("web", needs("db", condition="db.on"), needs("db", alias="b", condition="b.on"), db=chart("db")),
        {"db": {"on": False}},
        ["web", "db"],
    ),
    "nested, off by default": (chart("web", needs("db"), db=NESTED), {}, ["web", "db"]),
    "nested, on by the user": (
        chart("web", needs("db"), db=NESTED),
        {"db": {"inner": {"on": True}}},
        ["web", "db", "inner"],
    ),
    "by a global value": (
        chart("web", needs("db"), db=chart("db", needs("inner", condition="global.on"), inner=chart("inner"))),
        {"global": {"on": False}},
        ["web", "db"],
    ),
}


@pytest.mark.parametrize(("files", "values", "expected"), CASES.values(), ids=CASES.keys())
def test_sub_charts_count_as_far_as_helm_uses_them(
    tmp_path: Path, files: Tree, values: dict[str, Any], expected: list[str]
) -> None:
    assert found(tmp_path, files, values) == expected


PARENTS_NULL = chart(
    "web", BY_CONDITION, values={"db": {"on": None}, "second": {"on": True}}, db=chart("db", values={"on": False})
)
SEVERAL = {**chart("web", BY_CONDITION, db=chart("db")), "values.yaml": "a: 1\n---\ndb: {'on': false}\n"}


@pytest.mark.parametrize(
    ("files", "values", "helm_3", "helm_4"),
    [
        (PARENTS_NULL, {}, ["web", "db"], ["web"]),
        (PARENTS_NULL, {"db": {"a": 1}}, ["web", "db"], ["web", "db"]),
        (SEVERAL, {}, ["web", "db"], ["web"]),
    ],
    ids=["a parent's null", "a parent's null and a user's map", "several documents"],
)
def test_where_helm_3_and_4_differ_the_one_at_hand_counts(
    tmp_path: Path, files: Tree, values: Any, helm_3: list[str], helm_4: list[str]
) -> None:
    assert found(tmp_path / "3", files, values, (3, 22)) == helm_3
    assert found(tmp_path / "4.1", PARENTS_NULL, {}, (4, 1)) == ["web", "db"]
    assert found(tmp_path / "4", files, values, (4, 3)) == helm_4


@pytest.mark.parametrize(
    ("dependency", "values", "told"),
    [
        (needs("db"), {"db": {"enabled": False}}, True),
        (needs("db", alias="main"), {"main": {"enabled": False}}, True),
        (needs("db"), {"db": {"enabled": 0}}, False),
        (needs("db"), {"db": {"enabled": True}}, False),
        (BY_CONDITION, {"db": {"enabled": False}}, False),
        (BY_TAG, {"db": {"enabled": False}}, False),
    ],
)
def test_a_switch_that_switches_nothing_is_told(tmp_path: Path, dependency: Any, values: Any, told: bool) -> None:
    for name, text in chart("web", dependency, db=chart("db")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert bool(without_effect(load(str(tmp_path)).dependencies, values)) is told


def test_a_chart_without_any_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "Chart.yaml").write_text('{"name": "web", "version": "1.0.0"}')
    assert load(str(tmp_path)).has_crds is False
    for name in ("Chart.yaml", "crds/db.yaml"):
        path = tmp_path / "sub" / "db" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"name": "db", "version": "1.0.0"}')
    (tmp_path / "charts").mkdir()
    with tarfile.open(tmp_path / "charts" / "db-1.0.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "sub" / "db", arcname="db")
    (tmp_path / ".helmignore").write_text("sub/\n")
    assert load(str(tmp_path)).has_crds is True

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an umbrella and options to a table of releases."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import SprayOptions, SubRelease, spray
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetValue
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")


def umbrella(root: Path, *dependencies: dict[str, Any], values: Any = None, defaults: Any = None) -> Path:
    """An umbrella whose sub-charts are made from its dependencies; those that end in -lib are library charts."""
    for name in {item["name"] for item in dependencies}:
        kind = {"type": "library"} if name.endswith("-lib") else {}
        write(root / "charts" / name / "Chart.yaml", {"apiVersion": "v2", "name": name, "version": "1.0.0", **kind})
        write(root / "charts" / name / "values.yaml", (defaults or {}).get(name, {}))
    listed = [
        {"version": "1.x", "condition": f"{item.get('alias', item['name'])}.enabled"} | item for item in dependencies
    ]
    write(root / "Chart.yaml", {"apiVersion": "v2", "name": "shop", "version": "2.0.0", "dependencies": listed})
    write(root / "values.yaml", values if values is not None else "")
    return root


def three(tmp_path: Path, **weights: Any) -> Path:
    values = {name: {"weight": weight} for name, weight in ({"a": 2, "b": 0, "c": 1} | weights).items()}
    return umbrella(tmp_path / "shop", {"name": "a"}, {"name": "b"}, {"name": "c"}, values=values)


def sprayed(path: Path, **options: Any) -> tuple[SubRelease, ...]:
    return spray(str(path), SprayOptions("web", **options))


def document(data: Any) -> tuple[ValuesSource, ...]:
    return (ValuesSource("test", json.dumps(data)),)


def files(row: SubRelease) -> Collection[str]:
    """The names of the files that the release's umbrella holds."""
    assert row.reduced
    return row.reduced.files.keys()


def read(row: SubRelease) -> list[Any]:
    return [json.loads(source.text) for source in row.values]


def test_releases_come_by_weight_then_as_they_are_listed(tmp_path: Path) -> None:
    rows = sprayed(three(tmp_path, b=1))
    assert [(row.name, row.weight) for row in rows] == [("b", 1), ("c", 1), ("a", 2)]


def test_a_row_says_all_about_its_release(tmp_path: Path) -> None:
    values = {"x": 1, "one": {"weight": 0}, "two": {"weight": 0}}
    root = umbrella(tmp_path / "u", {"name": "a", "alias": "one"}, {"name": "a", "alias": "two"}, values=values)
    row = sprayed(root, prefix_releases="dev")[1]
    assert (row.name, row.used_name, row.chart, row.alias, row.weight) == ("dev-two", "two", "a", "two", 0)
    assert (row.targeted, row.why) == (True, "targeted")
    assert "charts/a/Chart.yaml" in files(row)
    assert read(row) == [values, {"one": {"enabled": False}, "two": {"enabled": True}}]


def test_values_come_in_the_order_of_helm(tmp_path: Path) -> None:
    given = document({"a": {"x": 1, "list": [1, 2]}})
    row = sprayed(three(tmp_path), values=given, set_values=(SetValue("a.list[1]=z,a.n=5"),))[2]
    assert [source.label for source in row.values] == [
        "values.yaml of shop",
        "test",
        "set_values",
        "what is enabled for a",
    ]
    assert read(row)[2] == {"a": {"list": [1, "z"], "n": 5}}
    assert row.set_args == ("a.n=5",)


def test_a_list_of_the_umbrellas_values_is_set_in_place(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, values={"a": {"weight": 0, "list": ["p", "q"]}})
    (row,) = sprayed(root, set_values=(SetValue("a.list[0]=z"),))
    assert read(row)[1] == {"a": {"list": ["z", "q"]}}


def test_secret_set_values_are_in_no_argument(tmp_path: Path) -> None:
    rows = sprayed(three(tmp_path), set_values=(SetValue("a.pin=1234", secret=True), SetValue("a.port=80")))
    assert rows[0].set_args == ("a.port=80",)
    assert rows[0].values[-2].secret
    assert read(rows[0])[-2] == {"a": {"pin": 1234, "port": 80}}


def test_a_file_of_set_values_is_read(tmp_path: Path) -> None:
    write(tmp_path / "cert.pem", "line\n")
    rows = sprayed(three(tmp_path), set_values=(SetValue(f"a.cert={tmp_path / 'cert.pem'}", "file"),))
    assert read(rows[0])[-2] == {"a": {"cert": "line\n"}}


def test_reused_values_leave_the_umbrellas_out(tmp_path: Path) -> None:
    rows = sprayed(three(tmp_path), reuse_values=True, reset_values=False)
    assert [row.used_name for row in rows] == ["b", "c", "a"]
    assert read(rows[0]) == [{"a": {"enabled": False}, "b": {"enabled": True}, "c": {"enabled": False}}]
    assert len(sprayed(three(tmp_path / "reset"), reuse_values=True, reset_values=True)[0].values) == 2


def test_includes_are_applied(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, values="a:\n#! {{ .Files.Get a.yaml | indent 2 }}\n")
    write(root / "a.yaml", "weight: 7\n")
    (row,) = sprayed(root)
    assert row.weight == 7
    assert "#!" not in row.values[0].text


@pytest.mark.parametrize(
    ("values", "defaults", "options", "weight"),
    [
        ({"a": {"weight": 1}}, {}, {}, 1),
        ({}, {"a": {"weight": 2}}, {}, 2),
        ({"a": {"weight": 1}}, {"a": {"weight": 2}}, {}, 1),
        ({"a": {"weight": 1}}, {}, {"values": document({"a": {"weight": 3}})}, 3),
        ({"a": {"weight": 1}}, {}, {"set_values": (SetValue("a.weight=4"),)}, 4),
        ({"a": {"weight": 1.0}}, {}, {}, 1),
        ({}, {}, {"default_weight": 5}, 5),
        ({"a": {"weight": 1}}, {}, {"default_weight": 5}, 1),
        ({}, {"a": {"weight": 2}}, {"values": document({"a": {"weight": None}}), "default_weight": 5}, 5),
        ({"a": {"weight": 1}}, {}, {"reuse_values": True, "reset_values": False}, 1),
    ],
)  # fmt: skip
def test_weights_come_from_the_merged_values(
    tmp_path: Path, values: Any, defaults: Any, options: dict[str, Any], weight: int
) -> None:
    (row,) = sprayed(umbrella(tmp_path / "u", {"name": "a"}, values=values, defaults=defaults), **options)
    assert row.weight == weight


def test_an_alias_has_its_charts_default_weight(tmp_path: Path) -> None:
    (row,) = sprayed(umbrella(tmp_path / "u", {"name": "a", "alias": "x"}, defaults={"a": {"weight": 3}}))
    assert row.weight == 3


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("1", "(a.weight in the values) is '1', a string. It must be an integer of 0 or more"),
        (-1, "is -1. It must be"),
        (1.5, "is 1.5, not an integer"),
        (True, "is True, a boolean"),
        ([1], "is a list"),
        ({}, "is a mapping"),
        (None, "the weight of sub-chart 'a' (a.weight in the values) is missing. Set it, or give default_weight"),
    ],
)
def test_a_bad_weight_is_told(tmp_path: Path, weight: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        sprayed(three(tmp_path, a=weight))
    assert message in str(caught.value)


@pytest.mark.parametrize("weight", [-1, 1.5, "1", True])
def test_a_bad_default_weight_is_told(tmp_path: Path, weight: Any) -> None:
    with pytest.raises(InputError, match="default_weight is"):
        sprayed(three(tmp_path), default_weight=weight)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"a": "targeted", "b": "targeted", "c": "targeted"}),
        ({"targets": ("a", "c")}, {"a": "targeted", "b": "-not a target", "c": "targeted"}),
        ({"exclude": ("a",)}, {"a": "-excluded", "b": "targeted", "c": "targeted"}),
    ],
)
def test_targets_and_exclude_choose(tmp_path: Path, options: dict[str, Any], expected: dict[str, str]) -> None:
    rows = sprayed(three(tmp_path), **options)
    assert {row.used_name: ("" if row.targeted else "-") + row.why for row in rows} == expected
    assert all(bool(row.reduced) is row.targeted and bool(row.values) is row.targeted for row in rows)


@pytest.mark.parametrize(
    ("tags", "options", "targeted", "why"),
    [
        ({}, {}, False, "no tag of front, back is true"),
        ({"tags": {"back": True}}, {}, True, "tag back is true"),
        ({"tags": {"front": "true"}}, {}, False, "no tag of front, back is true"),
        ({"tags": {"front": False}}, {"set_values": (SetValue("tags.front=true"),)}, True, "tag front is true"),
        ({"tags": {"front": True}}, {"exclude": ("a",)}, False, "excluded"),
        ({}, {"targets": ("a",)}, False, "no tag of front, back is true"),
    ],
)
def test_tags_choose(tmp_path: Path, tags: Any, options: dict[str, Any], targeted: bool, why: str) -> None:
    root = umbrella(tmp_path / "u", {"name": "a", "tags": ["front", "back"]}, values={"a": {"weight": 0}, **tags})
    (row,) = sprayed(root, **options)
    assert (row.targeted, row.why) == (targeted, why)


def test_library_charts_are_no_releases_and_stay_in_all(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "my-lib", "condition": "", "tags": ["t"]}, {"name": "b"})
    rows = sprayed(root, default_weight=0)
    assert [row.used_name for row in rows] == ["a", "b"]
    assert all("charts/my-lib/Chart.yaml" in files(row) for row in rows)
    assert read(rows[0])[-1] == {"a": {"enabled": True}, "b": {"enabled": False}}


def test_a_dependency_without_condition_is_a_release_of_its_own(tmp_path: Path) -> None:
    rows = sprayed(umbrella(tmp_path / "u", {"name": "a", "condition": ""}, {"name": "b"}), default_weight=0)
    assert [row.used_name for row in rows] == ["a", "b"]
    assert "charts/a/Chart.yaml" not in files(rows[1])


@pytest.mark.parametrize("condition", [" a.enabled ", "a.enabled,global.all"])
def test_a_condition_may_have_more_behind_the_name(tmp_path: Path, condition: str) -> None:
    assert sprayed(umbrella(tmp_path / "u", {"name": "a", "condition": condition}), default_weight=0)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"prefix_releases": "dev"}, "dev-a"),
        ({"prefix_releases_with_namespace": True}, "web-a"),
        ({"prefix_releases": ""}, "a"),
    ],
)
def test_prefixes(tmp_path: Path, options: dict[str, Any], name: str) -> None:
    assert sprayed(three(tmp_path), targets=("a",), **options)[2].name == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ("a",), "exclude": ("b",)}, "targets and exclude cannot be used together"),
        ({"targets": ("aa",)}, "targets names 'aa', which is no sub-chart of the umbrella. Did you mean 'a'?"),
        ({"exclude": ("zzzz",)}, "exclude names 'zzzz', which is no sub-chart of the umbrella. Known are: a, b, c"),
        (
            {"prefix_releases": "x", "prefix_releases_with_namespace": True},
            "prefix_releases and prefix_releases_with_namespace cannot be used together",
        ),
        ({"prefix_releases": "x_y"}, "prefix_releases 'x_y' holds '_'. Allowed are a-z, A-Z, 0-9 and -"),
        ({"prefix_releases": "Dev"}, "'Dev-a' is no release name for helm"),
        ({"prefix_releases": "-x"}, "'-x-a' is no release name for helm"),
        ({"prefix_releases": "x" * 52}, "has 54 characters, of which helm allows 53"),
        ({"values": (ValuesSource("my.yaml", "a: ]"),)}, "my.yaml:1: not valid YAML"),
        ({"values": (ValuesSource("my.yaml", "- a"),)}, "my.yaml:1: a values file must be a mapping, found a list"),
        ({"set_values": (SetValue("a"),)}, "item 1 of set_values"),
        ({"set_values": (SetValue("a.x=/gone/file", "file"),)}, "file '/gone/file' of set_values cannot be read"),
    ],
)
def test_bad_options_are_told(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        sprayed(three(tmp_path), **options)
    assert message in str(caught.value)


def test_a_name_of_53_characters_is_fine(tmp_path: Path) -> None:
    assert len(sprayed(three(tmp_path), prefix_releases="x" * 51)[0].name) == 53


@pytest.mark.parametrize(
    ("dependencies", "message"),
    [
        ([], "umbrella 'shop' has no dependencies, so there is nothing to spray"),
        ([{"name": "my-lib"}], "umbrella 'shop' has no dependencies but library charts"),
        (
            [{"name": "a"}, {"name": "b", "condition": "global.b"}],
            "dependency 'b' of umbrella 'shop' has the condition 'global.b', "
            "by which it cannot be a release of its own. Its condition must be 'b.enabled'",
        ),
        ([{"name": "a", "alias": "x", "condition": "a.enabled"}], "Its condition must be 'x.enabled'"),
        ([{"name": "a", "condition": "global.all,a.enabled"}], "Its condition must be 'a.enabled'"),
        ([{"name": "a"}, {"name": "b", "alias": "a"}], "two dependencies of umbrella 'shop' go by the name 'a'"),
        ([{"name": "a"}, {"name": "a"}], "two dependencies of umbrella 'shop' go by the name 'a'"),
        (
            [{"name": "a", "alias": "x", "version": ">=2"}],
            "umbrella 'shop' wants dependency 'a' >=2, but its charts/ holds 1.0.0. Run 'helm dependency update' on it",
        ),
    ],
)
def test_an_umbrella_that_cannot_be_sprayed_is_told(
    tmp_path: Path, dependencies: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ChartError) as caught:
        sprayed(umbrella(tmp_path / "shop", *dependencies), default_weight=0)
    assert message in str(caught.value)


def test_a_missing_sub_chart_is_told(tmp_path: Path) -> None:
    root = three(tmp_path)
    (root / "charts" / "b").rename(tmp_path / "b")
    with pytest.raises(ChartError, match=r"lacks dependency 'b' 1.x in its charts/. Run 'helm dependency build' on it"):
        sprayed(root)


def test_a_sub_chart_that_is_there_twice_is_told(tmp_path: Path) -> None:
    root = three(tmp_path)
    with tarfile.open(root / "charts" / "b-1.1.0.tgz", "w:gz") as archive:
        archive.add(root / "charts" / "b", arcname="b")
    with pytest.raises(ChartError, match=r"more than once: charts/b, charts/b-1.1.0.tgz. Remove all but one"):
        sprayed(root)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("a: ]", "values.yaml:1: not valid YAML"),
        ("- a", "a values file must be a mapping, found a list"),
        ("a: 1\n#! {{ .Files.Get gone.yaml }}\n", "values.yaml:2: the include '#! {{ .Files.Get gone.yaml }}'"),
        ("a: 1\n#! {{ .Files.Get a.txt | indent 3 }}\n", "values.yaml, after its includes:2: not valid YAML"),
    ],
)
def test_bad_values_of_the_umbrella_are_told(tmp_path: Path, values: str, message: str) -> None:
    root = umbrella(tmp_path / "shop", {"name": "a"}, values=values)
    write(root / "a.txt", "x: 1")
    with pytest.raises(HelmstackError) as caught:
        sprayed(root, default_weight=0)
    assert message in str(caught.value)


def test_what_others_are_told_is_hidden_unless_something_sees_it(tmp_path: Path) -> None:
    rows = {row.used_name: row for row in sprayed(three(tmp_path))}
    assert rows["a"].hidden_values == ("b", "c", "tags")
    write(tmp_path / "shop" / "templates" / "x.yaml", "")
    assert spray(str(tmp_path / "shop"), SprayOptions("web"))[0].hidden_values == ()


def test_a_value_that_a_librarys_condition_names_is_not_hidden(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, {"name": "x-lib", "condition": "b.useLib"})
    assert "b" not in sprayed(root, default_weight=0)[0].hidden_values


def test_tags_that_switch_something_below_are_seen(tmp_path: Path) -> None:
    root = umbrella(tmp_path / "u", {"name": "a"}, {"name": "b"}, values={"a": {"weight": 0}, "b": {"weight": 0}})
    assert [row.hidden_values for row in sprayed(root)] == [("b", "tags"), ("a", "tags")]
    nested = {"apiVersion": "v2", "name": "b", "version": "1.0.0", "dependencies": [{"name": "x", "version": "1.0.0"}]}
    write(root / "charts" / "b" / "Chart.yaml", nested)
    assert [row.hidden_values for row in sprayed(root)] == [("b",), ("a",)]
    other = umbrella(tmp_path / "v", {"name": "a"}, {"name": "my-lib", "tags": ["t"]}, values={"a": {"weight": 0}})
    assert [row.hidden_values for row in sprayed(other)] == [()]


def test_the_digest_is_blind_for_hidden_values_only(tmp_path: Path) -> None:
    before = {row.used_name: row.digest for row in sprayed(three(tmp_path / "1"))}
    after = {row.used_name: row.digest for row in sprayed(three(tmp_path / "2", b=9))}
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]


def test_the_cost_grows_with_the_number_of_sub_charts(tmp_path: Path) -> None:
    def files_and_seconds(count: int) -> tuple[int, float]:
        dependencies = [{"name": f"chart-{place}"} for place in range(count)]
        values = {item["name"]: {"weight": 0, "x": "y" * 100} for item in dependencies}
        root = umbrella(tmp_path / str(count) / "u", *dependencies, values=values)
        start = time.perf_counter()
        rows = sprayed(root)
        seconds = time.perf_counter() - start
        return sum(len(files(row)) for row in rows), seconds

    few, _seconds = files_and_seconds(20)
    many, seconds = files_and_seconds(200)
    assert many == 10 * few
    assert seconds < 10


def test_a_library_chart_may_be_excluded_but_is_no_target(tmp_path: Path) -> None:
    path = umbrella(tmp_path / "shop", {"name": "a"}, {"name": "my-lib"})
    assert [row.used_name for row in sprayed(path, default_weight=0, exclude=("my-lib",)) if row.targeted] == ["a"]
    with pytest.raises(InputError, match="targets names 'my-lib', which is no sub-chart"):
        sprayed(path, default_weight=0, targets=("my-lib",))

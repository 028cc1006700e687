# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm's --set syntax, read as helm reads it; the tables are asked of the helm binaries too that are there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import strvals
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetInt, SetValue
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

CACHE = Path.home() / ".cache" / "helmstack"
HELMS = sorted({str(path) for path in CACHE.glob("bin-*/helm")} | {shutil.which("helm") or ""} - {""})
FLAGS = {"raw": "--set", "string": "--set-string", "json": "--set-json", "literal": "--set-literal"}


def base() -> dict[str, Any]:
    return {"map": {"a": 1, "b": None}, "list": [1, {"x": 1}, [2]], "text": "t"}


def applied(*items: SetValue) -> dict[str, Any]:
    values = base()
    strvals.apply(values, items, lambda path: f"content of {path}")
    return values


GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("raw", "a=1,b=x", {"a": 1, "b": "x"}),
    (
        "raw",
        "a=true,b=FALSE,c=Null,d=0,e=007,f=-5,g=+5,h=1.5,i=1e3,j=99999999999999999999",
        {
            "a": True,
            "b": False,
            "c": None,
            "d": 0,
            "e": "007",
            "f": -5,
            "g": 5,
            "h": "1.5",
            "i": "1e3",
            "j": "99999999999999999999",
        },
    ),
    ("raw", "map.c.d=1", {"map": {"a": 1, "b": None, "c": {"d": 1}}}),
    ("raw", "map.a=null", {"map": {"a": None, "b": None}}),
    ("raw", r"a\.b=1,c=x\,y,d=\\", {"a.b": 1, "c": "x,y", "d": "\\"}),
    ("raw", "a={x,1,null},b={}", {"a": ["x", 1, None], "b": [""]}),
    ("raw", "list[0]=9", {"list": [9, {"x": 1}, [2]]}),
    ("raw", "list[1].y=2,list[2][1]=3,list[4]=5", {"list": [1, {"x": 1, "y": 2}, [2, 3], None, 5]}),
    ("raw", "list[0].z=1", {"list": [{"z": 1}, {"x": 1}, [2]]}),
    ("raw", "new[1].a=1", {"new": [None, {"a": 1}]}),
    ("raw", "text=", {"text": ""}),
    ("raw", "a=b=c", {"a": "b=c"}),
    ("raw", "a=1,", {"a": 1}),
    ("string", "a=1,b=true,c={1,2}", {"a": "1", "b": "true", "c": ["1", "2"]}),
    ("json", 'a={"x":[1,null]},b="s",c=,d=5', {"a": {"x": [1, None]}, "b": "s", "c": None, "d": 5}),
    ("json", 'list[0]={"k":true},map.a=[]', {"list": [{"k": True}, {"x": 1}, [2]], "map": {"a": [], "b": None}}),
    ("literal", r"a=x,y=\z", {"a": r"x,y=\z"}),
    ("literal", "map.a={1}", {"map": {"a": "{1}", "b": None}}),
]


@pytest.mark.parametrize(("kind", "text", "changed"), GOOD, ids=[f"{kind} {text}" for kind, text, _changed in GOOD])
def test_reads_what_helm_reads(kind: str, text: str, changed: dict[str, Any]) -> None:
    assert applied(SetValue(text, kind)) == base() | changed


def test_a_file_gives_its_text() -> None:
    assert applied(SetValue("map.a=cert.pem", "file"))["map"]["a"] == "content of cert.pem"


def test_json_objects_are_merged() -> None:
    assert applied(SetValue('{"map": {"c": 1}}', "json"))["map"] == {"a": 1, "b": None, "c": 1}


def test_kinds_come_in_the_order_of_helm() -> None:
    found = applied(
        SetValue("a=file", "file"), SetValue("a=s", "string"), SetValue("a=r", "raw"), SetValue("a=1", "json")
    )
    assert found["a"] == "content of file"


BAD = [
    ("raw", "a"),
    ("raw", "a=1,b"),
    ("raw", "a,b=1"),
    ("raw", "a.b"),
    ("raw", "a={x"),
    ("raw", "list[x]=1"),
    ("raw", "list[-1]=1"),
    ("raw", "list[99999]=1"),
    ("raw", "list[0]x=1"),
    ("raw", "text.a=1"),
    ("raw", "map[0]=1"),
    ("raw", "list[1][0]=1"),
    ("raw", ".".join("a" * 40) + "=1"),
    ("json", "a={"),
    ("json", "a=NaN"),
    ("json", "a=oops"),
]


@pytest.mark.parametrize(("kind", "text"), BAD, ids=[f"{kind} {text}" for kind, text in BAD])
def test_refuses_what_helm_refuses(kind: str, text: str) -> None:
    with pytest.raises(InputError, match="item 1 of set_values is not of helm's --set form"):
        applied(SetValue(text, kind))


def test_refuses_an_open_bracket_that_helm_4_passes_over() -> None:
    with pytest.raises(InputError, match="an index must be a number between"):
        applied(SetValue("list[0"))


@pytest.fixture(params=HELMS or [None], ids=lambda path: str(HELMS.index(path)) if path else "none")
def helm(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """The values that helm makes of a kind and a text, or its error; nulls are gone, and integers shown as such."""
    if request.param is None:
        pytest.skip("no helm binary is there")
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n", encoding="utf-8")
    template = 'values: {{ toJson .Values | quote }}\ntyped: {{ printf "%#v" .Values | quote }}\n'
    (tmp_path / "chart" / "templates" / "values.yaml").write_text(template, encoding="utf-8")

    def read(documents: list[Any], *arguments: str) -> Any:
        argv = [request.param, "template", "x", str(tmp_path / "chart"), *arguments]
        for place, document in enumerate(documents):
            path = tmp_path / f"{place}.json"
            path.write_text(helmyaml.to_json(document), encoding="utf-8")
            argv += ["--values", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return helmyaml.load(done.stdout, "manifest") if done.returncode == 0 else done.stderr

    return read


@pytest.mark.parametrize(("kind", "text"), [item[:2] for item in GOOD], ids=[" ".join(item[:2]) for item in GOOD])
def test_document_and_arguments_give_helm_what_the_flag_gives(helm: Any, kind: str, text: str) -> None:
    expected = helm([base()], FLAGS[kind], text)
    values = applied(SetValue(text, kind))
    arguments = [part for argument in strvals.arguments(values) for part in ("--set", argument)]
    found = helm([base(), strvals.difference(base(), values)], *arguments)
    assert json.loads(expected["values"])["text"] is not None
    assert found == expected


@pytest.mark.parametrize(("kind", "text"), BAD, ids=[f"{kind} {text}" for kind, text in BAD])
def test_helm_refuses_it_too(helm: Any, kind: str, text: str) -> None:
    assert f"failed parsing {FLAGS[kind]} data" in helm([base()], FLAGS[kind], text)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(InputError, match="unknown value_type 'yaml'"):
        applied(SetValue("a=1", "yaml"))


def test_messages_do_not_tell_values() -> None:
    with pytest.raises(InputError) as caught:
        applied(SetValue("password=geheim,streng"))
    assert "geheim" not in str(caught.value)
    assert "streng" not in str(caught.value)


def test_integers_become_arguments_unless_secret() -> None:
    values = applied(SetValue(r"a\.b=5,list[1].n=0,text=x"), SetValue("pin=1234", secret=True), SetValue("j=7", "json"))
    assert sorted(strvals.arguments(values)) == [r"a\.b=5", "list[1].n=0"]
    assert isinstance(values["a.b"], SetInt)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"a": 1, "m": {"x": 1, "y": [1]}}, {}),
        ({"a": None, "m": {"x": 1, "y": [1]}}, {"a": None}),
        ({"a": True, "m": {"x": 1, "y": [1]}}, {"a": True}),
        ({"a": 1, "m": {"x": 1, "y": [1, 2]}}, {"m": {"y": [1, 2]}}),
        ({"a": {"n": 1}, "m": {"x": 1, "y": [1]}, "new": {}}, {"a": {"n": 1}, "new": {}}),
    ],
)
def test_difference_holds_only_what_changes(after: Any, expected: Any) -> None:
    before = {"a": 1, "m": {"x": 1, "y": [1]}}
    assert strvals.difference(before, after) == expected
    strvals.merge(before, expected)
    assert before == after

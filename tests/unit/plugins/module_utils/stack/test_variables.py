# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""${variables}: precedence, forms and what becomes of their types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.variables import dotenv

WEB = "releases:\n- name: web\n  chart: ./web\n  set: {v: '%s'}\n"
LEVELS = ["task", "overlay2", "overlay1", "environment", "stack", "process", "dotenv_environment", "dotenv"]


def value_of(stack: Any) -> Any:
    return json.loads(stack.releases[0].values[-1].text)["v"]


@pytest.mark.parametrize("strongest", range(len(LEVELS)))
def test_variables_are_looked_up_in_the_order_of_the_interface(folder: Any, strongest: int) -> None:
    def says(level: str) -> bool:
        return LEVELS.index(level) >= strongest

    def variables(level: str) -> str:
        return f"{{v: from-{level}}}" if says(level) else "{}"

    folder.write("one.yaml", f"variables: {variables('overlay1')}\n")
    folder.write("two.yaml", f"variables: {variables('overlay2')}\n")
    folder.write(".env.dev", "v=from-dotenv_environment\n" if says("dotenv_environment") else "")
    folder.write(".env", "v=from-dotenv\n")
    stack = folder.stack(
        WEB % "${v}"
        + f"environments: {{dev: {{variables: {variables('environment')}}}}}\nvariables: {variables('stack')}\n",
        environment="dev",
        overlays=("one.yaml", "two.yaml"),
        variables={"v": "from-task"} if says("task") else {},
        environ={"v": "from-process"} if says("process") else {},
    )
    assert value_of(stack) == f"from-{LEVELS[strongest]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${text}", "abc"),
        ("a-${text}-b", "a-abc-b"),
        ("${text}${number}", "abc3"),
        ("${number}", 3),
        ("${yes1}", True),
        ("is ${yes1}", "is true"),
        ("${map}", {"a": [1, "abc"]}),
        ("${nothing}", None),
        ("${none:-x}", "x"),
        ("${none:-}", ""),
        ("${none:-3}", "3"),
        ("${empty:-x}", "x"),
        ("${text:-x}", "abc"),
        ("${none:-${text}}", "abc"),
        ("a ${none:-${none2:-}b}", "a b"),
        ("${nested}", "abc!"),
        ("$${text}", "${text}"),
        ("a $${text} ${text}", "a ${text} abc"),
        ("$text costs 3$", "$text costs 3$"),
        ("${with-dash}", "d"),
        ("${from_process}", "raw ${text}"),
    ],
)
def test_a_reference_takes_its_value(folder: Any, text: str, expected: Any) -> None:
    variables = (
        "variables: {text: abc, number: 3, yes1: true, map: {a: [1, '${text}']}, nothing: null, empty: '', "
        "nested: '${text}!', with-dash: d}\n"
    )
    assert value_of(folder.stack(WEB % text + variables, environ={"from_process": "raw ${text}"})) == expected


def test_variables_reach_paths_names_and_nested_values_but_not_values_files(folder: Any) -> None:
    folder.write("values-dev.yaml", "a: ${text}\n")
    folder.write("env/x-dev.yaml", "releases: {web-dev: {description: '${e}'}}\n")
    stack = folder.stack(
        "variables: {e: dev}\nenvironments: {dev: {overlays: ['env/x-${e}.yaml']}}\n"
        "releases:\n- {name: 'web-${e}', namespace: 'ns-${e}', chart: './${e}',\n"
        "   values: ['values-${e}.yaml', {a: {b: ['${e}']}}]}\n",
        environment="dev",
    )
    web = stack.releases[0]
    assert (web.id, web.chart, web.description) == ("ns-dev/web-dev", f"{folder.path}/dev", "dev")
    assert [source.text for source in web.values] == ["a: ${text}\n", '{"a": {"b": ["dev"]}}']


def test_maps_of_variables_merge_deeply(folder: Any) -> None:
    folder.write("o.yaml", "variables: {m: {b: 2}}\n")
    stack = folder.stack(WEB % "${m}" + "variables: {m: {a: 1, b: 1}}\n", overlays=("o.yaml",))
    assert value_of(stack) == {"a": 1, "b": 2}


def test_what_nobody_uses_is_not_looked_up(folder: Any) -> None:
    text = "variables: {bad: '${nowhere}', v: 1}\nenvironments: {prod: {overlays: ['${nowhere}']}}\n"
    assert value_of(folder.stack(WEB % "${v}" + text)) == 1


def test_a_missing_variable_of_a_variable_is_told_where_it_stands(folder: Any) -> None:
    with pytest.raises(InputError, match=r"helmstack\.yaml:6: the variable 'nowhere' is not defined"):
        folder.stack(WEB % "${v}" + "variables:\n  v: ${nowhere}\n")


DOTENV = r"""
# comment
PLAIN=value
export EXPORTED = spaced value   # comment
HASH=a#b
EMPTY=
COMMENTED= # nothing
SINGLE='a ${PLAIN} # "b"'
DOUBLE="a \"b\" # ${PLAIN}\n" # comment
"""


def test_dotenv_files_know_quotes_comments_and_export(folder: Any) -> None:
    folder.write(".env", DOTENV)
    names = ["PLAIN", "EXPORTED", "HASH", "EMPTY", "COMMENTED", "SINGLE", "DOUBLE"]
    stack = folder.stack(WEB % "|".join(f"${{{name}}}" for name in names))
    assert value_of(stack) == 'value|spaced value|a#b|||a ${PLAIN} # "b"|a "b" # value\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A=1\nnonsense\n", "f:2: expected KEY=VALUE"),
        ("A='x\n", "f:1: a quote is not closed"),
        ('A="x" y\n', "f:1: a quote"),
    ],
)
def test_broken_dotenv_files_are_told_with_their_line(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        dotenv(text, "f")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("seed", "row"),
    [
        ("x", "'" + "${v%d}" * 9 + "'"),
        ("''", "'" + "${v%d}" * 9 + "'"),
        ("[x]", "[" + ", ".join(["'${v%d}'"] * 9) + "]"),
    ],
)
def test_variables_of_variables_do_not_explode(folder: Any, seed: str, row: str) -> None:
    rows = "".join(f"  v{n + 1}: {row.replace('%d', str(n))}\n" for n in range(12))
    text = WEB % "${v12}" + f"variables:\n  v0: {seed}\n{rows}"
    if seed == "''":
        assert value_of(folder.stack(text)) == ""
        return
    with pytest.raises(InputError, match="makes the stack grow beyond all measure"):
        folder.stack(text)


def test_what_is_known_by_itself_is_a_variable_too(folder: Any) -> None:
    text = "name: shop\n" + WEB % "${stack}-${environment}" + "environments: {dev: {}}\n"
    assert value_of(folder.stack(text, environment="dev", environ={"stack": "x"})) == "shop-dev"
    own = folder.stack(text, environment="dev", variables={"stack": "mine", "environment": "ours"})
    assert value_of(own) == "mine-ours"
    assert value_of(folder.stack(WEB % "${environment:-none}")) == "none"
    with pytest.raises(InputError, match=r"'environment' is not defined\. No environment is chosen"):
        folder.stack(WEB % "${environment}")
    with pytest.raises(InputError, match="Variables come from the task's variables, overlays"):
        folder.stack(WEB % "${nowhere}")

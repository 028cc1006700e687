# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong in a stack is told in one sentence with file, line and the nearest right name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

WEB = "releases:\n- name: web\n  namespace: front\n  chart: ./web\n"
HEAD = "name: shop\n"

# the stack, the line that is blamed (0: none of the stack file), the sentence
STACKS: list[tuple[str, int, str]] = [
    ("name: a: b", 1, "not valid YAML"),
    ("- a\n", 1, "stack file: expected a mapping, found a list"),
    ("name: shop\n", 0, "the stack has no releases"),
    ("releases: []\n", 0, "the stack has no releases"),
    (WEB + "relases: []\n", 5, "unknown key 'relases' in stack file. Did you mean 'releases'?"),
    ("releases: text\n", 1, "releases: expected a list, found the string 'text'"),
    ("releases: {web: {chart: ./web}}\n", 1, "releases: expected a list, found a mapping"),
    ("releases:\n- text\n", 2, "releases: expected a mapping, found the string 'text'"),
    ("releases:\n- chart: ./web\n", 2, "an entry of releases lacks a name"),
    ("releases:\n- name: web\n", 2, "the release default/web has no chart"),
    (WEB + "  verson: 1.0.0\n", 5, "unknown key 'verson' in releases. Did you mean 'version'?"),
    (WEB + "  version: 1.6\n", 5, "version: expected a string, found the number 1.6. Put it in quotes"),
    (WEB + "  ignore: 'true'\n", 5, "ignore: expected true or false, found the string 'true'. Write it without quotes"),
    (WEB + "  wait: 1\n", 5, "wait: expected true or false, found the number 1"),
    (WEB + "  weight: -1\n", 5, "weight: expected an integer of 0 or more, found the number -1"),
    (WEB + "  weight: true\n", 5, "weight: expected an integer of 0 or more, found the boolean true"),
    (WEB + "  timeout: soon\n", 5, "timeout: expected a duration such as 5m"),
    (WEB + "  timeout: 5 m\n", 5, "timeout: expected a duration such as 5m"),
    (WEB + "  historyMax: 1.5\n", 5, "historyMax: expected an integer of 0 or more, found the number 1.5"),
    (WEB + "  labels: {tier: 1}\n", 5, "label tier: expected a string, found the number 1. Put it in quotes"),
    (WEB + "  labels: {-x: a}\n", 5, "'-x' is not a label's name"),
    (WEB + "  labels: {owner: me}\n", 5, "the label 'owner' is kept for Helm and helmstack"),
    (WEB + "  labels: {helmstack.io/stack: me}\n", 5, "is kept for Helm and helmstack"),
    (WEB + "  labels: [a]\n", 5, "labels: expected a mapping, found a list"),
    (WEB + "  set: [a]\n", 5, "set: expected a mapping, found a list"),
    (WEB + "  values: web.yaml\n", 5, "values: expected a list, found the string 'web.yaml'"),
    (WEB + "  values: [3]\n", 5, "values: expected a path or a mapping, found the number 3"),
    (WEB + "  values:\n  - nowhere.yaml\n", 6, "nowhere.yaml does not exist"),
    (WEB + "  values: [web.yaml.gotmpl]\n", 5, "the values file"),
    (WEB + "  values: [ftp://example.org/x.yaml]\n", 5, "values files are local"),
    (WEB + "  spray: 3\n", 5, "spray: expected true, false or a mapping"),
    (WEB + "  spray: {exlude: [a]}\n", 5, "unknown key 'exlude' in spray. Did you mean 'exclude'?"),
    (WEB + "  spray: {set_values: [{value_type: raw}]}\n", 5, "an entry of set_values lacks 'value'"),
    (WEB + "  spray: {set_values: [{value: a=b, value_type: file}]}\n", 5, "value_type: expected one of raw, string"),
    (WEB + "  ready: [{kind: Job}]\n", 5, "an entry of ready lacks 'apiVersion'"),
    (
        WEB + "  ready:\n  - {apiVersion: v1, kind: Pod, name: a, when: 'status.['}\n",
        6,
        "'when: status.[' of a release's ready is no JMESPath: Invalid",
    ),
    (WEB + "  description: [a]\n", 5, "description: expected a string, found a list"),
    (WEB + "  needs: [wbe]\n", 5, "front/web needs 'wbe', which the stack does not have. Did you mean 'web'?"),
    (WEB + "  needs: [front/wbe]\n", 5, "Did you mean 'front/web'?"),
    (WEB + "  needs: [shpo:web]\n", 5, "Did you mean 'shop:web'?"),
    (WEB + "  needs: [web]\n", 2, "the releases need each other in a cycle: front/web -> front/web"),
    ("releases:\n- {name: Web, chart: ./web}\n", 2, "name: expected a release name"),
    (f"releases:\n- {{name: {'a' * 54}, chart: ./web}}\n", 2, "at most 53 characters"),
    ("releases:\n- {name: web, namespace: a.b, chart: ./web}\n", 2, "namespace: expected a namespace"),
    (WEB + "- {name: web, namespace: front, chart: ./x}\n", 5, "the release front/web is declared twice, first at"),
    ("releases:\n- {name: web, chart: repo/web}\n", 2, "the repository 'repo' of chart 'repo/web' is not declared"),
    (
        "repositories: [{name: charts, url: x}]\nreleases:\n- {name: web, chart: chart/web}\n",
        3,
        "is not declared. Did you mean 'charts'?",
    ),
    ("releases:\n- {name: web, chart: web}\n", 2, "there is no chart 'web' here"),
    (WEB + "repositories: [{name: a}]\n", 5, "the repository 'a' lacks a url"),
    (WEB + "repositories: [{name: a/b, url: x}]\n", 5, "name: expected a repository's name"),
    (WEB + "repositories: [{name: a, url: x, pasword: y}]\n", 5, "Did you mean 'password'?"),
    (WEB + "helmDefaults: {timout: 5m}\n", 5, "unknown key 'timout' in helmDefaults. Did you mean 'timeout'?"),
    (WEB + "helmDefaults: {chart: x}\n", 5, "unknown key 'chart' in helmDefaults"),
    (WEB + "environments: {dev: {overlay: [a], variable: {}}}\n", 5, "Did you mean 'variables'?"),
    (WEB + "environments: [dev]\n", 5, "environments: expected a mapping, found a list"),
    (WEB + "variables: [a]\n", 5, "variables: expected a mapping, found a list"),
    (WEB + "stacks: [{name: a}]\n", 5, "an entry of stacks lacks a path"),
    (WEB + "stacks: [{path: ./nowhere}]\n", 5, "there is no stack file or folder"),
    (WEB + "stacks: [{name: a, url: 'git+https://x'}]\n", 5, "names no repository"),
    (WEB + "stacks: [{pth: a}]\n", 5, "Did you mean 'path'?"),
    (
        WEB + "  description: ${nme}\nvariables: {name: a}\n",
        5,
        "the variable 'nme' is not defined. Did you mean 'name'?",
    ),
    (WEB + "  description: a ${b\n", 5, "'${b' is not a variable"),
    (WEB + "  description: a ${}\n", 5, "'${}' is not a variable"),
    (
        WEB + "  description: a ${m}\nvariables: {m: {x: 1}}\n",
        5,
        "the variable 'm' is a mapping and cannot be used inside",
    ),
    (WEB + "  description: ${a}\nvariables:\n  a: ${b}\n  b: ${c}\n  c: x${a}\n", 9, "in a cycle: a -> b -> c -> a"),
    ("a0: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{i}: [{'*a,' * 900}]\n" for i in range(9)), 1, "its aliases add"),
]


def _caught(folder: Any, text: str, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        folder.stack(text, **options)
    return caught.value


@pytest.mark.parametrize(("text", "line", "sentence"), STACKS)
def test_a_wrong_stack_is_told_with_its_line(folder: Any, text: str, line: int, sentence: str) -> None:
    error = _caught(folder, text)
    assert sentence in str(error)
    assert error.where is not None
    assert error.where.file == str(folder.path / "helmstack.yaml")
    assert error.where.line == line
    assert "\n" not in str(error)


def test_a_cycle_of_needs_names_all_members_in_order(folder: Any) -> None:
    rows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
    text = "releases:\n" + "".join(f"- {{name: {name}, chart: ./x, needs: [{need}]}}\n" for name, need in rows)
    assert "cycle: default/a -> default/b -> default/c -> default/a" in str(_caught(folder, text))


def test_weights_that_contradict_needs_are_a_cycle_that_names_both(folder: Any) -> None:
    text = "releases:\n- {name: a, chart: ./x, needs: [b], weight: 1}\n- {name: b, chart: ./x, weight: 2}\n"
    error = str(_caught(folder, text))
    assert "needs and weights make a cycle: default/a -> default/b -> default/a" in error
    assert "default/a has weight 1, default/b has weight 2" in error


def test_weights_that_contradict_needs_through_others_are_a_cycle(folder: Any) -> None:
    text = (
        "releases:\n- {name: a, chart: ./x, needs: [m], weight: 0}\n- {name: m, chart: ./x, needs: [b]}\n"
        "- {name: b, chart: ./x, weight: 5}\n- {name: c, chart: ./x, weight: 3}\n"
    )
    assert "needs and weights make a cycle" in str(_caught(folder, text))


def test_an_ambiguous_need_asks_for_a_namespace(folder: Any) -> None:
    text = (
        "releases:\n- {name: db, namespace: a, chart: ./x}\n- {name: db, namespace: b, chart: ./x}\n"
        "- {name: web, chart: ./x, needs: [db]}\n"
    )
    error = str(_caught(folder, text))
    assert "default/web needs 'db', which occurs several times. Write 'a/db' or 'b/db'" in error


@pytest.mark.parametrize(
    ("text", "found"), [("- a\n", "a list"), ("text\n", "a string"), ("3\n", "a number"), ("true\n", "a boolean")]
)
def test_a_values_file_must_be_a_mapping(folder: Any, text: str, found: str) -> None:
    path = folder.write("web.yaml", text)
    error = _caught(folder, WEB + "  values: [web.yaml]\n")
    assert str(error) == f"{path}:1: a values file must be a mapping, found {found}"


def test_a_broken_values_file_is_told_with_its_line(folder: Any) -> None:
    path = folder.write("web.yaml", "a: 1\nb: [\n")
    error = _caught(folder, WEB + "  values: [web.yaml]\n")
    assert str(error).startswith(f"{path}:3: not valid YAML")


def test_an_alias_bomb_in_a_values_file_is_refused(folder: Any) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    path = folder.write("web.yaml", "\n".join(rows))
    error = str(_caught(folder, WEB + "  values: [web.yaml]\n"))
    assert error.startswith(path)
    assert "its aliases add more than" in error


@pytest.mark.parametrize("second", ["helmstack.yml", "stackfile.yaml", "stackfile.yml", "helmstack.yaml.j2"])
def test_two_stack_files_in_a_folder_are_named(folder: Any, second: str) -> None:
    folder.write(second, WEB)
    error = str(_caught(folder, WEB))
    assert "has several stack files" in error
    assert "helmstack.yaml" in error
    assert second in error


def test_a_folder_without_a_stack_file_is_told(folder: Any) -> None:
    with pytest.raises(InputError, match=r"has no stack file\. Looked for helmstack\.yaml"):
        folder.resolve()


def test_a_missing_stack_file_is_told(folder: Any) -> None:
    with pytest.raises(InputError, match="there is no stack file or folder"):
        folder.resolve("nowhere.yaml")


def test_a_go_template_needs_helm(folder: Any) -> None:
    folder.write("helmstack.yaml.gotmpl", WEB)
    with pytest.raises(InputError, match="Go templates cannot be rendered here"):
        folder.resolve()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": ("wbe",)}, "the target 'wbe' fits no release of the stack. Did you mean 'web'?"),
        ({"targets": ("front/wbe",)}, "Did you mean 'front/web'?"),
        ({"targets": ("x*",)}, "the target 'x*' fits no release of the stack"),
        ({"selector": "[?name=="}, "the selector '[?name==' is not valid JMESPath\n"),
        ({"selector": "nofunction(@)"}, "is not valid JMESPath\nUnknown function: nofunction()"),
        ({"selector": "[?length(name) > '1']"}, "cannot be asked of the releases. Write numbers in backticks"),
        ({"selector": "[0].name"}, "must give a list of releases"),
        ({"selector": "length(@)"}, "must give a list of releases"),
        ({"selector": "[].{n: name}"}, "must give releases or their names"),
        ({"selector": "[].version"}, "must give releases or their names"),
        ({"environment": "dve"}, "nothing for the environment 'dve'. Did you mean 'dev'? Declared are: dev, prod"),
        ({"environment": "../x"}, "nothing for the environment '../x'. Declared are: dev, prod"),
        ({"groups": ("dev", "all", "prod")}, "the host's groups 'dev' and 'prod' are environments"),
        ({"overlays": ("nowhere.yaml",)}, "nowhere.yaml does not exist"),
        ({"variables": {"a": "${a}"}, "environment": "prod"}, "in a cycle: a -> a"),
        ({"defaults": {"timeout": "soon"}}, "task options: timeout: expected a duration"),
        ({"defaults": {"namespace": "A"}}, "task options: namespace: expected a namespace"),
    ],
)
def test_a_wrong_task_option_is_told(folder: Any, options: dict[str, Any], sentence: str) -> None:
    text = (
        "releases:\n- {name: web, namespace: front, chart: ./web, version: 1.0.0, description: '${a:-x}'}\n"
        "- {name: app, chart: ./x}\n"
        "environments: {dev: {}, prod: {}}\n"
    )
    assert sentence in str(_caught(folder, text, **options))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("contxt: a\n", "unknown key 'contxt' in .helmstack. Did you mean 'context'?"),
        ("environment: [a]\n", "environment: expected a string, found a list"),
        ("timeout: soon\n", "timeout: expected a duration"),
        ("history_max: many\n", "history_max: expected an integer"),
        ("persist_config: true\n", "unknown key 'persist_config' in .helmstack"),
        ("release_namespace: a\n", "unknown key 'release_namespace' in .helmstack"),
        ("disable_hooks: true\n", "unknown key 'disable_hooks' in .helmstack. Did you mean 'disable_hook'?"),
        ("_bundle: /tmp/x\n", "unknown key '_bundle' in .helmstack"),
        ("- a\n", ".helmstack: expected a mapping, found a list"),
    ],
)
def test_a_wrong_defaults_file_is_told(folder: Any, text: str, sentence: str) -> None:
    path = folder.write(".helmstack", text)
    error = str(_caught(folder, WEB))
    assert error.startswith(f"{path}:1: ")
    assert sentence in error


def test_environments_that_only_have_an_overlay_are_named_too(folder: Any) -> None:
    folder.write("helmstack.yaml", "releases: [{name: web, chart: ./web}]")
    folder.write("env/prod.yaml", "{}")
    folder.write("env/test.yaml.j2", "{}")
    with pytest.raises(InputError, match=r"Did you mean 'prod'\? Declared are: prod, test"):
        folder.resolve(environment="prd")

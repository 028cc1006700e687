# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overlays: their order, and how they are laid over a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

STACK = """
releases:
- name: web
  namespace: front
  chart: ./web
  version: 1.0.0
  values: [{a: 1}]
  set: {some: value, yet: {another: value}, list: [1, 2]}
  labels: {a: a1, b: b1}
  needs: [db]
- {name: db, namespace: data, chart: ./db}
- {name: twin, namespace: one, chart: ./twin}
- {name: twin, namespace: two, chart: ./twin}
"""


def laid(folder: Any, *overlays: str) -> Any:
    paths = tuple(folder.write(f"overlay{number}.yaml", text) for number, text in enumerate(overlays))
    return folder.stack(STACK, overlays=paths)


def set_of(release: Any) -> Any:
    return json.loads(release.values[-1].text)


def test_maps_merge_scalars_and_lists_replace_and_values_are_joined(folder: Any) -> None:
    web = laid(
        folder,
        "releases:\n  web: {version: 2.0.0, values: [{b: 2}], needs: [front/web-2],\n"
        "    set: {some: new, yet: {more: 1}, list: [3]}, labels: {b: b2, c: c2}}\n"
        "  front/web-2: {chart: ./web}\n",
    ).releases[0]
    assert web.version == "2.0.0"
    assert [source.text for source in web.values[:-1]] == ['{"a": 1}', '{"b": 2}']
    assert set_of(web) == {"some": "new", "yet": {"another": "value", "more": 1}, "list": [3]}
    assert web.labels == {"a": "a1", "b": "b2", "c": "c2"}
    assert web.needs == ("front/web-2",)


def test_null_removes_a_releases_key_and_stays_in_values(folder: Any) -> None:
    web = laid(
        folder,
        "releases: {web: {version: null, labels: {a: null}, values: [{x: null}],\n"
        "  set: {some: null, yet: {another: null}}}}\n",
    ).releases[0]
    assert web.version is None
    assert web.labels == {"b": "b1"}
    assert web.values[1].text == '{"x": null}'
    assert set_of(web) == {"some": None, "yet": {"another": None}, "list": [1, 2]}


def test_null_removes_a_whole_map_or_list(folder: Any) -> None:
    web = laid(folder, "releases: {web: {values: null, set: null, labels: null, needs: null}}").releases[0]
    assert (web.values, web.labels, web.needs) == ((), {}, ())


@pytest.mark.parametrize(
    "overlay",
    [
        "releases: {web: {version: 2.0.0}}",
        "releases: {front/web: {version: 2.0.0}}",
        "releases: [{name: web, version: 2.0.0}]",
        "releases: [{name: web, namespace: front, version: 2.0.0}]",
        "releases: [{name: front/web, version: 2.0.0}]",
    ],
)
def test_a_release_is_named_by_key_or_in_a_list_with_or_without_namespace(folder: Any, overlay: str) -> None:
    releases = laid(folder, overlay).releases
    assert [release.version for release in releases] == ["2.0.0", None, None, None]


def test_a_namespace_may_be_changed_and_is_then_the_releases_name(folder: Any) -> None:
    releases = laid(folder, "releases: {web: {namespace: other}}", "releases: {other/web: {version: 3.0.0}}").releases
    assert (releases[0].id, releases[0].version) == ("other/web", "3.0.0")


def test_a_release_with_a_chart_is_added(folder: Any) -> None:
    releases = laid(folder, "releases: {cache: {namespace: data, chart: ./cache}}").releases
    assert releases[-1].id == "data/cache"


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        ("releases: {wbe: {version: 1.0.0}}", "the stack has no release 'wbe'"),
        ("releases: {wbe: {version: 1.0.0}}", "Did you mean 'web'?"),
        ("releases: {frnt/web: {version: 1.0.0}}", "Did you mean 'front/web'?"),
        ("releases: {twin: {version: 1.0.0}}", "is in several namespaces. Write 'one/twin' or 'two/twin'"),
        ("releases: {one/twin: {namespace: two}}", "this makes a second release two/twin, the first is at"),
        ("releases: {web: null}", "releases web: expected a mapping, found nothing"),
        ("releases: {web: {verson: 1.0.0}}", "unknown key 'verson' in releases web. Did you mean 'version'?"),
        ("releases: {web: {name: app}}", "'web' is called 'app' inside"),
        ("releases: [{version: 1.0.0}]", "an entry of releases lacks a name"),
        ("releases: {web: {version: 2}}", "version: expected a string, found the number 2"),
        ("releases: {web: {values: [nowhere.yaml]}}", "nowhere.yaml does not exist"),
        ("relases: {}", "unknown key 'relases' in overlay. Did you mean 'releases'?"),
        ("environments: {}", "unknown key 'environments' in overlay"),
        ("helmDefaults: {timout: 1}", "unknown key 'timout' in helmDefaults"),
        ("repositories: [{name: new}]", "the repository 'new' lacks a url"),
        ("- a", "overlay: expected a mapping, found a list"),
    ],
)
def test_a_wrong_overlay_is_told_with_its_place(folder: Any, overlay: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        laid(folder, overlay)
    assert sentence in str(caught.value)
    assert str(caught.value.where) == f"{folder.path}/overlay0.yaml:1"


def test_overlays_are_laid_by_convention_then_as_declared_then_as_the_task_says(folder: Any) -> None:
    for name in ("env/dev", "env/a", "env/b", "task"):
        folder.write(f"{name}.yaml", f"releases: {{web: {{description: {name}, values: [{{from: {name}}}]}}}}\n")
    stack = folder.stack(
        STACK + "environments: {dev: {overlays: [env/a.yaml, ./env/dev.yaml], overlay: [env/b.yaml, env/a.yaml]}}\n",
        environment="dev",
        overlays=("task.yaml", "env/b.yaml"),
    )
    web = stack.releases[0]
    assert web.description == "task"
    labels = [json.loads(source.text).get("from") for source in web.values[:-1]]
    assert labels == [None, "env/dev", "env/a", "env/b", "task"]


def test_a_templated_overlay_is_found_by_convention(folder: Any) -> None:
    folder.write("env/dev.yaml.j2", "releases: {web: {description: '{{ host }}'}}\n")
    assert folder.stack(STACK, environment="dev").releases[0].description == "cluster-1"


def test_paths_of_an_overlay_are_relative_to_the_stacks_folder(folder: Any) -> None:
    folder.write("env/dev.yaml", "releases: {web: {values: [values/5.yaml], chart: ./c}}\n")
    folder.write("values/5.yaml", "from: stack\n")
    (folder.path / "c").mkdir()
    web = folder.stack(STACK, environment="dev").releases[0]
    assert web.values[-2].text == "from: stack\n"
    assert web.chart == f"{folder.path}/c"


def test_what_only_the_overlays_folder_has_is_taken_from_there(folder: Any) -> None:
    folder.write("env/dev.yaml", "releases: {web: {values: [v.yaml], chart: ./c}}\n")
    folder.write("env/v.yaml", "from: env\n")
    (folder.path / "env" / "c").mkdir()
    web = folder.stack(STACK, environment="dev").releases[0]
    assert web.values[-2].text == "from: env\n"
    assert web.chart == f"{folder.path}/env/c"


def test_a_chart_that_neither_has_is_looked_for_in_the_stacks_folder(folder: Any) -> None:
    folder.write("env/dev.yaml", "releases: {web: {chart: ./c}}\n")
    assert folder.stack(STACK, environment="dev").releases[0].chart == f"{folder.path}/c"


@pytest.mark.parametrize("said", ["values: [v.yaml]", "chart: ./v.yaml"])
def test_what_both_folders_have_is_an_error_that_names_both(folder: Any, said: str) -> None:
    folder.write("env/dev.yaml", f"releases:\n  web: {{{said}}}\n")
    folder.write("v.yaml", "from: stack\n")
    folder.write("env/v.yaml", "from: env\n")
    with pytest.raises(InputError) as caught:
        folder.stack(STACK, environment="dev")
    assert str(caught.value).startswith(f"{folder.path}/env/dev.yaml:2: ")
    assert f"{folder.path}/v.yaml and {folder.path}/env/v.yaml" in str(caught.value)
    assert "Rename one of them, or write 'env/v.yaml' for the second" in str(caught.value)
    folder.write("env/dev.yaml", f"releases:\n  web: {{{said.replace('v.yaml', 'env/v.yaml')}}}\n")
    folder.stack(STACK, environment="dev")


def test_a_values_file_that_neither_folder_has_is_told_with_both(folder: Any) -> None:
    folder.write("env/dev.yaml", "releases: {web: {values: [v.yaml]}}\n")
    with pytest.raises(InputError, match=r"the values file is neither .*/shop/v.yaml nor .*/shop/env/v.yaml"):
        folder.stack(STACK, environment="dev")


def test_a_missing_declared_overlay_is_told_where_it_is_named(folder: Any) -> None:
    with pytest.raises(InputError, match=r"helmstack\.yaml:2: the overlay .*nowhere\.yaml does not exist"):
        folder.stack("environments:\n  dev: {overlays: [nowhere.yaml]}\n" + STACK, environment="dev")


def test_overlays_carry_defaults_and_repositories(folder: Any) -> None:
    stack = folder.stack(
        STACK + "helmDefaults: {timeout: 1m, force: true}\nrepositories: [{name: a, url: x, username: u}]\n",
        overlays=(
            folder.write(
                "o.yaml", "helmDefaults: {timeout: 2m, force: null}\nrepositories: {a: {url: a2}, b: {url: z}}\n"
            ),
        ),
    )
    assert (stack.releases[0].options.timeout, stack.releases[0].options.force) == (120, False)
    assert [(item.name, item.url, item.username) for item in stack.repositories] == [("a", "a2", "u"), ("b", "z", None)]

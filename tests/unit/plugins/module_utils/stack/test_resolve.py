# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From stack files to releases."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Stack

WEB = "releases:\n- name: web\n  namespace: front\n  chart: ./web\n"


def test_a_stack_becomes_releases_in_the_order_they_are_written(shop: Callable[..., Stack]) -> None:
    stack = shop()
    assert [release.id for release in stack.releases] == ["front/web", "data/db"]
    assert stack.releases[0].needs == ("data/db",)
    assert (stack.releases[0].version, stack.releases[0].chart) == ("1.6.0", "charts/web")
    assert stack.releases[0].stack == stack.name == "shop"
    assert (stack.environment, stack.targets) == (None, None)


def test_a_stack_file_may_be_named_itself(folder: Any) -> None:
    folder.write("other.yaml", WEB)
    assert folder.resolve("other.yaml").releases[0].id == "front/web"


@pytest.mark.parametrize("name", ["helmstack.yaml", "helmstack.yml", "stackfile.yaml", "stackfile.yml"])
def test_a_folder_means_the_stack_file_in_it(folder: Any, name: str) -> None:
    folder.write(name, WEB)
    assert folder.resolve().releases[0].name == "web"


def test_templates_are_rendered_by_suffix(folder: Any) -> None:
    folder.write("helmstack.yaml.j2", WEB + "  description: on {{ host }}\n  values: [web.yaml.j2]\n")
    folder.write("web.yaml.j2", "host: {{ host }}\n")
    release = folder.resolve().releases[0]
    assert release.description == "on cluster-1"
    assert release.values[0].text == "host: cluster-1\n"


def test_values_keep_their_order_and_set_is_last(folder: Any) -> None:
    folder.write("a.yaml", "day: 2024-01-01 # as it stands\n")
    stack = folder.stack(
        WEB + "  set: {num: 1.0, day: 2024-01-01, 'y': null, deep: {v: 0o17}}\n  values:\n  - a.yaml\n  - {b: 'y'}\n"
    )
    values = stack.releases[0].values
    assert [source.label for source in values] == [
        "a.yaml",
        "values of front/web (helmstack.yaml:8)",
        "set of front/web (helmstack.yaml:5)",
    ]
    assert values[0].text == "day: 2024-01-01 # as it stands\n"
    assert json.loads(values[1].text) == {"b": "y"}
    assert json.loads(values[2].text) == {"num": 1, "day": "2024-01-01", "y": None, "deep": {"v": 15}}
    assert not any(source.secret for source in values)


def test_an_empty_values_file_is_an_empty_mapping(folder: Any) -> None:
    folder.write("a.yaml", "# nothing yet\n")
    assert folder.stack(WEB + "  values: [a.yaml]\n").releases[0].values[0].text == "# nothing yet\n"


def test_a_values_file_is_read_once_for_all_releases(folder: Any) -> None:
    folder.write("a.yaml", "a: 1\n")
    folder.stack("releases:\n" + "".join(f"- {{name: r{n}, chart: ./x, values: [a.yaml]}}\n" for n in range(5)))
    assert sum(path.endswith("a.yaml") and not path.endswith("stack.yaml") for path in folder.files.reads) == 1


def test_values_of_an_ignored_release_need_not_exist(folder: Any) -> None:
    release = folder.stack(WEB + "  ignore: true\n  values: [nowhere.yaml]\n  set: {a: '${nothing}'}\n").releases[0]
    assert release.ignore
    assert release.values == ()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5m", 300), ("300s", 300), ("1h30m", 5400), ("90", 90), ("'90'", 90), ("1.5m", 90), ("1500ms", 2), ("0", 0)],
)
def test_a_timeout_is_read_as_seconds(folder: Any, written: str, seconds: int) -> None:
    assert folder.stack(WEB + f"  timeout: {written}\n").releases[0].options.timeout == seconds


def test_options_are_the_releases_own_then_the_stacks_then_the_tasks(folder: Any) -> None:
    folder.write(".helmstack", "timeout: 1m\nhistory_max: 1\nforce: true\natomic: true\ncontext: ml-dev\n")
    options = (
        folder.stack(
            WEB + "  timeout: 4m\nhelmDefaults: {timeout: 3m, historyMax: 3}\n",
            defaults={"timeout": "2m", "history_max": 2, "force": False, "wait": None, "concurrency": 3},
        )
        .releases[0]
        .options
    )
    assert options == Options(timeout=240, history_max=3, force=False, atomic=True)


def test_every_option_of_the_model_can_be_written(folder: Any) -> None:
    written = (
        "{wait: false, waitForJobs: true, timeout: 1, force: true, recreatePods: true, createNamespace: true, "
        "atomic: true, historyMax: 1, disableHooks: true, skipCRDs: true, upgradeCRDs: true, reuseValues: true, "
        "skipSchemaValidation: true, resetValues: false, postRenderer: ./p, helmBinary: helm3, devel: true}"
    )
    expected = Options(
        False, True, 1, True, True, True, True, 1, True, True, True, True, True, False, None, "helm3", True
    )
    options = folder.stack(f"helmDefaults: {written}\n" + WEB).releases[0].options
    assert options.post_renderer == str(folder.path / "p")
    assert {**vars(options), "post_renderer": None} == vars(expected)


def test_reuse_values_takes_reset_values_back_and_reset_values_wins_where_it_is_written(folder: Any) -> None:
    options = folder.stack(WEB + "  reuseValues: true\n", defaults={"reset_values": True}).releases[0].options
    assert (options.reuse_values, options.reset_values) == (True, False)
    options = folder.stack(WEB + "  reuseValues: true\n  resetValues: true\n").releases[0].options
    assert (options.reuse_values, options.reset_values) == (False, True)
    options = folder.stack("helmDefaults: {reuseValues: true}\n" + WEB + "  resetValues: true\n").releases[0].options
    assert (options.reuse_values, options.reset_values) == (False, True)


@pytest.mark.parametrize(
    ("release", "defaults", "task", "expected"),
    [
        ("a", "b", "c", "a"),
        (None, "b", "c", "b"),
        (None, None, "c", "c"),
        (None, None, None, "default"),
        ("${ns}", "b", "c", "from-variable"),
    ],
)
def test_a_namespace_comes_from_the_release_or_the_defaults(
    folder: Any, release: str | None, defaults: str | None, task: str | None, expected: str
) -> None:
    text = "variables: {ns: from-variable}\nreleases:\n- {name: web, chart: ./x"
    text += f", namespace: '{release}'}}\n" if release else "}\n"
    text += f"helmDefaults: {{namespace: {defaults}}}\n" if defaults else ""
    assert folder.stack(text, defaults={"namespace": task}).releases[0].namespace == expected


def test_charts_are_kept_as_written_but_for_paths(folder: Any) -> None:
    folder.write("local/web/Chart.yaml", "name: web\n")
    folder.write("declared/web/Chart.yaml", "name: web\n")
    rows = {
        "oci://registry.example.org/x": "oci://registry.example.org/x",
        "https://example.org/x-1.0.0.tgz": "https://example.org/x-1.0.0.tgz",
        "git+https://example.org/r.git//p?ref=v1": "git+https://example.org/r.git//p?ref=v1",
        "declared/web": "declared/web",
        "local/web": f"{folder.path}/local/web",
        "./x": f"{folder.path}/x",
        "../x": f"{folder.path.parent}/x",
        "/srv/x": "/srv/x",
        "x-1.0.0.tgz": f"{folder.path}/x-1.0.0.tgz",
    }
    text = "repositories: [{name: declared, url: 'https://example.org'}]\nreleases:\n"
    text += "".join(f"- {{name: r{number}, chart: '{chart}'}}\n" for number, chart in enumerate(rows))
    assert [release.chart for release in folder.stack(text).releases] == list(rows.values())


def test_a_release_takes_all_its_keys(folder: Any) -> None:
    release = folder.stack(
        WEB + "  weight: 2\n  protected: true\n  description: The shop\n  spray: {exclude: [a], default_weight: 1}\n"
        "  ready: [{apiVersion: v1, kind: Pod, name: p, when: \"status.phase=='Running'\"}]\n"
        "  labels: {a.b/c: d, e: ''}\n"
    ).releases[0]
    assert (release.weight, release.protected, release.description) == (2, True, "The shop")
    assert release.spray == {"exclude": ["a"], "default_weight": 1}
    assert release.ready[0]["when"] == "status.phase=='Running'"
    assert release.labels == {"a.b/c": "d", "e": ""}
    assert release.where.line == 2


@pytest.mark.parametrize(("written", "expected"), [("true", {}), ("false", None), ("{}", {})])
def test_spray_may_be_a_switch(folder: Any, written: str, expected: Any) -> None:
    assert folder.stack(WEB + f"  spray: {written}\n").releases[0].spray == expected


def test_repositories_are_typed_and_their_files_absolute(folder: Any) -> None:
    stack = folder.stack(
        WEB
        + "repositories:\n- {name: a, url: 'https://example.org', username: u, password: pass-word, ca_file: ca.pem, "
        "insecure: true, oci: false}\n"
    )
    repository = stack.repositories[0]
    assert (repository.name, repository.username, repository.password) == ("a", "u", "pass-word")
    assert (repository.ca_file, repository.insecure) == (f"{folder.path}/ca.pem", True)
    assert "pass-word" in stack.secrets
    assert "pass-word" not in repr(stack)


def test_the_stacks_name_is_its_own_or_its_folders(folder: Any) -> None:
    assert folder.stack(WEB).name == "shop"
    assert folder.stack(WEB + "name: other\n").name == "other"


def test_the_defaults_file_takes_every_option_of_the_modules(folder: Any) -> None:
    text = "disable_hook: true\nkube_version: v1.30.0\ninclude_crds: true\ncompare_to: prod\nkubeconfig_path: k\n"
    folder.write(".helmstack", text)
    stack = folder.stack(WEB)
    assert stack.releases[0].options.disable_hooks is True
    assert stack.defaults == helmyaml.load(text, "")


def test_the_defaults_file_gives_what_the_task_leaves_out(folder: Any) -> None:
    folder.write(
        ".helmstack",
        "environment: dev\ncontext: ml-dev\nvariables: {a: 1, b: 1}\noverlays: [extra.yaml]\ntargets: [web]\n",
    )
    folder.write("extra.yaml", "releases: {web: {version: 9.0.0}}\n")
    text = WEB + "  description: ${a}-${b}\nenvironments: {dev: {}, prod: {}}\n"
    stack = folder.stack(text, variables={"b": 2})
    assert (stack.environment, stack.defaults["context"], stack.targets) == ("dev", "ml-dev", ("front/web",))
    assert (stack.releases[0].version, stack.releases[0].description) == ("9.0.0", "1-2")
    assert folder.stack(text, environment="prod").environment == "prod"


@pytest.mark.parametrize(
    ("groups", "expected"), [(("all", "dev"), "dev"), (("all", "eu"), "eu"), (("all",), None), ((), None)]
)
def test_the_environment_may_be_one_of_the_hosts_groups(folder: Any, groups: tuple[str, ...], expected: Any) -> None:
    folder.write("env/eu.yaml", "variables: {a: 1}\n")
    assert folder.stack(WEB + "environments: {dev: {}}\n", groups=groups).environment == expected


def test_several_stack_files_are_merged_in_order_and_may_add(folder: Any) -> None:
    folder.write(
        "a.yaml", WEB + "  values: [{a: 1}]\nvariables: {x: 1, z: 1}\nenvironments: {dev: {overlays: [one.yaml]}}\n"
    )
    folder.write(
        "b/b.yaml",
        "releases:\n- {name: web, version: 2.0.0, values: [v.yaml]}\n"
        "- {name: app, chart: ./app, description: '${x}${z}'}\n"
        "variables: {z: 2}\nenvironments: {dev: {overlays: [two.yaml]}}\n",
    )
    folder.write("b/v.yaml", "b: 1\n")
    folder.write("b/app/Chart.yaml", "")
    folder.write("one.yaml", "releases: {web: {description: one}}\n")
    folder.write("b/two.yaml", "releases: {web: {description: two}}\n")
    stack = folder.resolve("a.yaml", "b/b.yaml", environment="dev")
    web, app = stack.releases
    assert (web.version, web.description, len(web.values)) == ("2.0.0", "two", 2)
    assert (app.description, app.chart) == ("12", f"{folder.path}/b/app")


def test_need_on_an_ignored_release_is_kept(folder: Any) -> None:
    stack = folder.stack(
        "releases:\n- {name: a, chart: ./x, needs: [b]}\n- {name: b, chart: ./x, ignore: true, needs: [a]}\n"
    )
    assert stack.releases[0].needs == ("default/b",)


def test_a_stack_survives_json(folder: Any) -> None:
    folder.write("a.yaml", "VAULT\na: secret\n")
    stack = folder.stack(
        "stacks: []\nrepositories: [{name: r, url: x, password: p, oci: true}]\n"
        "releases:\n- {name: a, chart: r/x, needs: [b], weight: 3, labels: {x: z}, spray: true, timeout: 3s,\n"
        "   set: {a: null}, ready: [{apiVersion: v1, kind: Pod, name: p, when: x}],\n"
        "   values: [a.yaml, {d: [1, 1.5, true]}]}\n"
        "- {name: b, chart: ./b, spray: {targets: [x]}, ignore: true, protected: true,\n"
        "   helmBinary: /x/helm, version: '>1'}\n",
        targets=("a",),
        environ={"X": "1"},
    )
    assert Stack.from_data(json.loads(json.dumps(stack.to_data()))) == stack


def test_three_hundred_releases_resolve_quickly(folder: Any) -> None:
    rows = "".join(
        f"- {{name: r{n}, chart: r/x, version: 1.0.{n},\n"
        f"   values: [{{replicas: {n}, host: '${{d}}'}}], set: {{tag: a}}}}\n"
        for n in range(300)
    )
    text = f"variables: {{d: x}}\nrepositories: [{{name: r, url: x}}]\nreleases:\n{rows}"
    overlay = folder.write("o.yaml", "releases:\n" + "".join(f"  r{n}: {{version: 2.0.{n}}}\n" for n in range(300)))
    took = []
    for _round in range(3):
        start = time.process_time()
        assert len(folder.stack(text, overlays=(overlay,)).releases) == 300
        took.append(time.process_time() - start)
    assert min(took) < 1  # far less where the machine is idle and PyYAML has libyaml


def test_a_stack_is_known_by_its_place_in_the_repository(folder: Any) -> None:
    folder.write("web/helmstack.yaml", WEB)
    assert folder.resolve("web").origin == ""
    (folder.path / ".git").mkdir()
    assert folder.resolve("web").origin == "web__helmstack.yaml"
    folder.write("web/.git", "gitdir: elsewhere\n")  # a work tree or a submodule
    assert folder.resolve("web").origin == "helmstack.yaml"
    place = f"a b/{'x' * 40}/{'y' * 40}/helmstack.yaml"
    folder.write(place, WEB)
    origin = folder.resolve(place).origin
    assert origin.endswith(f"x__{'y' * 40}__helmstack.yaml")
    assert len(origin) == 63
    stack = folder.resolve(place)
    assert Stack.from_data(json.loads(json.dumps(stack.to_data()))).origin == origin

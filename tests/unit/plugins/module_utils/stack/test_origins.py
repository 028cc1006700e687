# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values with the file and line that set them, and two environments side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK
from ansible_collections.helmstack.core.plugins.module_utils.plan import origins
from ansible_collections.helmstack.core.plugins.module_utils.report import values as report
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, ValuesSource

STACK = """\
name: shop
variables: {domain: "shop.${tld}", tld: example.org}
releases:
- name: web
  namespace: front
  chart: ./web
  version: 1.6.0
  values:
  - web.yaml
  - image: {tag: one}
    host: ${domain}
  set:
    replicas: 2
"""


def none(release: Release) -> Iterable[Any]:
    return ()


def told(folder: Any, **options: Any) -> dict[str, tuple[Any, str]]:
    """Each value of the release web with its place, by path."""
    release = folder.resolve(**options).releases[0]
    return {
        origins.dotted(path): (setting.value, str(setting.origin))
        for path, setting in origins.explain(release.values).items()
    }


def test_each_value_has_the_file_and_line_that_sets_it(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK)
    folder.write("web.yaml", "image:\n  name: nginx\n  tag: zero\nreplicas: 1\nports: [80,\n  443]\n")
    assert told(folder) == {
        "image.name": ("nginx", "web.yaml:2"),
        "image.tag": ("one", "helmstack.yaml:10 (values)"),
        "replicas": (2, "helmstack.yaml:13 (set)"),
        "ports": ([80, 443], "web.yaml:5"),
        "host": (
            "shop.example.org",
            "helmstack.yaml:11 (values, variable domain (helmstack.yaml:2), variable tld (helmstack.yaml:2))",
        ),
    }


def test_what_a_value_overrides_is_listed_strongest_first(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK)
    folder.write("web.yaml", "replicas: 1\n")
    folder.write("env/dev.yaml", "releases:\n  web:\n    values: [{replicas: 5}]\n    set:\n      replicas: 3\n")
    setting = origins.explain(folder.resolve(environment="dev").releases[0].values)[("replicas",)]
    assert (setting.value, str(setting.origin)) == (3, "env/dev.yaml:5 (set)")
    assert [(item.value, str(item.origin)) for item in setting.overrides] == [
        (2, "helmstack.yaml:13 (set)"),
        (5, "env/dev.yaml:3 (values)"),
        (1, "web.yaml:1"),
    ]


def documents(*texts: str) -> list[ValuesSource]:
    return [ValuesSource(f"{number}.yaml", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a: {b: 1}", "a: 2"], {"a": (2, "1.yaml", [({"b": 1}, "0.yaml")])}),
        (["a: 2", "a: {b: 1}"], {"a.b": (1, "1.yaml", [(2, "0.yaml")])}),
        (["a: {b: 1}", "a: {}"], {"a.b": (1, "0.yaml", [])}),
        (["a: 1", "a: {}"], {"a": ({}, "1.yaml", [(1, "0.yaml")])}),
        (["a: {}", "a: {b: 1}"], {"a.b": (1, "1.yaml", [({}, "0.yaml")])}),
        (["a: 1", "a: null"], {"a": (None, "1.yaml", [(1, "0.yaml")])}),
        (["a: [1, 2]", "a: [3]"], {"a": ([3], "1.yaml", [([1, 2], "0.yaml")])}),
        (["a.b: 1"], {'"a.b"': (1, "0.yaml", [])}),
        (["", "a: 1"], {"a": (1, "1.yaml", [])}),
        (["a: 1\na: 2"], {"a": (2, "0.yaml", [])}),
    ],
)
def test_documents_are_laid_over_each_other_as_helm_does_it(texts: list[str], expected: Any) -> None:
    assert {
        origins.dotted(path): (
            setting.value,
            setting.origin.file,
            [(item.value, item.origin.file) for item in setting.overrides],
        )
        for path, setting in origins.explain(documents(*texts)).items()
    } == expected


def test_documents_that_releases_share_stay_as_they_are() -> None:
    shared, above = documents("a: {b: 1}", "a: {b: 2, c: 3}")
    origins.explain([shared, above])
    assert [setting.value for setting in origins.explain([shared]).values()] == [1]


def test_a_vault_is_named_and_its_values_are_not_shown(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK.replace("replicas: 2", "pin: !vault ENC7531\n    plain: seen"))
    folder.write("web.yaml", "VAULT\nport: 80\n")
    result = report.values(folder.resolve(), none)
    found = {item["path"]: item for item in result["releases"][0]["origins"]}
    assert found["port"]["value"] == MASK
    assert found["port"]["how"] == "values file, vault"
    assert (found["pin"]["value"], found["pin"]["how"], found["pin"]["line"]) == (MASK, "set, vault", 13)
    assert found["plain"]["value"] == "seen"
    assert "1357" not in str(result)


def test_single_vaulted_values_of_a_file_keep_their_line(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK)
    folder.write("web.yaml", "one: 1\nlogin: !vault ENCretsaCyek\ntwo: 2\n")
    result = report.values(folder.resolve(), none)
    found = {item["path"]: item for item in result["releases"][0]["origins"]}
    assert [found[name]["line"] for name in ("one", "login", "two")] == [1, 2, 3]
    assert (found["login"]["value"], found["two"]["value"]) == (MASK, 2)


def test_a_rendered_template_has_no_lines(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK.replace("web.yaml", "web.yaml.j2"))
    folder.write("web.yaml.j2", "host_name: {{ host }}\n")
    assert told(folder)["host_name"] == ("cluster-1", "web.yaml.j2")


def environments(folder: Any) -> None:
    folder.write(
        "helmstack.yaml",
        STACK
        + "- {name: db, namespace: back, chart: ./db}\n- {name: same, namespace: back, chart: ./db, set: {a: 1}}\n",
    )
    folder.write("web.yaml", "replicas: 1\npassword: hunter22\n")
    folder.write("env/dev.yaml", "releases:\n  web: {set: {debug: true}}\n  tool: {chart: ./tool, namespace: front}\n")
    folder.write(
        "env/prod.yaml",
        "releases:\n  web:\n    version: 1.5.0\n    namespace: live\n    set: {replicas: 4}\n  db: {ignore: true}\n",
    )


def compared(folder: Any) -> dict[str, Any]:
    environments(folder)
    return report.comparison(folder.resolve(environment="dev"), folder.resolve(environment="prod"), none, diff=True)


def test_a_comparison_holds_only_what_differs(folder: Any) -> None:
    folder.write("helmstack.yaml", STACK)
    found = {item["name"]: item for item in compared(folder)["releases"]}
    assert sorted(found) == ["db", "tool", "web"]
    assert found["tool"]["after"] is None
    assert (found["db"]["before"], found["db"]["after"]) == ({"ignored": False}, {"ignored": True})
    assert found["web"]["before"] == {"namespace": "front", "version": "1.6.0"}
    assert found["web"]["after"] == {"namespace": "live", "version": "1.5.0"}


def test_both_sides_of_a_value_tell_their_place(folder: Any) -> None:
    values = {item["path"]: item for item in compared(folder)["releases"][0]["values"]}
    assert sorted(values) == ["debug", "replicas"]
    assert (values["replicas"]["before"], values["replicas"]["after"]) == (2, 4)
    assert values["replicas"]["from"] == {"file": "helmstack.yaml", "line": 13, "how": "set"}
    assert values["replicas"]["to"] == {"file": "env/prod.yaml", "line": 5, "how": "set"}
    assert (values["debug"]["before"], values["debug"]["to"]) == (True, None)


def test_the_diff_of_a_comparison_names_the_environments(folder: Any) -> None:
    entry = next(item for item in compared(folder)["diff"] if item["before_header"].startswith("web"))
    assert (entry["before_header"], entry["after_header"]) == ("web in dev", "web in prod")
    assert "values.replicas: 2  # helmstack.yaml:13 (set)\n" in entry["before"]
    assert "values.replicas: 4  # env/prod.yaml:5 (set)\n" in entry["after"]


def test_true_and_one_differ_in_a_comparison() -> None:
    one, other = (origins.explain(documents(text)) for text in ("a: true", "a: 1"))
    assert [change.path for change in origins.compared(one, other)] == [("a",)]


def test_stored_values_get_their_origin_where_the_stack_still_has_it() -> None:
    after = origins.explain(documents("a: 1\nb: 1", "a: 2\nc: 3"))
    changes = {origins.dotted(item.path): item for item in origins.changes({"a": 1, "b": 9, "d": {"e": 5}}, after)}
    assert sorted(changes) == ["a", "b", "c", "d.e"]
    assert (str(changes["a"].origin_before), str(changes["a"].origin_after)) == ("0.yaml:1", "1.yaml:1")
    assert changes["b"].origin_before is None
    assert (changes["d.e"].before, changes["d.e"].after, changes["d.e"].origin_after) == (5, None, None)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``helmfile build`` prints becomes a stack; its real output lies in the folder helmfile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.import_task import check
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile import read
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_state import Build
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import Draft, DraftRelease
from ansible_collections.helmstack.core.plugins.module_utils.importing.writing import files_of

RECORDED = Path(__file__).parent / "helmfile"


def recorded(*names: str, dest: str = "/srv/stack") -> Draft:
    builds = {name: Build(str(RECORDED / f"{name}-embedded.out"), embedded(name)) for name in names}
    return read(builds if len(names) > 1 else {"": builds[names[0]]}, "shop", dest)


def embedded(name: str) -> str:
    return (RECORDED / f"{name}-embedded.out").read_text()


def state(*releases: Mapping[str, Any], **members: Any) -> str:
    """An output with one helmfile."""
    data = {"filepath": "helmfile.yaml", **members, "releases": releases}
    return f"---\n#  Source: /none/helmfile.yaml\n\n{json.dumps(data)}\n"


def one(tmp_path: Path, release: Mapping[str, Any], dest: str = "", **members: Any) -> tuple[DraftRelease, list[str]]:
    """A release as it becomes, and what is told."""
    said = {"name": "web", "namespace": "shop", "chart": "charts/web", **release}
    build = Build(str(tmp_path / "build.yaml"), state(said, repositories=[{"name": "charts"}], **members))
    draft = read({"": build}, "shop", dest or str(tmp_path / "stack"))
    return draft.releases[0], list(draft.notes)


def test_what_helmfile_printed_is_the_stack() -> None:
    draft = recorded("dev")
    releases = {release.name: release for release in draft.releases}
    assert list(releases) == ["inner", "db", "web", "old", "off", "gg"]
    db, web = releases["db"], releases["web"]
    assert (db.id, db.chart, db.version) == ("data/db", "charts/postgresql", "16.1.0")
    assert db.values["auth"] == {"database": "shop", "password": "dev-Pass-1", "user": "plain"}
    assert (db.values["octal"], db.values["date"], db.values["yes"]) == (15, "2024-01-01", True)
    assert web.set == {
        "image": {"tag": "1.2"},
        "replicas": 1,
        "hosts": ["a.example.org", "b.example.org"],
        "annotations": {"example.org/x": "a,b"},
    }
    assert (web.needs, web.labels) == (("data/db",), {"team": "shop", "tier": "front"})
    assert (releases["off"].ignore, releases["old"].ignore) == (True, False)
    assert draft.defaults == {"createNamespace": True}
    assert {name: release.options["weight"] for name, release in releases.items()}["inner"] == 0
    gg = {"atomic": True, "createNamespace": False, "devel": True, "historyMax": 5, "timeout": 30, "verify": True}
    assert gg.items() <= releases["gg"].options.items()
    charts, registry = draft.repositories
    assert charts.options == {"username": "ci", "password": "${charts_password}"}
    assert (registry.url, registry.options) == ("registry.example.org/team", {"oci": True})


def test_what_is_not_carried_over_is_told() -> None:
    draft = recorded("dev")
    told = "\n".join(draft.notes)
    for words in (
        "data/db: what sops has encrypted (auth.adminPassword) is not carried over: sops -d",
        "shop/web: its hooks are not carried over",
        "shop/off: its condition 'off.enabled' does not hold",
        "default/gg: 'postRendererArgs' is not carried over",
        "the password of the repository 'charts' is not carried over",
        "default/gg: helmfile takes the kubeconfig's namespace",
        "one helmfile is worked on after the other",
    ):
        assert words in told
    [web] = [release for release in draft.releases if release.name == "web"]
    assert 'ansible.builtin.command: {"argv": ["kubectl", "create", "ns", "shop"]}' in web.comments[0]
    assert "a task after the deployment" in web.comments[1]
    assert "s3cr3t-pw" not in repr(draft)


def test_outputs_of_environments_become_one_stack_with_overlays() -> None:
    written = {file.path: file for file in files_of(recorded("dev", "prod")).files}
    prod = yaml.safe_load(written["env/prod.yaml"].content)["releases"]
    assert prod["old"] == {"ignore": True}
    assert prod["web"]["set"] == {"replicas": 3}
    assert prod["db"]["values"] == ["env/prod/secrets/db.sops.yaml", "env/prod/secrets/db.yaml"]
    assert yaml.safe_load(written["env/prod/secrets/db.yaml"].content) == {"auth": {"password": "prod-Pass-1"}}
    assert yaml.safe_load(written["env/prod/values/web.yaml"].content) == {"place": "prod"}
    assert written["secrets/db.yaml"].secret
    stack = yaml.safe_load(written["helmstack.yaml"].content)
    assert stack["environments"] == {
        "dev": {"overlays": ["env/dev.yaml"]},
        "prod": {"overlays": ["env/prod.yaml"]},
    }


def test_values_files_stay_files(tmp_path: Path) -> None:
    """Those below the stack's folder where they are, others as copies; but not what vals would fetch."""
    source = tmp_path / "source"
    shutil.copytree(RECORDED / "source", source)
    text = (RECORDED / "dev.out").read_text().replace("/srv/shop", str(source))
    for dest, names in (
        (source, ("values/db.yaml", "secrets/db.sops.yaml")),
        (tmp_path / "new", ("helmfile/values/db.yaml", "secrets/db.sops.yaml")),
    ):
        draft = read({"": Build(str(tmp_path / "dev.yaml"), text)}, "shop", str(dest))
        releases = {release.name: release for release in draft.releases}
        assert releases["db"].values_files == names
        assert releases["web"].values_files == ("secrets/web.vals.yaml",)
        assert releases["web"].values == {"host": "web.example.org", "place": "dev"}
        assert releases["inner"].values_files == ("sub/v.yaml" if dest == source else "helmfile/sub/v.yaml",)
        copied = {} if dest == source else {"helmfile/values/db.yaml": (source / "values/db.yaml").read_bytes()}
        assert copied.items() <= draft.files.items()
        paths = [file.path for file in files_of(draft).files]
        assert ("values/db.yaml" in paths) is (dest != source)  # helmfile's own is not overwritten
        assert len(paths) == len(set(paths))


def test_a_values_file_with_secrets_is_not_copied_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("password: Correct-Horse\nsize: 1\n")
    release, _notes = one(tmp_path, {"values": ["v.yaml"]})
    assert (release.values_files, release.values) == ((), {"password": "Correct-Horse", "size": 1})
    release, notes = one(tmp_path, {"values": ["v.yaml"]}, dest=str(tmp_path))
    assert release.values_files == ("v.yaml",)
    assert "v.yaml holds password in the clear: ansible-vault encrypt v.yaml" in notes


@pytest.mark.parametrize(
    ("values", "said", "result"),
    [
        ({}, {"set": [{"name": "a", "value": "1"}, {"name": "b", "value": "1.0"}]}, {"a": 1, "b": "1.0"}),
        ({}, {"set": [{"name": "a", "value": "true"}, {"name": "b", "value": ""}]}, {"a": True}),
        ({}, {"set": [{"name": "a.b", "value": "x=y{z},w"}]}, {"a": {"b": "x=y{z},w"}}),
        (
            {},
            {"setString": [{"name": "zip", "value": "01234"}, {"name": "n", "value": "5"}]},
            {"zip": "01234", "n": "5"},
        ),
        ({"l": [{"a": 1}, {"a": 2}]}, {"set": [{"name": "l[1].a", "value": "3"}]}, {"l": [{"a": 1}, {"a": 3}]}),
        ({}, {"set": [{"name": "l", "values": ["a", "b"]}]}, {"l": ["a", "b"]}),
        ({}, {"set": [{"name": "a", "value": "null"}]}, {"a": None}),
    ],
)
def test_set_is_what_helm_makes_of_it(
    tmp_path: Path, values: dict[str, Any], said: dict[str, Any], result: dict[str, Any]
) -> None:
    release, _notes = one(tmp_path, {"values": [values], **said})
    assert release.set == result


def test_a_secret_of_set_goes_where_secrets_go(tmp_path: Path) -> None:
    release, _notes = one(tmp_path, {"set": [{"name": "auth.password", "value": "Correct-Horse"}]})
    assert (release.set, release.values) == ({}, {"auth": {"password": "Correct-Horse"}})


@pytest.mark.parametrize(
    ("said", "context", "needs", "told"),
    [
        ("db", "", ("shop/db",), ""),
        ("data/db", "", ("data/db",), ""),
        ("prod/data/db", "prod", ("data/db",), ""),
        ("prod/data/db", "", (), "it needs data/db in the cluster 'prod'"),
    ],
)
def test_needs(tmp_path: Path, said: str, context: str, needs: tuple[str, ...], told: str) -> None:
    release, notes = one(tmp_path, {"needs": [said], "kubeContext": context})
    assert release.needs == needs
    assert told in "\n".join(notes)


@pytest.mark.parametrize(
    ("chart", "result"),
    [
        ("charts/web", "charts/web"),
        ("./here", "../here"),
        ("here", "../here"),
        ("/srv/charts/web", "/srv/charts/web"),
        ("oci://registry.example.org/charts/web", "oci://registry.example.org/charts/web"),
        ("https://charts.example.org/web-1.0.0.tgz", "https://charts.example.org/web-1.0.0.tgz"),
        ("git::https://git.example.org/a/b.git@c/web?ref=v1", "git+https://git.example.org/a/b.git//c/web?ref=v1"),
        ("git::ssh://git@git.example.org/a/b.git@web?ref=v1", "git+ssh://git@git.example.org/a/b.git//web?ref=v1"),
        ("git::https://git.example.org/a/b.git?ref=v1", "git+https://git.example.org/a/b.git?ref=v1"),
    ],
)
def test_charts(tmp_path: Path, chart: str, result: str) -> None:
    assert one(tmp_path, {"chart": chart})[0].chart == result


@pytest.mark.parametrize(
    ("release", "members", "told"),
    [
        (
            {"strategicMergePatches": [{"a": 1}]},
            {},
            "'strategicMergePatches' is not carried over: write a post-renderer",
        ),
        ({"jsonPatches": [{"a": 1}]}, {}, "'jsonPatches' is not carried over"),
        ({"transformers": ["t.yaml"]}, {}, "'transformers' is not carried over"),
        ({"takeOwnership": True}, {}, "'takeOwnership' is not carried over"),
        ({"inventedIn2027": True}, {}, "'inventedIn2027' is not carried over: this collection does not know it"),
        ({"chart": "s3::https://bucket/x"}, {}, "helmfile fetches its chart from s3"),
        ({"chart": "other/web"}, {}, "does not declare the repository 'other'"),
        ({"labels": {"chart": "a/b"}}, {}, "the label 'chart' is no label that Helm could have"),
        ({"installed": False}, {}, "it is not to be installed"),
        ({}, {"helmDefaults": {"syncArgs": ["--debug"]}}, "helmDefaults: 'syncArgs' is not carried over"),
        ({}, {"helmDefaults": {"kubeContext": "prod"}}, "set context: prod"),
        ({"values": ["none.yaml"], "missingFileHandler": "Warn"}, {}, "none.yaml is not there"),
        ({"values": [{"a": "ref+vault://x#/y"}]}, {}, "what vals fetches is not carried over: a (ref+vault://x#/y)"),
        ({}, {"hooks": [{"events": ["prepare"], "command": "echo", "args": ["hi"]}]}, '{"argv": ["echo", "hi"]}'),
        (
            {"hooks": [{"events": ["presync"], "kubectlApply": {"filename": "crd.yaml"}}]},
            {},
            "its hook is not carried over",
        ),
    ],
)
def test_what_has_no_counterpart_is_told(
    tmp_path: Path, release: dict[str, Any], members: dict[str, Any], told: str
) -> None:
    _release, notes = one(tmp_path, release, **members)
    assert told in "\n".join(notes)


def test_the_task_that_does_what_a_hook_does_shows_no_secret(tmp_path: Path) -> None:
    hook = {"events": ["presync"], "command": "x", "args": ["--token", "hunter2", "--url=https://me:hunter2@x", "-v"]}
    apply = {"events": ["presync"], "kubectlApply": {"filename": "https://me:hunter2@x/crd.yaml"}}
    release, notes = one(tmp_path, {"hooks": [hook, apply]}, hooks=[hook])
    assert '["x", "--token", "********", "********", "-v"]' in release.comments[0]
    assert '"src": "********"' in release.comments[1]
    assert "hunter2" not in "\n".join((*release.comments, *notes))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "build.yaml: the output of helmfile build is empty"),
        ("a: [", "build.yaml:2: this is no output of helmfile build: not valid YAML"),
        ("- a\n- b\n", "build.yaml:1: this is no output of helmfile build: a mapping is expected, found a list"),
        (
            "in ./helmfile.yaml: error\n",
            "build.yaml:1: this is no output of helmfile build, which has no 'in ./helmfile.yaml'",
        ),
        ("apiVersion: v1\nkind: ConfigMap\n", "this is no output of helmfile build, which has no 'apiVersion'"),
        (
            "releases:\n- name: {{ .Values.name }}\n  chart: a/b\n",
            "build.yaml:2: this is a helmfile with templates, not what helmfile makes of them",
        ),
        ("releases:\n- {name: a, chart: b/c}\n", "looks like a helmfile, and not like what helmfile build makes of it"),
        ("filepath: helmfile.yaml\nreleases: []\n---\nfilepath: x\n", "this is no output of helmfile build: "),
        ("filepath: helmfile.yaml\n", "this output of helmfile build has no releases"),
        ("Adding repo charts\n---\n#  Source: /x/helmfile.yaml\n", "text stands before the first '---'"),
        (state({"chart": "a/b"}), "build.yaml:4: a release lacks 'name'"),
        (state({"name": "a"}), "build.yaml:4: a release lacks 'chart'"),
        (state({"name": "A_b", "chart": "a/b"}), "build.yaml:4: name: expected a release name"),
        (state({"name": "a", "chart": "a/b", "values": ["x.yaml"]}), "the values file 'x.yaml' is not in"),
        (state({"name": "a", "chart": "a/b", "values": ["x.yaml.gotmpl"]}), "is a template with helmfile's functions"),
        (state({"name": "a", "chart": "a/b", "values": ["git::https://u:p@h/x"]}), "'git::https://h/x' is fetched by"),
        (state({"name": "a", "chart": "a/b", "set": [{"name": "a"}, {"name": "b[", "value": "1"}]}), "item 1 of set"),
        (state(*({"name": "a", "chart": "a/b"},) * 2), "the release default/a is there twice, first at"),
        (
            state({"name": "a", "chart": "a/b"}, {"name": "b", "chart": "a/b", "kubeContext": "x"}),
            "default/b goes to the cluster 'x', and default/a to the kubeconfig's cluster",
        ),
    ],
)
def test_what_is_no_output_of_helmfile_build_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        read({"": Build(str(tmp_path / "build.yaml"), text)}, "shop", str(tmp_path / "stack"))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"helmfile": [{"file": "a"}, {"file": "b"}]},
            "each of several outputs of helmfile build needs its environment",
        ),
        ({"helmfile": [{"file": "a", "environment": "e"}] * 2}, "names the environment 'e' twice"),
        ({"helmfile": [{"file": "a", "environment": "a/b"}]}, "environment: expected an environment's name"),
        ({"helmfile": []}, "helmfile names no file. Leave it out to read a cluster"),
        ({"namespaces": ["shop", "a/b"]}, "namespace: expected a namespace"),
        ({"dest": ""}, "dest is empty. Name the folder of the stack"),
        ({"helmfile": [{"file": "a"}], "names": ["x"]}, "helmfile and names cannot be used together"),
    ],
)
def test_options_that_contradict_each_other(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        check(given)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files with the suffix .gotmpl, rendered by a real helm (the environment variable HELMSTACK_HELM)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import HERE, Workspace

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve
from ansible_collections.helmstack.core.plugins.module_utils.stack_tools import StackTools
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

STACK = (
    "name: shop\nreleases:\n- {name: web, namespace: front, chart: ./web, version: 1.2.0, values: [v.yaml.gotmpl]}\n"
)


class Folder:
    """A folder with a stack, and a helm that counts."""

    def __init__(self, path: Path) -> None:
        self.path = path / "shop"
        self.log = path / "helm.log"
        self.room = path / "room"
        self.room.mkdir()
        self.binary = path / "helm"
        self.binary.write_text(f'#!/bin/sh\necho "$1" >>{self.log}\nexec {HELM} "$@"\n', encoding="utf-8")
        self.binary.chmod(0o755)

    def write(self, name: str, text: str) -> str:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return str(target)

    @contextmanager
    def _room(self) -> Iterator[Any]:
        guard = Guard()
        try:
            yield str(self.room), guard
        finally:
            guard.end()

    def resolve(self, **options: Any) -> Stack:
        binary = options.pop("binary", str(self.binary))
        environ = {"PATH": os.environ["PATH"], **options.pop("environ", {})}
        with StackTools(self._room, environ, binary) as tools:
            return resolve(Request((str(self.path),), environ=environ, **options), PlainFiles(), tools)

    def values(self, text: str, **options: Any) -> Any:
        """What the template of the one release's values becomes."""
        self.write("v.yaml.gotmpl", text)
        return yaml.safe_load(self.resolve(**options).releases[0].values[0].text)

    @property
    def processes(self) -> int:
        return len(self.log.read_text(encoding="utf-8").splitlines()) if self.log.exists() else 0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write("helmstack.yaml", STACK)
    return made


def test_a_values_file_sees_environment_variables_and_release(folder: Folder) -> None:
    folder.write("helmstack.yaml", STACK + "variables: {port: 8080, big: 123456789012, none: null, l: [1, 2.5, x]}\n")
    folder.write("env/dev.yaml", "variables: {domain: 'dev.${base}', base: example.org}\n")
    text = """
        env: {{ .Environment.Name }}
        host: {{ .Release.Name }}.{{ .Release.Namespace }}.{{ .Variables.domain }}
        port: {{ .Variables.port }}
        big: {{ .Variables.big }}
        sum: {{ add .Variables.port 1 }}
        none: "{{ .Variables.none }}{{ .Variables.nothing }}"
        list: {{ .Variables.l | toJson }}
        {{- range $index, $item := .Variables.l }}
        item-{{ $index }}: {{ $item }} {{ $.Release.Name }}
        {{- end }}
        version: {{ .Release.Version | quote }}
    """
    assert folder.values(text, environment="dev") == {
        "env": "dev",
        "host": "web.front.dev.example.org",
        "port": 8080,
        "big": 123456789012,
        "sum": 8081,
        "none": "",
        "list": [1, 2.5, "x"],
        "item-0": "1 web",
        "item-1": "2.5 web",
        "item-2": "x web",
        "version": "1.2.0",
    }
    assert folder.processes == 1


def test_the_process_environment_is_seen_only_where_it_is_named(folder: Folder) -> None:
    folder.write("helmstack.yaml", STACK + "env: [DECLARED, ABSENT]\n")
    folder.write(".env", "NAMED=file\nBOTH=file\n")
    text = "env: {{ .Env | toJson }}\n"
    environ = {"DECLARED": "process", "BOTH": "process", "OTHER": "secret"}
    assert folder.values(text, environ=environ)["env"] == {"DECLARED": "process", "NAMED": "file", "BOTH": "process"}


def test_partials_files_tpl_required_and_fail(folder: Folder) -> None:
    folder.write("_helpers.tpl", '{{ define "name" }}{{ .Release.Name }}-{{ .Variables.a }}{{ end }}')
    folder.write("conf/a.txt", "one\ntwo\n")
    folder.write("helmstack.yaml", STACK + "variables: {a: '1', t: '{{ .Release.Name }}!'}\n")
    text = """
        {{- define "own" }}own {{ include "name" . }}{{ end }}
        name: {{ include "name" . }}
        own: {{ include "own" . }}
        file: {{ .Files.Get "conf/a.txt" | quote }}
        lines: {{ .Files.Lines "conf/a.txt" | toJson }}
        glob: {{ range $path, $content := .Files.Glob "conf/*" }}{{ $path }}{{ end }}
        tpl: {{ tpl .Variables.t . }}
        needed: {{ required "say it" .Variables.a }}
    """
    assert folder.values(text) == {
        "name": "web-1",
        "own": "own web-1",
        "file": "one\ntwo\n",
        "lines": ["one", "two"],
        "glob": "conf/a.txt",
        "tpl": "web!",
        "needed": 1,
    }


@pytest.mark.parametrize(
    "text", ["a: 'x\n\n  y'\n", "# only a comment\n", "", "a: |\n  ---\n  b\n", "a: é\U0001f600\n"]
)
def test_what_comes_out_is_not_touched(folder: Folder, text: str) -> None:
    folder.write("v.yaml.gotmpl", text)
    assert folder.resolve().releases[0].values[0].text == text


def test_stack_file_and_overlays_are_one_process_and_values_another(folder: Folder) -> None:
    os.unlink(folder.path / "helmstack.yaml")
    folder.write(
        "helmstack.yaml.gotmpl",
        'name: shop\nreleases:\n{{- range list "a" "b" }}\n'
        "- {name: {{ . }}-{{ $.Environment.Name }}-{{ $.Variables.task }}, chart: ./web, values: [v.yaml.gotmpl]}\n"
        "{{- end }}\n",
    )
    folder.write(
        "env/dev.yaml.gotmpl", 'releases: {a-dev-x: {set: {a: "{{ .Environment.Name }}", e: "{{ .Env.E }}"}}}\n'
    )
    folder.write("more.yaml.gotmpl", "variables: {more: {{ .Variables.task }}}\n")
    folder.write(".env", "E=env\n")
    folder.write("v.yaml.gotmpl", "release: {{ .Release.Name }}\nmore: {{ .Variables.more }}\n")
    stack = folder.resolve(environment="dev", variables={"task": "x"}, overlays=("more.yaml.gotmpl",))
    assert [release.name for release in stack.releases] == ["a-dev-x", "b-dev-x"]
    assert [source.text for source in stack.releases[0].values] == [
        "release: a-dev-x\nmore: x\n",
        '{"a": "dev", "e": "env"}',
    ]
    assert stack.releases[1].values[0].text == "release: b-dev-x\nmore: x\n"
    assert folder.processes == 2


def test_overlays_alone_are_one_process_and_see_what_the_stack_declares(folder: Folder) -> None:
    folder.write(
        "helmstack.yaml",
        STACK.replace(", values: [v.yaml.gotmpl]", "")
        + "env: [X]\nenvironments: {dev: {overlays: [o1.yaml.gotmpl]}}\n",
    )
    folder.write("env/dev.yaml.gotmpl", "releases: {web: {labels: {x: '{{ .Env.X }}'}}}\n")
    folder.write("o1.yaml.gotmpl", "releases: {web: {description: '{{ .Environment.Name }}'}}\n")
    web = folder.resolve(environment="dev", environ={"X": "1"}).releases[0]
    assert (web.labels, web.description, folder.processes) == ({"x": "1"}, "dev", 1)


def test_an_environment_that_only_the_rendered_stack_declares_is_known_to_it(folder: Folder) -> None:
    os.unlink(folder.path / "helmstack.yaml")
    text = "releases: [{name: web, chart: ./web, description: 'in {{ .Environment.Name }}'}]\nenvironments: {dev: {}}\n"
    folder.write("helmstack.yaml.gotmpl", text)
    assert folder.resolve(groups=("dev",)).releases[0].description == "in dev"


def test_files_of_one_name_in_other_folders_do_not_mix(folder: Folder) -> None:
    folder.write(
        "helmstack.yaml",
        "releases:\n- {name: a, chart: ./web, values: [x/v.yaml.gotmpl]}\n"
        "- {name: b, chart: ./web, values: [y/v.yaml.gotmpl]}\n",
    )
    for name in ("x", "y"):
        folder.write(f"{name}/_helpers.tpl", f'{{{{ define "same" }}}}{name}{{{{ end }}}}')
        folder.write(f"{name}/f.txt", name)
        folder.write(f"{name}/v.yaml.gotmpl", 'a: {{ include "same" . }}{{ .Files.Get "f.txt" }}\n')
    assert [release.values[0].text for release in folder.resolve().releases] == ["a: xx\n", "a: yy\n"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\n{{ if }}\n", 2, "missing value for if"),
        ("a: 1\n\nb: {{ nofunc }}\n", 3, 'function "nofunc" not defined'),
        ('a: 1\nb: {{ required "say the port" .Variables.port }}\n', 2, "say the port"),
        ('a: 1\n{{ fail "not like this" }}\n', 2, "not like this"),
        ("a: {{ .Variables.a.b.c }}\n", 1, "at <.Variables.a.b.c>"),
        ('\n\na: {{ include "nope" . }}\n', 3, 'no template "nope"'),
        ("a: {{ index .Variables.l 9 }}\n", 1, "index out of range: 9"),
        ('a: 1\n{{ tpl "{{ .x.y.z }}" . }}\n', 2, "error calling tpl"),
        ('a: 1\nb: {{ include "bad" . }}\n', 2, "deep"),
        ("{{ .Variables.broken }}\n", 0, "the variable 'undefined' is not defined"),
    ],
)
def test_a_template_that_fails_is_told_with_its_file_and_line(folder: Folder, text: str, line: int, words: str) -> None:
    folder.write("_helpers.tpl", '\n{{ define "bad" }}\n{{ fail "deep" }}{{ end }}')
    folder.write("helmstack.yaml", STACK + "variables: {l: [1], broken: '${undefined}'}\n")
    with pytest.raises(InputError) as caught:
        folder.values(text)
    told = str(caught.value)
    path = folder.path / ("v.yaml.gotmpl" if line else "helmstack.yaml")
    assert told.startswith(f"{path}:{line or 4}: "), told
    assert words in told
    assert str(folder.room) not in told
    assert "charts/d0" not in told
    assert not list(folder.room.glob("go-templates*"))


def test_an_error_in_a_partial_names_the_partial(folder: Folder) -> None:
    path = folder.write("_helpers.tpl", '\n{{ define "bad" }}\n{{ .Variables.a.b.c }}{{ end }}')
    with pytest.raises(InputError) as caught:
        folder.values('a: 1\nb: {{ include "bad" . }}\n')
    assert str(caught.value).startswith(f"{path}:3: the Go template fails: ")


def test_a_hundred_releases_with_one_file_are_one_process(folder: Folder) -> None:
    releases = [f"- {{name: r{number}, chart: ./web, values: [v.yaml.gotmpl]}}" for number in range(100)]
    folder.write("helmstack.yaml", "\n".join(["name: shop", "releases:", *releases, ""]))
    folder.write("f.txt", "x")
    folder.write("v.yaml.gotmpl", 'a: {{ .Release.Name }}{{ .Files.Get "f.txt" }}\n')
    stack = folder.resolve()
    assert [release.values[0].text for release in stack.releases] == [f"a: r{number}x\n" for number in range(100)]
    assert folder.processes == 1


def test_output_that_is_no_mapping_names_the_file(folder: Folder) -> None:
    with pytest.raises(InputError, match=r"v.yaml.gotmpl:1: a values file must be a mapping"):
        folder.values("- {{ .Release.Name }}\n")


def test_a_file_that_helm_keeps_to_itself_is_told(folder: Folder) -> None:
    folder.write("values.yaml", "a: 1\n")
    with pytest.raises(InputError, match=r"v.yaml.gotmpl: '.Files' never has 'values.yaml'"):
        folder.values('{{ .Files.Get "values.yaml" }}')


def test_helm_that_is_missing_is_told_with_the_place_where_it_is_needed(folder: Folder) -> None:
    with pytest.raises(HelmstackError, match=r"'nohelm' is not found .*where the stack's files are read"):
        folder.values("a: 1\n", binary="nohelm")


def test_a_nested_stacks_templates_see_no_files_from_outside(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside", encoding="utf-8")
    folder.write("helmstack.yaml", "stacks: [{name: inner, path: ./inner}]\n")
    folder.write("inner/helmstack.yaml", STACK)
    folder.write("inner/v.yaml.gotmpl", 'a: "{{ .Files.Get "s.txt" }}{{ .Files.Get "t.txt" }}"\n')
    folder.write("inner/t.txt", "inside")
    os.symlink(tmp_path / "secret.txt", folder.path / "inner" / "s.txt")
    assert folder.resolve().releases[0].values[0].text == 'a: "inside"\n'


def test_a_template_of_a_stack_from_git_is_told_with_its_address(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("inner/helmstack.yaml", STACK)
    folder.write("inner/v.yaml.gotmpl", "a: 1\nb: {{ .Variables.x.y.z }}\n")
    checkout = Checkout("0" * 40, str(folder.path / "inner"), "")
    monkeypatch.setattr(StackTools, "checkout", lambda *_args: checkout)
    folder.write("helmstack.yaml", "stacks: [{name: inner, url: 'git+https://h/r.git'}]\n")
    with pytest.raises(InputError, match=r"^git\+https://h/r.git//v.yaml.gotmpl:2: the Go template fails: "):
        folder.resolve()


def test_controller_side_for_a_target_elsewhere(workspace: Workspace) -> None:
    workspace.chart("web")
    workspace.write("charts/v.yaml.gotmpl", "data: {from: '{{ .Release.Name }} {{ .Variables.secret | b64enc }}'}\n")
    release = {"name": "web", "namespace": workspace.ns("a"), "chart": "./web", "values": ["v.yaml.gotmpl"]}
    stack = {"name": workspace.prefix, "helmDefaults": {"createNamespace": True}, "releases": [release]}
    workspace.write("charts/helmstack.yaml", stack)
    settings = {
        "HELMSTACK_CONTROLLER": str(workspace.root / "charts"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
    }
    task = workspace.task({"stack_file": "charts", "variables": {"secret": "plain"}})
    inventory = "target ansible_connection=elsewhere\n"
    run = workspace.run({**task, "check_mode": True}, task, task, inventory=inventory, env=settings)
    assert [result["changed"] for result in run.results] == [True, True, False]
    data = workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/web")["data"]
    assert data == {"from": "web cGxhaW4="}
    for place in (workspace.remote_temp, workspace.temp, workspace.local_temp):
        assert [str(path) for path in place.rglob("*") if path.is_file()] == []

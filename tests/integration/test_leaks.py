# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries: no secret shows in outputs, results, process arguments and environments, or files left behind."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from harness import ANSIBLE, CONFIG, HELM, Run, Workspace

CANARIES = {
    "host": "canary-Host/var+8841",
    "stack": "canary-Stack:scalar-2217",
    "file": "canary-file-whole-5523",
    "scalar": "canary-file-scalar-7719",
    "template": "canary 'template' \"quoted\" 3391",
    "secret": "canary-chart-secret-6642",
}
ECHO = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-echo"
  annotations: {note: {{ printf "url https://user:%s@db.invalid/" .Values.host | quote }}}
data:
  plain: {{ .Values.stack | quote }}
  coded: {{ .Values.file | b64enc | quote }}
  inside: {{ printf "before %s after" .Values.scalar | quote }}
  quoted: {{ toJson .Values.template | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
        - name: main
          image: registry.invalid/app
          env: [{name: PASSWORD, value: {{ .Values.host | quote }}}]
          args: ["--password={{ .Values.secret }}"]
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData: {own: "{{ .Values.secret }}", fresh: "{{ .Values.fresh }}"}
data: {coded: {{ .Values.host | b64enc | quote }}}
"""


def forms(canary: str) -> set[str]:
    coded = base64.b64encode(canary.encode()).decode()
    return {canary, coded, json.dumps(canary)[1:-1]}


@dataclass
class Sampler:
    """Reads arguments and environments of all processes over and over."""

    seen: set[str] = field(default_factory=set)
    processes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.01):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    self._read(process)

    def _read(self, process: Path) -> None:
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if not any(name in command for name in ("helm", "ansible", "python")):
                return
            text = command + (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            return
        self.processes += "helm\0" in command
        self.seen |= {name for name, canary in CANARIES.items() if any(f in text for f in forms(canary))}


def vaulted(workspace: Workspace, text: str) -> str:
    """An encrypted text as ansible-vault writes it."""
    command = [f"{ANSIBLE}/ansible-vault", "encrypt", "--vault-password-file", "vault-password", "--output", "-"]
    done = subprocess.run(command, cwd=workspace.root, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def scalar(workspace: Workspace, text: str, indent: int) -> str:
    lines = vaulted(workspace, text).strip().splitlines()
    return "!vault |\n" + "\n".join(" " * indent + line for line in lines)


@dataclass(frozen=True)
class Leaky:
    """What was run, and what was seen meanwhile."""

    runs: list[Run]
    sampler: Sampler
    left: dict[str, str]


@pytest.fixture(scope="module")
def leaky(shared: Workspace) -> Leaky:
    workspace = shared
    workspace.write("vault-password", "password of the vault\n")
    workspace.chart("leaky", files={"templates/all.yaml": ECHO, "templates/NOTES.txt": "{{ .Values.secret }}"})
    failing = '{{ fail (printf "cannot use %s or %s" .Values.host (.Values.file | b64enc)) }}'
    workspace.chart("failing", files={"templates/all.yaml": failing})
    workspace.chart(
        "refused", files={"templates/all.yaml": CONFIG + "  number: {{ .Values.scalar }}\nbad: [{{ .Values.file }}\n"}
    )
    workspace.write("group_vars/all.yml", f"host_secret: {scalar(workspace, CANARIES['host'], 2)}\n"
                    f"template_secret: {scalar(workspace, CANARIES['template'], 2)}\n")  # fmt: skip
    workspace.write("whole.yaml", vaulted(workspace, f"file: {CANARIES['file']}\n"))
    workspace.write("partly.yaml", f"scalar: {scalar(workspace, CANARIES['scalar'], 2)}\n")
    workspace.write("made.yaml.j2", "template: {{ template_secret | to_json }}\n")
    workspace.write(
        "helmstack.yaml",
        f"""\
name: {workspace.prefix}
helmDefaults: {{createNamespace: true, namespace: {workspace.ns("a")}}}
variables: {{password: "${{of_task}}"}}
releases:
"""
        + "".join(
            f"""\
  - name: {name}
    chart: ./charts/{name}
    values: [whole.yaml, partly.yaml, made.yaml.j2]
    set:
      host: ${{of_task}}
      secret: {CANARIES["secret"]}
      fresh: value
      stack: {scalar(workspace, CANARIES["stack"], 8)}
"""
            for name in ("leaky", "failing", "refused")
        ),
    )
    base = {"variables": {"of_task": "{{ host_secret }}"}}
    task = workspace.task(base | {"targets": ["leaky"]})
    changed = workspace.task(base | {"targets": ["leaky"], "overlays": ["more.yaml"]})
    workspace.write("more.yaml", {"releases": {"leaky": {"set": {"fresh": "another", "stack": "open"}}}})
    base_of_leaky = {**base, "targets": ["leaky"]}
    include = ["values", "computed_values", "manifest", "hooks", "notes"]
    asked = {**workspace.connection, **base_of_leaky, "include": include}
    info = {"name": "info", "helmstack.core.helmstack_info": asked}
    template = {"name": "template", "helmstack.core.helmstack_template": {"binary_path": HELM, **base_of_leaky}}
    fails = [{**workspace.task(base | {"targets": [name]}), "ignore_errors": True} for name in ("failing", "refused")]
    args = ["-vvvv", "--vault-password-file", "vault-password"]
    with Sampler() as sampler:
        first = workspace.run(
            {**task, "check_mode": True}, task, task, {**changed, "check_mode": True}, changed, info, *fails, args=args
        )  # fmt: skip
        second = workspace.run(template, args=args)
    left = {}
    for folder in (workspace.local_temp, workspace.remote_temp, workspace.temp, workspace.home):
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.endswith(".pyc"):
                left[str(path)] = path.read_bytes().decode(errors="replace")
    return Leaky([first, second], sampler, left)


@pytest.mark.parametrize("name", CANARIES)
def test_no_output_and_no_result_shows_a_secret(leaky: Leaky, name: str) -> None:
    for run in leaky.runs:
        for form in forms(CANARIES[name]):
            where = [line[:60] for line in run.output.splitlines() if form in line]
            assert not where, f"{form!r} in {len(where)} lines: {where[:3]}"
            for record in run.records:
                assert form not in json.dumps(record["result"]), record["task"]


def test_the_runs_did_what_they_should(leaky: Leaky) -> None:
    records = leaky.runs[0].records
    assert [record["how"] for record in records] == ["ok"] * 6 + ["failed"] * 2
    assert [bool(record["result"].get("changed")) for record in records[:5]] == [True, True, False, True, True]
    assert "cannot use" in records[6]["result"]["msg"]
    shown = json.dumps(records[0]["result"]["diff"])
    assert "before ******** after" in shown


def test_no_process_has_a_secret_in_its_arguments_or_environment(leaky: Leaky) -> None:
    assert leaky.sampler.processes > 0, "no helm process has been seen"
    assert leaky.sampler.seen == set()


def test_no_file_is_left_behind_that_holds_a_secret(leaky: Leaky) -> None:
    for path, text in leaky.left.items():
        assert not any(form in text for canary in CANARIES.values() for form in forms(canary)), path


def test_no_temporary_file_is_left_behind(leaky: Leaky) -> None:
    caches = ("/.cache/", "/.kube/cache/", "/.ansible/galaxy")
    assert [path for path in leaky.left if not any(cache in path for cache in caches)] == []

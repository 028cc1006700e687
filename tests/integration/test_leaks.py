# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries: no secret shows in outputs, results, process arguments and environments, or files left behind."""

from __future__ import annotations

import html
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from harness import CONFIG, DEPLOYMENT, HELM, Object, Run, Workspace
from leaks import forms, scalar, vaulted

CANARIES = {
    "host": "canary-Host/var+8841",
    "stack": "canary-Stack:scalar-2217",
    "file": "canary-file-whole-5523",
    "scalar": "canary-file-scalar-7719",
    "template": "canary 'template' \"quoted\" 3391",
    "secret": "canary-chart-secret-6642",
    "renewed": "renewed?canary&secret-9051",
    "pem": "-----BEGIN KEY-----\nMIIEcanary1vQIBADANBg/kqh+kiG9w\nggSjcanary2AgEAAoIBAQC7VJTU\n-----END KEY-----\n",
    "other host": "of-another-host-canary-5516",
    "number": "7712448801",
    "token": "canary-token-of-api-3318",
    "proxy": "canaryProxy~4427",
    "lookup": "canary-looked-up-6619",
    "part": "canary-part-of-url-7705",
    "telling": "canary-of-telling-name-5571",
    "hook": "canary-secret-of-a-hook-9940",
    "hashed": "canary-only-hashed-1186",
    "repository": "canary-repository_6638",
}
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData:
  own: "{{ .Values.secret }}"
  fresh: "{{ .Values.fresh }}"
  url: "postgres://user:{{ .Values.part }}@db.invalid/x"
  hash: {{ printf "salt %s" .Values.dbPassword | sha256sum }}
data: {coded: {{ .Values.host | b64enc | quote }}}
"""
ECHO = (
    """\
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
  nested: {{ dict "a" (toJson (dict "b" .Values.template)) | toJson | quote }}
  address: "https://db.invalid/?password={{ .Values.host | urlquery }}"
  login: {{ printf "Basic %s" (printf "user:%s" .Values.host | b64enc) | quote }}
  registry: {{ printf "{\\"auth\\":\\"%s\\"}" (printf "u:%s" .Values.file | b64enc) | b64enc | quote }}
  sum: {{ .Values.scalar | sha256sum }}
  number: "pin {{ int64 .Values.number }}"
  other: {{ .Values.other | quote }}
  lookup: {{ .Values.lookup | quote }}
  key: |
    {{- .Values.pem | nindent 4 }}
  line: {{ .Values.pem | replace "\\n" " " | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}, annotations: {checksum/secret: {{ .Values.secret | sha256sum }}}}
    spec:
      containers:
        - name: main
          image: registry.invalid/app
          env: [{name: PASSWORD, value: {{ .Values.host | quote }}}]
          args: ["--password={{ .Values.secret }}"]
{{- if .Values.fails }}{{ fail (printf "not with %s" .Values.hooked) }}{{ end }}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
stringData: {setting: "{{ .Values.hooked }}"}
---
"""
    + SECRET
)
REFUSED_BY_API = (
    """\
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}", labels: {a: "{{ .Values.secret }} "}}
spec: {type: "{{ .Values.stack }}", ports: [{port: 80}]}
---
"""
    + SECRET
)
UNREADY = DEPLOYMENT.replace("app:{{ .Chart.Version }}", "{{ .Values.file }}:{{ .Values.secret }}").replace(
    '{{ .Values.behaviour | default "ready" }}', "image-pull-error"
)
CHARTS: dict[str, Object] = {
    "leaky": {"templates/all.yaml": ECHO, "templates/NOTES.txt": "{{ .Values.secret }}"},
    "failing": {
        "templates/all.yaml": "{{ $coded := .Values.file | b64enc }}"
        '{{ fail (printf "cannot use %s or %s or %s" .Values.host $coded .Values.dsn) }}'
    },
    "unreadable": {"templates/all.yaml": CONFIG + "  number: {{ .Values.scalar }}\nbad: [{{ .Values.file }}\n"},
    "checked": {
        "templates/all.yaml": CONFIG,
        "values.schema.json": {"properties": {"scalar": {"enum": ["a"]}, "host": {"pattern": "^x$"}}},
    },
    "refused": {"templates/all.yaml": REFUSED_BY_API},
    "unready": {"templates/all.yaml": UNREADY + "---\n" + SECRET},
}
# the options of a task that fails, and what its message must say
FAILURES: list[tuple[Object, str]] = [
    ({"targets": ["failing"]}, "cannot use ********"),
    ({"targets": ["leaky"], "overlays": ["fails.yaml"]}, "not with ********"),
    ({"targets": ["unreadable"]}, "yaml"),
    ({"targets": ["checked"]}, "********"),
    ({"targets": ["refused"]}, "spec.type"),
    ({"targets": ["unready"], "timeout": "30s", "on_failure": "rollback"}, "cannot become ready"),
    ({"targets": ["fetched"]}, "127.0.0.1"),
    ({"targets": ["leaky"], "api_key": CANARIES["token"]}, "credentials"),
    ({"targets": ["leaky"], "proxy": f"http://me:{CANARIES['proxy']}@127.0.0.1:1"}, "not answering"),
]


@dataclass
class Sampler:
    """Reads arguments and environments of all processes over and over."""

    seen: set[str] = field(default_factory=set)
    processes: int = 0
    _known: set[str] = field(default_factory=set)  # which need not be searched again
    _ages: Counter[str] = field(default_factory=Counter)  # how often each process was there
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
            for name in os.listdir("/proc"):
                if name.isdigit():
                    self._ages[name] += 1
                    if self._ages[name] < 20 or self._ages[name] % 20 == 0:  # what is old becomes no other program
                        self._read(Path("/proc", name))

    def _read(self, process: Path) -> None:
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if not any(name in command for name in ("helm", "ansible", "python")):
                return
            text = command + (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            return
        self.processes += "helm\0" in command
        if text in self._known:
            return
        self._known.add(text)
        self.seen |= {name for name, canary in CANARIES.items() if any(f in text for f in forms(canary))}


@dataclass(frozen=True)
class Leaky:
    """What was run, and what was seen meanwhile."""

    runs: list[Run]
    sampler: Sampler
    left: dict[str, str]
    reports: dict[str, str]


def planted(workspace: Workspace) -> None:
    """The stack, with a canary in each place that may hold a secret."""
    secrets = {name: scalar(workspace, text, 2) for name, text in CANARIES.items()}
    in_stack = scalar(workspace, CANARIES["stack"], 8)
    for name, files in CHARTS.items():
        workspace.chart(name, files=files)
    group = f"host_secret: {secrets['host']}\ntemplate_secret: {secrets['template']}\n"
    workspace.write("group_vars/all.yml", group)
    workspace.write("host_vars/other.yml", f"other_secret: {secrets['other host']}\n")
    whole = f"file: {CANARIES['file']}\nnumber: {CANARIES['number']}\n"
    workspace.write("whole.yaml", vaulted(workspace, whole))
    workspace.write("partly.yaml", f"scalar: {secrets['scalar']}\npem: {secrets['pem']}\n")
    workspace.write(
        "made.yaml.j2", "template: {{ template_secret | to_json }}\nlookup: {{ lookup('file', 'password') }}\n"
    )
    workspace.write("password", vaulted(workspace, CANARIES["lookup"]))
    workspace.write("fails.yaml", {"releases": {"leaky": {"set": {"fails": True}}}})
    workspace.write("more.yaml", {"releases": {"leaky": {"set": {"stack": "open", "secret": CANARIES["renewed"]}}}})
    releases = [
        f"""\
  - name: {name}
    chart: ./charts/{name}
    values: [whole.yaml, partly.yaml, made.yaml.j2]
    set:
      host: ${{of_task}}
      other: ${{of_other}}
      secret: {CANARIES["secret"]}
      fresh: value
      hooked: {CANARIES["hook"]}
      dsn: {CANARIES["telling"]}
      part: {CANARIES["part"]}
      dbPassword: {CANARIES["hashed"]}
      stack: {in_stack}
"""
        for name in CHARTS
    ]
    text = f"""\
name: {workspace.prefix}
helmDefaults: {{createNamespace: true, namespace: {workspace.ns("a")}}}
variables: {{password: "${{of_task}}"}}
repositories:
  - {{name: closed, url: "http://127.0.0.1:1", username: me, password: {CANARIES["repository"]}}}
releases:
  - {{name: fetched, chart: closed/app}}
"""
    workspace.write("helmstack.yaml", text + "".join(releases))


@pytest.fixture(scope="module")
def leaky(shared: Workspace) -> Leaky:
    workspace = shared
    workspace.write("vault-password", "password of the vault\n")
    planted(workspace)
    base: Object = {"variables": {"of_task": "{{ host_secret }}", "of_other": "{{ hostvars['other'].other_secret }}"}}
    of_leaky = {**base, "targets": ["leaky"]}
    task, changed = workspace.task(of_leaky), workspace.task({**of_leaky, "overlays": ["more.yaml"]})
    include = ["values", "computed_values", "manifest", "hooks", "notes"]
    info = {
        "name": "info",
        "helmstack.core.helmstack_info": {**workspace.connection, **of_leaky, "include": include},
    }
    template = {"name": "template", "helmstack.core.helmstack_template": {"binary_path": HELM, **of_leaky}}
    fails = [{**workspace.task(base | options), "ignore_errors": True} for options, _words in FAILURES]
    tasks = [{**task, "check_mode": True}, task, {**changed, "check_mode": True}, changed, info, *fails]
    tasks = [_with_reports(task, f"report-{number}") for number, task in enumerate(tasks)]
    how: Object = {
        "args": ["-vvvv", "--vault-password-file", "vault-password"],
        "inventory": "localhost ansible_connection=local\nother ansible_connection=local\n",
        "play": {"hosts": "localhost"},
    }
    with Sampler() as sampler:
        runs = [
            workspace.run(*tasks, **how),
            workspace.run(template, **how, env={"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}),
            workspace.run({**changed, "check_mode": True}, **how, env={"ANSIBLE_STDOUT_CALLBACK": "minimal"}),
        ]
    left = {}
    for folder in (workspace.local_temp, workspace.remote_temp, workspace.temp, workspace.home):
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.endswith(".pyc"):
                left[str(path)] = path.read_bytes().decode(errors="replace")
    reports = {path.name: path.read_text(encoding="utf-8") for path in workspace.root.glob("report-*")}
    return Leaky(runs, sampler, left, reports)


def _with_reports(task: Object, name: str) -> Object:
    """The task with a report of each kind, if its module writes some."""
    module = "helmstack.core.helmstack"
    files = [f"{name}.{kind}" for kind in ("html", "md", "json")]
    return {**task, module: {**task[module], "report_file": files}} if module in task else task


@pytest.mark.parametrize("name", CANARIES)
def test_no_output_and_no_result_shows_a_secret(leaky: Leaky, name: str) -> None:
    for run in leaky.runs:
        for form in forms(CANARIES[name]):
            where = [line for line in run.output.splitlines() if form in line]
            near = [line[max(0, line.index(form) - 60) :][:120] for line in where]
            assert not where, f"{form!r} in {len(where)} lines: {near[:3]}"
            for record in run.records:
                assert form not in json.dumps(record["result"]), record["task"]


@pytest.mark.parametrize("name", CANARIES)
def test_no_report_shows_a_secret(leaky: Leaky, name: str) -> None:
    assert len(leaky.reports) == 3 * (4 + len(FAILURES))
    for report, text in leaky.reports.items():
        told = text + html.unescape(text.replace("\\", "").replace("\u200b", ""))  # as written, and as shown
        assert not [form for form in forms(CANARIES[name]) if form in told], report


def test_reports_tell_what_is_beside_the_secrets(leaky: Leaky) -> None:
    for kind in ("html", "md", "json"):
        assert "before ******** after" in leaky.reports[f"report-0.{kind}"]
        assert "cannot use ********" in leaky.reports[f"report-5.{kind}"].replace("\\", "")


def test_the_runs_did_what_they_should(leaky: Leaky) -> None:
    records = leaky.runs[0].records
    assert [record["how"] for record in records] == ["ok"] * 5 + ["failed"] * len(FAILURES)
    assert [bool(record["result"].get("changed")) for record in records[:5]] == [True, True, True, True, False]
    shown = json.dumps(records[0]["result"]["diff"])
    assert "before ******** after" in shown
    assert "pin ********" in shown
    assert "helmstack: " in leaky.runs[0].output


@pytest.mark.parametrize("place", range(len(FAILURES)))
def test_what_failed_is_told_all_the_same(leaky: Leaky, place: int) -> None:
    assert FAILURES[place][1] in leaky.runs[0].records[5 + place]["result"]["msg"]


def test_no_process_has_a_secret_in_its_arguments_or_environment(leaky: Leaky) -> None:
    assert leaky.sampler.processes > 0, "no helm process has been seen"
    assert leaky.sampler.seen == set()


def test_no_file_is_left_behind_that_holds_a_secret(leaky: Leaky) -> None:
    for path, text in leaky.left.items():
        assert not any(form in text for canary in CANARIES.values() for form in forms(canary)), path


def test_no_temporary_file_is_left_behind(leaky: Leaky) -> None:
    caches = ("/.cache/", "/.kube/cache/", "/.ansible/galaxy")
    assert [path for path in leaky.left if not any(cache in path for cache in caches)] == []


def test_secrets_are_known_though_they_are_random_or_ignored(workspace: Workspace) -> None:
    secret = """\
        {{- $random := randAlphaNum 20 }}
        apiVersion: v1
        kind: Secret
        metadata: {name: "{{ .Release.Name }}-random"}
        data: {password: {{ $random | b64enc }}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: "{{ .Release.Name }}-given"}
        stringData: {password: {{ .Values.given }}}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "{{ .Release.Name }}"}
        data:
          version: {{ .Chart.Version }}
          {{- if eq .Chart.Version "1.0.0" }}
          random: "user:{{ $random }}@db"
          {{- end }}
          given: "user:{{ .Values.given }}@db"
        """
    workspace.chart("app", files={"templates/all.yaml": secret})
    workspace.stack(workspace.release("app", set={"given": "canary-given-1553"}))
    ignored = {"diff_ignore": [{"kind": "Secret"}]}
    first = workspace.run(ignored)
    path = f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/app"
    made = workspace.api.get(path)["data"]["random"].split(":")[1].split("@")[0]
    workspace.chart("app", "2.0.0", files={"templates/all.yaml": secret})
    workspace.stack(workspace.release("app", set={"given": "canary-later-1554"}))
    runs = [first, workspace.run({**workspace.task(ignored), "check_mode": True}, ignored)]
    assert "user:********@db" in json.dumps(runs[1].results[0]["diff"])
    for run in runs:
        text = run.output + json.dumps(run.results)
        assert not [
            form for word in (made, "canary-given-1553", "canary-later-1554") for form in forms(word) if form in text
        ]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: E501 (a table reads best with a line a case)
"""Bad input, through the real module: a clear sentence with the place where there is one, and nothing is changed."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chart_repository import ChartRepository
from harness import HELM, Object, Run, Snapshot, Workspace
from leaks import vaulted

OK = "releases: [{name: app, namespace: %NS%, chart: ../app}]\n"
VAULT = """\
    name: x
    releases:
      - name: app
        chart: ../app
        set:
          password: !vault |
            $ANSIBLE_VAULT;1.1;AES256
            37663266346230353831613435373938333466386533663939643561656161316661386364376136
            6539353262306562363139313831393262356465613262610a613261383161643138353365633866
            61616365663239393030363132633466386664613338613835313963393738323461396136623034
            3039666466666137350a343936373637656365373637356530303330646366663837336436643237
            6437
    """
WHOLE_VAULT = """\
    $ANSIBLE_VAULT;1.1;AES256
    37663266346230353831613435373938333466386533663939643561656161316661386364376136
    6539353262306562363139313831393262356465613262610a613261383161643138353365633866
    61616365663239393030363132633466386664613338613835313963393738323461396136623034
    3039666466666137350a343936373637656365373637356530303330646366663837336436643237
    6437
    """
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@dataclass(frozen=True)
class Case:
    """Files of one folder, the task's options, and what the message must say."""

    name: str
    says: tuple[str, ...]
    stack: str = OK
    files: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def case(name: str, *says: str, stack: str = OK, files: Mapping[str, str] | None = None, **options: Any) -> Case:
    return Case(name, says, stack, files or {}, options)


def values(text: str) -> str:
    """A stack with one release and this values file."""
    return f"releases: [{{name: app, namespace: %NS%, chart: ../app, values: [{text}]}}]\n"


CASES = [
    case("broken-yaml", "helmstack.yaml:3", stack="releases:\n  - {name: app\n    chart: x\n"),
    case("tab", "helmstack.yaml:2", stack="releases:\n\t- name: app\n"),
    case("empty", "helmstack.yaml", "the stack file is empty", stack=""),
    case("no-releases", "helmstack.yaml", "no releases", stack="name: x\n"),
    case("list", "helmstack.yaml", "mapping", stack="- a\n"),
    case(
        "unknown-key", "helmstack.yaml:3", "chrat", "'chart'", stack="releases:\n  - name: app\n    chrat: ../app\n"
    ),
    case("unknown-top-key", "helmstack.yaml:1", "'relases'", "'releases'", stack="relases: []\n"),
    case("same-key-twice", "helmstack.yaml:3", "releases", stack=f"{OK}\n{OK}"),
    case(
        "duplicate-release",
        "helmstack.yaml:3",
        "app",
        "twice",
        "helmstack.yaml:2",
        stack="releases:\n  - {name: app, chart: ../app}\n  - {name: app, chart: ../app}\n",
    ),
    case("no-chart", "helmstack.yaml:2", "app", "no chart", stack="releases:\n  - {name: app}\n"),
    case("no-name", "helmstack.yaml:2", "name", stack="releases:\n  - {chart: ../app}\n"),
    case("bad-name", "helmstack.yaml:2", "My_App", stack="releases:\n  - {name: My_App, chart: ../app}\n"),
    case("long-name", "helmstack.yaml:1", "53", stack=OK.replace("name: app", f"name: {'a' * 54}")),
    case("bad-namespace", "helmstack.yaml:1", "Not_Good", stack=OK.replace("%NS%", "Not_Good")),
    case("wrong-type", "helmstack.yaml:1", "wait", "true or false", stack=OK.replace("chart:", "wait: 1, chart:")),
    case("bad-timeout", "helmstack.yaml:1", "timeout", "5 apples", stack=OK.replace("chart:", "timeout: 5 apples, chart:")),
    case(
        "overlay-unknown-release",
        "more.yaml:2",
        "'ap'",
        "'app'",
        files={"more.yaml": "releases:\n  ap: {version: 1.0.0}\n"},
        overlays=["more.yaml"],
    ),
    case("overlay-missing", "nowhere.yaml", "does not exist", overlays=["nowhere.yaml"]),
    case("overlay-unknown-key", "more.yaml:1", "releasse", files={"more.yaml": "releasse: {}\n"}, overlays=["more.yaml"]),
    case(
        "environment",
        "'prdo'",
        "'prod'",
        stack=f"environments: {{prod: {{}}, dev: {{}}}}\n{OK}",
        environment="prdo",
    ),
    case("two-stack-files", "helmstack.yaml and stackfile.yml", files={"stackfile.yml": OK}),
    case("no-stack-file", "nothing-here", stack_file="nothing-here"),
    case("missing-values", "helmstack.yaml:1", "none.yaml", "does not exist", stack=values("none.yaml")),
    case("values-list", "v.yaml:1", "mapping", "a list", stack=values("v.yaml"), files={"v.yaml": "- a\n"}),
    case("values-text", "v.yaml:1", "mapping", stack=values("v.yaml"), files={"v.yaml": "words only\n"}),
    case("values-broken", "v.yaml:3", stack=values("v.yaml"), files={"v.yaml": "a: 1\nb: [1, 2\nc: 3\n"}),
    case("undefined", "helmstack.yaml:2", "'domian'", "'domain'", stack=f"variables: {{domain: x}}\n{values('{a: ${domian}}')}".replace("${domian}", '"${domian}"')),
    case(
        "variable-cycle",
        "helmstack.yaml:",
        "one -> two -> one",
        stack=f'variables: {{one: "${{two}}", two: "${{one}}"}}\n{values("{a: X}")}'.replace("X", '"${one}"'),
    ),
    case("need-unknown", "helmstack.yaml:1", "'ap'", "app", stack=OK.replace("chart:", "needs: [ap], chart:").replace("}]", "}, {name: app2, chart: ../app}]")),
    case(
        "needs-cycle",
        "one",
        "two",
        "three",
        stack="releases:\n"
        "  - {name: one, chart: ../app, needs: [two]}\n"
        "  - {name: two, chart: ../app, needs: [three]}\n"
        "  - {name: three, chart: ../app, needs: [one]}\n"
        "  - {name: outside, chart: ../app, needs: [one]}\n",
    ),
    case("need-ignored", "helmstack.yaml:", "db", "ignored", stack="releases:\n  - {name: db, chart: ../app, ignore: true}\n  - {name: web, chart: ../app, needs: [db]}\n"),
    case("unknown-target", "'apq'", "app", targets=["apq"]),
    case("bad-selector", "selector", selector="[?labels.tier=="),
    case("alias-bomb", "bomb.yaml", stack=values("bomb.yaml"), files={"bomb.yaml": BOMB}),
    case("alias-bomb-in-stack", "helmstack.yaml", stack=BOMB + OK),
    case(
        "nested-leaves",
        "inner/helmstack.yaml:1",
        "leaves",
        stack="stacks: [{path: inner}]\n" + OK,
        files={"inner/helmstack.yaml": "releases: [{name: x, chart: ../../app}]\n"},
    ),
    case(
        "nested-values-leave",
        "inner/helmstack.yaml:1",
        "leaves",
        stack="stacks: [{path: inner}]\n" + OK,
        files={"inner/helmstack.yaml": "releases: [{name: x, chart: ./c, values: [../../secret.yaml]}]\n"},
    ),
    case("nested-cycle", "cycle", stack="stacks: [{path: .}]\n" + OK),
    case("nested-missing", "helmstack.yaml:1", "gone", stack="stacks: [{path: gone}]\n" + OK),
    case("git-stack", "helmstack.yaml:1", "no git ref", stack='stacks: [{url: "git+ext://sh"}]\n' + OK),
    case("gotmpl", "v.yaml.gotmpl:1", "missing value", stack=values("v.yaml.gotmpl"), files={"v.yaml.gotmpl": "a: {{ if }}"}),
    case("unknown-repository", "helmstack.yaml:1", "'reop'", stack=OK.replace("../app", "reop/app")),
    case("chart-missing", "helmstack.yaml:1", "no chart", "nowhere", stack=OK.replace("../app", "./nowhere")),
    case("chart-empty-folder", "empty", "Chart.yaml", stack=OK.replace("../app", "./empty"), files={"empty/x": ""}),
    case("archive-damaged", "bad-1.0.0.tgz", stack=OK.replace("../app", "../bad-1.0.0.tgz")),
    case("archive-leaves", "evil-1.0.0.tgz", stack=OK.replace("../app", "../evil-1.0.0.tgz")),
    case("version-of-a-folder", "2.0.0", "1.0.0", stack=OK.replace("chart:", "version: 2.0.0, chart:")),
    case("helm-missing", "no-such-helm", "not found", binary_path="no-such-helm"),
    case("helm-old", "3.9.4", "3.14", binary_path="%ROOT%/old-helm"),
    case("helm-is-not-helm", "version", binary_path="%ROOT%/not-helm"),
    case("no-kubeconfig", "kubeconfig", kubeconfig=None),
    case("kubeconfig-missing", "does not exist", "gone.config", kubeconfig="%ROOT%/gone.config"),
    case("kubeconfig-broken", "broken.config", kubeconfig="%ROOT%/broken.config"),
    case("unknown-context", "'locla'", "'local'", context="locla"),
    case("api-refuses", "not answering", "127.0.0.1:9", kubeconfig="%ROOT%/refused.config"),
    case("untrusted", "certificate", "not trusted", kubeconfig="%ROOT%/untrusted.config"),
    case("wrong-password", "credentials", "401", kubeconfig="%ROOT%/wrong-token.config"),
    case("no-right", "list", "secrets", "%NS%", "nobody", kubeconfig="%NOBODY%"),
    case("wrong-cluster", "https://prod.invalid:6443", expected_cluster="https://prod.invalid:6443"),
    case("wrong-cluster-uid", "00000000-0000-0000-0000-000000000000", expected_cluster="00000000-0000-0000-0000-000000000000"),
    case("vault-password", "helmstack.yaml:6", "vault password", stack=VAULT),
    case("vault-file", "v.yaml", "vault password", stack=values("v.yaml"), files={"v.yaml": WHOLE_VAULT}),
    case("render-fails", "%NS%/app", "templates/config.yaml", "2", "no colour is given", stack=OK.replace("../app", "../failing")),
    case("render-invalid", "%NS%/app", "templates/config.yaml", stack=OK.replace("../app", "../unparsable")),
    case("schema", "%NS%/app", "replicas", stack=OK.replace("../app", "../schema").replace("}]", ", set: {replicas: many}}]")),
    case("jinja-undefined", "v.yaml.j2:2", "no_such_variable", stack=values("v.yaml.j2"), files={"v.yaml.j2": "a: 1\nb: {{ no_such_variable }}\n"}),
    case("jinja-syntax", "v.yaml.j2:2", stack=values("v.yaml.j2"), files={"v.yaml.j2": "a: 1\nb: {% if %}\n"}),
    case("unknown-option", "targest", "targets", targest=["x"]),
    case("option-type", "concurrency", concurrency="many"),
    case("concurrency-of-zero", "concurrency", "1 or more", concurrency=0),
    case("concurrency-below-zero", "concurrency", "1 or more", concurrency=-1),
    case("absent-of-all", "all: true", state="absent"),
    case("prune-of-targets", "prune", "targets", prune=True, targets=["app"]),
    case("expected-plan", "sha256:0000", "Nothing was done", stack=OK.replace("chart:", "createNamespace: true, chart:"), expected_plan="sha256:0000"),
    case("namespace-missing", "helmstack.yaml:1", "%NS%", "createNamespace"),
    case("dotenv", ".env:1", "KEY=VALUE", files={".env": "no equals sign\n"}),
    case("helmstack-defaults", ".helmstack:1", "enviroment", "environment", files={".helmstack": "enviroment: dev\n"}),
    case("helmstack-refused", "'state'", ".helmstack", files={".helmstack": "state: absent\n"}),
    case("not-utf8", "v.yaml", "UTF-8", stack=values("v.yaml"), files={"v.yaml": "\udcff\udcfe"}),
]  # fmt: skip

FROM_REPOSITORY = [
    case("repo-version", "helmstack.yaml", "9.9.9", "1.1.0", stack="%REPO%releases: [{name: app, chart: r/web, version: 9.9.9}]\n"),
    case("repo-range", "helmstack.yaml", "~9.0", stack='%REPO%releases: [{name: app, chart: r/web, version: "~9.0"}]\n'),
    case("repo-chart", "helmstack.yaml", "wbe", "web", stack="%REPO%releases: [{name: app, chart: r/wbe}]\n"),
    case("repo-typo", "helmstack.yaml:2", "'q'", "r", stack="%REPO%releases: [{name: app, chart: q/web}]\n"),
    case("repo-down", "r", stack='repositories: [{name: r, url: "http://127.0.0.1:9"}]\nreleases: [{name: app, chart: r/web}]\n'),
]  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """One playbook that tried all cases."""

    run: Run
    before: Snapshot
    after: Snapshot
    fill: Mapping[str, str]


def _evil_archive(path: Path) -> None:
    """A chart with an entry that lies above its folder."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (
            ("evil/Chart.yaml", "apiVersion: v2\nname: evil\nversion: 1.0.0\n"),
            ("evil/../../../escaped.yaml", "a: 1\n"),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def _kubeconfigs(shared: Workspace) -> None:
    good = json.loads(Path(shared.kubeconfig).read_text())

    def variant(name: str, **changes: Any) -> None:
        entry = good["clusters"][0]
        cluster = {**entry["cluster"], **changes.get("cluster", {})}
        for key in changes.get("without", ()):
            cluster.pop(key)
        user = {**good["users"][0], "user": changes.get("user", good["users"][0]["user"])}
        shared.write(f"{name}.config", {**good, "clusters": [{**entry, "cluster": cluster}], "users": [user]})

    variant("refused", cluster={"server": "https://127.0.0.1:9"})
    variant("untrusted", without=["certificate-authority-data"])
    variant("wrong-token", user={"token": "canary-wrong-token"})
    shared.write("broken.config", "clusters: [\n")


def _charts(shared: Workspace) -> None:
    shared.chart("app")
    (shared.root / "charts").rename(shared.root / "bad")
    bad = {
        "failing": {"templates/config.yaml": '{{- /* why */}}\n{{ fail "no colour is given" }}\n'},
        "unparsable": {"templates/config.yaml": "apiVersion: v1\nkind: [\n"},
        "schema": {
            "values.schema.json": '{"properties": {"replicas": {"type": "integer"}}}',
            "templates/config.yaml": "",
        },
    }
    for name, files in bad.items():
        shared.chart(name, files=files).rename(shared.root / "bad" / name)
    shared.write("bad/bad-1.0.0.tgz", "this is no archive")
    _evil_archive(shared.root / "bad" / "evil-1.0.0.tgz")
    for name, words in (("old-helm", "v3.9.4"), ("not-helm", "hello")):
        shared.write(name, f"#!/bin/sh\necho {words}\n").chmod(0o755)


def _repository(shared: Workspace) -> Path:
    served = shared.root / "served"
    for version in ("1.0.0", "1.1.0"):
        chart = shared.chart("web", version)
        env = {**os.environ, "HELM_CACHE_HOME": f"{shared.home}/c", "HELM_CONFIG_HOME": f"{shared.home}/f"}
        subprocess.run([HELM, "package", str(chart), "-d", str(served)], check=True, capture_output=True, env=env)
    subprocess.run([HELM, "repo", "index", str(served)], check=True, capture_output=True)
    return served


@pytest.fixture(scope="module")
def ran(shared: Workspace) -> Iterator[Ran]:
    _charts(shared)
    _kubeconfigs(shared)
    with ChartRepository(_repository(shared)) as repository:
        fill = {
            "%NS%": shared.ns("bad"),
            "%ROOT%": str(shared.root),
            "%NOBODY%": str(shared.cluster.kubeconfig_for("nobody")),
            "%REPO%": f'repositories: [{{name: r, url: "{repository.url}"}}]\n',
        }
        hosts = {one.name: {"options": _options(shared, one, fill)} for one in (*CASES, *FROM_REPOSITORY)}
        settings = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        before = shared.snapshot()
        # a host for each case, so that they run side by side
        task = {"name": "deploy", "helmstack.core.helmstack": "{{ options }}"}
        inventory = json.dumps({"all": {"vars": settings, "hosts": hosts}})
        run = shared.run(task, args=["--forks", "4"], inventory=inventory, play={"strategy": "free"}, code=None)
        if os.environ.get("HELMSTACK_SHOW"):  # for whoever wants to read them all
            for record in run.records:
                print(f"{record['host']}: {record['result'].get('msg')}")
        yield Ran(run, before, shared.snapshot(), fill)


def _filled(text: str, fill: Mapping[str, str]) -> str:
    for mark, word in fill.items():
        text = text.replace(mark, word)
    return text


def _options(shared: Workspace, one: Case, fill: Mapping[str, str]) -> Object:
    for name, text in {"helmstack.yaml": one.stack, **one.files}.items():
        path = shared.write(f"bad/{one.name}/{name}", "")
        path.write_bytes(
            _filled(text if text.startswith("$") else _dedented(text), fill).encode(errors="surrogateescape")
        )
    folder = f"bad/{one.name}"
    options = {**shared.connection, "stack_file": folder, **json.loads(_filled(json.dumps(one.options), fill))}
    return {key: value for key, value in options.items() if value is not None}


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.split("\n")) if text.startswith("    ") else text


@pytest.mark.parametrize("one", [*CASES, *FROM_REPOSITORY], ids=lambda one: one.name)
def test_the_message_says_what_is_wrong(ran: Ran, one: Case) -> None:
    [record] = [record for record in ran.run.records if record["host"] == one.name]
    result = record["result"]
    assert record["how"] == "failed", result
    assert not result.get("changed")
    message = str(result["msg"])
    missing = [words for words in one.says if _filled(words, ran.fill) not in message]
    assert not missing, f"{missing} not in: {message}"
    assert "Traceback" not in json.dumps(result), result
    assert "object at 0x" not in message
    assert len(message) < 1500, message
    assert "canary-wrong-token" not in json.dumps(result)


def test_nothing_was_changed(ran: Ran, shared: Workspace) -> None:
    assert ran.after.versions == ran.before.versions
    assert not list(shared.root.parent.rglob("escaped.yaml"))


def test_an_api_that_never_answers_is_given_up_within_ten_seconds(shared: Workspace) -> None:
    shared.chart("app")
    shared.stack(shared.release("app"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        _kubeconfigs(shared)
        good = json.loads(Path(shared.kubeconfig).read_text())
        good["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{server.getsockname()[1]}"
        shared.write("silent.config", good)
        threading.Thread(target=_hold, args=(server,), daemon=True).start()
        configs = {"refused": shared.root / "refused.config", "silent": shared.root / "silent.config"}
        tasks = [
            {
                **shared.task({"kubeconfig": str(path), "stack_file": "helmstack.yaml"}),
                "name": name,
                "ignore_errors": True,
            }
            for name, path in configs.items()
        ]
        run = shared.run(*tasks)
    assert "not answering" in run["silent"]["msg"]
    took = run.records[1]["at"] - run.records[0]["at"]
    assert took < 10 + 8, f"{took:.1f} s, of which Ansible itself takes some, on a busy machine more"


def _hold(server: socket.socket) -> None:
    """Accepts connections and says nothing."""
    held = []
    while True:
        try:
            held.append(server.accept())
        except OSError:
            return


def test_a_wrong_vault_password_is_told_without_the_ciphertext(shared: Workspace) -> None:
    shared.chart("app")
    shared.write("vault-password", "one\n")
    shared.write("plain.yaml", vaulted(shared, "password: canary\n"))
    shared.write("vault-password", "another\n")
    shared.stack(shared.release("app", values=["plain.yaml"]))
    run = shared.run({"stack_file": "helmstack.yaml"}, args=["--vault-password-file", "vault-password"], code=2)
    assert "plain.yaml" in run.result["msg"]
    assert "cannot be decrypted" in run.result["msg"]

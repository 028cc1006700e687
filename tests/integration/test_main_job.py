# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job: check mode says what a run will do, the run does just that, and then nothing is left to do."""

from __future__ import annotations

import json
import re

from harness import (
    CONFIG,
    DEFINITION,
    DEPLOYMENT,
    Object,
    Workspace,
    actions_of,
    exact,
    objects_of,
    release_of,
)

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-secret"}
stringData: {password: "{{ .Values.password | default "canary-in-a-secret" }}"}
"""
HOOKS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-install", annotations: {helm.sh/hook: pre-install}}
data: {version: "{{ .Chart.Version }}"}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-migrate"
  annotations: {helm.sh/hook: "pre-upgrade,post-install"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.invalid/migrate:{{ .Chart.Version }}"}]
"""


def test_the_rhythm_check_run_check_run(workspace: Workspace) -> None:
    plural = f"{workspace.prefix}things"
    files = {
        "templates/config.yaml": CONFIG,
        "templates/deployment.yaml": DEPLOYMENT,
        "templates/secret.yaml": SECRET,
        "templates/hooks.yaml": HOOKS,
        "crds/thing.yaml": DEFINITION % {"plural": plural, "kind": plural.capitalize()},
    }
    workspace.chart("rich", files=files)
    workspace.chart("app")
    workspace.stack(
        workspace.release("rich", "rich", set={"data": {"one": "1"}}),
        workspace.release("app", namespace="b", needs=["rich"]),
    )
    first = exact(workspace)
    assert actions_of(first) == {"rich": "install", "app": "install"}
    a, b = workspace.ns("a"), workspace.ns("b")
    assert objects_of(first) == {
        ("Namespace", "", a): "add",
        ("Namespace", "", b): "add",
        ("CustomResourceDefinition", "", f"{plural}.example.org"): "add",
        ("ConfigMap", a, "rich"): "add",
        ("Deployment", a, "rich"): "add",
        ("Secret", a, "rich-secret"): "add",
        ("ConfigMap", a, "rich-install"): "add",
        ("Job", a, "rich-migrate"): "add",
        ("ConfigMap", b, "app"): "add",
    }
    assert "canary-in-a-secret" not in json.dumps(first)

    before = workspace.snapshot()
    assert workspace.deploy()["changed"] is False
    assert workspace.snapshot().versions == before.versions, "a run with nothing to do has written"

    workspace.chart("rich", "1.1.0", files=files)
    workspace.write("charts/rich/templates/more.yaml", CONFIG.replace('.Release.Name }}"', '.Release.Name }}-more"'))
    (workspace.root / "charts/rich/templates/secret.yaml").unlink()
    workspace.stack(
        workspace.release("rich", "rich", version="1.1.0", set={"data": {"one": "2"}}),
        workspace.release("app", namespace="b", needs=["rich"]),
    )
    second = exact(workspace)
    assert actions_of(second) == {"rich": "upgrade", "app": "unchanged"}
    assert release_of(second, "rich")["version"] == {"from": "1.0.0", "to": "1.1.0"}
    assert release_of(second, "rich")["reason"] == ["version", "values"]
    assert objects_of(second) == {
        ("ConfigMap", a, "rich"): "change",
        ("ConfigMap", a, "rich-more"): "add",
        ("Secret", a, "rich-secret"): "remove",
        ("Deployment", a, "rich"): "change",
        ("Job", a, "rich-migrate"): "replace",
    }


def test_state_absent_removes_in_reverse_order_and_keeps_what_is_protected(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(
        workspace.release("db", protected=True),
        workspace.release("api", needs=["db"]),
        workspace.release("web", needs=["api"]),
    )
    workspace.deploy()
    one = exact(workspace, state="absent", targets=["web"])
    assert actions_of(one) == {"web": "uninstall"}
    assert objects_of(one) == {("ConfigMap", workspace.ns("a"), "web"): "remove"}
    rest = exact(workspace, state="absent", all=True)
    assert actions_of(rest) == {"web": "unchanged", "api": "uninstall", "db": "skip"}
    assert list(workspace.snapshot().releases) == [f"{workspace.ns('a')}/db"]


def test_prune_takes_what_left_the_stack_but_never_too_much(workspace: Workspace) -> None:
    workspace.chart("app")
    names = ["one", "two", "three"]
    workspace.stack(*(workspace.release(name) for name in (*names, "kept", "guarded")))
    workspace.deploy()
    workspace.helm("install", "foreign", "charts/app", "-n", workspace.ns("a"))
    guarded = workspace.release("guarded", ignore=True, protected=True)
    workspace.stack(workspace.release("one", ignore=True), workspace.release("kept"), guarded)
    assert actions_of(exact(workspace)) == {"one": "skip", "kept": "unchanged", "guarded": "skip"}
    before = workspace.snapshot()
    message = workspace.fail(prune=True, prune_max=2)
    assert "3 releases" in message
    assert "prune_max allows 2" in message
    assert workspace.snapshot().versions == before.versions
    pruned = exact(workspace, prune=True)
    gone = {release["name"] for release in pruned["plan"]["releases"] if release["action"] == "uninstall"}
    assert gone == set(names)
    assert {name.partition("/")[2] for name in workspace.snapshot().releases} == {"kept", "foreign", "guarded"}


def test_prune_notices_another_stack_of_the_same_name(workspace: Workspace) -> None:
    """A stack is known by its path in its git repository, which is the same in every checkout."""
    chart = str(workspace.chart("app"))

    def stack(folder: str, *names: str) -> str:
        releases = [{**workspace.release(name), "chart": chart} for name in names]
        return str(workspace.stack(*releases, file=f"{folder}/helmstack.yaml"))

    def attempt(file: str, *, check: bool = True, prune: bool = True) -> Object:
        return workspace.attempt(check=check, stack_files=[file], prune=prune)

    for checkout in ("here", "there"):
        (workspace.root / checkout / ".git").mkdir(parents=True)
    first, second = stack("here/one", "kept", "old"), stack("here/two", "other")
    again, moved = stack("there/one", "kept"), stack("there/moved", "kept")
    foreign = stack("there/three", "stranger")
    attempt(first, check=False)
    checkout, after_move, stranger = attempt(again), attempt(moved), attempt(foreign)
    attempt(second, check=False, prune=False)
    of_two, of_one = attempt(second), attempt(again)
    pruned = {"kept": "unchanged", "old": "uninstall"}
    assert actions_of(checkout) == pruned
    assert actions_of(after_move) == pruned
    a = workspace.ns("a")
    for result, names, place, own in (
        (stranger, f"{a}/kept, {a}/old", "one", "three"),
        (of_two, f"{a}/kept, {a}/old", "one", "two"),
        (of_one, f"{a}/other", "two", "one"),
    ):
        assert f"another stack that is named {workspace.prefix} too: {names}, " in result["msg"]
        assert f"deployed from {place}__helmstack.yaml and not from {own}__helmstack.yaml" in result["msg"]
        assert "Give one of the two stacks another name" in result["msg"]


def test_needs_and_weights_order_the_work(workspace: Workspace) -> None:
    workspace.chart("app", files={"templates/d.yaml": DEPLOYMENT})
    workspace.stack(
        workspace.release("last", needs=["middle"]),
        workspace.release("heavy", weight=7),
        workspace.release("light", weight=1),
        workspace.release("middle", needs=["first"]),
        workspace.release("first"),
    )
    result = workspace.deploy(concurrency=4)
    waves = {release["name"]: release["wave"] for release in result["plan"]["releases"]}
    assert waves == {"first": 0, "light": 0, "middle": 1, "heavy": 1, "last": 2}
    began, ended = {}, {}
    for name in waves:
        record = json.loads(workspace.helm("status", name, "-n", workspace.ns("a"), "-o", "json"))["info"]
        began[name], ended[name] = record["first_deployed"], record["last_deployed"]
    assert began["first"] < began["middle"] < began["last"]
    assert began["light"] < began["heavy"]


def test_independent_releases_are_worked_on_at_once(workspace: Workspace) -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}"
  labels: {helmstack.test/behaviour: slow}
  annotations: {helmstack.test/delay: "3s"}
spec:
  containers: [{name: main, image: registry.invalid/app}]
"""
    workspace.chart("slow", files={"templates/pod.yaml": text})
    workspace.stack(*(workspace.release(f"r{number}", "slow") for number in range(4)))
    run = workspace.run({"concurrency": 4})
    assert min(release["duration"] for release in run.result["plan"]["releases"]) >= 3
    steps = re.findall(r"/r\d: (install begins|ready)", run.output)
    assert steps == ["install begins"] * 4 + ["ready"] * 4

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever state the releases are in: failed, stuck, changed by hand, random; check mode still says what a run does."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness import (
    CONFIG,
    DEPLOYMENT,
    OWN_SECRET,
    Object,
    Workspace,
    actions_of,
    exact,
    objects_of,
    plan_of,
    release_of,
    reword,
    set_status,
)

RANDOM = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-random"}
data: {password: "{{ randAlphaNum 20 | b64enc }}"}
"""


def test_random_and_looked_up_values_change_nothing(workspace: Workspace) -> None:
    files = {"templates/config.yaml": CONFIG, "templates/random.yaml": RANDOM, "templates/own.yaml": OWN_SECRET}
    workspace.chart("random", files=files)
    # what looks into the cluster stands in an archive
    define = '{{- define "lib.own" -}}\n' + OWN_SECRET + "{{- end -}}\n"
    workspace.chart("lib", type="library", files={"templates/_own.tpl": define})
    called = {"templates/own.yaml": '{{ include "lib.own" . }}\n'}
    parts = [{"name": "lib", "version": "1.0.0", "repository": ""}]
    workspace.chart("own", files={**called, "templates/config.yaml": CONFIG}, dependencies=parts)
    workspace.helm("package", "charts/lib", "--destination", "charts/own/charts")
    workspace.chart("rand", files={"templates/random.yaml": RANDOM, "templates/config.yaml": CONFIG})
    names = ("random", "own", "rand")
    workspace.stack(*(workspace.release(name, name) for name in names))
    assert set(actions_of(exact(workspace)).values()) == {"install"}
    workspace.stack(*(workspace.release(name, name, set={"data": {"a": "b"}}) for name in names))
    before = workspace.snapshot()
    result = workspace.deploy()
    a = workspace.ns("a")
    assert release_of(result, "own")["objects"] == [
        {"kind": "ConfigMap", "namespace": a, "name": "own", "op": "change"}
    ]
    changes = workspace.snapshot().changes_since(before)
    assert changes.keys() == objects_of(result).keys()
    # without the stamp it has to be rendered, and what is random is no change then
    for name in names:
        labels = {"metadata": {"labels": {"helmstack.io/fingerprint": None}}}
        workspace.api.patch(workspace.secret(name, 2), labels)
    assert set(actions_of(exact(workspace)).values()) == {"adopt"}
    assert set(actions_of(workspace.check()).values()) == {"unchanged"}
    # nor is it one to pack a chart anew, or to write it in another way
    time.sleep(1)
    workspace.helm("package", "charts/lib", "--destination", "charts/own/charts")
    assert set(actions_of(workspace.check()).values()) == {"unchanged"}
    other = "# a comment\nmetadata:\n    name: {{ .Release.Name | squote }}\nkind: 'ConfigMap'\napiVersion: v1\n"
    other += CONFIG.partition("}\n")[2].replace("{{- range", "\n{{- range")
    workspace.chart("own", files={**called, "templates/config.yaml": other}, dependencies=parts)
    assert objects_of(exact(workspace)) == {}


CLOCK = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}"
  annotations:
    second: {{ now | unixEpoch | quote }}
    day: {{ now | date "2006-01-02" | quote }}
data:
  v: {{ .Values.v | quote }}
"""


def test_what_follows_the_clock_is_no_change_and_is_shown_as_random(workspace: Workspace) -> None:
    workspace.chart("clock", files={"templates/config.yaml": CLOCK, "values.yaml": {"v": "1"}})
    workspace.stack(workspace.release("clock", "clock"))
    exact(workspace)
    label = {"metadata": {"labels": {"helmstack.io/fingerprint": None}}}
    path = f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/clock"
    # as it is on another day
    stored = workspace.secret("clock", 1)
    workspace.api.patch(stored, label)
    reword(workspace, stored, time.strftime("%Y-%m-%d"), "2024-02-29")
    assert actions_of(workspace.check()) == {"clock": "adopt"}
    workspace.stack(workspace.release("clock", "clock", set={"v": "2"}))
    before = workspace.api.get(path)["metadata"]["annotations"]
    result = exact(workspace)
    [entry] = [item for item in result["diff"] if "ConfigMap" in item["before_header"]]
    assert {line.strip() for line in set(entry["after"].splitlines()) - set(entry["before"].splitlines())} == {
        "v: '2'",
        "second: (random)",
        "day: (random)",
    }
    assert workspace.api.get(path)["metadata"]["annotations"]["second"] != before["second"]


def test_a_time_that_is_not_the_present_is_not_random(workspace: Workspace) -> None:
    local = CLOCK + '  local: {{ .Values.at | int64 | date "2006-01-02" | quote }}\n'
    workspace.chart("clock", files={"templates/config.yaml": local, "values.yaml": {"v": "1"}})
    workspace.stack(workspace.release("clock", "clock", set={"at": 1700000000}))
    exact(workspace)
    workspace.stack(workspace.release("clock", "clock", set={"at": 1600000000}))
    [entry] = [item for item in exact(workspace)["diff"] if "ConfigMap" in item["before_header"]]
    assert "local: '2023-11-1" in entry["before"]
    assert "local: '2020-09-1" in entry["after"]
    assert "second: (random)" in entry["after"]


@pytest.fixture
def three(workspace: Workspace) -> Workspace:
    """One release that can fail, one that needs it, and one that does not."""
    workspace.chart("app")
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT})
    return workspace


def stack_of_three(workspace: Workspace, behaviour: str, version: str) -> None:
    workspace.stack(
        workspace.release("bad", "pod", timeout=3, set={"behaviour": behaviour}),
        workspace.release("dependant", needs=["bad"], set={"data": {"v": version}}),
        workspace.release("alone", set={"data": {"v": version}}),
    )


def test_a_failure_is_told_with_the_state_of_all_and_repaired_by_the_next_run(three: Workspace) -> None:
    stack_of_three(three, "never-ready", "1")
    result = three.results({"on_failure": "continue"}, code=2)[-1]
    message = result["msg"]
    assert "1 of 3 releases failed" in message
    assert f"{three.ns('a')}/bad" in message
    for name, state in (("bad", "install failed"), ("dependant", "not started"), ("alone", "deployed, revision 1")):
        assert any(name in line and state in line for line in message.splitlines()), message
    assert result["changed"] is True
    assert release_of(result, "bad")["error"]
    # Helm calls it deployed; that it is not ready is never forgotten, and neither is it a change
    task = three.task({"on_failure": "continue"})
    again = three.results({**task, "check_mode": True}, task, code=2)
    for result in again:
        assert actions_of(result) == {"bad": "adopt", "dependant": "install", "alone": "unchanged"}
        assert release_of(result, "bad")["reason"] == ["readiness"]
    assert f"{three.ns('a')}/bad" in again[-1]["msg"]
    stack_of_three(three, "ready", "1")
    assert actions_of(exact(three)) == {"bad": "upgrade", "dependant": "install", "alone": "unchanged"}


def test_the_first_failure_stops_what_has_not_begun(three: Workspace) -> None:
    stack_of_three(three, "never-ready", "1")
    result = three.results({"concurrency": 1}, code=2)[-1]
    errors = {release["name"]: bool(release["error"]) for release in result["plan"]["releases"]}
    assert errors == {"bad": True, "dependant": False, "alone": False}
    assert list(three.snapshot().releases) == [f"{three.ns('a')}/bad"]


def test_a_release_left_pending_is_recovered_when_it_is_old_enough(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("stuck"), workspace.release("fresh"))
    workspace.deploy()
    for name in ("stuck", "fresh"):
        workspace.helm("upgrade", name, "charts/app", "-n", workspace.ns("a"), "--set", "data.by=hand")
    set_status(workspace, "stuck", 2, "pending-upgrade", {"status": "pending-upgrade"})
    set_status(workspace, "stuck", 1, "deployed", {"status": "deployed"})
    old = {"targets": ["stuck"], "pending_age": "1s"}
    time.sleep(1)
    result = workspace.results(old, check=True)[-1]
    assert actions_of(result) == {"stuck": "recover"}
    before = workspace.snapshot()
    run = workspace.deploy(**old)
    after = workspace.snapshot()
    a = workspace.ns("a")
    assert after.new_revisions_since(before) == {f"{a}/stuck": release_of(run, "stuck")["revision"]["to"]}
    assert after.releases[f"{a}/stuck"].status == "deployed"
    assert after.objects["ConfigMap", a, "stuck"][1].get("data") in (None, {})
    assert objects_of(run) == objects_of(result)
    assert actions_of(workspace.check(targets=["stuck"])) == {"stuck": "unchanged"}
    set_status(workspace, "fresh", 2, "pending-upgrade", {"status": "pending-upgrade"})
    assert "another run may be at work" in workspace.fail(targets=["fresh"])


def test_what_was_changed_by_hand_is_noticed(workspace: Workspace) -> None:
    workspace.chart("app")
    names = ("upgraded", "rolled-back", "label", "taken", "relabelled", "lost", "unstamped", "untouched", "uninstalled")
    a = workspace.ns("a")
    for value in ("1", "2"):
        keys: Object = {"set": {"data": {"v": value}}, "labels": {"tier": "front"}}
        workspace.stack(*(workspace.release(name, **keys) for name in names))
        workspace.deploy()
    workspace.helm("upgrade", "upgraded", "charts/app", "-n", a, "--set", "data.v=3")
    workspace.helm("rollback", "rolled-back", "1", "-n", a)
    workspace.api.patch(workspace.secret("label", 2), {"metadata": {"labels": {"helmstack.io/revision": "1"}}})
    workspace.api.patch(workspace.secret("taken", 2), {"metadata": {"labels": {"helmstack.io/stack": "other"}}})
    workspace.api.patch(workspace.secret("relabelled", 2), {"metadata": {"labels": {"tier": "back"}}})
    workspace.api.delete(workspace.secret("lost", 2))
    workspace.helm("uninstall", "uninstalled", "-n", a)
    stamp = ("stack", "environment", "fingerprint", "revision")
    workspace.api.patch(
        workspace.secret("unstamped", 2), {"metadata": {"labels": {f"helmstack.io/{key}": None for key in stamp}}}
    )
    assert f"{a}/taken to stack other" in workspace.fail(check=True)
    checked = workspace.check(take_over=True)
    actions = actions_of(checked)
    lost = actions.pop("lost")
    assert lost != "unchanged"
    assert actions == {
        "upgraded": "upgrade",
        "rolled-back": "upgrade",
        "label": "adopt",
        "taken": "adopt",
        "relabelled": "upgrade",
        "unstamped": "adopt",
        "untouched": "unchanged",
        "uninstalled": "install",
    }
    assert objects_of(checked)["ConfigMap", a, "upgraded"] == "change"
    workspace.deploy(take_over=True)
    assert workspace.check()["changed"] is False
    labels = workspace.snapshot().releases[f"{a}/unstamped"].labels
    assert labels["helmstack.io/stack"] == workspace.prefix
    assert labels["helmstack.io/revision"] == "2"


def test_a_release_that_moves_to_another_stack_is_not_pruned_by_the_first(workspace: Workspace) -> None:
    workspace.chart("app")
    moved, stays = workspace.release("moved"), workspace.release("stays")
    for chart in (moved, stays):
        chart["chart"] = f"{workspace.root}/charts/app"
    files = [
        workspace.stack(*releases, file=f"{folder}/helmstack.yaml", name=name)
        for folder, name, releases in (
            ("one", "first", (moved, stays)),
            ("two", "second", (moved,)),
            ("three", "first", (stays,)),
        )
    ]
    tasks = [workspace.task({"stack_file": str(file), "prune": True, "take_over": True}) for file in files]
    results = workspace.results(*tasks, tasks[1])
    assert [actions_of(result) for result in results] == [
        {"moved": "install", "stays": "install"},
        {"moved": "adopt"},
        {"stays": "unchanged"},
        {"moved": "unchanged"},
    ]


def test_pods_are_restarted_only_where_asked_and_only_after_a_change(workspace: Workspace) -> None:
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT, "templates/config.yaml": CONFIG})

    def restarted(name: str) -> Any:
        path = f"/apis/apps/v1/namespaces/{workspace.ns('a')}/deployments/{name}"
        meta = workspace.api.get(path)["spec"]["template"]["metadata"]
        return meta.get("annotations", {}).get("kubectl.kubernetes.io/restartedAt")

    for value in ("1", "2"):
        given = {"data": {"v": value}}
        workspace.stack(
            workspace.release("yes", "pod", recreatePods=True, set=given), workspace.release("no", "pod", set=given)
        )
        workspace.deploy()
        assert (restarted("yes") is not None) == (value == "2")
        assert restarted("no") is None
    at = restarted("yes")
    workspace.deploy()
    assert restarted("yes") == at


def test_objects_with_random_names_are_planned(workspace: Workspace) -> None:
    job = CONFIG.replace('"{{ .Release.Name }}"', '"{{ .Release.Name }}-{{ randAlphaNum 8 | lower }}"')
    workspace.chart("named", files={"templates/config.yaml": job})
    workspace.stack(workspace.release("named", "named"))
    task = workspace.task({})
    results = workspace.results({**task, "check_mode": True}, task, {**task, "check_mode": True})
    assert [result["changed"] for result in results] == [True, True, False]
    workspace.api.patch(workspace.secret("named", 1), {"metadata": {"labels": {"helmstack.io/fingerprint": None}}})
    assert actions_of(workspace.check()) == {"named": "adopt"}
    workspace.stack(workspace.release("named", "named", set={"data": {"a": "1"}}))
    before = workspace.snapshot()
    result = workspace.deploy()
    assert sorted(workspace.snapshot().changes_since(before).values()) == sorted(objects_of(result).values())


def test_what_an_upgrade_restores_besides_is_planned(workspace: Workspace) -> None:
    """Helm makes objects anew that somebody has deleted, whenever it upgrades their release for another reason."""
    other = CONFIG.replace('"{{ .Release.Name }}"', '"{{ .Release.Name }}-other"').partition("\ndata:")[0]
    workspace.chart("two", files={"templates/config.yaml": CONFIG, "templates/other.yaml": other})
    workspace.stack(workspace.release("two", "two"))
    workspace.deploy()
    workspace.api.delete(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/two-other")
    workspace.stack(workspace.release("two", "two", set={"data": {"a": "1"}}))
    exact(workspace)


def test_releases_may_be_stored_in_config_maps(workspace: Workspace) -> None:
    driver = {"HELM_DRIVER": "configmap"}
    workspace.chart("own", files={"templates/own.yaml": OWN_SECRET, "templates/config.yaml": CONFIG})
    task = workspace.task({"prune": True})
    check = {**task, "check_mode": True}

    def rhythm(action: str, name: str = "own") -> Object:
        checked, done, again = workspace.results(check, task, check, env=driver)
        assert plan_of(checked) == plan_of(done)
        assert release_of(done, name)["action"] == action
        assert again["changed"] is False, again["plan"]
        return dict(done)

    workspace.stack(workspace.release("own", "own"), workspace.release("gone", "own"))
    rhythm("install")
    assert workspace.snapshot().releases == {}, "they are in Secrets"
    a = workspace.ns("a")
    storage = f"/api/v1/namespaces/{a}/configmaps/sh.helm.release.v1.own.v1"
    assert "helmstack.io/fingerprint" in workspace.api.get(storage)["metadata"]["labels"]
    workspace.stack(workspace.release("own", "own", set={"data": {"v": "1"}}), workspace.release("gone", "own"))
    assert objects_of(rhythm("upgrade")) == {("ConfigMap", a, "own"): "change"}
    workspace.api.delete(f"{storage[:-1]}2")
    rhythm("upgrade")
    workspace.stack(workspace.release("own", "own", set={"data": {"v": "1"}}))
    rhythm("uninstall", "gone")


def test_what_the_cluster_will_refuse_is_told(workspace: Workspace) -> None:
    frozen = CONFIG.replace("\ndata:", "\nimmutable: true\ndata:").replace('"{{ .Release.Name }}"', "frozen")
    selected = DEPLOYMENT.replace('matchLabels: {app: "', 'matchLabels: {app: "{{ .Values.app }}').replace(
        'labels: {app: "', 'labels: {app: "{{ .Values.app }}'
    )
    workspace.chart("app", files={"templates/a.yaml": f"{frozen}---\n{selected}---\n{CONFIG}"})
    values = {"app": "x", "data": {"v": "1"}}
    workspace.stack(workspace.release("app", set=values, timeout="20s"))
    workspace.deploy()
    workspace.stack(workspace.release("app", set={"app": "y", "data": {"v": "2"}}, timeout="20s"))
    told = "\n".join(workspace.check()["warnings"])
    assert "release " + workspace.ns("a") + "/app: Deployment app: helm will fail at it" in told
    assert "ConfigMap frozen: helm will fail at it" in told
    assert "ConfigMap app:" not in told
    assert "field is immutable" in workspace.fail()
    # what is mended is no trouble any more
    workspace.stack(workspace.release("app", set=values, timeout="20s"))
    assert "warnings" not in workspace.deploy()

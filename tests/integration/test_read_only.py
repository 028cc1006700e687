# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode, whatever it has to tell, needs the rights get, list and watch alone, and no helm that could write."""

from __future__ import annotations

import os
import time

from harness import CONFIG, HELM, OWN_SECRET, Object, Workspace, actions_of, objects_of, reader, release_of, set_status

WRITES_NOTHING = ("version", "template")


def helm_with_a_log(workspace: Workspace) -> str:
    script = workspace.write(
        "helm-with-a-log", f'#!/bin/sh\necho "$*" >> "{workspace.root}/argv"\nexec "{HELM}" "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def could_write(words: list[str]) -> bool:
    """Whether a helm of these arguments could change the cluster; a dry run is one before what ends the options."""
    options = words[: words.index("--")] if "--" in words else words
    return words[0] not in WRITES_NOTHING and not (words[0] == "upgrade" and "--dry-run=server" in options)


def all_states(workspace: Workspace, *, later: bool) -> None:
    """A stack with a release for each thing that may come up; ``later`` it wants something else of most of them."""
    value = {"set": {"data": {"v": str(later)}}}
    looks = {"templates/config.yaml": CONFIG, "templates/own.yaml": OWN_SECRET}
    workspace.chart("app")
    workspace.chart("looks", "2.0.0" if later else "1.0.0", files=looks)
    workspace.chart("counts", files={"templates/config.yaml": CONFIG + '  revision: "{{ .Release.Revision }}"\n'})
    umbrella: Object = {"values.yaml": {name: {"weight": 0, "data": {"v": later}} for name in ("one", "two")}}
    for name in ("one", "two"):
        umbrella[f"charts/{name}/Chart.yaml"] = {"apiVersion": "v2", "name": name, "version": "1.0.0"}
        umbrella[f"charts/{name}/templates/config.yaml"] = CONFIG
    parts = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in ("one", "two")]
    workspace.chart("umbrella", files=umbrella, dependencies=parts)
    releases = [
        workspace.release("plain", **value),
        workspace.release("looks", "looks", **value),
        workspace.release("counts", "counts", **value),
        workspace.release("stuck", **value),
        workspace.release("drifted"),
        workspace.release("umbrella", "umbrella", spray=True),
        workspace.release("new", "looks", namespace="b") if later else workspace.release("gone"),
    ]
    workspace.stack(*releases)


def test_check_mode_needs_only_the_right_to_read_and_starts_nothing_that_could_write(workspace: Workspace) -> None:
    all_states(workspace, later=False)
    workspace.deploy()
    set_status(workspace, "stuck", 1, "pending-upgrade", {"status": "pending-upgrade"})
    a = workspace.ns("a")
    workspace.api.delete(f"/api/v1/namespaces/{a}/configmaps/drifted")
    given = {"kubeconfig": reader(workspace), "binary_path": helm_with_a_log(workspace), "pending_age": "1s"}
    before = workspace.snapshot()
    all_states(workspace, later=True)
    wanted: list[Object] = [
        {"prune": True},
        {"drift": "report"},
        {"drift": "correct"},
        {"state": "absent", "all": True},
    ]
    time.sleep(1)  # the pending one is old enough
    plain, report, correct, absent = (workspace.check(**given, **each) for each in wanted)
    upgraded = dict.fromkeys(("plain", "looks", "counts", "one", "two"), "upgrade")
    some = {**upgraded, "stuck": "recover", "new": "install"}
    assert actions_of(plain) == {**some, "drifted": "unchanged", "gone": "uninstall"}
    assert actions_of(report) == {**some, "drifted": "unchanged"}
    assert actions_of(correct) == {**some, "drifted": "upgrade"}
    assert set(actions_of(absent).values()) == {"uninstall", "unchanged"}
    assert objects_of(plain)["Secret", workspace.ns("b"), "new-own"] == "add"
    # that an object is gone needs no dry run
    for result in (report, correct):
        assert release_of(result, "drifted")["objects"] == [
            {"kind": "ConfigMap", "namespace": a, "name": "drifted", "op": "add"}
        ]
    assert workspace.snapshot().versions == before.versions
    started = [line.split() for line in (workspace.root / "argv").read_text().splitlines()]
    assert {words[0] for words in started} == {"version", "template", "upgrade"}
    assert [words for words in started if could_write(words)] == []


def test_what_check_mode_may_not_ask_it_says(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("app"))
    as_reader = {"kubeconfig": reader(workspace), "drift": "correct"}
    check = {**workspace.task(as_reader), "check_mode": True}
    _deployed, checked, run = workspace.results(workspace.task({}), check, workspace.task(as_reader), code=2)
    assert (checked["changed"], actions_of(checked)) == (False, {"app": "unchanged"})
    told = "drift of ConfigMap app is unknown: no right to patch configmaps"
    assert [told in warning for warning in checked["warnings"]] == [True]
    # a run is to mend what it cannot see
    assert told in run["msg"]


def test_without_the_right_to_patch_edits_that_an_upgrade_may_take_back_are_listed(workspace: Workspace) -> None:
    other = CONFIG.replace('"{{ .Release.Name }}"', '"{{ .Release.Name }}-other"').replace(".data", ".more")
    workspace.chart("app", files={"templates/config.yaml": CONFIG, "templates/other.yaml": other})
    workspace.stack(workspace.release("app", set={"more": {"kept": "as it was"}}))
    workspace.deploy()
    a = workspace.ns("a")
    workspace.api.patch(f"/api/v1/namespaces/{a}/configmaps/app-other", {"data": {"kept": "edited"}})
    workspace.stack(workspace.release("app", set={"more": {"kept": "as it was"}, "data": {"v": "1"}}))
    given = {"kubeconfig": reader(workspace)}
    checked = workspace.check(**given)
    assert objects_of(checked) == {("ConfigMap", a, "app"): "change", ("ConfigMap", a, "app-other"): "change"}
    edited, untried = checked["warnings"]
    assert "ConfigMap app-other: whether the upgrade takes back" in edited
    assert untried.startswith("whether the cluster accepts all changes is unknown: no right to patch configmaps")
    assert untried.endswith(". Not tried: ConfigMap")
    # its warning: Helm 3 takes the edit back, Helm 4 stops at it
    checked = workspace.check()
    assert objects_of(checked) == {("ConfigMap", a, "app"): "change", ("ConfigMap", a, "app-other"): "change"}
    stops = ["ConfigMap app-other: helm will stop at it" in warning for warning in checked.get("warnings", ())]
    assert stops == ([] if os.environ["HELMSTACK_HELM_MAJOR"] == "3" else [True])

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Test hooks of releases that want them run."""

from __future__ import annotations

from harness import Workspace, release_of

TEST = """\
apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}-connects"
  annotations: {helm.sh/hook: test, helmstack.test/behaviour: "{{ .Values.behaviour }}"}
spec:
  restartPolicy: Never
  containers: [{name: main, image: registry.invalid/test}]
"""
CONFIG = '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {word: "{{ .Values.word }}"}}\n'


def test_tests_run_when_a_release_is_ready_and_a_failing_one_fails_it(workspace: Workspace) -> None:
    workspace.chart("app", files={"templates/test.yaml": TEST, "templates/config.yaml": CONFIG})

    def stack(word: str, behaviour: str) -> None:
        workspace.stack(workspace.release("app", test=True, set={"word": word, "behaviour": behaviour}))

    stack("one", "complete")
    run = workspace.run({}, check=True)
    assert "app: install app 1.0.0 (new), objects: 2 add, tests: app-connects" in run.output
    checked = run.result
    assert release_of(checked, "app")["tests"] == ["app-connects"]
    result = workspace.deploy()
    assert release_of(result, "app")["tests"] == ["app-connects"]
    again = workspace.deploy()
    assert "tests" not in release_of(again, "app")
    always = workspace.deploy(run_tests="always")
    assert release_of(always, "app")["tests"] == ["app-connects"]
    assert always["changed"] is False
    stack("two", "fail")
    assert release_of(workspace.check(run_tests="never"), "app").get("tests") is None
    message = workspace.fail()
    assert "a test of release" in message
    assert "app-connects failed" in message
    assert "connection refused" in message
    # what failed its tests is not verified: the next run tests it again
    assert release_of(workspace.check(), "app")["tests"] == ["app-connects"]
    assert "app-connects failed" in workspace.fail()
    stack("two", "complete")
    assert release_of(workspace.deploy(), "app")["status"] == "deployed"
    assert workspace.check()["changed"] is False

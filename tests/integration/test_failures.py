# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot become ready ends its release in seconds, whoever waits: this collection, or helm with its hooks."""

from __future__ import annotations

import time

import pytest
from harness import CONFIG, DEPLOYMENT, Run, Workspace, exact, objects_of, release_of

# All of them may take ten minutes: what is told sooner is not told by a timeout.
TIMEOUT = 600
SOON = 45.0  # seconds, of a machine that has other things to do
JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-job"
  annotations: {{ toJson (.Values.annotations | default dict) }}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {helmstack.test/behaviour: "{{ .Values.job }}"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/job}]}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-secret"}
stringData: {address: "database:5432"}
"""
SAID = {
    # this collection waits
    "image": ("Deployment", "ImagePullBackOff", "Check the image's name", "Failed to pull image: not found"),
    "crash": ("Deployment", "crashes again and again", "Its log says why", "connecting to ********"),
    "failing": ("Job", "BackoffLimitExceeded", "Last log lines of pod failing-job", "giving up"),
    "quota": ("Deployment", "its pods are refused", "exceeded quota: none", "Raise the ResourceQuota"),
    # helm waits
    "before": ("Job", "ImagePullBackOff", "Check the image's name", "was interrupted and says"),
    "broken": ("Job", "BackoffLimitExceeded", "Last log lines of pod broken-job", "pre-install"),
    "after": ("Deployment", "ImagePullBackOff", "Check the image's name", "was interrupted and says"),
    "late": ("Deployment", "is not ready after 8 s: 0 of 1 pod ready", "raise the timeout", "Readiness probe failed"),
}


def hook(events: str) -> dict[str, str]:
    return {"helm.sh/hook": events}


@pytest.fixture(scope="module")
def failed(shared: Workspace) -> Run:
    """One run in which every release fails in its own way, but for one that fails when it is removed."""
    shared.chart("pod", files={"templates/d.yaml": DEPLOYMENT})
    shared.chart("secretive", files={"templates/d.yaml": DEPLOYMENT, "templates/secret.yaml": SECRET})
    shared.chart("job", files={"templates/job.yaml": JOB, "templates/config.yaml": CONFIG})
    shared.chart("both", files={"templates/job.yaml": JOB, "templates/d.yaml": DEPLOYMENT})
    quota = shared.ns("quota")
    shared.api.create("/api/v1/namespaces", {"metadata": {"name": quota}})
    path = f"/api/v1/namespaces/{quota}/resourcequotas"
    shared.api.create(path, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    deadline = time.monotonic() + 20
    while not shared.api.get(f"{path}/none").get("status", {}).get("hard") and time.monotonic() < deadline:
        time.sleep(0.1)
    no_pull = "image-pull-error"
    shared.stack(
        shared.release("image", "pod", set={"behaviour": no_pull}),
        shared.release("crash", "secretive", set={"behaviour": "crash-loop"}),
        shared.release("failing", "job", waitForJobs=True, set={"job": "fail"}),
        shared.release("quota", "pod", namespace="quota"),
        shared.release("before", "job", set={"job": no_pull, "annotations": hook("pre-install")}),
        shared.release("broken", "job", set={"job": "fail", "annotations": hook("pre-install")}),
        shared.release(
            "after", "both", set={"behaviour": no_pull, "job": "ready", "annotations": hook("post-install")}
        ),
        shared.release("late", "pod", atomic=True, timeout=8, set={"behaviour": "never-ready"}),
        shared.release("leaving", "job", set={"job": no_pull, "annotations": hook("pre-delete")}),
        helmDefaults={"timeout": TIMEOUT, "createNamespace": True},
    )
    run = shared.run({"on_failure": "continue", "concurrency": 4}, code=2)
    assert "Traceback" not in run.output
    return run


@pytest.mark.parametrize("name", SAID)
def test_the_message_tells_object_reason_events_and_what_to_do(failed: Run, name: str) -> None:
    told = release_of(failed.result, name)
    kind, *words = SAID[name]
    assert told["duration"] < SOON
    assert told["error"] in failed.result["msg"]
    for word in (f"{kind} {told['namespace']}/{name}", "Last events:", *words):
        assert word in told["error"], told["error"]


def test_an_ended_helm_has_recorded_what_it_did(failed: Run, shared: Workspace) -> None:
    """No release is left pending, so the next run need not wait until one counts as abandoned."""
    states = {name.partition("/")[2]: stored.status for name, stored in shared.snapshot().releases.items()}
    assert {name: states[name] for name in ("before", "broken", "after")} == {
        "before": "failed",
        "broken": "failed",
        "after": "failed",
    }
    told = {release["name"]: release["status"] for release in failed.result["plan"]["releases"]}
    assert told == {**states, "late": "uninstalled"}


def test_secrets_in_logs_are_masked(failed: Run) -> None:
    assert "database:5432" not in failed.output


def test_a_hook_that_hangs_ends_a_removal_too(failed: Run, shared: Workspace) -> None:
    began = time.monotonic()
    message = shared.fail(state="absent", targets=["leaving"])
    assert time.monotonic() - began < SOON
    assert f"Job {shared.ns('a')}/leaving-job cannot become ready" in message
    assert "ImagePullBackOff" in message


def test_what_a_failed_upgrade_has_done_is_not_announced_again(workspace: Workspace) -> None:
    """The objects were applied, then a hook failed: what is left to do is what differs from the live objects."""
    workspace.chart("app", files={"templates/config.yaml": CONFIG, "templates/job.yaml": JOB})

    def stack(word: str, job: str, **more: str) -> None:
        given = {"data": {"word": word, **more}, "job": job, "annotations": hook("post-upgrade")}
        workspace.stack(workspace.release("app", set=given, timeout="20s"))

    stack("one", "complete")
    workspace.deploy()
    stack("two", "fail")
    workspace.fail()
    stack("two", "complete")
    job, config = (("Job", workspace.ns("a"), "app-job"), ("ConfigMap", workspace.ns("a"), "app"))
    checked = workspace.check()
    assert release_of(checked, "app")["reason"] == ["values", "failed"]
    assert objects_of(checked) == {job: "replace"}
    stack("three", "complete", more="x")
    checked = workspace.check()
    assert objects_of(checked) == {job: "replace", config: "change"}
    told = next(entry for entry in checked["diff"] if "ConfigMap" in entry["before_header"])
    assert "word: two" in told["before"]
    stack("two", "complete")
    assert objects_of(exact(workspace)) == {job: "replace"}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that the cluster removes soon after they have ended: how they ended counts, not that they are gone."""

from __future__ import annotations

import time

import pytest
from harness import Object, Workspace, actions_of, objects_of, release_of

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}"}
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: {{ .Values.ttl }}
  template:
    metadata: {labels: {helmstack.test/behaviour: "{{ .Values.behaviour }}"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}
"""


def stack(workspace: Workspace, ttl: int, behaviour: str) -> None:
    workspace.chart("job", files={"templates/job.yaml": JOB})
    keys: Object = {"waitForJobs": True, "timeout": "40s", "set": {"ttl": ttl, "behaviour": behaviour}}
    workspace.stack(workspace.release("j", "job", **keys))


def gone(workspace: Workspace) -> None:
    path = f"/apis/batch/v1/namespaces/{workspace.ns('a')}/jobs/j"
    deadline = time.monotonic() + 20
    while workspace.api.find(path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not workspace.api.find(path)


@pytest.mark.parametrize("ttl", [0, 2])
def test_a_job_that_has_failed_is_no_success_when_it_is_gone(workspace: Workspace, ttl: int) -> None:
    stack(workspace, ttl, "fail")
    message = workspace.fail()
    assert "Job" in message
    assert "backoff limit" in message
    gone(workspace)

    # the release is there, and was never seen ready: what is gone is run again, and fails again
    checked = workspace.check()
    assert (actions_of(checked), release_of(checked, "j")["reason"]) == ({"j": "upgrade"}, ["readiness"])
    assert objects_of(checked) == {("Job", workspace.ns("a"), "j"): "add"}
    assert "backoff limit" in workspace.fail()

    gone(workspace)
    stack(workspace, ttl, "complete")
    assert release_of(workspace.deploy(), "j")["status"] == "deployed"
    gone(workspace)
    checked = workspace.check()
    assert (actions_of(checked), checked["changed"]) == ({"j": "unchanged"}, False)


def test_of_a_job_that_is_gone_its_events_are_asked(workspace: Workspace) -> None:
    """A release that this stack has not made is taken over: what of it has failed is found in the events alone."""
    stack(workspace, 0, "fail")
    values = ("--set", "ttl=0,behaviour=fail")
    workspace.helm("install", "j", "charts/job", "-n", workspace.ns("a"), "--create-namespace", *values)
    gone(workspace)
    assert actions_of(workspace.check()) == {"j": "adopt"}
    assert "backoff limit" in workspace.fail()


def test_of_a_job_of_which_nothing_is_known_it_is_said(workspace: Workspace) -> None:
    stack(workspace, 0, "complete")
    values = ("--set", "ttl=0,behaviour=complete")
    workspace.helm("install", "j", "charts/job", "-n", workspace.ns("a"), "--create-namespace", *values)
    gone(workspace)
    time.sleep(1)
    events = f"/api/v1/namespaces/{workspace.ns('a')}/events"
    for event in workspace.api.get(events)["items"]:
        workspace.api.delete(f"{events}/{event['metadata']['name']}")
    result = workspace.deploy()
    assert actions_of(result) == {"j": "adopt"}
    [warning] = result["warnings"]
    assert "whether it has succeeded" in warning
    assert actions_of(workspace.check()) == {"j": "unchanged"}


def test_helm_3_that_waits_itself_takes_a_job_that_is_gone_for_a_failure(workspace: Workspace) -> None:
    workspace.chart("job", files={"templates/job.yaml": JOB})
    keys: Object = {"waitForJobs": True, "timeout": "40s", "atomic": True, "set": {"ttl": 0, "behaviour": "complete"}}
    workspace.stack(workspace.release("j", "job", **keys))
    warnings = "\n".join(workspace.check().get("warnings", ()))
    if workspace.helm("version", "--short").startswith("v3"):
        assert "helm may fail at Job j" in warnings
        assert 'jobs.batch "j" not found' in workspace.fail()
    else:
        assert "Job j" not in warnings
        assert release_of(workspace.deploy(), "j")["status"] == "deployed"

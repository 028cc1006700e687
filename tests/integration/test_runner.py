# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As AWX runs it: ansible-runner's artifacts carry a plan from a check to a run, hold no secret, and lose no result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
from harness import ANSIBLE, Object, Workspace
from leaks import forms, scalar, vaulted

LIMIT = 700_000  # MAX_EVENT_RES of ansible-runner and AWX
SECRETS = ("canary-Vault/whole+1177", "canary 'scalar' & <2288>")
# docs/awx.md, "Check, approve, run"
DEPLOY = [{"import_playbook": "helmstack.core.deploy"}]
APPROVED = [{**DEPLOY[0], "vars": {"helmstack_expected_plan": "{{ helmstack_plans[inventory_hostname] }}"}}]
REVIEWED = [{**DEPLOY[0], "vars": {"helmstack_expected_plan": "{{ helmstack_reviews[inventory_hostname]['shop'] }}"}}]


@dataclass(frozen=True)
class Job:
    """What ansible-runner made of one run."""

    status: str
    events: list[Object]
    folder: Path

    @property
    def artifacts(self) -> Object:
        """What AWX would hand to later nodes of a workflow."""
        [stats] = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(stats["event_data"].get("artifact_data") or {})

    @property
    def result(self) -> Object:
        """The result of the one task that made a plan, or that failed."""
        ended = [event for event in self.events if event["event"] in ("runner_on_ok", "runner_on_failed")]
        found = [
            event["event_data"]["res"]
            for event in ended
            if event["event_data"]["task_action"].endswith((".helmstack", ".helm_spray"))
        ]
        return dict(found[-1])

    def text(self) -> str:
        """All files that the run has left."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.rglob("*")) if path.is_file())


def job(workspace: Workspace, playbook: list[Object], variables: Mapping[str, Any], *, check: bool = False) -> Job:
    workspace.write("playbook.yml", playbook)
    workspace.write("inventory", "localhost ansible_connection=local\n")
    folder = workspace.root / f"runner-{len(list(workspace.root.glob('runner-*')))}"
    folder.mkdir()
    given = {
        **{f"helmstack_{name}": value for name, value in workspace.connection.items()},
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        **variables,
    }
    done = ansible_runner.run(
        private_data_dir=str(folder),
        project_dir=str(workspace.root),
        inventory=str(workspace.root / "inventory"),
        playbook="playbook.yml",
        extravars=given,
        cmdline=f"--diff --vault-password-file {workspace.root}/vault-password" + (" --check" if check else ""),
        envvars={**workspace.environ({}), "PATH": f"{ANSIBLE}{os.pathsep}{os.environ['PATH']}"},
        quiet=True,
        verbosity=3,
    )
    return Job(done.status, list(done.events), folder / "artifacts")


def shop(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.write("vault-password", "password of the vault\n")
    workspace.write("whole.yaml", vaulted(workspace, json.dumps({"data": {"whole": SECRETS[0]}})))
    secret = scalar(workspace, SECRETS[1], 10)
    workspace.write(
        "helmstack.yaml",
        f"""\
name: shop
helmDefaults: {{createNamespace: true, namespace: {workspace.ns("a")}}}
releases:
  - {{name: web, chart: ./charts/app, values: [whole.yaml]}}
  - name: db
    chart: ./charts/app
    set:
      data:
        scalar: {secret}
""",
    )


def test_a_check_hands_its_plan_to_a_run_which_applies_that_or_nothing(workspace: Workspace) -> None:
    shop(workspace)
    empty = workspace.snapshot()
    jobs = [job(workspace, DEPLOY, {}, check=True)]
    handed = jobs[0].artifacts
    assert jobs[0].status == "successful"
    assert handed["helmstack_plans"] == {"localhost": jobs[0].result["plan"]["digest"]}
    assert workspace.snapshot() == empty

    jobs.append(job(workspace, APPROVED, handed))
    assert jobs[1].status == "successful"
    assert [event for event in jobs[1].events if "helmstack: " in event["stdout"] and "ready at" in event["stdout"]]
    assert jobs[1].result["plan"]["digest"] == handed["helmstack_plans"]["localhost"]

    workspace.write("more.yaml", {"releases": {"web": {"set": {"data": {"more": "yes"}}}}})
    more = {"helmstack_overlays": ["more.yaml"]}
    jobs.append(job(workspace, DEPLOY, more, check=True))
    workspace.helm("upgrade", "db", "charts/app", "-n", workspace.ns("a"), "--set", "data.by=hand")
    before = workspace.snapshot()
    jobs.append(job(workspace, REVIEWED, {**more, **jobs[2].artifacts}))
    assert jobs[3].status == "failed"
    told = jobs[3].result["msg"]
    assert "Nothing was done" in told
    web, db = (f"{workspace.ns('a')}/{name}" for name in ("web", "db"))
    assert f"  {db}: upgrade from revision 2 (values); expected: stays as it is" in told.splitlines()
    assert web not in told
    assert workspace.snapshot() == before

    for each in jobs:
        text = each.text()
        assert "helmstack" in text
        assert not [form for secret in SECRETS for form in forms(secret) if form in text]


def test_no_event_loses_its_result_however_large_it_is(workspace: Workspace) -> None:
    """A ConfigMap as large as the API takes them, and long lists of objects."""
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a-long-name-of-an-object-{{ $n }}'}\n"
    workspace.chart(
        "many", files={"templates/all.yaml": f"{{{{ range $n := until 250 }}}}\n---\n{config}{{{{ end }}}}"}
    )
    text = "data: {text: {{ repeat 9000 .Values.line | toJson }}}\n"
    workspace.chart("large", files={"templates/all.yaml": config.replace("{{ $n }}", "0") + text})
    line = 'a "line" of just 100 characters, ü and all, quotes, tabs\tand what else costs escapes: \\ \' …' + "\n"
    releases = [workspace.release(f"many{n}", "many", f"m{n}") for n in range(30)]
    workspace.stack(workspace.release("large", "large", set={"line": line}), *releases)
    workspace.write("vault-password", "none\n")
    found = job(workspace, DEPLOY, {}, check=True)
    assert found.status == "successful"
    result = found.result
    assert len(str(result)) < LIMIT
    assert len(json.dumps(result)) < LIMIT
    assert len(result["plan"]["releases"]) == 31
    assert result["plan"]["releases"][0]["objects"]
    assert "cut:" in "".join(result["warnings"])
    assert any("too many to show" in entry["after"] for entry in result["diff"])

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling out to several hosts, which are namespaces of one cluster here: batches, canaries, gates, and what stops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from harness import CONFIG, Run, Workspace

HOSTS = ("h1", "h2", "h3", "h4", "c1")
# Helm is refused once the value is "fails": a name that no object may have
SECOND = CONFIG.replace('"{{ .Release.Name }}"', '"{{ .Release.Name }}{{ .Values.suffix }}"')


@pytest.fixture
def fleet(workspace: Workspace) -> Workspace:
    """Five hosts with two releases each, of which the second needs the first."""
    workspace.chart("app", files={"templates/config.yaml": CONFIG})
    workspace.chart("second", files={"templates/config.yaml": SECOND})
    own: Mapping[str, Any] = {"namespace": "${own}"}
    workspace.stack(
        {**workspace.release("app", values=[{"data": {"version": "${number}"}}]), **own},
        {
            **workspace.release("second", "second", values=[{"data": {"version": "${number}"}, "suffix": "${suffix}"}]),
            **own,
            "needs": ["app"],
        },
        name="${own}",  # each host's own lock
    )
    return workspace


def deploy(fleet: Workspace, number: int, *args: str, code: int | None = 0, check: bool = False, **own: Any) -> Run:
    """The playbook on all hosts.

    :arg own: variables of single hosts.
    """
    hosts: dict[str, dict[str, Any]] = {}
    for name in HOSTS:
        variables = {"own": fleet.ns(name), "number": str(number), "suffix": ""}
        hosts[name] = {"helmstack_variables": variables, **own.get(name, {})}
        variables["suffix"] = hosts[name].pop("suffix", "")
    connection = {f"helmstack_{key}": value for key, value in fleet.connection.items()}
    variables = {"ansible_connection": "local", **connection, **own.get("everywhere", {})}
    canary = {"canary": {"hosts": {"c1": {}}}}
    fleet.write("hosts.yml", {"fleet": {"hosts": hosts, "vars": variables, "children": canary}})
    every = ["-i", "hosts.yml", "-e", "helmstack_hosts=fleet", *args]
    return fleet.run(args=every, playbook="helmstack.core.deploy", code=code, check=check, diff=False)


def deployed(fleet: Workspace) -> None:
    """All hosts are on 1; without the playbook, which is quicker."""
    for name in HOSTS:
        fleet.deploy(variables={"own": fleet.ns(name), "number": "1", "suffix": ""})


def numbers(fleet: Workspace) -> dict[str, str]:
    """What each host is on."""
    found = {}
    for (kind, namespace, name), (_uid, content) in fleet.snapshot().objects.items():
        if kind == "ConfigMap" and name == "app":
            found[namespace.rpartition("-")[2]] = content["data"]["version"]
    return found


def artifacts(run: Run) -> Any:
    return run.records[-1]["result"]["ansible_stats"]["data"]


def extra(**variables: Any) -> tuple[str, str]:
    return "-e", json.dumps({f"helmstack_{name}": value for name, value in variables.items()})


def on(number: int, *hosts: str) -> dict[str, str]:
    return dict.fromkeys(hosts, str(number))


def test_a_batch_that_fails_stops_the_rest_and_the_next_run_goes_on(fleet: Workspace) -> None:
    deployed(fleet)
    rolling = extra(serial=[2, "100%"], canary="canary")
    checked = deploy(fleet, 2, *rolling, check=True)
    assert "  helmstack:   batch 1 of 3 (canary): c1\n  helmstack:   batch 2 of 3: h1, h2\n" in checked.output
    assert artifacts(checked)["helmstack_outcome"]["changed"] == sorted(HOSTS)
    run = deploy(fleet, 2, *rolling, code=2, h2={"suffix": "_"})
    assert numbers(fleet) == {**on(2, "c1", "h1", "h2"), **on(1, "h3", "h4")}
    assert "  batch 1 of 3 (canary): c1 changed\n" in run.output
    assert "batch 2 of 3 failed: 1 of 2 hosts (h2), where at most 0 % may. Not begun: h3, h4." in run.result["msg"]
    assert f"  half way: h2 (new: {fleet.ns('h2')}/app; half: {fleet.ns('h2')}/second)\n" in run.output
    assert artifacts(run)["helmstack_standing"] == {
        "new": ["c1", "h1"],
        "old": ["h3", "h4"],
        "half": ["h2"],
        "unknown": [],
    }
    told = artifacts(run)["helmstack_outcome"]
    assert (told["failed"], told["not_begun"]) == (["h2"], ["h3", "h4"])
    fleet.write("gate.yml", [{"name": "Look", "ansible.builtin.assert": {"that": "helmstack_result is not failed"}}])
    mended = deploy(fleet, 2, *rolling, *extra(gate_tasks="gate.yml", pause="1", report_file="report.json"))
    assert numbers(fleet) == on(2, *HOSTS)
    assert mended.output.count("1 s until batch") == 2
    assert artifacts(mended)["helmstack_outcome"]["unchanged"] == ["c1", "h1"]
    assert mended.output.count("TASK [Look]") == 3
    reports = json.loads((fleet.root / "report.json").read_text())["results"]  # one over all batches
    assert sorted(host["host"] for report in reports for host in report["hosts"]) == sorted(HOSTS)


def test_a_batch_that_fails_goes_back(fleet: Workspace) -> None:
    deployed(fleet)
    rolling = extra(serial=[2, "100%"], canary="canary", on_failure="rollback")
    run = deploy(fleet, 2, *rolling, code=2, h2={"suffix": "_"})
    assert numbers(fleet) == {**on(2, "c1"), **on(1, "h1", "h2", "h3", "h4")}
    assert f"helmstack: [h1] {fleet.ns('h1')}/app: goes back to what it was" in "".join(
        f"{line[:17]}{line[26:]}\n" if line.startswith("  helmstack: [h1]") else "" for line in run.output.splitlines()
    )
    assert "  on the old state: h1 (taken back)\n" in run.output
    standing = artifacts(run)["helmstack_standing"]
    assert standing == {"new": ["c1"], "old": ["h1", "h2", "h3", "h4"], "half": [], "unknown": []}
    deploy(fleet, 2, *rolling)
    assert numbers(fleet) == on(2, *HOSTS)
    # so does one of what a limit leaves, without canaries
    limited = deploy(fleet, 3, *rolling, "--limit", "h1,h2", code=2, h2={"suffix": "_"})
    assert numbers(fleet) == on(2, *HOSTS)
    assert "  on the old state: h1 (taken back)\n" in limited.output


def test_a_gate_that_the_canary_does_not_pass_stops_all_and_a_host_out_of_reach_may_be_tolerated(
    fleet: Workspace,
) -> None:
    no = {"name": "Ask", "ansible.builtin.fail": {"msg": "errors"}, "when": "inventory_hostname == failing"}
    fleet.write("gate.yml", [no])
    rolling = extra(serial=["50%"], gate_tasks="gate.yml", max_fail_percentage=50)
    lost = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    run = deploy(fleet, 1, *rolling, *extra(canary="canary"), "-e", "failing=c1", code=2)
    assert numbers(fleet) == on(1, "c1")
    assert "batch 1 of 3 (canary) failed: 1 of 1 host (c1)" in run.output
    assert (
        "  1 host failed: c1\n    what comes after its deployment failed, such as the tasks of a gate\n" in run.output
    )
    assert artifacts(run)["helmstack_standing"]["new"] == ["c1"]
    run = deploy(fleet, 2, *rolling, "-e", "failing=c1", code=None, h1=lost)
    assert run.code in (2, 4)
    assert numbers(fleet) == on(2, "h2", "h3", "h4", "c1")
    told = artifacts(run)
    assert (told["helmstack_outcome"]["unreachable"], told["helmstack_outcome"]["failed"]) == (["h1"], ["c1"])
    assert told["helmstack_standing"]["unknown"] == ["h1"]


def test_what_is_wrong_with_a_rollout_is_said_before_anything_is_done(fleet: Workspace) -> None:
    run = deploy(fleet, 1, *extra(serial=1, gate_tasks="nowhere.yml"), code=None)
    assert run.code != 0
    assert "helmstack_gate_tasks: there is no file" in run.output
    assert "PLAY [" not in run.output
    for check in (True, False):
        run = deploy(fleet, 1, code=2, check=check, everywhere={"helmstack_serial": 1})
        assert "helmstack_serial stands in the inventory, where the keywords of a play do not see it." in run.output
    assert "Traceback" not in run.output
    assert numbers(fleet) == {}

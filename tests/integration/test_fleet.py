# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several hosts, which are namespaces of one cluster here: one that is slow or gone does not hold the others."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from fault_proxy import OURS, FaultProxy, Hook, Request, Verdict
from harness import CONFIG, HELM, Run, Workspace

HOSTS = ("gone", "slow", "one", "two")
PATIENCE = 50.0  # seconds; a run gives up reading after 60
FEW = 6  # requests of a host on which nothing changes


class Waits(Hook):
    """Holds the list of releases back until all other hosts have what they are to have."""

    def __init__(self, fleet: Workspace, others: tuple[str, ...]) -> None:
        self._fleet = fleet
        self._others = {fleet.ns(name) for name in others}
        self.waited: bool | None = None  # until they had

    def before(self, request: Request) -> Verdict:
        if self.waited is None and request.client == OURS and request.verb == "list":
            end = time.monotonic() + PATIENCE
            while not self._done() and time.monotonic() < end:
                time.sleep(0.2)
            self.waited = self._done()
        return None

    def _done(self) -> bool:
        made = {namespace for (kind, namespace, _name) in self._fleet.snapshot().objects if kind == "ConfigMap"}
        return self._others <= made


@pytest.fixture
def fleet(workspace: Workspace) -> Workspace:
    workspace.chart("app", files={"templates/config.yaml": CONFIG})
    workspace.stack({**workspace.release("app"), "namespace": "${own}"}, name="${own}")
    return workspace


def deploy(fleet: Workspace, proxy: FaultProxy, gone: Path, *, forks: int, code: int) -> Run:
    files = {"gone": str(gone), "slow": str(proxy.kubeconfig)}
    connection = {f"helmstack_{key}": value for key, value in fleet.connection.items()}
    hosts = {
        name: {
            "helmstack_variables": {"own": fleet.ns(name)},
            **({"helmstack_kubeconfig": files[name]} if name in files else {}),
        }
        for name in HOSTS
    }
    fleet.write("hosts.yml", {"fleet": {"hosts": hosts, "vars": {"ansible_connection": "local", **connection}}})
    every = ["-i", "hosts.yml", "-e", "helmstack_hosts=fleet", "--forks", str(forks)]
    return fleet.run(args=every, playbook="helmstack.core.deploy", code=code, diff=False)


def silent(fleet: Workspace, proxy: FaultProxy, server: socket.socket) -> Path:
    """A kubeconfig of an address at which somebody takes connections and never says a word."""
    text = proxy.kubeconfig.read_text().replace(proxy.url, f"https://127.0.0.1:{server.getsockname()[1]}")
    return fleet.write("gone.kubeconfig", text)


def test_a_host_that_is_slow_or_gone_does_not_hold_the_others(fleet: Workspace) -> None:
    with FaultProxy(fleet.cluster, fleet.root) as proxy, socket.create_server(("127.0.0.1", 0)) as server:
        proxy.hook = hook = Waits(fleet, ("one", "two"))
        # these two take two of three processes for as long as they last
        run = deploy(fleet, proxy, silent(fleet, proxy, server), forks=3, code=2)
        assert hook.waited, run.output
        outcome = run.records[-1]["result"]["ansible_stats"]["data"]["helmstack_outcome"]
        assert (outcome["changed"], outcome["failed"]) == (["one", "slow", "two"], ["gone"])
        assert "Traceback" not in run.output
        proxy.seen.clear()
        again = deploy(fleet, proxy, silent(fleet, proxy, server), forks=3, code=2)
        outcome = again.records[-1]["result"]["ansible_stats"]["data"]["helmstack_outcome"]
        assert (outcome["unchanged"], outcome["failed"]) == (["one", "slow", "two"], ["gone"])
        assert len(proxy.seen) <= FEW, proxy.seen


RANDOM = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {id: "{{ randAlphaNum 5 }}"}
"""


def test_what_is_the_same_for_all_hosts_is_rendered_once(workspace: Workspace) -> None:
    """The hosts are one cluster here; a check of each renders what it renders alone."""
    workspace.chart("app", files={"templates/config.yaml": CONFIG})
    workspace.chart("chance", files={"templates/config.yaml": RANDOM})
    own = {
        "name": "own",
        "namespace": workspace.ns("a"),
        "chart": "./charts/app",
        "values": [{"data": {"a": "${own}"}}],
    }
    workspace.stack(workspace.release("same"), workspace.release("chance", "chance"), own)
    helm = workspace.write("helm.sh", f'#!/bin/sh\necho "$@" >> {workspace.root}/helm.log\nexec {HELM} "$@"\n')
    helm.chmod(0o755)
    connection = {f"helmstack_{key}": value for key, value in workspace.connection.items()}
    names = ("one", "two", "three")
    shared = {"ansible_connection": "local", **connection, "helmstack_binary_path": str(helm)}
    hosts = {name: {"helmstack_variables": {"own": name}} for name in names}
    workspace.write("hosts.yml", {"fleet": {"hosts": hosts, "vars": shared}})
    every = ["-i", "hosts.yml", "-e", "helmstack_hosts=fleet", "--forks", "3"]
    run = workspace.run(args=every, playbook="helmstack.core.review", check=True)
    rendered = [
        line.split(" -- ")[1].split()[0]
        for line in (workspace.root / "helm.log").read_text().splitlines()
        if line.startswith("template ")
    ]
    assert {name: rendered.count(name) for name in ("same", "own", "chance")} == {"same": 1, "own": 3, "chance": 6}
    found = {result["plan"]["digest"] for result in run.results if result.get("plan")}
    assert found == {workspace.check(variables={"own": name})["plan"]["digest"] for name in names}

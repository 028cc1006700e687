# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are told to end, killed, or meet another run: what they leave, and what the next one makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import HELM as BY_HELM
from fault_proxy import Cut, FaultProxy, Hook, Request, Verdict
from harness import ANSIBLE, HELM, HERE, Object, Workspace, actions_of
from victim import Victim, at_rest, here, kill_all, lease, lease_path, let_the_lease_expire

from ansible_collections.helmstack.core.plugins.module_utils.bundle import Caller

WRITES = ("create", "update", "patch", "delete")
CANARY = "canary-of-a-killed-run-4711"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Hold(Hook):
    """Holds helm at the ConfigMap of one release, until ``go``; then lets it pass or ``strike``s."""

    def __init__(self, name: str) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.strike: Any = None
        self._name = name

    def before(self, request: Request) -> Verdict:
        named = request.path.endswith(f"/{self._name}") or f'"name":"{self._name}"'.encode() in request.body
        if request.client == BY_HELM and request.verb in WRITES and "/configmaps" in request.path and named:
            self.reached.set()
            if self.strike:
                self.strike()
                return Cut()
            self.go.wait(300)  # the fixture lets go in any case
        return None


@dataclass
class Held:
    """A stack of three releases, one after the other; runs through the proxy come to a halt in one of them."""

    workspace: Workspace
    proxy: FaultProxy

    def victim(self, name: str = "slow", **options: Any) -> Victim:
        """A run that is at work on a release."""
        hold = self.hold(name)
        victim = Victim(self.workspace, packed=CANARY, kubeconfig=str(self.proxy.kubeconfig), **options)
        assert hold.reached.wait(60), f"helm did not come to {name}"
        return victim

    def hold(self, name: str = "slow") -> Hold:
        hold = Hold(name)
        self.proxy.hook = hold
        return hold

    def let_go(self) -> None:
        hold, self.proxy.hook = self.proxy.hook, Hook()
        if isinstance(hold, Hold):
            hold.go.set()

    def states(self) -> dict[str, str]:
        found = self.workspace.snapshot().releases
        return {name.partition("/")[2]: release.status for name, release in found.items()}


@pytest.fixture
def held(workspace: Workspace) -> Iterator[Held]:
    workspace.chart("app")
    names = ("first", "slow", "later")
    needs = {"slow": ["first"], "later": ["slow"]}
    workspace.stack(
        *(workspace.release(name, set={"data": {"v": CANARY}}, needs=needs.get(name, [])) for name in names)
    )
    with FaultProxy(workspace.cluster, workspace.root / "proxy") as proxy:
        found = Held(workspace, proxy)
        yield found
        found.let_go()


def with_canary(*folders: Path) -> list[str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if CANARY.encode() in path.read_bytes()]


DONE = {"first": "deployed", "slow": "deployed", "later": "deployed"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_in_good_order(held: Held, number: signal.Signals) -> None:
    victim = held.victim()
    os.killpg(victim.process.pid, number)
    victim.process.wait(40)
    assert with_canary(held.workspace.remote_temp) == []
    result = victim.result()
    held.let_go()
    message = result["msg"]
    assert message.startswith(f"Stopped by {number.name}"), message
    for words in ("first: deployed, revision 1", "slow: install failed", "later: not started"):
        assert words in message
    assert (result["failed"], result["changed"]) == (True, True)
    assert held.states() == {"first": "deployed", "slow": "failed"}
    assert lease(held.workspace)["spec"].get("holderIdentity", "") == ""
    at_rest(held.workspace)
    assert [str(path) for path in held.workspace.remote_temp.rglob("*")] == []
    assert actions_of(here(held.workspace)) == {"first": "unchanged", "slow": "upgrade", "later": "install"}
    assert held.states() == DONE
    assert lease(held.workspace) == {}


def test_what_a_killed_run_leaves_on_the_disk_goes(held: Held) -> None:
    folder = held.workspace.remote_temp
    victim = held.victim()
    assert with_canary(folder)
    victim.kill("module")
    victim.wait()
    at_rest(held.workspace)
    held.let_go()
    assert with_canary(folder) == [], "the guard has not removed it"
    assert held.states() == {"first": "deployed", "slow": "failed"}, "the guard has not interrupted helm"
    let_the_lease_expire(held.workspace)
    victim = held.victim("later")
    (victim.tmpdir / "helmstack.tar.gz").write_text(CANARY)
    victim.kill("all")
    victim.wait()
    held.let_go()
    assert with_canary(folder)
    for path in victim.tmpdir.glob("helmstack-*/"):
        os.utime(path, (0, 0))
    let_the_lease_expire(held.workspace)
    alive = folder / "ansible-tmp-of-another-program"
    alive.mkdir()
    assert Victim(held.workspace).done()["changed"] is True
    assert with_canary(folder) == []
    assert alive.exists()
    assert held.states() == DONE


def test_a_second_run_is_told_who_is_at_work_or_waits_for_it(held: Held) -> None:
    victim = held.victim()
    began = time.monotonic()
    refused = Victim(held.workspace)
    waiting = Victim(held.workspace, lock_wait="60s")
    message = refused.result()["msg"]
    assert time.monotonic() - began < 25
    holder = lease(held.workspace)["spec"]
    assert f"another run is at work on stack {held.workspace.prefix}: {holder['holderIdentity']} since" in message
    assert f"/{victim.process.pid}/" in message
    assert holder["acquireTime"] in message
    checked = Victim(held.workspace, check=True).result()
    assert "another run may be at work" in checked["msg"]
    assert held.states() == {"first": "deployed", "slow": "pending-install"}
    held.let_go()
    assert actions_of(victim.done())["later"] == "install"
    assert waiting.done()["changed"] is False
    assert held.states() == DONE


def test_a_check_says_that_the_lock_is_held(held: Held) -> None:
    workspace = held.workspace
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    collection, _slash, name = lease_path(workspace).rpartition("/")
    spec = {"holderIdentity": "somebody", "leaseDurationSeconds": 60, "acquireTime": now, "renewTime": now}
    workspace.api.create(collection, {"metadata": {"name": name}, "spec": spec})
    [warning] = here(workspace, check=True)["warnings"]
    assert "would stop at its lock, or wait: another run is at work on stack" in warning
    assert "somebody since" in warning
    workspace.api.patch(lease_path(workspace), {"spec": {"holderIdentity": ""}})
    assert "warnings" not in here(workspace, check=True)


def test_a_waiting_run_takes_over_when_the_holder_dies(held: Held) -> None:
    victim = held.victim()
    waiting = Victim(held.workspace, lock_wait="60s")
    victim.kill("all")
    victim.wait()
    held.let_go()
    let_the_lease_expire(held.workspace)
    result = waiting.done()
    assert actions_of(result) == {"first": "unchanged", "slow": "recover", "later": "install"}
    assert held.states() == DONE
    assert lease(held.workspace) == {}


def test_a_run_that_has_lost_its_lock_begins_nothing_more(held: Held) -> None:
    victim = held.victim()
    held.workspace.api.patch(lease_path(held.workspace), {"spec": {"holderIdentity": "somebody else"}})
    held.let_go()
    result = victim.result()
    assert f"has lost the lock on stack {held.workspace.prefix}" in result["msg"]
    assert "later" not in held.states()
    assert lease(held.workspace)["spec"]["holderIdentity"] == "somebody else"


def test_without_the_right_to_leases_a_run_needs_lock_false(held: Held) -> None:
    workspace = held.workspace
    name = f"{workspace.prefix}-no-leases"
    rule = {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]}
    workspace.api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    workspace.api.create(f"{RBAC}/clusterrolebindings", binding)
    kubeconfig = str(workspace.cluster.kubeconfig_for("limited"))
    [warning] = here(workspace, check=True, kubeconfig=kubeconfig)["warnings"]
    assert warning.startswith("a run will stop at its lock: no right to create leases")
    message = Victim(workspace, kubeconfig=kubeconfig).result()["msg"]
    assert "the lock on stack" in message
    assert message.count("Grant ") == 1
    assert "set 'lock: false'" in message
    assert held.states() == {}
    here(workspace, kubeconfig=kubeconfig, lock=False)
    assert held.states() == DONE


def helm_killed(held: Held, name: str, *words: str) -> None:
    """Helm by hand, killed when it comes to the release's ConfigMap."""
    hold = Hold(name)
    process = subprocess.Popen(
        [HELM, *words, "--namespace", held.workspace.ns("a"), "--kubeconfig", str(held.proxy.kubeconfig)],
        cwd=held.workspace.root,
        env=held.workspace.environ({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    hold.strike = process.kill
    held.proxy.hook = hold
    assert process.wait(30) == -signal.SIGKILL
    held.proxy.hook = Hook()


def test_every_unfinished_state_is_recovered_or_refused(held: Held) -> None:
    workspace = held.workspace
    workspace.stack(*(workspace.release(name, set={"data": {"v": "1"}}) for name in ("b", "c", "d")))
    here(workspace)
    workspace.helm("upgrade", "c", "charts/app", "-n", workspace.ns("a"), "--set", "data.v=2")
    helm_killed(held, "a", "install", "a", "charts/app")
    helm_killed(held, "b", "upgrade", "b", "charts/app", "--set", "data.v=9")
    helm_killed(held, "c", "rollback", "c", "1")
    helm_killed(held, "d", "uninstall", "d")
    states = {"a": "pending-install", "b": "pending-upgrade", "c": "pending-rollback", "d": "uninstalling"}
    assert held.states() == states
    workspace.stack(*(workspace.release(name, set={"data": {"v": "1"}}) for name in states))
    for name, state in states.items():
        for options, words in (({}, "another run may be at work"), ({"recover": "fail"}, "'recover: rollback'")):
            for check in (True, False):
                message = _refused(workspace, check=check, targets=[name], **options)
                assert f"{name} has been {state} for" in message
                assert words in message
    assert held.states() == states
    before = workspace.snapshot()
    checked = here(workspace, check=True, pending_age="1s")
    assert actions_of(checked) == dict.fromkeys(states, "recover")
    assert workspace.snapshot().versions == before.versions
    assert actions_of(here(workspace, pending_age="1s")) == dict.fromkeys(states, "recover")
    assert held.states() == dict.fromkeys(states, "deployed")
    for name in states:
        assert workspace.api.get(f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/{name}")["data"] == {"v": "1"}
    assert here(workspace, check=True)["changed"] is False


def _refused(workspace: Workspace, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        here(workspace, **options)
    return str(caught.value)


def workers_have_groups() -> bool:
    """Whether this ansible-core's workers have process groups of their own."""
    program = "from ansible.executor.process.worker import WorkerProcess as W; print(hasattr(W, '_detach'))"
    done = subprocess.run([f"{ANSIBLE}/python", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


@pytest.mark.parametrize("way", ["in the worker", "by a module", "over a connection"])
@pytest.mark.parametrize("whom", ["group", "process"])
def test_a_run_ends_when_ansible_playbook_is_killed(held: Held, way: str, whom: str) -> None:
    """As a cancelled job of AWX and a closed terminal do it; ansible-core's workers are not in the process' group."""
    workspace = held.workspace
    hold = held.hold()

    def kill(process: subprocess.Popen[str]) -> None:
        hold.reached.wait(60)
        (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)

    task = workspace.task({"kubeconfig": str(held.proxy.kubeconfig)})
    task |= {"environment": {"SOME": "variable"}} if way == "by a module" else {}
    inventory = "target ansible_connection=elsewhere\n" if way == "over a connection" else None
    settings = {
        "HELMSTACK_CONTROLLER": str(workspace.root / "charts"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
    }
    run = workspace.run(task, code=None, beside=kill, inventory=inventory, env=settings)
    assert run.code == -signal.SIGKILL, run.output
    at_rest(workspace, 20)
    assert held.states() == {"first": "deployed", "slow": "failed"}
    if whom == "group" and not workers_have_groups():  # all is killed, and its guard is left
        let_the_lease_expire(workspace)
    else:
        assert lease(workspace)["spec"].get("holderIdentity", "") == ""
    held.let_go()
    assert with_canary(workspace.remote_temp, workspace.temp) == []
    hidden = workspace.root / "charts.hidden"
    if hidden.exists():  # the connection had no time to put it back
        hidden.rename(workspace.root / "charts")
    assert actions_of(here(workspace)) == {"first": "unchanged", "slow": "upgrade", "later": "install"}
    assert held.states() == DONE


def test_a_module_ends_when_nobody_reads_what_it_says(held: Held) -> None:
    """As when a connection without a terminal breaks."""
    victim = held.victim(wanted_by=Caller(1, listens=True))
    assert victim.process.stdout
    victim.process.stdout.close()
    victim.process.wait(30)
    at_rest(held.workspace)
    held.let_go()
    assert held.states() == {"first": "deployed", "slow": "failed"}


def test_ansible_playbook_is_stopped_and_killed(held: Held) -> None:
    workspace = held.workspace
    folders = (workspace.local_temp, workspace.remote_temp, workspace.temp, workspace.home)
    options = {"kubeconfig": str(held.proxy.kubeconfig)}
    hold = held.hold()

    def stop(process: subprocess.Popen[str]) -> None:
        hold.reached.wait(60)
        os.killpg(process.pid, signal.SIGINT)

    stopped = workspace.run(options, code=None, beside=stop)
    assert stopped.code != 0, stopped.output
    at_rest(workspace)
    held.let_go()
    assert with_canary(*folders) == []
    assert held.states() == {"first": "deployed", "slow": "failed"}
    assert lease(workspace)["spec"].get("holderIdentity", "") == ""
    again = held.hold("later")

    def kill(process: subprocess.Popen[str]) -> None:
        again.reached.wait(60)
        kill_all(process.pid)

    assert workspace.run(options, code=None, beside=kill).code == -signal.SIGKILL
    at_rest(workspace)
    held.let_go()
    # the module's own process, or ansible-playbook's
    temporary = (workspace.local_temp, workspace.remote_temp)
    assert with_canary(*temporary)
    for path in (path for folder in temporary for path in folder.rglob("helmstack-*/")):
        os.utime(path, (0, 0))
    let_the_lease_expire(workspace)
    # a run of ansible-playbook, as it is its temporary folder where the files were left
    result: Object = workspace.run({}).result
    assert actions_of(result) == {"first": "unchanged", "slow": "unchanged", "later": "recover"}
    assert held.states() == DONE
    assert with_canary(*folders) == []

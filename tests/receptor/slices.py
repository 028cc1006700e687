# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in slices over a mesh of Receptor nodes, of which one dies; README.md says how to start it.

Three nodes on loopback, one of them the controller. A slice is ``ansible-runner transmit`` to a unit of work of the
type ansible-runner on a node of its own, and the unit's results to ``ansible-runner process``. A node is killed while
its slice is at work: only its hosts fail. The next run, on the node that is left, mends them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
HOSTS = [f"c{number}" for number in range(6)]
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {v: one}\n"
# Helm waits for it, so that there is time to kill a node; the local control plane has it ready after so long.
SLOW = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
  annotations: {helmstack.test/behaviour: slow, helmstack.test/delay: 20s}
spec: {containers: [{name: c, image: none}]}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Mesh:
    """The nodes, each a process group of its own with all that works there."""

    receptor: str
    folder: Path
    env: dict[str, str]
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *entries: dict[str, Any]) -> None:
        data = self.folder / name
        data.mkdir(exist_ok=True)
        config: list[dict[str, Any]] = [
            {"node": {"id": name, "datadir": str(data)}},
            {"log-level": {"level": "warning"}},
            {"control-service": {"service": "control", "filename": self.socket(name)}},
            {"work-command": {"worktype": "ansible-runner", "command": f"{BIN}/ansible-runner", "params": "worker"}},
            *entries,
        ]
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(config))
        with (self.folder / f"{name}.log").open("wb") as log:
            self.nodes[name] = subprocess.Popen(
                [self.receptor, "--config", str(file)], env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def socket(self, name: str) -> str:
        return str(self.folder / f"{name}.sock")

    def control(self, *words: str, **keys: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.words(*words), env=self.env, check=False, timeout=120, **keys)

    def words(self, *words: str) -> list[str]:
        return [f"{BIN}/receptorctl", "--socket", self.socket("controller"), *words]

    def wait_for(self, *names: str) -> None:
        for _ in range(120):
            seen = self.control("status", capture_output=True).stdout.decode()
            if all(name in seen for name in names):
                return
            time.sleep(0.5)
        raise SystemExit(f"the nodes do not know each other:\n{seen}")

    def kill(self, name: str) -> None:
        """The machine is gone: the node, its ansible-runner, ansible-playbook, and helm."""
        found = {self.nodes[name].pid}
        while more := {pid for pid, parent in parents() if parent in found} - found:
            found |= more
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.nodes.pop(name).wait()

    def stop(self) -> None:
        for name in list(self.nodes):
            self.kill(name)


def parents() -> list[tuple[int, int]]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [(int(pid), int(parent)) for pid, parent in (line.split() for line in listed.splitlines())]


@dataclass
class Slice:
    """The hosts of one job, on one node."""

    mesh: Mesh
    data: Path
    node: str
    hosts: list[str]
    ident: str

    def start(self) -> None:
        runner = f"{BIN}/ansible-runner"
        words = ["transmit", str(self.data), "-p", "deploy.yml", "--limit", ",".join(self.hosts), "--ident", self.ident]
        payload = subprocess.run([runner, *words], env=self.mesh.env, check=True, capture_output=True).stdout
        words = ["work", "submit", "ansible-runner", "--node", self.node, "--payload", "-"]
        submit = self.mesh.control(*words, input=payload, capture_output=True)
        if submit.returncode:
            raise SystemExit(submit.stderr.decode())
        said = submit.stdout.decode()
        self.unit = said.partition("Unit ID:")[2].split()[0]
        results = subprocess.Popen(
            self.mesh.words("work", "results", self.unit), env=self.mesh.env, stdout=subprocess.PIPE
        )
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [runner, "process", str(self.data), "--ident", self.ident],
                env=self.mesh.env,
                stdin=results.stdout,
                stdout=output,
                stderr=output,
            )
        self.results = results

    @property
    def output(self) -> Path:
        return self.data / f"{self.ident}.txt"

    def told(self, words: str) -> bool:
        for _ in range(600):
            if words in self.output.read_text(errors="replace"):
                return True
            time.sleep(0.2)
        return False

    def give_up(self) -> None:
        """Nothing comes from a node that is gone; AWX, too, ends such a job when its node is found lost."""
        self.results.kill()
        self.mesh.control("work", "force-release", self.unit, capture_output=True)

    def done(self) -> tuple[str, dict[str, Any]]:
        self.process.wait(600)
        self.results.kill()
        artifacts = self.data / "artifacts" / self.ident
        events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
        stats = [each["event_data"] for each in events if each["event"] == "playbook_on_stats"]
        status = (artifacts / "status").read_text() if (artifacts / "status").exists() else "lost"
        return status, (stats[-1].get("artifact_data") or {}) if stats else {}


def fleet(folder: Path, kubeconfig: str, helm: str) -> Path:
    """Six hosts, which are six stacks of one cluster: two releases each, one of which takes a while."""
    data = folder / "data"
    project = data / "project"
    for name, text in (("quick", CONFIG), ("slow", SLOW)):
        chart = project / "charts" / name / "templates"
        chart.mkdir(parents=True)
        (chart / "all.yaml").write_text(text)
        meta = {"apiVersion": "v2", "name": name, "version": "1.0.0"}
        (chart.parent / "Chart.yaml").write_text(json.dumps(meta))
    common = {"namespace": "${host}", "createNamespace": True}
    releases = [
        {"name": "quick", "chart": "./charts/quick", **common},
        {"name": "slow", "chart": "./charts/slow", "needs": ["quick"], **common},
    ]
    (project / "helmstack.yaml").write_text(json.dumps({"name": "receptor-${host}", "releases": releases}))
    (project / "deploy.yml").write_text(json.dumps([{"import_playbook": "helmstack.core.deploy"}]))
    (data / "inventory").mkdir()
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "helmstack_stack_files": ["helmstack.yaml"],
        "helmstack_kubeconfig": kubeconfig,
        "helmstack_binary_path": helm,
        "helmstack_variables": {"host": "receptor-{{ inventory_hostname }}"},
    }
    inventory = {"all": {"hosts": {host: {} for host in HOSTS}, "vars": variables}}
    (data / "inventory" / "hosts.json").write_text(json.dumps(inventory))
    return data


def expect(what: str, holds: bool) -> None:
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        raise SystemExit(1)


def drill(mesh: Mesh, data: Path) -> None:
    one = Slice(mesh, data, "worker1", HOSTS[:3], "one")
    two = Slice(mesh, data, "worker2", HOSTS[3:], "two")
    one.start()
    two.start()
    expect("lines of a slice come while it is at work", two.told("slow: install begins"))
    mesh.kill("worker2")
    two.give_up()
    status, artifacts = one.done()
    expect(f"the other slice goes on and ends: {status}", status == "successful")
    expect("its artifacts come back", sorted(artifacts["helmstack_plans"]) == HOSTS[:3])
    status, _ = two.done()
    expect(f"the slice of the dead node has failed: {status}", status != "successful")

    began = time.monotonic()
    again = Slice(mesh, data, "worker1", HOSTS, "again")
    again.start()
    status, artifacts = again.done()
    print(again.output.read_text()[-1500:])
    expect(f"the next run mends it, in {time.monotonic() - began:.0f} s: {status}", status == "successful")
    outcome = artifacts["helmstack_outcome"]
    expect("and changes no other host", set(outcome["changed"]) <= set(HOSTS[3:]) and not outcome["failed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("receptor", "kubeconfig", "helm", "folder"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    folder = Path(given.folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}
    mesh = Mesh(given.receptor, folder, env)
    port = free_port()
    try:
        mesh.start("controller", {"tcp-listener": {"bindaddr": "127.0.0.1", "port": port}})
        for name in ("worker1", "worker2"):
            mesh.start(name, {"tcp-peer": {"address": f"127.0.0.1:{port}"}})
        mesh.wait_for("worker1", "worker2")
        drill(mesh, fleet(folder, str(Path(given.kubeconfig).resolve()), given.helm))
    finally:
        mesh.stop()


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet costs: each host is a context of one control plane, with a namespace and five releases of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import Bench, BenchmarkError, Cost
from cluster import Cluster
from material import write
from memory import Peak

RELEASES = 5
FORKS = 10
SAMPLES = 3
DEBUG = "a playbook of two debug tasks on the same hosts"
TEMPLATE = "helm template of one host's releases"


@dataclass
class Row:
    """One figure beside its floor."""

    scenario: str
    hosts: int
    ours: list[Cost]
    of: str
    floor: list[Cost]
    effort: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        ours, floor = Cost.typical(self.ours), Cost.typical(self.floor)
        return {
            "scenario": self.scenario,
            "hosts": self.hosts,
            "releases": self.hosts * RELEASES,
            **ours.data(),
            "floor": {"of": self.of, **floor.data()},
            "ratio": round(ours.seconds / floor.seconds, 2),
            "cpu_ratio": round(ours.cpu / floor.cpu, 2),
            **self.effort,
            "samples": [round(cost.seconds, 2) for cost in self.ours],
        }


def measure(bench: Bench, folder: Path, sizes: Sequence[int], repeat: int) -> Iterator[Row]:
    """All figures of fleets of these sizes, one after the other; all are on one control plane."""
    shutil.rmtree(folder, ignore_errors=True)
    with bench.cluster(audit=True) as cluster:
        fleet = Fleet(bench, folder, cluster, max(sizes))
        fleet.play("helmstack.core.deploy", max(sizes), changes=True)
        for size in sizes:
            for name, playbook, replicas, alike in (
                ("fleet-review-unchanged", "helmstack.core.review", 1, False),
                ("fleet-deploy-unchanged", "helmstack.core.deploy", 1, False),
                ("fleet-review-changed", "helmstack.core.review", 2, False),
                ("fleet-review-alike", "helmstack.core.review", 2, True),
            ):
                yield fleet.row(name, playbook, size, replicas, max(repeat, SAMPLES), alike=alike)


class Fleet:
    """The inventory, its stack and what is run on it."""

    def __init__(self, bench: Bench, folder: Path, cluster: Cluster, size: int) -> None:
        self._bench = bench
        self._folder = folder
        self._cluster = cluster
        self._names = [f"h{number:02}" for number in range(size)]
        (folder / "charts").mkdir(parents=True)
        words = [str(bench.helm), "create", str(folder / "charts" / "app")]
        subprocess.run(words, check=True, capture_output=True, env=bench.env)
        releases = [
            {"name": f"app-{number}", "namespace": "${home}", "chart": "./charts/app", "values": ["values.yaml"]}
            for number in range(RELEASES)
        ]
        stack = {
            "name": "fleet",
            "variables": {"home": "nowhere"},
            "helmDefaults": {"createNamespace": True},
            "releases": [{**release, "set": {"replicaCount": "${replicas}"}} for release in releases],
        }
        write(folder / "helmstack.yaml", stack)
        write(folder / "values.yaml", {"image": {"tag": "1.27"}, "podLabels": {"part-of": "benchmark"}})
        write(folder / "kubeconfig", self._contexts())
        write(folder / "inventory.yaml", self._inventory())
        say = [{"name": f"Say {word}", "ansible.builtin.debug": {"msg": word}} for word in ("one", "two")]
        write(folder / "debug.yml", [{"hosts": "all", "gather_facts": False, "tasks": say}])

    def _contexts(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(self._cluster.kubeconfig.read_text())
        about = config["contexts"][0]["context"]
        contexts = [{"name": name, "context": {**about, "namespace": f"fleet-{name}"}} for name in self._names]
        return {**config, "contexts": contexts, "current-context": ""}

    def _inventory(self) -> dict[str, Any]:
        hosts = {
            name: {"helmstack_context": name, "fleet_home": f"fleet-{name}", "helmstack_lock": False}
            for name in self._names
        }
        about = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "helmstack_kubeconfig": str(self._folder / "kubeconfig"),
            "helmstack_binary_path": "{{ helm }}",
            "helmstack_variables": {"home": "{{ fleet_home }}", "replicas": "{{ replicas }}"},
        }
        return {"all": {"hosts": hosts, "vars": about}}

    def row(self, name: str, playbook: str, size: int, replicas: int, times: int, *, alike: bool = False) -> Row:
        changes = replicas > 1
        row = Row(name, size, [], TEMPLATE if changes else DEBUG, [])

        def ours(helm: Path = self._bench.helm) -> None:
            self.play(playbook, size, replicas=replicas, changes=changes, helm=helm, alike=alike)

        for _number in range(times):
            row.ours.append(Cost.of(ours))
            floor = self._templates if changes else lambda: self.play("debug.yml", size)
            row.floor.append(Cost.of(floor))
        before = len(self._cluster.requests())
        count = self._bench.counted(lambda: ours(self._bench.counting_helm))
        asked = [request.user_agent.lower() for request in self._cluster.requests()[before:]]
        own = sum(agent.startswith("helmstack") for agent in asked)
        row.effort = {
            "helm_processes": count,
            "requests": {"helmstack": own, "helm": len(asked) - own},
            **Peak().of(ours).data(),
        }
        return row

    def play(
        self,
        playbook: str,
        size: int,
        *,
        replicas: int = 1,
        changes: bool = False,
        helm: Path | None = None,
        alike: bool = False,
    ) -> None:
        """:arg alike: all hosts are the cluster of the first."""
        variables = {"replicas": replicas, "helm": str(helm or self._bench.helm)}
        variables |= {"fleet_home": f"fleet-{self._names[0]}"} if alike else {}
        names = self._names[:size]
        words = ["-i", "inventory.yaml", "--forks", str(FORKS), "--limit", ",".join(names), "-e", json.dumps(variables)]
        changed = self._bench.playbook([*words, playbook], self._folder)
        if changed != dict.fromkeys(names, changes):
            raise BenchmarkError(f"{playbook}: {changed}, not {changes} each")

    def _templates(self) -> None:
        for number in range(RELEASES):
            words = ["template", f"app-{number}", "charts/app", "--namespace", "fleet", "--values", "values.yaml"]
            self._bench.run([str(self._bench.helm), *words, "--set", "replicaCount=2"], self._folder)

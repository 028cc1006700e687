# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to arrive: helmstack_import of releases that helm has made, and the check after it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import material as materials
from bench import Bench, Cost, make_namespaces
from cluster import Cluster
from material import Material, write

SAMPLES = 3
LIST = "helm list -A, and a program that reads and unpacks each release once"
CHANGED = "the same check with another number of replicas for each release"
# what nobody can do without who looks at a release: the Secret read, and its body unpacked
BODIES = """\
import base64, gzip, json, ssl, sys, urllib.request
import yaml
config = yaml.safe_load(open(sys.argv[1]))
server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
context = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
url = server["server"] + "/api/v1/secrets?labelSelector=owner%3Dhelm%2Cstatus%3Ddeployed"
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + user["token"]})
items = json.load(urllib.request.urlopen(request, context=context))["items"]
unpacked = [json.loads(gzip.decompress(base64.b64decode(base64.b64decode(one["data"]["release"])))) for one in items]
print(len(unpacked))
"""


@dataclass(frozen=True)
class Row:
    """One figure beside its floor."""

    scenario: str
    releases: int
    ours: list[Cost]
    of: str
    floor: list[Cost]
    empty: list[Cost]  # of it, what any playbook takes

    def data(self) -> dict[str, Any]:
        ours, floor = Cost.typical(self.ours), Cost.typical(self.floor)
        empty = Cost.typical(self.empty) if self.empty else Cost(0, 0)
        return {
            "scenario": self.scenario,
            "releases": self.releases,
            **ours.data(),
            "floor": {"of": self.of, **floor.data()},
            **({"empty": empty.data()} if self.empty else {}),
            "ratio": round((ours.seconds - empty.seconds) / floor.seconds, 2),
            "cpu_ratio": round((ours.cpu - empty.cpu) / floor.cpu, 2),
            "samples": [round(cost.seconds, 2) for cost in self.ours],
        }


def measure(bench: Bench, folder: Path, sizes: Sequence[int], repeat: int) -> Iterator[Row]:
    """All figures of clusters of these sizes."""
    for size in sizes:
        place = folder / str(size)
        shutil.rmtree(place, ignore_errors=True)
        material = materials.stack(place, size, bench.helm, bench.env)
        with bench.cluster() as cluster:
            make_namespaces(cluster, material.namespaces)
            bench.install_alone(material, cluster)
            yield from Arrival(bench, material, cluster).rows(max(repeat, SAMPLES))


class Arrival:
    """The playbooks of one cluster."""

    def __init__(self, bench: Bench, material: Material, cluster: Cluster) -> None:
        self._bench = bench
        self._cluster = cluster
        self._folder = folder = material.folder
        self._size = len(material.releases)
        kubeconfig = str(cluster.kubeconfig)
        common = {"kubeconfig": kubeconfig, "binary_path": str(bench.helm)}
        write(folder / "vault-password", "of the benchmark\n")
        write(folder / "bodies.py", BODIES)
        imported = {"helmstack.core.helmstack_import": {**common, "dest": "arrived", "force": True}}
        checked = {"helmstack.core.helmstack": {**common, "stack_file": "arrived", "overlays": "{{ overlays }}"}}
        for name, task in (("import", imported), ("arrive", checked)):
            write(folder / f"{name}.yml", [{"hosts": "all", "gather_facts": False, "tasks": [task]}])
        names = [release.name for release in material.releases]
        overlay = {"releases": {name: {"values": [{"replicaCount": 2}]} for name in names}}
        write(folder / "more.yaml", overlay)

    def rows(self, times: int) -> Iterator[Row]:
        rows = [
            Row("import", self._size, [], LIST, [], []),
            Row("import-again", self._size, [], LIST, [], []),
            Row("check-adopt", self._size, [], CHANGED, [], []),
        ]
        works: list[tuple[Callable[[], object], Callable[[], object]]] = [
            (self._import_anew, self._read),
            (lambda: self._play("import", changes=False), self._read),
            (lambda: self._check([], changes=False), lambda: self._check(["more.yaml"], changes=True)),
        ]
        for _number in range(times):
            for row, (ours, floor) in zip(rows, works):
                if ours == self._import_anew:
                    shutil.rmtree(self._folder / "arrived", ignore_errors=True)
                row.ours.append(Cost.of(ours))
                row.floor.append(Cost.of(floor))
                if row.of == LIST:
                    row.empty.append(Cost.of(self._empty))
        yield from rows

    def _empty(self) -> None:
        self._bench.playbook(["-i", "inventory", "empty.yml"], self._folder)

    def _import_anew(self) -> None:
        self._play("import", changes=True)

    def _play(self, playbook: str, *, changes: bool) -> None:
        words = ["-i", "inventory", "--vault-password-file", "vault-password", f"{playbook}.yml"]
        changed = self._bench.playbook(words, self._folder)
        if changed != {"localhost": changes}:
            raise RuntimeError(f"{playbook}: {changed}, not {changes}")

    def _check(self, overlays: list[str], *, changes: bool) -> None:
        words = ["-i", "inventory", "--check", "--diff", "-e", json.dumps({"overlays": overlays}), "arrive.yml"]
        changed = self._bench.playbook(words, self._folder)
        if changed != {"localhost": changes}:
            raise RuntimeError(f"arrive: {changed}, not {changes}")

    def _read(self) -> None:
        kubeconfig = str(self._cluster.kubeconfig)
        self._bench.run([str(self._bench.helm), "list", "-A", "--max", "0", "--kubeconfig", kubeconfig], self._folder)
        self._bench.run([sys.executable, "bodies.py", kubeconfig], self._folder)

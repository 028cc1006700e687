#!/usr/bin/env python3
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: what runs take beside what nobody can do without. Figures, never a test: see README.md."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import charts
import crowd
import fleet
import imports
import material as materials
from bench import HERE, Bench, BenchmarkError, Cost, Effort, Replicas, make_namespaces
from cluster import Cluster, ClusterError
from cluster_binaries import BuildError, helm
from material import Material
from memory import Peak
from peer import add_kubernetes_core
from table import table

CHECKOUT = HERE.parents[1]
FOLDER = CHECKOUT / ".work" / "benchmark"
SAMPLES = 3  # of what leaves the cluster as it is; a first install is done once a round
PEER_SIZE = 10
DEPTH = 10  # of the graph

INSTALL = "helm upgrade --install --disable-openapi-validation of each, without --wait"
TEMPLATE = "helm template of each"
EMPTY = "a playbook whose module only imports the libraries"
RENDERED = "that playbook, and one helm template"
UPGRADED = "that playbook, one helm template and one helm upgrade"


@dataclass(frozen=True)
class Scenario:
    """One kind of run, in the order in which they follow each other on one control plane."""

    name: str
    floor: str
    changes: bool
    check: bool = False
    fresh: bool = False  # needs a cluster without the releases
    replicas: int = 1
    first_only: bool = False  # only the first release has another number of replicas


STACK = (
    Scenario("install", INSTALL, changes=True, fresh=True),
    Scenario("check-unchanged", EMPTY, changes=False, check=True),
    Scenario("run-unchanged", EMPTY, changes=False),
    Scenario("check-changed", TEMPLATE, changes=True, check=True, replicas=2),
    Scenario("check-one", RENDERED, changes=True, check=True, replicas=2, first_only=True),
    Scenario("run-one", UPGRADED, changes=True, replicas=2, first_only=True),
)
SPRAY = (
    Scenario("spray-check-first", TEMPLATE, changes=True, check=True, fresh=True),
    Scenario("spray-first", INSTALL, changes=True, fresh=True),
    Scenario("spray-check-unchanged", EMPTY, changes=False, check=True),
    Scenario("spray-run-unchanged", EMPTY, changes=False),
    Scenario("spray-check-one", EMPTY, changes=True, check=True, replicas=2),
    Scenario("spray-run-one", EMPTY, changes=True, replicas=2),
)
GRAPH = (Scenario("graph-install", INSTALL, changes=True, fresh=True),)


@dataclass
class Figures:
    """What is known of one scenario with one number of releases."""

    scenario: Scenario
    releases: int
    ours: list[Cost] = field(default_factory=list)
    floor: list[Cost] = field(default_factory=list)
    effort: Effort | None = None
    peer: tuple[Cost, int] | None = None
    peak: Peak | None = None

    def data(self) -> dict[str, Any]:
        ours = Cost.typical(self.ours)
        line: dict[str, Any] = {"scenario": self.scenario.name, "releases": self.releases, **ours.data()}
        if self.effort:
            line |= {"helm_processes": self.effort.helm_processes, "requests": dict(self.effort.requests)}
        if self.effort and self.effort.noticed:
            typical, longest = median(self.effort.noticed), max(self.effort.noticed)
            line["noticed_ms"] = {"median": round(typical * 1000), "max": round(longest * 1000)}
        if self.floor:
            floor = Cost.typical(self.floor)
            line["floor"] = {"of": self.scenario.floor, **floor.data()}
            line |= {"ratio": round(ours.seconds / floor.seconds, 2), "cpu_ratio": round(ours.cpu / floor.cpu, 2)}
        if self.peer:
            cost, processes = self.peer
            line["peer"] = {"of": "kubernetes.core.helm in a loop", **cost.data(), "helm_processes": processes}
        if self.peak:
            line |= self.peak.data()
        return {**line, "samples": [round(cost.seconds, 2) for cost in self.ours]}


@dataclass(frozen=True)
class Options:
    """What of it all is wanted."""

    wanted: Callable[[Scenario], bool]
    repeat: int
    peer: Callable[[int], bool]
    crowded: bool


class Series:
    """All scenarios of one folder of material."""

    def __init__(self, bench: Bench, material: Material, scenarios: Sequence[Scenario], options: Options) -> None:
        self._bench = bench
        self._material = material
        self._scenarios = scenarios
        self._options = options
        size = len(material.releases)
        self.figures = {each.name: Figures(each, size) for each in scenarios if options.wanted(each)}

    def measure(self) -> list[Figures]:
        if self.figures:
            for number in range(self._options.repeat):
                self._timed(first=number == 0)
            self._counted()
            if self._options.peer(len(self._material.releases)):
                try:
                    self._peer()
                except BenchmarkError as error:
                    say(f"No comparison with kubernetes.core.helm: {error}")
        return list(self.figures.values())

    @contextmanager
    def _cluster(self, audit: bool = False) -> Iterator[Cluster]:
        with self._bench.cluster(audit=audit) as cluster:
            if self._options.crowded:
                crowd.fill(cluster)
            yield cluster

    def _timed(self, first: bool) -> None:
        with self._cluster() as cluster:
            for scenario in self._scenarios:
                figures = self.figures.get(scenario.name)
                times = 1 if scenario.fresh or not figures else max(self._options.repeat, SAMPLES) if first else 0
                if not figures and not self._prepares(scenario):
                    continue
                for number in range(times):
                    cost = Cost.of(lambda: self._ours(scenario, cluster, number))  # noqa: B023
                    if figures:
                        figures.ours.append(cost)
                        self._floor_beside(figures, cluster, number)
        installed = [each for each in self.figures.values() if each.scenario.floor == INSTALL]
        if installed:
            with self._cluster() as cluster:
                make_namespaces(cluster, self._material.namespaces)
                installed[0].floor.append(Cost.of(lambda: self._bench.install_alone(self._material, cluster)))

    def _prepares(self, scenario: Scenario) -> bool:
        """Whether the ones after it could not be measured without it."""
        return scenario.fresh and not scenario.check and any(not each.scenario.fresh for each in self.figures.values())

    def _ours(self, scenario: Scenario, cluster: Cluster, number: int) -> None:
        self._bench.deploy(self._material, cluster, _replicas(scenario, number), scenario.check, scenario.changes)

    def _floor_beside(self, figures: Figures, cluster: Cluster, number: int) -> None:
        scenario = figures.scenario

        def empty() -> None:
            self._bench.play(self._material, "empty", check=scenario.check, changes=False)
            if scenario.floor != EMPTY:
                upgraded = cluster if scenario.floor == UPGRADED else None
                self._bench.one_alone(self._material, _replicas(scenario, number).of_first, upgraded)

        if scenario.floor in (EMPTY, RENDERED, UPGRADED):
            figures.floor.append(Cost.of(empty))
        elif scenario.floor == TEMPLATE:
            figures.floor.append(Cost.of(lambda: self._bench.template_alone(self._material, scenario.replicas)))

    def _counted(self) -> None:
        with self._cluster(audit=True) as cluster:
            for scenario in self._scenarios:
                figures = self.figures.get(scenario.name)
                if figures:
                    replicas = _replicas(scenario, 0)
                    figures.effort = self._bench.effort(
                        self._material, cluster, replicas, scenario.check, scenario.changes
                    )
                    if scenario.check:
                        figures.peak = Peak().of(lambda: self._ours(scenario, cluster, 0))  # noqa: B023
                elif self._prepares(scenario):
                    self._ours(scenario, cluster, 0)

    def _peer(self) -> None:
        with self._cluster() as cluster:
            for scenario in (each for each in self._scenarios if not each.first_only):
                cost = self._bench.peer(self._material, cluster, scenario.replicas, scenario.check, scenario.changes)
                if scenario.name in self.figures:
                    self.figures[scenario.name].peer = cost


def _replicas(scenario: Scenario, number: int) -> Replicas:
    """What a run asks for; what is changed once more must change to something else."""
    wanted = scenario.replicas if scenario.check else scenario.replicas + number * scenario.changes
    return Replicas(1 if scenario.first_only else wanted, wanted)


def main() -> int:
    options = _parser().parse_args()
    if not any((options.releases, options.sub_charts, options.graph, options.fleet, options.charts, options.imports)):
        options.charts = options.scenario == ["*"]
        sizes = ([10], [10], [10]) if options.quick else ([10, 100], [10, 60, 200], [300])
        options.releases, options.sub_charts, options.graph = sizes
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))
    try:
        _run(options)
    except (BenchmarkError, ClusterError, BuildError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return 0


def _run(options: argparse.Namespace) -> None:
    binary = helm(options.helm)
    bench = _bench(binary, options.commit)
    about = _about(bench, options.commit)
    say(", ".join(f"{name} {value}" for name, value in about.items()))
    wanted = Options(
        wanted=lambda scenario: any(fnmatch.fnmatch(scenario.name, pattern) for pattern in options.scenario),
        repeat=options.repeat,
        peer=_peer(options, bench),
        crowded=options.crowded,
    )
    rows = []
    for series in _all_series(options, bench, wanted):
        load = os.getloadavg()[0]
        for figures in series.measure():
            line = {**figures.data(), **about, "load_before": round(load, 1), "crowded": options.crowded}
            print(json.dumps(line), flush=True)
            rows.append(line)
    load = os.getloadavg()[0]
    for row in _others(options, bench):
        line = {**row.data(), **about, "load_before": round(load, 1)}
        print(json.dumps(line), flush=True)
        rows.append(line)
    say("\n" + table(rows))


def _others(options: argparse.Namespace, bench: Bench) -> Iterator[charts.Row | fleet.Row | imports.Row]:
    if options.charts:
        yield from charts.measure(bench, FOLDER / "material" / "charts")
    if options.fleet:
        yield from fleet.measure(bench, FOLDER / "material" / "fleet", options.fleet, options.repeat)
    if options.imports:
        yield from imports.measure(bench, FOLDER / "material" / "imports", options.imports, options.repeat)


def _bench(binary: Path, commit: str) -> Bench:
    """The benchmark's folder, without what earlier ones left but the download."""
    if FOLDER.exists():
        Cluster(FOLDER / "cluster").stop()
    for name in ("collections", "home", "material"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    (FOLDER / "home").mkdir(parents=True)
    (FOLDER / "ansible.cfg").write_text("")
    bench = Bench(FOLDER, binary)
    materials.copy_collection(CHECKOUT, bench.collections, commit)
    return bench


def _peer(options: argparse.Namespace, bench: Bench) -> Callable[[int], bool]:
    if options.quick or options.no_peer:
        return lambda size: False
    missing = add_kubernetes_core(FOLDER, bench.collections)
    if missing:
        say(f"No comparison with kubernetes.core.helm: {missing}")
    return lambda size: not missing and (options.peer_all or size <= PEER_SIZE)


def _all_series(options: argparse.Namespace, bench: Bench, wanted: Options) -> Iterator[Series]:
    env = bench.env
    for count in options.releases or ():
        material = materials.stack(FOLDER / "material" / f"stack-{count}", count, bench.helm, env)
        yield Series(bench, material, STACK, wanted)
    for count in options.graph or ():
        material = materials.stack(FOLDER / "material" / f"graph-{count}", count, bench.helm, env, DEPTH)
        yield Series(bench, material, GRAPH, _without_peer(wanted))
    for count in options.sub_charts or ():
        material = materials.umbrella(FOLDER / "material" / f"umbrella-{count}", count)
        yield Series(bench, material, SPRAY, _without_peer(wanted))


def _without_peer(options: Options) -> Options:
    """kubernetes.core has nothing like a spray or a graph."""
    return Options(options.wanted, options.repeat, lambda size: False, options.crowded)


def _about(bench: Bench, commit: str) -> dict[str, Any]:
    told = _first_line(bench.helm, "version", "--template={{.Version}}")
    edited = "" if commit else _first_line("git", "-C", CHECKOUT, "status", "--porcelain", "--", "plugins")
    return {
        "helm": told.lstrip("v"),
        "ansible_core": version("ansible-core"),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "commit": _first_line("git", "-C", CHECKOUT, "rev-parse", "--short", commit or "HEAD")
        + ("+" if edited else ""),
    }


def _first_line(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or [""])[0]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("--releases", type=_numbers, metavar="N,…", help="sizes of stacks")
    parser.add_argument("--sub-charts", type=_numbers, metavar="N,…", help="sizes of umbrellas")
    parser.add_argument(
        "--graph", type=_numbers, metavar="N,…", help=f"sizes of stacks in which {DEPTH} stand in a row"
    )
    parser.add_argument(
        "--scenario",
        type=lambda text: text.split(","),
        default=["*"],
        metavar="NAME,…",
        help=f"of {', '.join(each.name for each in (*STACK, *GRAPH, *SPRAY))}; * stands for any text",
    )
    parser.add_argument(
        "--fleet",
        type=_numbers,
        nargs="?",
        const=[10, 25, 50],
        metavar="N,…",
        help="numbers of hosts, each a cluster of its own to Ansible; without numbers 10, 25 and 50",
    )
    parser.add_argument(
        "--import",
        dest="imports",
        type=_numbers,
        nargs="?",
        const=[300],
        metavar="N,…",
        help="helmstack_import of so many releases, and the check after it; without a number 300",
    )
    parser.add_argument("--charts", action="store_true", help="charts of a large index file and of a registry")
    parser.add_argument("--helm", type=int, choices=(3, 4), default=4, help="default 4")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="rounds; the median counts")
    parser.add_argument("--commit", default="", help="measure a commit instead of the files as they are")
    parser.add_argument("--quick", action="store_true", help="10 releases, 10 sub-charts, no peer")
    parser.add_argument("--no-peer", action="store_true", help="no loop over kubernetes.core.helm")
    parser.add_argument("--peer-all", action="store_true", help=f"that loop for more than {PEER_SIZE} releases, too")
    parser.add_argument("--crowded", action="store_true", help="among 1,500 other CRDs and 5,000 other release Secrets")
    return parser


if __name__ == "__main__":
    sys.exit(main())

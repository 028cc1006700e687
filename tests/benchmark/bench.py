# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the benchmark runs: programs, environment, control planes, and what a command costs there."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from material import Alone, Material

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

from cluster import Cluster, Request

AT_ONCE = 8  # our modules' own default
RECORD = re.compile(r"^/api/v1/namespaces/([^/]+)/secrets/sh\.helm\.release\.v1\.([^/]+)\.v\d+\b")
STATUS = re.compile(r"^/apis/apps/v1/namespaces/([^/]+)/deployments/([^/]+)/status\b")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0", re.MULTILINE)


class BenchmarkError(Exception):
    """A run did not do what is to be measured; the message holds its last lines."""


@dataclass(frozen=True)
class Cost:
    """What a command takes, with all processes that it starts."""

    seconds: float
    cpu: float

    @staticmethod
    def of(work: Callable[[], object]) -> Cost:
        used, began = _cpu_of_children(), time.perf_counter()
        work()
        return Cost(time.perf_counter() - began, _cpu_of_children() - used)

    @staticmethod
    def typical(costs: Sequence[Cost]) -> Cost:
        return Cost(median(cost.seconds for cost in costs), median(cost.cpu for cost in costs))

    def data(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 2), "cpu_seconds": round(self.cpu, 2)}


@dataclass(frozen=True)
class Replicas:
    """How many replicas each Deployment is to have, and that of the first release."""

    all: int
    of_first: int


@dataclass(frozen=True)
class Effort:
    """What a run asks of others."""

    helm_processes: int
    requests: Mapping[str, int]  # by user agent: helmstack, helm
    noticed: Sequence[float] = ()  # seconds from ready to our next request, for each release that was waited for


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    """One benchmark's folder and programs."""

    def __init__(self, folder: Path, helm: Path) -> None:
        self.folder = folder
        self.helm = helm
        self.collections = folder / "collections"
        self.programs = Path(sys.executable).parent
        self._started = folder / "helm-started"
        self.counting_helm = folder / "helm"
        self.counting_helm.write_text(
            f'#!/bin/sh\necho "$1" >> {shlex.quote(str(self._started))}\nexec {shlex.quote(str(helm))} "$@"\n'
        )
        self.counting_helm.chmod(0o755)

    @property
    def env(self) -> dict[str, str]:
        """As on a user's machine: nothing set for Ansible or helm, and compiled modules are kept."""
        unwanted = ("ANSIBLE_", "K8S_AUTH", "KUBE", "HELM_", "PYTHON", "XDG_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        return {
            **env,
            "HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "home" / ".ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "home" / ".ansible" / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_NOCOLOR": "1",
        }

    @contextmanager
    def cluster(self, audit: bool = False) -> Iterator[Cluster]:
        """A control plane with nothing in it; it ends with this process even if that is killed."""
        cluster = Cluster(self.folder / "cluster")
        cluster.stop()
        words = [sys.executable, str(HERE / "guard.py"), str(cluster.folder)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as guard:
            try:
                yield cluster.start(audit=audit)
            finally:
                if guard.stdin:
                    guard.stdin.close()
                guard.wait()

    # ansible-playbook

    def play(
        self, material: Material, playbook: str, *, check: bool = False, changes: bool | None = None, **variables: Any
    ) -> None:
        """Runs one of the material's playbooks.

        :arg changes: whether its task must report a change; None: either.
        :raises BenchmarkError: it failed, or did something else.
        """
        words = ["-i", "inventory", "-e", json.dumps(variables), *(["--check", "--diff"] if check else [])]
        (changed,) = self.playbook([*words, f"{playbook}.yml"], material.folder).values()
        if changes not in (None, changed):
            raise BenchmarkError(f"{playbook} {'check' if check else 'run'}: {changed=}, not {changes}")

    def playbook(self, words: Sequence[str], folder: Path) -> dict[str, bool]:
        """Runs a playbook; whether it has changed anything, by host.

        :raises BenchmarkError: it failed on one.
        """
        output = self.run([str(self.programs / "ansible-playbook"), *words], folder)
        hosts = {match[1]: match[3] != "0" for match in RECAP.finditer(output)}
        if not hosts:
            raise BenchmarkError(f"ansible-playbook has failed\n{output[-3000:]}")
        return hosts

    def deploy(self, material: Material, cluster: Cluster, replicas: Replicas, check: bool, changes: bool) -> None:
        self._deploy(self.helm, material, cluster, replicas, check, changes)

    def effort(self, material: Material, cluster: Cluster, replicas: Replicas, check: bool, changes: bool) -> Effort:
        """A run that is counted, not timed; the cluster must have been started with audit."""
        before, before_ready = len(cluster.requests()), len(cluster.requests(control_plane=True))
        processes = self.counted(lambda: self._deploy(self.counting_helm, material, cluster, replicas, check, changes))
        requests = {"helmstack": 0, "helm": 0}
        asked = cluster.requests()[before:]
        for request in asked:
            name = request.user_agent.partition("/")[0].partition(" ")[0].lower()
            requests[name] = requests.get(name, 0) + 1
        ready = cluster.requests(control_plane=True)[before_ready:]
        return Effort(processes, requests, noticed([*asked, *ready]))

    def _deploy(
        self, helm: Path, material: Material, cluster: Cluster, replicas: Replicas, check: bool, changes: bool
    ) -> None:
        places = {"kubeconfig": str(cluster.kubeconfig), "helm": str(helm)}
        self.play(
            material, "ours", check=check, changes=changes, replicas=replicas.all, first=replicas.of_first, **places
        )

    def peer(self, material: Material, cluster: Cluster, replicas: int, check: bool, changes: bool) -> tuple[Cost, int]:
        """The loop over kubernetes.core.helm: what it costs, and how many helm processes it starts."""
        variables = {"replicas": replicas, "kubeconfig": str(cluster.kubeconfig), "helm": str(self.counting_helm)}
        costs: list[Cost] = []
        work = lambda: self.play(material, "peer", check=check, changes=changes, **variables)  # noqa: E731
        processes = self.counted(lambda: costs.append(Cost.of(work)))
        return costs[0], processes

    def counted(self, work: Callable[[], object]) -> int:
        """How many helm processes something starts with ``counting_helm``."""
        self._started.write_text("")
        work()
        return len(self._started.read_text().splitlines())

    # helm alone

    def install_alone(self, material: Material, cluster: Cluster) -> None:
        words = ("upgrade", "--install", "--disable-openapi-validation", "--kubeconfig", str(cluster.kubeconfig))
        self._helm_for_each(material, lambda release: release.command(*words, replicas=1))

    def template_alone(self, material: Material, replicas: int) -> None:
        self._helm_for_each(material, lambda release: release.command("template", replicas=replicas))

    def one_alone(self, material: Material, replicas: int, cluster: Cluster | None = None) -> None:
        """Renders one release, and with a cluster upgrades one of its own there."""
        release = material.releases[0]
        self.run([str(self.helm), *release.command("template", replicas=replicas)], material.folder)
        if cluster:
            words = ("upgrade", "--install", "--disable-openapi-validation", "--kubeconfig", str(cluster.kubeconfig))
            command = replace(release, name="alone").command(*words, replicas=replicas)
            self.run([str(self.helm), *command], material.folder)

    def _helm_for_each(self, material: Material, command: Callable[[Alone], list[str]]) -> None:
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            commands = [[str(self.helm), *command(release)] for release in material.releases]
            list(pool.map(lambda words: self.run(words, material.folder), commands))

    def run(self, words: Sequence[str], cwd: Path) -> str:
        """What a command prints.

        :raises BenchmarkError: it failed.
        """
        done = subprocess.run(
            words,
            cwd=cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(f"{words[0]} ended with {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout


def noticed(requests: Sequence[Request]) -> list[float]:
    """For each stamped release the seconds from when it was ready to when we set out to stamp it.

    It is ready with the last write to its Deployment's status, or to its record by helm, whichever is later.
    """
    ready: dict[tuple[str | Any, ...], float] = {}
    found = []
    for request in sorted(requests, key=lambda request: request.began):
        place = RECORD.search(request.url) or STATUS.search(request.url)
        if not place or request.verb not in ("create", "update", "patch"):
            continue
        if not request.user_agent.startswith("helmstack"):
            ready[place.groups()] = request.ended
        elif place.groups() in ready:
            found.append(request.began - ready[place.groups()])
    return found


def make_namespaces(cluster: Cluster, names: Sequence[str]) -> None:
    for name in names:
        cluster.api().create(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What charts cost that come from elsewhere: an index file of 21 MB, and an OCI registry."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import AT_ONCE, Bench, BenchmarkError, Cost, Replicas
from chart_repository import ChartRepository
from material import Material, write_playbooks
from oci_registry import OciRegistry

CHARTS, VERSIONS, USED, RELEASES = 120, 200, 20, 100
CONFIG = "application/vnd.cncf.helm.config.v1+json"
PULLS = "helm pull of each archive, 8 at once"
# Fetches charts as a run does, from as many threads; prints how many there are.
FETCH = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
asked = json.load(sys.stdin)
store = ChartStore(Helm(asked["helm"], asked["work"] + "/helm", None), asked["work"] + "/charts",
                   [Repository(**asked["repository"])], asked["cache"])
with ThreadPoolExecutor(8) as pool:
    print(len(list(pool.map(lambda each: store.fetch(*each).version, asked["charts"]))))
"""


@dataclass
class Row:
    """One figure beside its floor."""

    scenario: str
    releases: int
    ours: Cost
    of: str
    floor: Cost
    requests: int

    def data(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "releases": self.releases,
            **self.ours.data(),
            "floor": {"of": self.of, **self.floor.data()},
            "ratio": round(self.ours.seconds / self.floor.seconds, 2),
            "cpu_ratio": round(self.ours.cpu / self.floor.cpu, 2),
            "requests": {"source": self.requests},
            "samples": [round(self.ours.seconds, 2)],
        }


def measure(bench: Bench, folder: Path) -> Iterator[Row]:
    """All figures of charts, one after the other."""
    shutil.rmtree(folder, ignore_errors=True)
    served = folder / "served"
    names = write_index(served)
    with ChartRepository(served) as repository:
        source = Source("index", {"name": "r", "url": repository.url}, [(f"r/{name}", "^1.0.0") for name in names])
        yield from _figures(
            bench, folder / "index", source, lambda: _update_and_pull(bench, folder, repository.url, names),
            "helm repo update, and " + PULLS, lambda: len(repository.requests),
        )  # fmt: skip
    with OciRegistry() as registry:
        for name in names:
            registry.push(f"charts/{name}", "1.199.0", CONFIG, archive(name))
        about = {"name": "r", "url": f"oci://{registry.host}/charts", "plain_http": True}
        listed = [(f"r/{names[number % USED]}", "1.199.0") for number in range(RELEASES)]
        pulls = [
            ["pull", f"oci://{registry.host}/charts/{name}", "--version", "1.199.0", "--plain-http"] for name in names
        ]
        yield from _figures(
            bench, folder / "oci", Source("oci", about, listed), lambda: _helm(bench, folder / "pulled", pulls),
            PULLS, lambda: len(registry.requests()),
        )  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A kind of source, and what is asked of it."""

    name: str
    repository: dict[str, Any]
    charts: Sequence[tuple[str, str]]


def _figures(
    bench: Bench, folder: Path, source: Source, floor: Callable[[], object], of: str, asked: Callable[[], int]
) -> Iterator[Row]:
    count = len(source.charts)
    least = Cost.of(floor)
    for scenario in ("cold", "warm"):
        before = asked()
        cost = Cost.of(lambda: _fetch(bench, folder, source))
        yield Row(f"{source.name}-fetch-{scenario}", count, cost, of, least, asked() - before)
    material = _stack(folder / "stack", source)
    with bench.cluster() as cluster:
        bench.deploy(material, cluster, Replicas(1, 1), check=False, changes=True)
        before = asked()
        cost = Cost.of(lambda: bench.deploy(material, cluster, Replicas(1, 1), check=False, changes=False))
        requests = asked() - before
        empty = Cost.of(lambda: bench.play(material, "empty", changes=False))
        yield Row(f"{source.name}-run-unchanged", count, cost, "the empty playbook", empty, requests)


def _fetch(bench: Bench, folder: Path, source: Source) -> None:
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    asked = {"helm": str(bench.helm), "work": str(work), "cache": str(folder / "cache"), "charts": source.charts}
    done = subprocess.run(
        [sys.executable, "-c", FETCH],
        input=json.dumps({**asked, "repository": source.repository}),
        env={**bench.env, "PYTHONPATH": str(bench.collections)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stdout.strip() != str(len(source.charts)):
        raise BenchmarkError(f"charts of the {source.name} cannot be fetched\n{done.stderr[-2000:]}")


def _update_and_pull(bench: Bench, folder: Path, url: str, names: Sequence[str]) -> None:
    config = folder / "repositories.yaml"
    config.write_text(json.dumps({"apiVersion": "", "repositories": [{"name": "r", "url": url}]}))
    flags = ["--repository-config", str(config), "--repository-cache", str(folder / "helm-cache")]
    _helm(bench, folder / "pulled", [["repo", "update", *flags]])
    _helm(bench, folder / "pulled", [["pull", f"{url}/{name}-1.199.0.tgz"] for name in names])


def _helm(bench: Bench, folder: Path, commands: Sequence[Sequence[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)

    def run(words: Sequence[str]) -> None:
        done = subprocess.run(
            [str(bench.helm), *words], cwd=folder, env=bench.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"helm {words[0]} ended with {done.returncode}\n{done.stderr[-2000:]}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, commands))


def _stack(folder: Path, source: Source) -> Material:
    folder.mkdir(parents=True)
    releases = [
        {"name": f"r{number}", "namespace": "charts", "chart": chart, "version": version}
        for number, (chart, version) in enumerate(source.charts)
    ]
    write_playbooks(folder, releases, repositories=[source.repository])
    return Material(folder, ())


def write_index(folder: Path) -> list[str]:
    """An index file as helm writes them, and the newest archives of the charts that are used; returns their names."""
    folder.mkdir(parents=True)
    names = [f"chart-{number:03}" for number in range(CHARTS)]
    with open(folder / "index.yaml", "w", encoding="utf-8") as stream:
        stream.write("apiVersion: v1\nentries:\n")
        for name in names:
            stream.write(f"  {name}:\n")
            stream.writelines(
                ENTRY.format(name=name, version=f"1.{number}.0", digest=f"{number:064x}")
                for number in reversed(range(VERSIONS))
            )
        stream.write('generated: "2026-01-01T00:00:00Z"\n')
    for name in names[:USED]:
        (folder / f"{name}-1.199.0.tgz").write_bytes(archive(name))
    return names[:USED]


def archive(name: str) -> bytes:
    """A small chart."""
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.199.0\n",
        "templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


ENTRY = """\
  - annotations:
      category: Infrastructure
      images: |
        - name: {name}
          image: docker.io/example/{name}:{version}-debian-12-r0
        - name: os-shell
          image: docker.io/example/os-shell:12-debian-12-r30
      licenses: Apache-2.0
    apiVersion: v2
    appVersion: {version}
    created: "2026-01-01T00:00:00.000000000Z"
    dependencies:
    - name: common
      repository: oci://registry.example.org/charts
      tags:
      - example-common
      version: 2.x.x
    description: What {name} is for is told here in a sentence that is as long as such sentences are.
    digest: {digest}
    home: https://example.org
    icon: https://example.org/icons/{name}.svg
    keywords:
    - example
    - {name}
    maintainers:
    - name: Example, Inc.
      url: https://github.com/example/charts
    name: {name}
    sources:
    - https://github.com/example/charts/tree/main/{name}
    urls:
    - {name}-{version}.tgz
    version: {version}
"""

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is deployed: a stack of typical releases, and an umbrella of small sub-charts, made anew for each run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEAMS = 5  # namespaces of a stack
WAVES = 3  # weights of an umbrella
NAMESPACE = "spray"
SHIPPED = ("plugins", "roles", "playbooks", "meta", "galaxy.yml")  # what of the checkout is measured

INVENTORY = "localhost ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}\n"
EMPTY_MODULE = '''\
"""Imports what our modules import, and does nothing."""

import jmespath
import urllib3
import yaml
from ansible.module_utils.basic import AnsibleModule

AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(
    with_libraries=[library.__name__ for library in (jmespath, urllib3, yaml)]
)
'''
OURS = {
    "helmstack.core.helmstack": {
        "stack_files": ["helmstack.yaml"],
        "variables": {"replicas": "{{ replicas | int }}", "first": "{{ first | int }}"},
        "kubeconfig": "{{ kubeconfig }}",
        "binary_path": "{{ helm }}",
    }
}
PEER = {
    "kubernetes.core.helm": {
        "name": "{{ item.name }}",
        "release_namespace": "{{ item.namespace }}",
        "chart_ref": "{{ playbook_dir }}/{{ item.chart }}",
        # with values_files it never finds anything unchanged
        "release_values": "{{ item.own | combine(common, {'replicaCount': replicas | int}) }}",
        "create_namespace": True,
        "wait": True,
        "kubeconfig": "{{ kubeconfig }}",
        "binary_path": "{{ helm }}",
    },
    "loop": "{{ releases }}",
    "loop_control": {"label": "{{ item.name }}"},
    "vars": {
        "common": "{{ lookup('file', 'values/common.yaml') | from_json }}",
        "releases": "{{ lookup('file', 'peer.json') | from_json }}",
    },
}

SMALL_VALUES = {"replicaCount": 1, "image": "registry.invalid/small:1.0", "port": 8080, "settings": {"level": "info"}}
SMALL_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Chart.Name }}
data:
  {{- toYaml .Values.settings | nindent 2 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Chart.Name }}
spec:
  selector: {app: {{ .Chart.Name }}}
  ports: [{port: {{ .Values.port }}}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
  labels: {app: {{ .Chart.Name }}}
spec:
  replicas: {{ .Values.replicaCount }}
  selector: {matchLabels: {app: {{ .Chart.Name }}}}
  template:
    metadata: {labels: {app: {{ .Chart.Name }}}}
    spec:
      containers:
        - name: main
          image: {{ .Values.image }}
          ports: [{containerPort: {{ .Values.port }}}]
"""


@dataclass(frozen=True)
class Alone:
    """One of the releases as plain helm would be told of it."""

    name: str
    namespace: str
    chart: Path
    values: tuple[Path, ...]

    def command(self, *words: str, replicas: int) -> list[str]:
        files = [word for path in self.values for word in ("--values", str(path))]
        place = [self.name, str(self.chart), "--namespace", self.namespace]
        return [*words, *place, *files, "--set", f"replicaCount={replicas}"]


@dataclass(frozen=True)
class Material:
    """A folder with playbooks, and the releases that they deploy."""

    folder: Path
    releases: tuple[Alone, ...]

    @property
    def namespaces(self) -> list[str]:
        return sorted({release.namespace for release in self.releases})


def stack(folder: Path, count: int, helm: Path, env: Mapping[str, str], depth: int = 1) -> Material:
    """Releases of the chart that `helm create` makes, each with two values files, in five namespaces.

    :arg depth: how many releases stand in a row, each of which needs the one before.
    """
    (folder / "charts").mkdir(parents=True)
    subprocess.run([helm, "create", folder / "charts" / "app"], check=True, capture_output=True, env=env)
    write(folder / "values" / "common.yaml", {"image": {"tag": "1.27"}, "podLabels": {"part-of": "benchmark"}})
    releases: list[dict[str, Any]] = []
    loop = []
    chains = max(1, count // depth)
    for number in range(1, count + 1):
        name = f"app-{number:04}"
        own = {"podAnnotations": {"number": str(number)}}
        write(folder / "values" / f"{name}.yaml", own)
        files = ["values/common.yaml", f"values/{name}.yaml"]
        place = {"name": name, "namespace": f"team-{number % TEAMS}", "chart": "./charts/app"}
        needs = [releases[number - 1 - chains]["name"]] if depth > 1 and number > chains else []
        changed = "${first}" if number == 1 else "${replicas}"
        releases.append({**place, "values": files, "set": {"replicaCount": changed}, "needs": needs})
        loop.append({**place, "own": own})
    write(folder / "peer.json", loop)
    write_playbooks(folder, releases)
    return Material(
        folder,
        tuple(
            Alone(r["name"], r["namespace"], folder / r["chart"], tuple(folder / name for name in r["values"]))
            for r in releases
        ),
    )


def umbrella(folder: Path, count: int) -> Material:
    """One sprayed umbrella of small sub-charts, each a chart of its own, with three weights."""
    names = [f"sub-{number:03}" for number in range(1, count + 1)]
    chart = folder / "charts" / "umbrella"
    dependencies = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in names]
    write(
        chart / "Chart.yaml",
        {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": dependencies},
    )
    write(chart / "values.yaml", {name: {"weight": number % WAVES} for number, name in enumerate(names)})
    for name in names:
        small = chart / "charts" / name
        write(small / "Chart.yaml", {"apiVersion": "v2", "name": name, "version": "1.0.0"})
        write(small / "values.yaml", SMALL_VALUES)
        (small / "templates").mkdir()
        (small / "templates" / "all.yaml").write_text(SMALL_TEMPLATE)
    one_changed = {names[0]: {"replicaCount": "${replicas}"}}
    place = {"name": "umbrella", "namespace": NAMESPACE, "chart": "./charts/umbrella"}
    write_playbooks(folder, [{**place, "spray": True, "set": one_changed}])
    return Material(folder, tuple(Alone(name, NAMESPACE, chart / "charts" / name, ()) for name in names))


def write_playbooks(folder: Path, releases: list[dict[str, Any]], **stack: Any) -> None:
    """The playbooks of a stack of these releases; ``stack``: its further keys."""
    defaults = {"createNamespace": True, "timeout": "10m"}
    stack = {"name": "benchmark", "helmDefaults": defaults, "releases": releases, **stack}
    write(folder / "helmstack.yaml", stack)
    for name, task in (("ours", OURS), ("peer", PEER), ("empty", {"empty": {}})):
        write(folder / f"{name}.yml", [{"hosts": "all", "gather_facts": False, "tasks": [task]}])
    (folder / "inventory").write_text(INVENTORY)
    (folder / "library").mkdir()
    (folder / "library" / "empty.py").write_text(EMPTY_MODULE)


def write(path: Path, content: Any) -> None:
    """Writes JSON, which is YAML too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def copy_collection(checkout: Path, collections: Path, commit: str = "") -> None:
    """What is measured: a copy, so that work on the checkout meanwhile does not change it.

    :arg commit: this commit; without it, the files as they are.
    """
    target = collections / "ansible_collections" / "helmstack" / "core"
    target.mkdir(parents=True)
    if commit:
        words = ["git", "-C", str(checkout), "archive", commit, *SHIPPED]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", str(target)], stdin=archive.stdout, check=True)
    else:
        for name in SHIPPED:
            source = checkout / name
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignored) if source.is_dir() else shutil.copy2(source, target)

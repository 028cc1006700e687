# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random stacks and random changes between them: check mode names exactly what the run then does.

HELMSTACK_STEPS and HELMSTACK_SEED choose other steps than the few of every run; a failure names its seed and step.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from harness import CONFIG, DEPLOYMENT, Object, Workspace, exact

STEPS = int(os.environ.get("HELMSTACK_STEPS", "6"))
SEED = int(os.environ.get("HELMSTACK_SEED", "7"))

NAME = '"{{ .Release.Name }}{{ .Values.suffix }}"'
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}{{ .Values.suffix }}"}
stringData: {value: {{ toJson .Values.data | quote }}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}{{ .Values.suffix }}"}
spec: {ports: [{port: {{ .Values.port }}}]}
"""
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "post-install,pre-upgrade"}}
data: {version: "{{ .Chart.Version }}"}
"""
RANDOM = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-random"}
data: {password: "{{ randAlphaNum 20 | b64enc }}"}
"""
TEMPLATES = {
    "config": CONFIG.replace('"{{ .Release.Name }}"', NAME),
    "deployment": DEPLOYMENT,
    "secret": SECRET,
    "service": SERVICE,
    "hook": HOOK,
    "random": RANDOM,
}
NAMES = ("one", "two", "three", "four")


@dataclass
class Wanted:
    """A release as the generator has it."""

    templates: set[str]
    version: int = 0
    values: Object = field(default_factory=lambda: {"data": {"a": 0}, "port": 80, "suffix": ""})
    ignore: bool = False


class Generator:
    """A stack that changes at random."""

    def __init__(self, workspace: Workspace, seed: int) -> None:
        self.workspace = workspace
        self.random = random.Random(seed)
        self.wanted: dict[str, Wanted] = {}
        self.log: list[str] = []
        for name in NAMES[:3]:
            self.add(name)

    def add(self, name: str) -> None:
        self.wanted[name] = Wanted(set(self.random.sample(sorted(TEMPLATES), 3)))

    def change(self, name: str) -> None:
        """One change to one release, or to what stands in the cluster for it."""
        acts: list[Callable[[str], None]] = [
            *(self.version, self.data, self.port, self.suffix, self.template),
            *(self.ignore, self.leave, self.by_hand, self.unstamp),
        ]
        act = self.random.choice(acts)
        if name not in self.wanted:
            self.add(name)
            self.log.append(f"{name}: add")
            return
        act(name)
        self.log.append(f"{name}: {act.__name__}")

    def version(self, name: str) -> None:
        self.wanted[name].version += 1

    def data(self, name: str) -> None:
        self.wanted[name].values["data"] = {
            self.random.choice("abc"): self.random.randint(0, 9) for _count in range(self.random.randint(0, 3))
        }

    def port(self, name: str) -> None:
        self.wanted[name].values["port"] = self.random.randint(80, 90)

    def suffix(self, name: str) -> None:
        self.wanted[name].values["suffix"] = self.random.choice(["", "-x", "-y"])

    def template(self, name: str) -> None:
        self.wanted[name].templates ^= {self.random.choice(sorted(TEMPLATES))}

    def ignore(self, name: str) -> None:
        self.wanted[name].ignore = not self.wanted[name].ignore

    def leave(self, name: str) -> None:
        if len(self.wanted) > 2:
            del self.wanted[name]

    def by_hand(self, name: str) -> None:
        namespace = self.workspace.ns("a")
        if self._revision(name) > 1:
            self.workspace.helm("rollback", name, "-n", namespace)
        elif self._revision(name):
            words = ("-n", namespace, "--reuse-values", "--set", "data.by=hand")
            self.workspace.helm("upgrade", name, f"charts/{name}", *words)

    def unstamp(self, name: str) -> None:
        if self._revision(name):
            labels = {f"helmstack.io/{key}": None for key in ("fingerprint", "revision")}
            self.workspace.api.patch(
                self.workspace.secret(name, self._revision(name)), {"metadata": {"labels": labels}}
            )

    def _revision(self, name: str) -> int:
        found = self.workspace.snapshot().releases.get(f"{self.workspace.ns('a')}/{name}")
        return found.revision if found else 0

    def write(self) -> None:
        releases = []
        for name, wanted in self.wanted.items():
            folder = self.workspace.root / "charts" / name / "templates"
            for old in folder.glob("*.yaml"):
                old.unlink()
            files = {f"templates/{key}.yaml": TEMPLATES[key] for key in wanted.templates}
            self.workspace.chart(name, f"1.{wanted.version}.0", files=files)
            keys: dict[str, Any] = {"set": wanted.values, "ignore": wanted.ignore}
            releases.append(self.workspace.release(name, name, **keys))
        self.workspace.stack(*releases)


def test_every_plan_is_what_the_run_then_does(workspace: Workspace) -> None:
    generator = Generator(workspace, SEED)
    for step in range(STEPS):
        if step:
            for name in generator.random.sample(NAMES, generator.random.randint(1, 3)):
                generator.change(name)
        generator.write()
        prune = generator.random.random() < 0.5
        try:
            exact(workspace, prune=prune)
        except AssertionError as error:
            pytest.fail(f"seed {SEED}, step {step}, prune {prune}, after {generator.log}: {error}")
        generator.log.append("run")

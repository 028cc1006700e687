# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sub-charts a real helm (HELMSTACK_HELM) keeps, and what is said here: random charts, values and conditions.

All are sub-charts of one chart, which helm renders once. HELMSTACK_CHARTS is how many, HELMSTACK_SEED where the chance
begins.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.chart.crds import crds

HELM = os.environ.get("HELMSTACK_HELM", "")
CHARTS = int(os.environ.get("HELMSTACK_CHARTS", "120"))
SEED = os.environ.get("HELMSTACK_SEED", "1").split(",")[0]
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

VALUES = (True, False, True, False, None, None, 0, 1, "false", "", [False], {"on": False}, {})
PATHS = ("a.on", "xa.on", "b.on", "top.on", "a.c.on", "global.on", "c.on")


class Chance:
    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in PATHS:
            if self.often(0.35):
                *above, last = path.split(".")
                inner = found
                for key in above:
                    inner = inner.setdefault(key, {})
                inner[last] = self.random.choice(VALUES)
        if self.often(0.3):
            found["tags"] = {tag: self.random.choice(VALUES) for tag in ("t", "u") if self.often(0.6)}
        return found

    def dependency(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {"name": name, "version": self.random.choice(("1.x.x", "1.0.0", ">0", "2.0.0"))}
        if self.often(0.7):
            count = self.random.randint(1, 2)
            found["condition"] = self.random.choice((",", ", ")).join(self.random.sample(PATHS, count))
        if self.often(0.5):
            found["tags"] = self.random.sample(("t", "u"), self.random.randint(1, 2))
        if self.often(0.2):
            found["alias"] = f"x{name}"
        return found

    def chart(self, folder: Path, name: str, depth: int, path: str) -> None:
        folder.mkdir(parents=True)
        about: dict[str, Any] = {"apiVersion": "v2", "name": name, "version": "1.0.0"}
        inner = [key for key in ("a", "b", "c") if depth and self.often(0.6)]
        if self.often(0.85):
            about["dependencies"] = [self.dependency(key) for key in inner if self.often(0.85)]
        if inner and self.often(0.1):
            about["dependencies"] = [
                *about.get("dependencies", ()),
                {"name": inner[0], "version": "1.0.0", "alias": "y"},
            ]
        (folder / "Chart.yaml").write_text(json.dumps(about))
        (folder / "values.yaml").write_text(json.dumps(self.values()))
        (folder / "crds").mkdir()
        crd = {"apiVersion": "v1", "kind": "X", "metadata": {"name": path}}
        (folder / "crds" / "x.yaml").write_text(json.dumps(crd))
        for key in inner:
            self.chart(folder / "charts" / key, key, depth - 1, f"{path}.{key}")


def test_the_sub_charts_that_helm_keeps_are_those_that_are_told_here(tmp_path: Path) -> None:
    chance = Chance(SEED)
    names = [f"n{number}" for number in range(CHARTS)]
    declared = [{"name": name, "version": "1.0.0"} for name in names]
    for name in names:
        chance.chart(tmp_path / "charts" / name, name, 2, name)
    about = {"apiVersion": "v2", "name": "all", "version": "1.0.0", "dependencies": declared}
    (tmp_path / "Chart.yaml").write_text(json.dumps(about))
    values = {name: chance.values() for name in names if chance.often(0.7)}
    (tmp_path / "values.yaml").write_text(json.dumps({name: chance.values() for name in names if chance.often(0.3)}))
    (tmp_path / "user.json").write_text(json.dumps(values))
    argv = [HELM, "template", "x", str(tmp_path), "--include-crds", "-f", str(tmp_path / "user.json")]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    version = subprocess.run([HELM, "version", "--template", "{{.Version}}"], capture_output=True, text=True).stdout
    major, minor = re.findall(r"\d+", version)[:2]
    told = sorted(re.findall(r'"name": ?"([a-z0-9.]+)"', done.stdout))
    ours = crds(load(str(tmp_path)), values, (int(major), int(minor)))
    here = sorted(json.loads(text)["metadata"]["name"] for text in ours if "metadata" in text)
    assert here == told, {"only here": sorted(set(here) - set(told)), "only helm": sorted(set(told) - set(here))}
    assert len(told) > CHARTS * 1.5

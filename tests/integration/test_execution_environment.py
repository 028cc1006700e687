# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the collection and of the example's execution environment; no container is built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDER = Path(sys.executable).parent / "ansible-builder"
EXAMPLE = ROOT / "examples" / "repository" / "awx" / "execution-environment.yml"


def builder(*words: object, cwd: Path) -> str:
    if not BUILDER.exists():
        pytest.skip("ansible-builder is not installed here")
    done = subprocess.run(
        [BUILDER, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_collection_lists_what_its_modules_import(tmp_path: Path) -> None:
    folder = tmp_path / "ansible_collections" / "helmstack" / "core"
    for name in ("meta", "requirements.txt", "bindep.txt"):
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        folder.mkdir(parents=True, exist_ok=True)
        take(ROOT / name, folder / name)
    (folder / "galaxy.yml").write_text((ROOT / "galaxy.yml").read_text())
    listed = builder("introspect", tmp_path, cwd=tmp_path)
    python, _, system = listed.partition("system:")
    assert re.findall(r"- '?(\w+)>=", python) == ["jmespath", "kubernetes"]  # PyYAML comes with ansible-core
    assert re.findall(r"- '?([a-z-]+) \[", system) == ["git", "openssh-clients", "openssh-client"]
    sources = [path.read_text() for path in (ROOT / "plugins").rglob("*.py")]
    imported = {name for text in sources for name in re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE)}
    foreign = imported - set(sys.stdlib_module_names) - {"ansible", "ansible_collections"}
    # jinja2 comes with ansible-core, urllib3 with kubernetes
    assert foreign - {"jinja2", "urllib3", "yaml", "jmespath", "kubernetes"} == set()


def test_the_execution_environment_of_the_example_is_made_with_helm_in_it(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helm").write_text("the helm that you trust\n")
    builder("create", "-f", EXAMPLE.name, "--output-filename", "Containerfile", cwd=tmp_path)
    context = tmp_path / "context"
    steps = (context / "Containerfile").read_text()
    assert "COPY _build/bin/helm /usr/local/bin/helm" in steps
    assert (context / "_build" / "bin" / "helm").read_text() == "the helm that you trust\n"
    assert "helmstack.core" in (context / "_build" / "requirements.yml").read_text()

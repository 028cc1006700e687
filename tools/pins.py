# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves the packages of all environments anew and writes them down as constraints.

The named packages are pinned by hand in dev.txt, oldest.txt and ansible-core-*.txt; what those pull in is pinned here,
with a marker where the Pythons differ.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from .environments import CONSTRAINTS
from .interpreters import Interpreter, Pair, Version, interpreters, pairs
from .layout import REQUIREMENTS, environment

HEADER = "# Written by `make pins`: what dev.txt, oldest.txt and ansible-core-*.txt pull in.\n"


def resolve(folder: Path, pair: Pair, wanted: Path) -> dict[str, str]:
    """What pip picks for `wanted` and the pair's ansible-core, without constraints."""
    print(f"resolving {wanted.name} for {pair.name}", flush=True)
    env = environment()
    subprocess.run([pair.interpreter.path, "-m", "venv", folder], check=True, env=env)
    pip = [str(folder / "bin" / "python"), "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True, env=env)
    subprocess.run([*pip, "install", "--quiet", "-r", str(pair.pins), "-r", str(wanted)], check=True, env=env)
    freeze = [*pip, "list", "--format", "freeze"]
    listed = subprocess.run(freeze, check=True, env=env, capture_output=True, text=True).stdout.split()
    return {line.partition("==")[0].lower().replace("_", "-"): line.partition("==")[2] for line in listed}


def named(files: list[Path]) -> set[str]:
    """The packages that the requirement files pin themselves."""
    return {
        match.group(1).lower().replace("_", "-")
        for file in files
        for match in re.finditer(r"^([A-Za-z0-9._-]+)==", file.read_text(), re.MULTILINE)
    }


def lines(name: str, versions: dict[Version, str]) -> list[str]:
    """One line if all Pythons agree, else one for each run of equal versions."""
    runs: list[tuple[Version, str]] = []
    for python, version in sorted(versions.items()):
        if not runs or runs[-1][1] != version:
            runs.append((python, version))
    result = []
    for place, (first, version) in enumerate(runs):
        bounds = []
        if place > 0:
            bounds.append(f'python_version >= "{first[0]}.{first[1]}"')
        if place + 1 < len(runs):
            following = runs[place + 1][0]
            bounds.append(f'python_version < "{following[0]}.{following[1]}"')
        result.append(f"{name}=={version}{' ; ' if bounds else ''}{' and '.join(bounds)}")
    return result


def environments(available: list[Interpreter]) -> list[tuple[Pair, Path]]:
    """For each Python the newest ansible-core with the tools, else the oldest with the lowest packages."""
    chosen = []
    for interpreter in available:
        runnable = [pair for pair in pairs(available) if pair.interpreter == interpreter]
        if runnable:
            wanted = "dev.txt" if interpreter.version >= (3, 11) else "oldest.txt"
            chosen.append((runnable[-1], REQUIREMENTS / wanted))
    return chosen


def write_pins() -> int:
    files = [REQUIREMENTS / "dev.txt", REQUIREMENTS / "oldest.txt", *REQUIREMENTS.glob("ansible-core-*.txt")]
    skipped = named(files)
    packages: dict[str, dict[Version, str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for pair, wanted in environments(interpreters()):
            for name, version in resolve(Path(scratch, pair.slug), pair, wanted).items():
                if name not in skipped:
                    packages.setdefault(name, {})[pair.interpreter.version] = version
    text = [line for name in sorted(packages) for line in lines(name, packages[name])]
    CONSTRAINTS.write_text(HEADER + "\n".join(text) + "\n")
    print(f"{len(text)} pins in {CONSTRAINTS.name}")
    return 0

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the machine's real Python interpreters and picks the ansible-core versions they can run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .layout import REQUIREMENTS

Version = tuple[int, int]

LOWEST_TARGET: Version = (3, 10)
LOWEST_CONTROLLER: Version = (3, 11)

# Controller Pythons as each release documents them; 2.17 is what meta/runtime.yml asks for.
CONTROLLER_PYTHONS: dict[str, tuple[Version, Version]] = {
    "2.17": ((3, 10), (3, 12)),
    "2.18": ((3, 11), (3, 13)),
    "2.19": ((3, 11), (3, 13)),
    "2.20": ((3, 12), (3, 14)),
    "2.21": ((3, 12), (3, 14)),
}

PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2], sys.prefix == sys.base_prefix, sys.executable)"


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs and can make virtual environments."""

    version: Version
    path: Path

    @property
    def name(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True)
class Pair:
    """An ansible-core release line and the interpreter that runs it."""

    core: str
    interpreter: Interpreter

    @property
    def name(self) -> str:
        return f"ansible-core {self.core} on Python {self.interpreter.name}"

    @property
    def slug(self) -> str:
        return f"{self.core}-py{self.interpreter.name}"

    @property
    def pins(self) -> Path:
        return REQUIREMENTS / f"ansible-core-{self.core}.txt"


def candidates() -> Iterator[Path]:
    """Executables that may be a Python: pyenv's versions and everything on PATH but its shims."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(entry) for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry]
    folders += sorted(pyenv.glob("versions/*/bin"), reverse=True)
    for folder in folders:
        if folder.name == "shims":
            continue
        for minor in range(LOWEST_TARGET[1], 20):
            path = folder / f"python3.{minor}"
            if os.access(path, os.X_OK):
                yield path
        if os.access(folder / "python3", os.X_OK):
            yield folder / "python3"


def probe(path: Path) -> Interpreter | None:
    """The interpreter behind `path`, or None if it does not work or is a virtual environment's."""
    try:
        done = subprocess.run([path, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, real, executable = done.stdout.strip().split(" ", 3)
    return Interpreter((int(major), int(minor)), Path(executable)) if real == "True" else None


def interpreters() -> list[Interpreter]:
    """One interpreter a minor version, lowest first; the first found on PATH wins."""
    found: dict[Version, Interpreter] = {}
    seen: set[Path] = set()
    for path in candidates():
        resolved = path.resolve()
        if resolved in seen:
            continue
        seen.add(resolved)
        interpreter = probe(path)
        if interpreter and interpreter.version >= LOWEST_TARGET:
            found.setdefault(interpreter.version, interpreter)
    return [found[version] for version in sorted(found)]


def pairs(available: list[Interpreter]) -> list[Pair]:
    """Every pair that can run, by ansible-core and then by Python."""
    return [
        Pair(core, interpreter)
        for core, (low, high) in CONTROLLER_PYTHONS.items()
        for interpreter in available
        if low <= interpreter.version <= high
    ]


def oldest_and_newest(available: list[Interpreter]) -> tuple[Pair, Pair]:
    """The ends of the supported range: lowest ansible-core on the lowest Python, highest on the highest.

    The newest one is also the development environment's, whose tools need Python 3.11.
    """
    runnable = pairs(available)
    newest = [pair for pair in runnable if pair.interpreter.version >= LOWEST_CONTROLLER]
    if not newest:
        raise SystemExit(
            "No Python from 3.11 to 3.14 with venv and ensurepip was found on PATH or among pyenv's versions."
        )
    return runnable[0], newest[-1]

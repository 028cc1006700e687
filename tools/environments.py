# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes virtual environments from pinned requirements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .cache import alone, cache_folder, link, remove, used
from .interpreters import Pair, interpreters, oldest_and_newest
from .layout import DEMO_VENV, DEV_VENV, REQUIREMENTS, ROOT, WORK, environment, link_collection

Run = Callable[..., str]

CONSTRAINTS = REQUIREMENTS / "constraints.txt"


def matrix() -> tuple[Pair, Pair]:
    """The oldest and the newest pair of ansible-core and Python on this machine."""
    return oldest_and_newest(interpreters())


def stamp_of(pair: Pair, files: list[Path]) -> str:
    digest = hashlib.sha256(f"{pair.core} {pair.interpreter.path}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def packages(folder: Path) -> str:
    """The names and versions of all packages in a virtual environment."""
    return "\n".join(sorted(path.stem for path in folder.glob("lib/python3*/site-packages/*.dist-info")))


def is_made(folder: Path, pair: Pair, files: list[Path]) -> bool:
    """Whether there is a virtual environment for `pair` with what the files pin, and nothing was changed in it."""
    if not (folder / "stamp").exists() or not (folder / "bin" / "python").exists():
        return False
    return (folder / "stamp").read_text() == f"{stamp_of(pair, files)}\n{packages(folder)}"


def make_venv(run: Run, folder: Path, pair: Pair, wanted: Path, pins: tuple[Path, ...] = (CONSTRAINTS,)) -> Path:
    """A virtual environment for `pair` with the packages of `wanted`; made anew only when the pins changed.

    All checkouts with the same pins share it. It is made where it stays, as its scripts know their place.
    """
    files = [wanted, pair.pins, *pins]
    kept = cache_folder("venvs", f"{pair.slug}-{wanted.stem}-{stamp_of(pair, files)[:12]}")
    with alone(kept):
        if not is_made(kept, pair, files):
            remove(kept)
            run([pair.interpreter.path, "-m", "venv", kept], env=environment())
            # a pip of its own age cannot be trusted with today's metadata
            pip: list[object] = [kept / "bin" / "python", "-m", "pip", "install", "--quiet"]
            pip += [word for file in pins for word in ("--constraint", file)]
            run([*pip, "--upgrade", "pip"], env=environment())
            run([*pip, "--requirement", pair.pins, "--requirement", wanted], env=environment())
            (kept / "stamp").write_text(f"{stamp_of(pair, files)}\n{packages(kept)}")
        used(kept / "stamp")
    link(folder, kept)
    return folder


def dev_venv(run: Run, newest: Pair) -> Path:
    """The development environment: newest ansible-core, run-time packages, all tools."""
    link_collection()
    return make_venv(run, DEV_VENV, newest, REQUIREMENTS / "dev.txt")


def demo_venv(run: Run, newest: Pair) -> Path:
    """The development environment if it is there, else one with the run-time packages alone, in the same versions."""
    link_collection()
    wanted = REQUIREMENTS / "dev.txt"
    if is_made(DEV_VENV, newest, [wanted, newest.pins, CONSTRAINTS]):
        return DEV_VENV
    return make_venv(run, DEMO_VENV, newest, ROOT / "requirements.txt", (CONSTRAINTS, wanted))


def oldest_venv(run: Run, oldest: Pair) -> Path:
    """Oldest ansible-core with the lowest supported run-time packages."""
    return make_venv(run, WORK / "matrix" / oldest.slug, oldest, REQUIREMENTS / "oldest.txt")

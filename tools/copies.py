# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of the checkout's files for tools that need a real collection folder or that leave files behind."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path

from .layout import COLLECTION_PATH, COPIES, ROOT

KEPT = {".git", "tests/output"}


def source_files() -> list[str]:
    """The checkout's files as git sees them: tracked and new, not ignored, not deleted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()})


def shipped_files() -> list[str]:
    """The files that `ansible-galaxy collection build` packs: all but those that galaxy.yml's build_ignore names."""
    block = (ROOT / "galaxy.yml").read_text().partition("\nbuild_ignore:\n")[2]
    patterns = [word.strip("\"'") for word in re.findall(r"^ +- (\S+)$", block, re.MULTILINE)]
    if not patterns:
        raise RuntimeError("galaxy.yml has no build_ignore as its last key")

    def ignored(name: str) -> bool:
        parts = [name, *(str(parent) for parent in Path(name).parents)]
        return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in patterns)

    return [name for name in source_files() if not ignored(name)]


def remove_stale(folder: Path, wanted: set[str]) -> None:
    """Remove what an earlier copy left and the checkout no longer has."""
    for parent, folders, files in os.walk(folder):
        here = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if str(here / name) not in KEPT]
        for name in files:
            if str(here / name) not in wanted:
                (Path(parent) / name).unlink()


def copy_checkout(name: str, *, shipped_only: bool = False) -> Path:
    """A copy at …/ansible_collections/helmstack/core with a git index of its own.

    The index matters: ansible-test lists a collection's files with git, and in a folder that the checkout ignores it
    would otherwise find none and call that a success.
    """
    folder = COPIES / name / COLLECTION_PATH
    folder.mkdir(parents=True, exist_ok=True)
    files = shipped_files() if shipped_only else source_files()
    if not files:
        raise RuntimeError("git lists no files in the checkout")
    if shipped_only:
        files.append(".gitignore")  # for tests/output
    remove_stale(folder, set(files))
    for file in files:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target, follow_symlinks=False)
    shutil.rmtree(folder / ".git", ignore_errors=True)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-c", "init.defaultBranch=main", *command], cwd=folder, check=True, capture_output=True)
    return folder

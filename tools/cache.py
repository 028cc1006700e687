# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checkouts share: folders of ${XDG_CACHE_HOME:-~/.cache}/helmstack that can be removed at any time."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT_DAYS = 60


def cache_folder(*names: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").joinpath("helmstack", *names)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lets one process at a time make this folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f".{folder.name}.lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def link(place: Path, folder: Path) -> None:
    """Make `place` lead to `folder`, whatever is there."""
    if place.is_symlink() and Path(os.readlink(place)) == folder:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    new = place.with_name(f".{place.name}.new")
    remove(new)
    new.symlink_to(folder)
    if place.is_symlink() or not place.exists():
        new.replace(place)
        return
    # what runs from the folder goes on: in a moment its files are there again
    old = place.rename(place.with_name(f".{place.name}.old"))
    new.replace(place)
    remove(old)


def remove(place: Path) -> None:
    """Remove a link or a folder, which need not be there; never what a link leads to."""
    if place.is_symlink():
        place.unlink(missing_ok=True)
    else:
        shutil.rmtree(place, ignore_errors=True)


def used(mark: Path) -> None:
    """Note that the folder of this file is in use, and remove its neighbours that nobody has used for long."""
    os.utime(mark)
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for other in mark.parent.parent.glob(f"*/{mark.name}"):
        if other.stat().st_mtime < oldest:
            shutil.rmtree(other.parent, ignore_errors=True)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see besides the result: lines of progress while the module runs, and helm-spray's table."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

Show = Callable[[str], None]

_EVERY = 0.2  # seconds between two looks
_TITLES = ("SUB-CHART", "ALIAS", "TARGETED", "WEIGHT", "RELEASE", "REVISION", "ACTION", "STATUS")


@contextmanager
def followed(folder: str, show: Show) -> Iterator[str]:
    """A private file in ``folder`` whose lines are shown as they are appended, the last of them at the end."""
    handle, path = tempfile.mkstemp(prefix="helmstack-", dir=folder)
    ended = threading.Event()
    try:
        with open(handle, "rb") as file:
            lines = _Lines(file.read, show)
            thread = threading.Thread(target=lines.follow, args=(ended,), name="helmstack progress", daemon=True)
            thread.start()
            try:
                yield path
            finally:
                ended.set()
                thread.join()
                lines.show_new()
    finally:
        os.unlink(path)


class _Lines:
    """Cuts what has been appended since the last look into lines; a line that is not whole yet waits."""

    def __init__(self, read: Callable[[], bytes], show: Show) -> None:
        self._read = read
        self._show = show
        self._rest = b""

    def follow(self, ended: threading.Event) -> None:
        while not ended.wait(_EVERY):
            self.show_new()

    def show_new(self) -> None:
        *whole, self._rest = (self._rest + self._read()).split(b"\n")
        for line in whole:
            self._show(line.decode(errors="replace"))


def tables(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The result's ``sub_charts`` as the lines of a table for each umbrella."""
    umbrellas: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        umbrellas.setdefault(row["umbrella"], [_TITLES]).append(_cells(row))
    for umbrella, lines in umbrellas.items():
        widths = [max(map(len, column)) for column in zip(*lines)]
        yield f"{umbrella}:"
        for line in lines:
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    cells = (row["sub_chart"], row["alias"], row["why"], row["weight"], row["release"], _revision(row["revision"]))
    return tuple("-" if cell is None else str(cell) for cell in (*cells, row["action"], row["status"]))


def _revision(revision: Mapping[str, int | None]) -> str | None:
    before, after = revision["from"], revision["to"]
    if before == after:
        return None if after is None else str(after)
    return f"{'-' if before is None else before} -> {'-' if after is None else after}"

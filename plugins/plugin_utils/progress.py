# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see besides the result: lines of progress while the module runs, and helm-spray's table."""

from __future__ import annotations

import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible.utils.display import Display

Show = Callable[[str], None]
Execute = Callable[[str], "tuple[int, str]"]

display = Display()

_EVERY = 0.2  # seconds between two looks
_FIRST = 2.0  # seconds until the first look at a target
_MARK = "helmstack> "
# Waits for lines beyond those shown, ten seconds at most; fails once the file is gone.
_NEW_LINES = (
    "i=0; while [ $i -lt 10 ]; do "
    'if [ -f {path} ]; then [ "$(wc -l < {path})" -gt {shown} ] && break; elif [ {shown} -gt 0 ]; then exit 1; fi; '
    "sleep 1; i=$((i+1)); done; "
    f"[ ! -f {{path}} ] || tail -n +{{next}} {{path}} | sed 's/^/{_MARK}/'"
)
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


class Remote:
    """Lines of progress that the module writes to a file on the target, shown while it runs as far as that works.

    A connection serves one command at a time, so the file is read over another one. Each command there waits for new
    lines itself, so that one is started every few seconds at most. Whatever goes wrong, all lines come back with the
    module's result, and :meth:`show_rest` shows the lines that were not shown yet.

    :arg another: opens the other connection; gives what runs a command there and returns its exit code and output.
    """

    def __init__(self, another: Callable[[], Execute], show: Show) -> None:
        # a random name, as anybody may make files in this folder
        self.path = f"/tmp/helmstack-{uuid.uuid4().hex}"
        self._another = another
        self._show = show
        self._shown = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="helmstack progress", daemon=True)

    def __enter__(self) -> Remote:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        # its command may go on for some seconds, which is not worth waiting for
        self._thread.join(timeout=1)

    def show_rest(self, lines: Sequence[str]) -> None:
        """Show the lines that have not been shown yet, and no other from now on."""
        with self._lock:
            for line in lines[self._shown :]:
                self._show(line)
            self._shown = len(lines)
            self._ended.set()

    def _follow(self) -> None:
        if self._ended.wait(_FIRST):  # most runs that change nothing are over by now
            return
        try:
            execute = self._another()
            while not self._ended.is_set():
                code, output = execute(_NEW_LINES.format(path=self.path, shown=self._shown, next=self._shown + 1))
                if code:
                    return
                self._show_new(output)
        except Exception as error:  # of whatever kind of connection this is
            display.vvv(f"helmstack: lines of progress come at the end of the task: {error}")

    def _show_new(self, output: str) -> None:
        # a terminal or a become plugin on the way may add words of its own
        lines = [line.partition(_MARK)[2] for line in output.splitlines() if _MARK in line]
        with self._lock:
            if self._ended.is_set():
                return
            for line in lines:
                self._show(line)
            self._shown += len(lines)


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

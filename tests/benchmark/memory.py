# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a command takes at its peak, with all that it starts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_EVERY = 0.1  # seconds between two looks
HELM = "helm"


class Peak:
    """The most that the processes which are started below this one hold together while something runs, in MB.

    What runs already, such as the control plane, does not count.
    A page that several of them share counts once: each is given its share of it (PSS). helm's own processes are told
    apart, as what they take is helm's.
    """

    def __init__(self) -> None:
        self.ours = 0.0
        self.helm = 0.0
        self._ended = threading.Event()
        self._others: frozenset[int] = frozenset()

    def of(self, work: Callable[[], object]) -> Peak:
        """Runs the work, and looks meanwhile."""
        self._others = frozenset(_below(os.getpid()))
        thread = threading.Thread(target=self._follow, daemon=True)
        thread.start()
        try:
            work()
        finally:
            self._ended.set()
            thread.join()
        return self

    def _follow(self) -> None:
        while not self._ended.wait(_EVERY):
            held = {True: 0.0, False: 0.0}
            for pid in set(_below(os.getpid())) - self._others:
                held[_name(pid) == HELM] += _megabytes(pid)
            self.ours, self.helm = max(self.ours, held[False]), max(self.helm, held[True])

    def data(self) -> dict[str, int]:
        return {"peak_mb": round(self.ours), "helm_peak_mb": round(self.helm)}


def _below(root: int) -> list[int]:
    """The processes that a process has started, and those that they have, as far as they are still their children."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{root}/task"):
            with suppress(OSError):
                for child in Path(f"/proc/{root}/task/{task}/children").read_text(encoding="utf-8").split():
                    found += [int(child), *_below(int(child))]
    return found


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def _megabytes(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress while a run lasts: lines in a file that the action plugin shows as they come."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask

INTERVAL = 30.0  # seconds


class Progress:
    """Writes a line at a time, secrets masked; without a file it is silent. May be called from several threads."""

    def __init__(self, path: str | None, mask: Mask) -> None:
        self._path = path
        self._mask = mask

    @contextmanager
    def of(self, pending: Callable[[], list[str]]) -> Iterator[None]:
        """Reports every half minute what the run still waits for."""
        done = threading.Event()

        def tell() -> None:
            while not done.wait(INTERVAL):
                for text in pending():
                    self(f"still waiting: {text}")

        teller = threading.Thread(target=tell, daemon=True)
        if self._path:
            teller.start()
        try:
            yield
        finally:
            done.set()

    def __call__(self, text: str) -> None:
        if not self._path:
            return
        line = f"{time.strftime('%H:%M:%S')} {self._mask.text(text)}\n"
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # one write a line: lines of several writers do not mix
            os.write(file, line.encode())
        finally:
            os.close(file)

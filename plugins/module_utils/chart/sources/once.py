# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done once: the first thread does it, the others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")


class Once(Generic[_K, _T]):
    """Results by their keys. One that failed has failed for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[_K, Future[_T]] = {}

    def of(self, key: _K, make: Callable[[], _T]) -> _T:
        """What ``make`` returned, or raises, the first time."""
        with self._lock:
            future = self._known.get(key)
            mine = future is None
            if future is None:
                future = self._known[key] = Future()
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

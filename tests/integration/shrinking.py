# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of steps that show something, as few as still show it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Step = tuple[list[str], dict[str, Any]]  # acts, and the options of the run after them


def shortest(steps: Sequence[Step], shows: Callable[[list[Step]], bool], seconds: float) -> list[Step]:
    """Leaves out acts and runs, half of them at once and less and less, then what single ones say."""
    deadline = time.monotonic() + seconds
    parts = [part for acts, options in steps for part in (*acts, options)]

    def holds(some: Sequence[Any]) -> bool:
        return time.monotonic() < deadline and shows(_steps(some))

    size = len(parts) // 2
    while size:
        place = 0
        while place < len(parts) - 1:  # the last run is to show it
            some = [*parts[:place], *parts[min(place + size, len(parts) - 1) :]]
            if holds(some):
                parts = some
            else:
                place += size
        size //= 2
    for place in range(len(parts)):
        some = next((some for some in _simpler(parts, place) if holds(some)), None)
        while some:
            parts = some
            some = next((some for some in _simpler(parts, place) if holds(some)), None)
    return _steps(parts)


def _steps(parts: Sequence[Any]) -> list[Step]:
    """An act whose run is left out comes before the next one."""
    found: list[Step] = []
    acts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            acts.append(part)
        else:
            found.append((acts, part))
            acts = []
    return found


def _simpler(parts: Sequence[Any], place: int) -> Iterator[list[Any]]:
    """The parts with one of an option, or a template, fewer."""
    part = parts[place]
    if isinstance(part, dict):
        less: list[Any] = [{key: part[key] for key in part if key != left_out} for left_out in part]
    else:
        head, _space, templates = part.rpartition(" ")
        names = templates.split(",") if part.startswith("add ") else []
        less = [f"{head} {','.join(n for n in names if n != left_out)}" for left_out in names if len(names) > 1]
    for item in less:
        yield [*parts[:place], item, *parts[place + 1 :]]

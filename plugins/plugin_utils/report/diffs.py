# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences of two texts as the lines of a unified diff, quickly however large they are."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import takewhile

_AROUND = 3
# difflib takes the square of this at worst; where more lines differ they are shown as gone and new
_MOST = 2_000


def unified(before: str, after: str) -> list[str]:
    """The lines, each with its sign in front: ``+``, ``-``, a blank, or ``@`` between parts that differ."""
    old, new = before.splitlines(), after.splitlines()
    if not old or not new:
        return [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    ends = len(old) - tail, len(new) - tail
    if max(ends) - head > _MOST:
        return [
            *(f" {line}" for line in old[max(0, head - _AROUND) : head]),
            *(f"-{line}" for line in old[head : ends[0]]),
            *(f"+{line}" for line in new[head : ends[1]]),
            *(f" {line}" for line in old[ends[0] : ends[0] + _AROUND]),
        ]
    first = max(0, head - _AROUND)
    sides = old[first : ends[0] + _AROUND], new[first : ends[1] + _AROUND]
    lines = list(difflib.unified_diff(*sides, lineterm="", n=_AROUND))[2:]  # without the names of files
    parts = ["@@" if line.startswith("@@") else line for line in lines]
    return parts[1:] if parts[:1] == ["@@"] else parts


def counts(lines: Sequence[str]) -> tuple[int, int]:
    """How many lines come, and how many go."""
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    return sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(left, right)))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences of two texts as the lines of a unified diff, quickly however large they are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile

_AROUND = 3
# difflib takes the square of this at worst; where more lines differ they are shown as gone and new
_MOST = 2_000


def unified(before: str, after: str) -> list[str]:
    """The lines, each with its sign in front: ``+``, ``-``, a blank, or ``@`` between parts that differ."""
    old, new = before.splitlines(), after.splitlines()
    if old == new:
        return []
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
    return _parts(_signed(old[first : ends[0] + _AROUND], new[first : ends[1] + _AROUND]))


def _signed(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """All lines of both sides with their signs."""
    same = [left == right for left, right in zip(old, new)]
    if len(old) == len(new) and 2 * sum(same) >= len(same):  # as most changes of manifests are
        for alike, group in groupby(range(len(same)), key=same.__getitem__):
            places = list(group)
            yield from (f"{' ' if alike else '-'}{old[at]}" for at in places)
            yield from () if alike else (f"+{new[at]}" for at in places)
        return
    for tag, start, end, begin, until in difflib.SequenceMatcher(None, old, new).get_opcodes():
        yield from (f"{' ' if tag == 'equal' else '-'}{line}" for line in old[start:end])
        yield from () if tag == "equal" else (f"+{line}" for line in new[begin:until])


def _parts(lines: Iterable[str]) -> list[str]:
    """The lines without those that are far from what differs."""
    found: list[str] = []
    for stays, group in groupby(lines, key=lambda line: line.startswith(" ")):
        some = list(group)
        if stays and found and len(some) > 2 * _AROUND:
            some = [*some[:_AROUND], "@@", *some[-_AROUND:]]
        found += some
    return found


def counts(lines: Sequence[str]) -> tuple[int, int]:
    """How many lines come, and how many go."""
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    return sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(left, right)))

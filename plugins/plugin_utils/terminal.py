# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diffs for a terminal: equal changes are shown once, and long entries are cut."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

Entry = Mapping[str, str]
_CONTEXT = 3
_LEAST = 10  # lines of an entry that are always shown
_CHART = ": chart"


def shortened(entries: Iterable[Entry], most: int) -> list[dict[str, str]]:
    """The entries with equal changes of charts shown once, in at most so many lines; the longest are cut first.

    :arg most: 0: as many as there are.
    """
    every = [dict(entry) for entry in _charts_once(list(entries))]
    if not most or sum(entry["before"].count("\n") + entry["after"].count("\n") for entry in every) <= most:
        return every
    sizes = [len(unified(entry)) for entry in every]
    share = max(_share(sizes, most), _LEAST)
    return [_cut(entry, share) if size > share else entry for entry, size in zip(every, sizes)]


def unified(entry: Entry) -> list[str]:
    """The lines that Ansible shows of an entry, without its headers."""
    sides = (entry["before"].splitlines(), entry["after"].splitlines())
    return list(difflib.unified_diff(*sides, n=_CONTEXT, lineterm=""))[2:]


def shown(entry: Entry) -> Iterator[str]:
    """An entry as Ansible shows it."""
    yield f"--- before: {entry['before_header']}"
    yield f"+++ after: {entry['after_header']}"
    yield from unified(entry)


def _share(sizes: Sequence[int], most: int) -> int:
    """How long the longest may be, so that all together are no more than that."""
    for position, size in enumerate(sorted(sizes)):
        share = most // (len(sizes) - position)
        if size > share:
            return share
        most -= size
    return max(sizes, default=0)


def _cut(entry: Entry, lines: int) -> dict[str, str]:
    """The entry up to so many lines of its diff, and how many more there are."""
    before, after = entry["before"].splitlines(), entry["after"].splitlines()
    left = lines
    at = (0, 0)
    matcher = difflib.SequenceMatcher(None, before, after)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        for tag, low, high, first, last in group:
            count = high - low if tag == "equal" else (high - low) + (last - first)
            if count > left:
                gone = min(high - low, left)
                at = (low + gone, first + (gone if tag == "equal" else min(last - first, left - gone)))
                return _ended(entry, before, after, at, len(unified(entry)) - lines)
            left -= count
            at = (high, last)
    return _ended(entry, before, after, at, 0)


def _ended(entry: Entry, before: Sequence[str], after: Sequence[str], at: tuple[int, int], more: int) -> dict[str, str]:
    note = f"({more} more lines; diff_lines: 0 shows all)" if more > 0 else ""
    kept = {"before": [*before[: at[0]]], "after": [*after[: at[1]]]}
    if not note:
        return dict(entry)
    # on the side that exists, so that the note is at the end of the diff
    kept["after" if after else "before"].append(note)
    return {**entry, **{side: "".join(f"{line}\n" for line in lines) for side, lines in kept.items()}}


def _charts_once(entries: list[Entry]) -> Iterator[Entry]:
    """Entries of releases that change in nothing but their chart's name and version are joined where they are equal."""
    counts: dict[str, int] = {}
    for entry in entries:
        name = _release(entry)
        counts[name] = counts.get(name, 0) + 1
    alike: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry["before_header"].endswith(_CHART) and counts[_release(entry)] == 1:
            alike.setdefault(_first_lines(entry), []).append(entry)
    done: set[tuple[str, str]] = set()
    for entry in entries:
        key = _first_lines(entry)
        if len(alike.get(key, ())) < 2 or entry not in alike[key]:
            yield entry
        elif key not in done:
            done.add(key)
            yield _joined(alike[key])


def _release(entry: Entry) -> str:
    return entry["before_header"].partition(": ")[0]


def _first_lines(entry: Entry) -> tuple[str, str]:
    return entry["before"].partition("\n")[0], entry["after"].partition("\n")[0]


def _joined(entries: Sequence[Entry]) -> Entry:
    names = [_release(entry) for entry in entries]
    header = f"{len(entries)} releases that change in nothing else: chart"
    before, after = _first_lines(entries[0])
    listed = "".join(f"- {name}\n" for name in names)
    return {
        "before_header": header,
        "after_header": header,
        "before": f"{before}\nreleases:\n{listed}",
        "after": f"{after}\nreleases:\n{listed}",
    }

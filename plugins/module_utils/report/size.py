# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result that AWX can show: the longest texts and lists of one that is too large are cut, and it says which."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# ansible-runner and AWX keep nothing of a result over 700,000 characters (MAX_EVENT_RES). Ansible itself, the action
# plugin and callbacks add to what a module returns.
ROOM = 600_000
_FOR_OBJECTS = 200_000  # of it, at most, for lists of objects: so they are the same in a check and in the run
_SHORT = 200  # characters of a text that is never cut
_TOLD = 10
_NAMES = {"sub_charts": "sub-charts", "diff": "entries of the diff"}  # where the key is not the word


def fitted(result: Mapping[str, Any], room: int = ROOM) -> dict[str, Any]:
    """The result in at most ``room`` characters; ``warnings`` names what has been cut."""
    if _size(result) <= room:
        return dict(result)
    cuts: list[str] = []
    room -= 100 * (_TOLD + 1)  # for the warning
    found = _without_objects(dict(result), cuts)
    texts = list(_texts(found))
    if _size(found) - sum(texts) > room * 3 // 4:  # to cut texts alone would leave nothing of them
        found = _without_entries(dict(found), room * 3 // 4 + sum(texts), cuts)
    if _size(found) > room:
        found = _shortened(found, _share(list(_texts(found)), room - _size(found)), "", cuts)
    if _size(found) > room:
        found = _without_entries(dict(found), room, cuts)
    more = f" and {len(cuts) - _TOLD} more" if len(cuts) > _TOLD else ""
    warning = f"The result is larger than AWX would show it, so these were cut: {', '.join(cuts[:_TOLD])}{more}"
    return {**found, "warnings": [*found.get("warnings", ()), warning]}


def _size(value: Any) -> int:
    """ansible-runner counts Python's notation, and stores JSON."""
    return max(len(str(value)), len(json.dumps(value, default=str)))


def _share(sizes: Sequence[int], spare: int) -> int:
    """How large the largest may be, so that all together shrink by as much as ``spare`` is below zero."""
    left = sum(sizes) + spare
    for position, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - position)
        if size > share:
            return max(share, _SHORT)
        left -= size
    return max(sizes, default=0)


def _without_objects(result: dict[str, Any], cuts: list[str]) -> dict[str, Any]:
    """The result with the longest of its lists of objects cut."""
    plan = result.get("plan")
    if not plan:
        return result
    sizes = [_size(release["objects"]) for release in plan["releases"]]
    longest = _share(sizes, _FOR_OBJECTS - sum(sizes)) if sum(sizes) > _FOR_OBJECTS else max(sizes, default=0)
    releases = []
    for release, size in zip(plan["releases"], sizes):
        objects = release["objects"]
        if size > longest:
            kept = objects[: len(objects) * longest // size]
            cuts.append(f"{len(objects) - len(kept)} of {len(objects)} objects of {_label(release)}")
            releases.append({**release, "objects": kept})
        else:
            releases.append(release)
    return {**result, "plan": {**plan, "releases": releases}}


def _texts(value: Any) -> Iterator[int]:
    """The sizes of all texts that may be cut."""
    if isinstance(value, str):
        if len(value) > _SHORT:
            yield _size(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def _shortened(value: Any, longest: int, label: str, cuts: list[str]) -> Any:
    """The data with no text larger than that."""
    if isinstance(value, str):
        if len(value) <= _SHORT or _size(value) <= longest:
            return value
        cuts.append(label)
        return _cut(value, longest)
    if isinstance(value, Mapping):
        own = _label(value)
        return {key: _shortened(item, longest, f"{key} of {own or label}", cuts) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(item, longest, label, cuts) for item in value]
    return value


def _cut(text: str, longest: int) -> str:
    note = f"\n(cut: {len(text)} characters are too many to show)\n"
    low, high = 0, min(len(text), longest)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle] + note) <= longest:
            low = middle
        else:
            high = middle - 1
    return text[:low] + note


def _label(value: Mapping[str, Any]) -> str:
    """What the data is about, for people."""
    if "after_header" in value:
        return str(value["before_header"])
    return f"{value['namespace']}/{value['name']}" if {"namespace", "name"} <= value.keys() else ""


def _without_entries(result: dict[str, Any], room: int, cuts: list[str]) -> dict[str, Any]:
    """The result with its longest lists cut: of releases those that stay as they are first, else what comes last."""
    plan = dict(result.get("plan") or {})
    places = [
        *((plan, key) for key in ("releases", "images", "risks")),
        *((result, key) for key in ("sub_charts", "releases", "diff", "warnings")),
    ]
    lists = [(place, key) for place, key in places if place.get(key)]
    sizes = [_size(place[key]) for place, key in lists]
    longest = _share(sizes, room - _size(result))
    for (place, key), size in zip(lists, sizes):
        if size > longest:
            kept = _kept(place[key], size - longest)
            cuts.insert(0, f"{len(place[key]) - len(kept)} of {len(place[key])} {_NAMES.get(key, key)}")
            place[key] = kept
    return {**result, **({"plan": plan} if plan else {})}


def _kept(items: Sequence[Any], excess: int) -> list[Any]:
    gone: set[int] = set()
    idle = [isinstance(item, Mapping) and item.get("action") in ("unchanged", "skip") for item in items]
    for at in sorted(range(len(items)), key=lambda at: (not idle[at], -at)):
        if excess <= 0:
            break
        gone.add(at)
        excess -= _size(items[at])
    return [item for at, item in enumerate(items) if at not in gone]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each host is on after a run: the new state, the old one, or half way, with what of it is where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NEW, OLD, HALF, UNKNOWN = STANDINGS = ("new", "old", "half", "unknown")
_DONE, _FAILED, _IDLE = "done", "failed", ("unchanged", "skip")
_TITLES = {NEW: "on the new state", OLD: "on the old state", HALF: "half way", UNKNOWN: "not known"}
_Release = Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """Where a host is, and if that is in between, which of its releases are where."""

    state: str
    detail: str = ""


def standing(results: Sequence[Mapping[str, Any]], *, undone: Mapping[str, Any] | None = None) -> Standing:
    """What a host is on after tasks with these results.

    :arg undone: the result of the task that has taken back what these did.
    """
    if any(result.get("unreachable") for result in results):
        return Standing(UNKNOWN, "it could not be reached")
    if not results or all(result.get("skipped") for result in results):
        return Standing(OLD, "not begun")
    left = [str(item) for item in (undone or {}).get("left") or ()]
    if left:
        return Standing(HALF, f"not taken back: {'; '.join(left)}")
    if undone is not None and (undone.get("failed") or undone.get("unreachable")):
        return Standing(HALF, "it could not be taken back")
    if undone is not None and undone.get("taken_back"):
        return Standing(OLD, "taken back")
    places: dict[str, list[str]] = {NEW: [], OLD: [], HALF: []}
    for result in results:
        for release in (result.get("plan") or {}).get("releases") or ():
            found = _release(release, failed=bool(result.get("failed")))
            if found:
                places[found].append(f"{release['namespace']}/{release['name']}")
        if result.get("failed") and not result.get("plan"):
            places[OLD].append("what failed at once")
    if not any(result.get("failed") for result in results):
        return Standing(NEW)
    if not places[HALF] and not places[NEW]:
        return Standing(OLD)
    if not places[HALF] and not places[OLD]:
        return Standing(NEW)
    return Standing(HALF, "; ".join(f"{place}: {', '.join(names)}" for place, names in places.items() if names))


def _release(release: _Release, *, failed: bool) -> str | None:
    """Where a release is; None: nothing was to be done with it."""
    if release.get("action") in _IDLE:
        return None
    done = release.get("outcome")
    if release.get("action") == "adopt":  # it is what the stack wants; at most it is not ready
        return OLD if done and done["state"] == _FAILED else None
    if not done:
        return OLD if failed else None
    if done["state"] == _DONE:
        return NEW
    if done["state"] != _FAILED:
        return OLD  # not started, or rolled back
    return OLD if _went_back(release, done) else HALF


def _went_back(release: _Release, done: Mapping[str, Any]) -> bool:
    """Whether a release that failed is what it was: helm has rolled back, or it is gone again."""
    before, after = release["revision"]["from"], release["revision"]["to"]
    if release.get("status") == "uninstalled":
        return before is None and release.get("action") != "uninstall"
    return release.get("status") == "deployed" and done.get("revision") not in (None, after)


def by_standing(hosts: Iterable[tuple[str, Standing]]) -> dict[str, list[str]]:
    """The hosts' names, for machines."""
    found: dict[str, list[str]] = {state: [] for state in STANDINGS}
    for name, where in hosts:
        found[where.state].append(name)
    return {state: sorted(names) for state, names in found.items()}


def told(hosts: Sequence[tuple[str, Standing]]) -> Iterator[str]:
    """A line for the hosts that are on the same, but for each that is half way."""
    for state in STANDINGS:
        alike: dict[str, list[str]] = {}
        for name, where in hosts:
            if where.state == state:
                alike.setdefault(where.detail, []).append(name)
        for detail, names in alike.items():
            yield f"{_TITLES[state]}: {', '.join(names)}{f' ({detail})' if detail else ''}"

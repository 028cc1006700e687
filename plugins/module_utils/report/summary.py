# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in lines for people: each release with which something happens, and the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HOW_FAR = "State of the releases:"  # the line in a failure that the state of every release follows
_IDLE = ("unchanged", "skip")
_OBJECTS = {"add": "added", "change": "change", "remove": "removed", "replace": "replaced"}
_NAMED = 5  # releases with the same change that one line names
_FIELDS = 6
_Release = Mapping[str, Any]


def outline(plan: Mapping[str, Any]) -> Iterator[str]:
    """A result's plan: its risks first, a line for each release with which something happens, what is left, the sum."""
    for risk in plan.get("risks") or ():
        named = risk["object"]
        about = f", {named['kind']} {named['name']}" if named else ""
        yield f"RISK {risk['risk']}: {risk['release']}{about}: {risk['why']}"
    yield from _releases(plan)
    yield from left_behind(plan)
    yield f"plan: {total(plan)}"


def ended(plan: Mapping[str, Any]) -> Iterator[str]:
    """The lines at a run's end, besides those that it showed on the way."""
    for release in plan["releases"]:
        if release["action"] == "unchanged" and release["objects"]:
            yield _line(release)
            yield from _drift(release)
    yield from left_behind(plan)
    yield f"{_how(plan)}: {total(plan)}"


def left_behind(plan: Mapping[str, Any]) -> Iterator[str]:
    """The line on what the stack has deployed and no longer has."""
    left, going = plan.get("left_behind"), _goes(plan)
    if left:
        stays = "it stays" if len(left) == 1 else "they stay"
        how = stays if going else f"prune: true removes {_them(left)}"
        yield f"deployed by this stack, no longer in it: {_names(left)} ({how})"
    if going:
        staying: dict[str, list[str]] = {}
        for release in plan["releases"]:
            if release["action"] == "skip" and release.get("status") not in (None, "uninstalled"):
                reason = ", ".join(release["reason"])
                staying.setdefault(reason, []).append(f"{release['namespace']}/{release['name']}")
        for reason, names in staying.items():
            yield f"{'stays' if len(names) == 1 else 'stay'}, as {_is(names)} {reason}: {_names(names)}"


def _goes(plan: Mapping[str, Any]) -> bool:
    """Whether the task uninstalls the stack."""
    busy = [release for release in plan["releases"] if release["action"] not in _IDLE]
    return bool(busy) and all(release["action"] == "uninstall" for release in busy)


def total(plan: Mapping[str, Any]) -> str:
    """The sum of a plan: ``1 upgrade, 2 objects change, 17 unchanged``."""
    counts = plan["summary"]
    busy = [release for release in plan["releases"] if release["action"] not in (*_IDLE, "adopt")]
    ops = Counter(item["op"] for release in busy for item in release["objects"])
    parts = [f"{count} {action}" for action, count in counts.items() if count and action not in _IDLE]
    parts += [_objects(ops[op], word) for op, word in _OBJECTS.items() if ops[op]]
    parts += [f"{counts[action]} {action}" for action in _IDLE if counts.get(action)]
    return ", ".join(parts) or "no releases"


def _how(plan: Mapping[str, Any]) -> str:
    failed = sum(1 for release in plan["releases"] if release.get("error"))
    if failed:
        return f"{failed} of {len(plan['releases'])} releases failed; the plan was"
    return "done" if any(release["action"] not in _IDLE for release in plan["releases"]) else "nothing to do"


def _objects(count: int, word: str) -> str:
    return f"1 object {'changes' if word == 'change' else word}" if count == 1 else f"{count} objects {word}"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _is(names: list[str]) -> str:
    return "it is" if len(names) == 1 else "they are"


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more


def _releases(plan: Mapping[str, Any]) -> Iterator[str]:
    """A line a release; releases with the same change and no objects share one."""
    alike: dict[tuple[Any, ...], list[_Release]] = {}
    for release in plan["releases"]:
        if release["action"] not in _IDLE or release["objects"] or release.get("tests"):
            plain = release["action"] == "adopt" and not release["objects"] and not release.get("tests")
            key = ("adopt", *release["reason"]) if plain else ("", release["namespace"], release["name"])
            alike.setdefault(key, []).append(release)
    for found in alike.values():
        if len(found) == 1:
            yield _line(found[0])
            yield from _drift(found[0])
        else:
            names = _names(f"{item['namespace']}/{item['name']}" for item in found)
            yield f"{len(found)} releases: adopt ({', '.join(found[0]['reason'])}), no objects: {names}"


def _line(release: _Release) -> str:
    before, after = release["version"]["from"], release["version"]["to"]
    versions = dict.fromkeys(version for version in (before, after) if version)
    what = " ".join(word for word in (release["action"], release["chart"], " -> ".join(versions)) if word)
    counts = Counter(item["op"] for item in release["objects"])
    objects = ", ".join(f"{count} {op}" for op, count in counts.items()) or "none"
    tests = f", tests: {_names(release['tests'])}" if release.get("tests") else ""
    note = f"; {release['note']}" if release.get("note") and release["action"] != "skip" else ""
    identity, reasons = f"{release['namespace']}/{release['name']}", ", ".join(release["reason"])
    return f"{identity}: {what} ({reasons}{note}), objects: {objects}{tests}".replace(" ()", "")


def _drift(release: _Release) -> Iterator[str]:
    """The drift of a release; if nothing changes, Ansible shows no diff."""
    for item in release.get("drift") or ():
        fields = item["fields"]
        more = f" and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else ""
        told = ", ".join(fields[:_FIELDS]) + more if fields else "is gone"
        yield f"  {item['kind']} {item['name']}: {told}"


def differing(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The fields in which two objects differ, as people write paths."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from differing(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (left, right) in enumerate(zip(before, after)):
            name = left.get("name", number) if isinstance(left, Mapping) else number
            yield from differing(left, right, f"{path}[{name}]")
    else:
        yield path

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two environments, in lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 40  # values of a release; the result holds all


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """A line for each difference of a comparison by helmstack_values, and one that counts the releases."""
    one, other = result["environment"] or "no environment", result["compare_to"] or "no environment"
    for release in result["releases"]:
        name = release["name"]
        if release["before"] is None or release["after"] is None:
            yield f"{name}: only in {other if release['before'] is None else one}"
            continue
        for key, value in release["before"].items():
            yield f"{name}: {key}: {_text(value)} -> {_text(release['after'][key])}"
        values = release["values"]
        for change in values[:_MOST]:
            yield f"{name}: {change['path']}: {_side(change, 'before', 'from')} -> {_side(change, 'after', 'to')}"
        if len(values) > _MOST:
            yield f"{name}: {len(values) - _MOST} more values differ, see the result"
    count = len(result["releases"])
    if not count:
        same = ", which is the same environment" if one == other else ""
        yield f"{one} and {other} do not differ{same}"
        return
    yield f"{one} and {other} differ in {count} release{'' if count == 1 else 's'}"


def _side(change: Mapping[str, Any], side: str, origin: str) -> str:
    where = change[origin]
    if where is None:
        return "not set"
    place = f"{where['file']}:{where['line']}" if where["line"] else where["file"]
    return f"{_text(change[side])} ({place})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_plan(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result of helmstack_values in the form of a plan, for reports: a release "differs" or "has" values."""
    compared = result.get("compare_to")
    releases = [_differing(item, result) if compared else _explained(item) for item in result["releases"]]
    here = result["environment"] or "no environment"
    environment = f"{here} compared with {compared}" if compared else here
    summary = {"differ" if compared else "explained": len(releases)}
    return {"stack": result["stack"], "environment": environment, "releases": releases, "summary": summary}


def _explained(release: Mapping[str, Any]) -> dict[str, Any]:
    values = [
        {"path": item["path"], "before": None, "from": None, "after": item["value"], "to": item}
        for item in release["origins"]
    ]
    version = {"from": release["version"], "to": release["version"]}
    action = "ignored" if release["ignored"] else "has values"
    return {**release, "action": action, "reason": [], "version": version, "values": values}


def _differing(item: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    before, after = item["before"], item["after"]
    present = after or before or {}
    told = {"namespace": present.get("namespace", item.get("namespace")), "name": item["name"], "reason": []}
    if before is None or after is None:
        where = result["compare_to"] if before is None else result["environment"]
        return {**told, "action": f"only in {where}", "chart": present["chart"], "values": []}
    facts = [f"{key} {_text(before[key])} -> {_text(after[key])}" for key in before]
    return {**told, "action": "differs", "reason": facts, "values": item["values"]}

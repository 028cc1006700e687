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
    yield f"{one} and {other} differ in {count} release{'' if count == 1 else 's'}"


def _side(change: Mapping[str, Any], side: str, origin: str) -> str:
    where = change[origin]
    if where is None:
        return "not set"
    place = f"{where['file']}:{where['line']}" if where["line"] else where["file"]
    return f"{_text(change[side])} ({place})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: one entry an object, as YAML, values of secrets masked, small enough for AWX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report.redact import pair

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

# AWX shows nothing of an event over 700,000 characters; escapes and the rest of the result need room too.
MAX_CHARACTERS = 400_000
_WIDEST = 2**31 - 1  # libyaml's int

_WORDS = {"add": "is added", "change": "changes", "remove": "is removed", "replace": "is deleted and made anew"}


def entries(plan: Plan, mask: Mask) -> list[dict[str, str]]:
    """Diff entries in the plan's order, at most ``MAX_CHARACTERS`` of text: the largest are cut first."""
    found = [entry for change in plan.changes for entry in _of_change(change, mask)]
    return list(_cut(found))


def _of_change(change: Change, mask: Mask) -> Iterator[dict[str, str]]:
    if not change.effective:
        return
    if change.version_from and change.chart and _chart_before(change) != _chart_after(change):
        yield {
            "before_header": f"{change.id}: chart",
            "after_header": f"{change.id}: chart ({change.action})",
            "before": f"chart: {_chart_before(change)}\n",
            "after": f"chart: {_chart_after(change)}\n",
        }
    for item in change.objects:
        yield _of_object(change, item, mask)


def _chart_before(change: Change) -> str:
    return f"{change.chart_from}-{change.version_from}"


def _chart_after(change: Change) -> str:
    return f"{change.chart.name}-{change.chart.version}" if change.chart else ""


def _of_object(change: Change, item: ObjectChange, mask: Mask) -> dict[str, str]:
    where = f" in {item.namespace}" if item.namespace else ""
    header = f"{change.id}: {item.kind} {item.name}{where}"
    before, after = pair(item.before, item.after)
    return {
        "before_header": header,
        "after_header": f"{header} {_WORDS[item.op]}",
        "before": _text(before, mask),
        "after": _text(after, mask),
    }


def _text(item: Mapping[str, Any] | None, mask: Mask) -> str:
    return "" if item is None else mask.text(to_yaml(mask.data(item)))


def to_yaml(item: Any) -> str:
    """YAML as people write it: keys in their order, no folded lines, texts of several lines as blocks."""
    text: str = yaml.dump(item, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDEST)
    return text


@lru_cache(maxsize=1)
def _dumper() -> Any:
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: Any = type("Dumper", (base,), {"ignore_aliases": lambda *_args: True})
    dumper.add_representer(
        str,
        lambda self, text: self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
    )
    return dumper


def _cut(found: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    sizes = sorted(len(entry["before"]) + len(entry["after"]) for entry in found)
    room, limit = MAX_CHARACTERS, MAX_CHARACTERS
    for position, size in enumerate(sizes):
        share = room // (len(sizes) - position)
        if size > share:
            limit = share
            break
        room -= size
    for entry in found:
        yield _shortened(entry, limit)


def _shortened(entry: dict[str, str], limit: int) -> dict[str, str]:
    size = len(entry["before"]) + len(entry["after"])
    if size <= limit:
        return entry
    note = f"(cut: {size} characters are too many to show)\n"
    half = max(0, limit // 2 - len(note))
    parts = {
        side: entry[side][:half] + note if len(entry[side]) > half else entry[side] for side in ("before", "after")
    }
    return {**entry, **parts}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: one entry an object, as YAML, values of secrets masked, the large ones without what stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import common
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report.redact import pair

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

_LARGE = 50_000  # characters of an entry of which only what differs is shown
_AROUND = 3  # lines
_WIDEST = 2**31 - 1  # libyaml's int

_WORDS = {"add": "is added", "change": "changes", "remove": "is removed", "replace": "is deleted and made anew"}


def entries(plan: Plan, mask: Mask) -> list[dict[str, str]]:
    """Diff entries in the plan's order."""
    return [_narrowed(entry) for change in plan.changes for entry in _of_change(change, mask)]


def _of_change(change: Change, mask: Mask) -> Iterator[dict[str, str]]:
    if not change.effective:
        for item in change.objects if "drift" in change.reasons else ():
            yield _of_object(change, item, mask, "is left as it is, and was deployed so")
        return
    labels = (_label(change.chart_from, change.version_from), _label(*_chart(change)))
    only_labels = [item for item in change.objects if _differs_in_label_only(item, *labels)]
    if change.version_from and change.chart and labels[0] != labels[1]:
        also = [f"{item.kind} {item.name}" for item in only_labels]
        yield {
            "before_header": f"{change.id}: chart",
            "after_header": f"{change.id}: chart ({change.action})",
            "before": to_yaml({"chart": labels[0], **({"label of": also} if also else {})}),
            "after": to_yaml({"chart": labels[1], **({"label of": also} if also else {})}),
        }
    for item in change.objects:
        if item not in only_labels:
            yield _of_object(change, item, mask)


def _chart(change: Change) -> tuple[str | None, str | None]:
    return (change.chart.name, change.chart.version) if change.chart else (None, None)


def _label(name: str | None, version: str | None) -> str:
    """The chart as Helm's label ``helm.sh/chart`` has it."""
    return f"{name}-{version}".replace("+", "_")


def _differs_in_label_only(item: ObjectChange, before: str, after: str) -> bool:
    """Whether an object changes in nothing but the chart's name and version, which one line tells for all of them."""
    return item.op == "change" and before != after and _equal_but(item.before, item.after, before, after)


def _equal_but(left: Any, right: Any, before: str, after: str) -> bool:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_equal_but(left[key], right[key], before, after) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal_but(a, b, before, after) for a, b in zip(left, right))
    return bool(left == right or (left == before and right == after))


def _of_object(change: Change, item: ObjectChange, mask: Mask, word: str = "") -> dict[str, str]:
    where = f" in {item.namespace}" if item.namespace else ""
    header = f"{change.id}: {item.kind} {item.name}{where}"
    before, after = pair(item.before, item.after)
    return {
        "before_header": header,
        "after_header": f"{header} {word or _WORDS[item.op]}",
        "before": _text(before, mask),
        "after": _text(after, mask),
    }


def _text(item: Mapping[str, Any] | None, mask: Mask) -> str:
    return "" if item is None else mask.text(to_yaml(mask.content(item)))


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


def _narrowed(entry: dict[str, str]) -> dict[str, str]:
    """A large entry without the lines at its beginning and end that are the same on both sides."""
    if len(entry["before"]) + len(entry["after"]) <= _LARGE:
        return entry
    before, after = entry["before"].splitlines(keepends=True), entry["after"].splitlines(keepends=True)
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    sides = {"before": before, "after": after}
    return {
        **entry,
        **{side: _around(lines, head - _AROUND, len(lines) - tail + _AROUND) for side, lines in sides.items()},
    }


def _around(lines: list[str], first: int, last: int) -> str:
    """The lines from ``first`` to ``last``, and how many there are besides."""
    more = (max(0, first), max(0, len(lines) - last))
    above, below = (f"({count} lines that stay as they are)\n" if count else "" for count in more)
    return "".join([above, *lines[max(0, first) : last], below])

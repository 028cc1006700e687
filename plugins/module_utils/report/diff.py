# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: one entry an object, as YAML, values of secrets masked, the large ones without what stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.redact import pair
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import common
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report import value_changes

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

_LARGE = 50_000  # characters of an entry of which only what differs is shown
_AROUND = 3  # lines
_Label = tuple[str, str, str]  # its name, what it said, what it says
_LABELS = ("helm.sh/chart", "app.kubernetes.io/version")
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
    before, after = _label(change.chart_from, change.version_from), _label(*_chart(change))
    labels = {item.key: _only_labels(item, (before, after)) for item in change.objects}
    if (change.version_from and change.chart and before != after) or any(labels.values()):
        yield _of_charts(change, before, after, labels)
    yield from _of_labels(change, mask)
    if change.values:
        yield value_changes.entry(change.id, change.values, mask)
    for item in change.objects:
        if not labels[item.key]:
            yield _of_object(change, item, mask)


def _of_charts(change: Change, before: str, after: str, labels: Mapping[Key, frozenset[_Label]]) -> dict[str, str]:
    """The chart, and the objects that change in nothing but labels that name charts and versions."""
    sides: tuple[dict[str, Any], ...] = ({"chart": before}, {"chart": after})
    for found in sorted(frozenset().union(*labels.values())):
        names = [f"{item.kind} {item.name}" for item in change.objects if found in labels[item.key]]
        for side, text in zip(sides, found[1:]):
            side.setdefault("labels", []).append({found[0]: text, "of": names})
    return {
        "before_header": f"{change.id}: chart",
        "after_header": f"{change.id}: chart ({change.action})",
        "before": to_yaml(sides[0]),
        "after": to_yaml(sides[1]),
    }


def _of_labels(change: Change, mask: Mask) -> Iterator[dict[str, str]]:
    """The release's own labels, which make a revision though no object changes."""
    held = change.deployed.labels if change.deployed else {}
    wanted = change.release.labels if change.release and change.deployed else {}
    after = {name: text for name, text in wanted.items() if held.get(name) != text}
    if after:
        yield {
            "before_header": f"{change.id}: labels of the release",
            "after_header": f"{change.id}: labels of the release change",
            "before": _text({name: held[name] for name in after if name in held} or None, mask),
            "after": _text(after, mask),
        }


def _chart(change: Change) -> tuple[str | None, str | None]:
    return (change.chart.name, change.chart.version) if change.chart else (None, None)


def _label(name: str | None, version: str | None) -> str:
    """The chart as Helm's label ``helm.sh/chart`` has it."""
    return f"{name}-{version}".replace("+", "_")


def _only_labels(item: ObjectChange, chart: tuple[str, str]) -> frozenset[_Label]:
    """The labels that name charts and versions, old and new, if an object changes in nothing else."""
    found: set[_Label] = set()
    same = item.op == "change" and _same_but(item.before, item.after, chart, found)
    return frozenset(found) if same else frozenset()


def _same_but(left: Any, right: Any, chart: tuple[str, str], found: set[_Label], key: str = "") -> bool:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same_but(left[k], right[k], chart, found, k) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_same_but(a, b, chart, found) for a, b in zip(left, right))
    if left == right:
        return True
    if isinstance(left, str) and isinstance(right, str) and (key in _LABELS or (left, right) == chart):
        found.add((key if key in _LABELS else _LABELS[0], left, right))
        return True
    return False


def _of_object(change: Change, item: ObjectChange, mask: Mask, word: str = "") -> dict[str, str]:
    where = f" in {item.namespace}" if item.namespace else ""
    header = f"{change.id}: {item.kind} {item.name}{where}"
    before, after = pair(item.before, item.after, guessable=mask.knows_secrets)
    before = in_order_of(before, after)
    return {
        "before_header": header,
        "after_header": f"{header} {word or _WORDS[item.op]}",
        "before": _text(before, mask),
        "after": _text(after, mask),
    }


def _text(item: Mapping[str, Any] | None, mask: Mask) -> str:
    return "" if item is None else mask.text(to_yaml(mask.content(item)))


def in_order_of(item: Any, like: Any) -> Any:
    """Data with the keys of its maps in the order that they have on the other side: the server's own says nothing."""
    if isinstance(item, Mapping) and isinstance(like, Mapping):
        keys = [*(key for key in like if key in item), *(key for key in item if key not in like)]
        return {key: in_order_of(item[key], like.get(key)) for key in keys}
    if isinstance(item, list) and isinstance(like, list):
        return [*(in_order_of(*both) for both in zip(item, like)), *item[len(like) :]]
    return item


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

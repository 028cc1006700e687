# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changed values as data and as lines of a diff, each with the place that sets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import to_json
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, TELLING, Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.origins import (
    Origin,
    Path,
    ValueChange,
    dotted,
    ordered,
)


def changes_data(changes: Sequence[ValueChange], mask: Mask) -> list[dict[str, Any]]:
    """Value changes by their paths, as a result holds them."""
    return [change_data(change, mask) for change in ordered(changes)]


def change_data(change: ValueChange, mask: Mask) -> dict[str, Any]:
    """A value's change as data: the path, both sides as they may be shown, and where each is set."""
    return {
        "path": dotted(change.path),
        "before": shown(change.path, change.before, mask, secret=change.secret),
        "after": shown(change.path, change.after, mask, secret=change.secret),
        "from": change.origin_before.data if change.origin_before else None,
        "to": change.origin_after.data if change.origin_after else None,
    }


def shown(path: Path, value: Any, mask: Mask, *, secret: bool) -> Any:
    """A value as it may be shown: nothing of what came out of a vault or whose name says that it is secret."""
    return MASK if secret and value is not None else mask.content(_without_telling(path[-1], value))


def _without_telling(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_telling(str(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_telling(name, item) for item in value]
    if isinstance(value, bool) or value in (None, "") or not TELLING.search(name):
        return value
    return MASK


def line(path: str, value: Any, where: Mapping[str, Any] | None) -> str:
    """A value in a line of a diff, with the place that sets it."""
    said = f"values.{path}: {to_json(value)}"
    return f"{said}  # {Origin(where['file'], where['line'] or 0, where['how'])}\n" if where else f"{said}\n"


def entry(release: str, changes: Sequence[ValueChange], mask: Mask) -> dict[str, str]:
    """The diff entry of a release's values; a side that has no value lacks the line."""
    told = changes_data(changes, mask)
    absent = {dotted(change.path) for change in changes if change.removed}
    new = {dotted(change.path) for change in changes if change.added}
    return {
        "before_header": f"{release}: values",
        "after_header": f"{release}: values change",
        "before": "".join(line(item["path"], item["before"], item["from"]) for item in told if item["path"] not in new),
        "after": "".join(line(item["path"], item["after"], item["to"]) for item in told if item["path"] not in absent),
    }

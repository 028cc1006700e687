# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inputs of a release's plan as a short mark: two marks show which part differs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

_WORDS = {
    "state": "the release is not in the same state",
    "chart": "another chart",
    "values": "other values",
    "options": "other options, another Helm, or other APIs of the cluster",
    "order": "another order",
    "objects": "other live objects",
}
# What is in the mark of another part too, and says nothing where that one differs.
_WITHIN = {"options": ("chart", "values"), "objects": ("chart", "values", "options")}
_LENGTH = 6


def facts(change: Change) -> list[Any]:
    """A release's plan and its inputs: the same for all accounts that may read the cluster."""
    found, defined = change.deployed, {item.change.key for item in change.definitions}
    told = {item.key for item in change.objects} - defined - change.edits.keys()
    return [
        [change.id, change.action, change.reasons, change.wave, change.needs, change.fingerprint],
        [found.revision, found.status, found.uid] if found else [],
        [[*item.key, _told(item), item.after] for item in change.objects if change.effective and item.key in told],
        [[*item.change.key, item.change.before, item.manifest] for item in change.definitions],
        sorted([*key, *paths] for key, paths in change.edits.items() if paths),
        sorted([*key, *paths] for key, paths in change.overwritten.items()),
    ]


def _told(item: ObjectChange) -> str:
    """The change of an object, as an account without the right to patch sees it too."""
    return "change" if item.forced else item.op


def mark(change: Change, values: Mapping[str, Any], salt: str) -> str:
    """The mark of a release's parts.

    :arg salt: a text that no result shows, as values may be secret.
    """
    found, chart, release = change.deployed, change.chart, change.release
    state = [found.revision, found.status, found.uid] if found else []
    if change.action in ("unchanged", "skip"):  # there may be very many
        return stamp.digest([salt, state, change.fingerprint])[:_LENGTH]
    made_from: dict[str, Any] = {
        "state": state,
        "chart": [chart.name, chart.version, chart.digest] if chart else [],
        "values": [values, release.set_args if release else ()],
        "options": change.fingerprint,
        "order": [change.wave, change.needs],
        "objects": facts(change)[2:],
    }
    return "-".join(stamp.digest([salt, name, made_from[name]])[:_LENGTH] for name in _WORDS)


def differing(expected: str, found: str) -> str:
    """The parts in which two marks differ, in words; "": in none."""
    other = {name for name, left, right in zip(_WORDS, expected.split("-"), found.split("-")) if left != right}
    if "state" in other:  # its salt is another one, so that the other parts differ anyway
        return _WORDS["state"]
    return ", ".join(_WORDS[name] for name in _WORDS if name in other and other.isdisjoint(_WITHIN.get(name, ())))

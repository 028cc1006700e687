# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift that helm's merge cannot revert: it is reported, and not corrected again with every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Live
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange

_LENGTH = 40  # a label's value has 63 characters at most
# The keys by which Kubernetes' types merge the items of lists (patchMergeKey in k8s.io/api).
_MERGE_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "topologyKey", "ip", "type")


def attempt(drifted: Sequence[ObjectChange], live: Live) -> str:
    """What a correction of drift begins with; the same again means that the one before has had no effect.

    "" if it cannot fail so: what is not there is made anew.
    """
    facts = []
    for item in drifted:
        there = live(item.after, item.namespace) if item.after else None
        if there is None:
            return ""
        about = manifest.metadata(there)
        version = about.get("generation") or about.get("resourceVersion")
        facts.append([*item.key, about.get("uid"), version, item.before, item.after])
    return stamp.digest(sorted(facts, key=str))[:_LENGTH] if facts else ""


def told(drifted: Iterable[ObjectChange]) -> str:
    """The warning that helm leaves what has drifted."""
    names = ", ".join(f"{item.kind} {item.name}" for item in drifted)
    return (
        f"drift of {names} stays: helm merges what it sends with what is there, and that does not revert it; "
        "revert it by hand, or delete the object and run again"
    )


def twice(live: Any, field: str = "") -> Iterator[str]:
    """Items of lists with the same merge key, such as a variable that occurs twice: ``env SETTING``."""
    if isinstance(live, Mapping):
        for key, value in live.items():
            yield from twice(value, str(key))
    elif isinstance(live, list):
        for name in _MERGE_KEYS:
            values = [item[name] for item in live if isinstance(item, Mapping) and name in item]
            if len(values) == len(live) > len(set(map(str, values))):
                again = [value for number, value in enumerate(values) if value in values[:number]]
                yield f"{field} {again[0]}"
                break
        for item in live:
            yield from twice(item, field)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a stack's releases with their origin, and two environments side by side, for helmstack_values."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import to_json
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import likely_secrets
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.plan import origins
from ansible_collections.helmstack.core.plugins.module_utils.plan.origins import Path, Setting
from ansible_collections.helmstack.core.plugins.module_utils.report.value_changes import change_data, line, shown
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack, ValuesSource

Defaults = Callable[[Release], Iterable[tuple[Path, ValuesSource]]]


@dataclass(frozen=True)
class Explained:
    """A release with each of its values explained."""

    release: Release
    settings: Mapping[Path, Setting]

    @property
    def merged(self) -> dict[str, Any]:
        return merge(_nested(path, setting.value) for path, setting in self.settings.items())


def explained(stack: Stack, defaults: Defaults) -> list[Explained]:
    """The chosen releases of a stack in its order, ignored ones without values.

    :arg defaults: the charts' own values, to be explained too, the weakest first.
    """
    chosen = [item for item in stack.releases if stack.targets is None or item.id in stack.targets]
    return [Explained(item, {} if item.ignore else origins.explain(item.values, defaults(item))) for item in chosen]


def values(stack: Stack, defaults: Defaults) -> dict[str, Any]:
    """The result of helmstack_values for one environment."""
    found = explained(stack, defaults)
    mask = _mask((stack,), found)
    return {
        "changed": False,
        "stack": stack.name,
        "environment": stack.environment,
        "releases": [{**_release(item.release), **_values(item, mask)} for item in found],
    }


def comparison(stack: Stack, other: Stack, defaults: Defaults, *, diff: bool) -> dict[str, Any]:
    """The result of helmstack_values for two environments: only what differs.

    Releases are the same if stack and name are, or where one name is in several namespaces, if those are too.
    """
    left, right = explained(stack, defaults), explained(other, defaults)
    mask = _mask((stack, other), [*left, *right])
    names = _names(left, right)
    ours, theirs = ({names(item.release): item for item in side} for side in (left, right))
    pairs = [(ours.get(name), theirs.get(name)) for name in dict.fromkeys([*ours, *theirs])]
    found = [item for item in (_compared(one, another, mask) for one, another in pairs) if item]
    told = {"changed": False, "stack": stack.name, "environment": stack.environment}
    result = {**told, "compare_to": other.environment, "releases": found}
    sides = (stack.environment or "no environment", other.environment or "no environment")
    return {**result, "diff": [_diff(item, sides) for item in found]} if diff else result


def _compared(one: Explained | None, another: Explained | None, mask: Mask) -> dict[str, Any] | None:
    present = one or another
    if present is None:
        return None
    if one is None or another is None:
        there = {**_release(present.release), **_values(present, mask)}
        identity = {"namespace": present.release.namespace, "name": present.release.name}
        return {**identity, "before": there if one else None, "after": there if another else None}
    before, after = _release(one.release), _release(another.release)
    differs = [key for key in before if before[key] != after[key]]
    changes = origins.compared(one.settings, another.settings)
    if not differs and not changes:
        return None
    return {
        "namespace": another.release.namespace,
        "name": one.release.name,
        "before": {key: before[key] for key in differs},
        "after": {key: after[key] for key in differs},
        "values": [change_data(change, mask) for change in origins.ordered(changes)],
    }


def _names(*sides: Sequence[Explained]) -> Callable[[Release], tuple[str, ...]]:
    """The key of a release in both environments."""
    counts = [Counter((item.release.stack, item.release.name) for item in side) for side in sides]
    several = {key for count in counts for key, number in count.items() if number > 1}

    def name(release: Release) -> tuple[str, ...]:
        key = (release.stack, release.name)
        return (*key, release.namespace) if key in several else key

    return name


def _release(release: Release) -> dict[str, Any]:
    return {
        "namespace": release.namespace,
        "name": release.name,
        "chart": _chart(release),
        "version": release.version,
        "ignored": release.ignore,
    }


def _chart(release: Release) -> str:
    """The reference as a person wrote it: local paths begin at the file that declares the release."""
    if os.path.isabs(release.chart):
        return "./" + os.path.relpath(release.chart, os.path.dirname(release.where.file))
    return without_credentials(release.chart)


def _values(item: Explained, mask: Mask) -> dict[str, Any]:
    told = {
        path: shown(path, setting.value, mask, secret=setting.origin.secret) for path, setting in item.settings.items()
    }
    return {
        "values": merge(_nested(path, value) for path, value in told.items()),
        "origins": [
            {
                "path": origins.dotted(path),
                "value": told[path],
                **setting.origin.data,
                "overrides": [_setting(path, each, mask) for each in setting.overrides],
            }
            for path, setting in sorted(item.settings.items())
        ],
    }


def _setting(path: Path, setting: Setting, mask: Mask) -> dict[str, Any]:
    return {"value": shown(path, setting.value, mask, secret=setting.origin.secret), **setting.origin.data}


def _mask(stacks: Sequence[Stack], found: Sequence[Explained]) -> Mask:
    """Masks what came out of a vault, and what the names of values say is secret; names of releases are none."""
    secrets = {secret for stack in stacks for secret in stack.secrets}
    secrets |= {text for item in found for text in likely_secrets(item.merged, inherited=False)}
    secrets |= {
        text
        for item in found
        for path, setting in item.settings.items()
        for each in setting.overrides
        for text in likely_secrets(_nested(path, each.value), inherited=False)
    }
    return Mask(secrets, frozenset().union(*(stack.public_names for stack in stacks)))


def _nested(path: Path, value: Any) -> dict[str, Any]:
    nested: Any = value
    for key in reversed(path):
        nested = {key: nested}
    return dict(nested)


def _diff(item: Mapping[str, Any], sides: tuple[str, str]) -> dict[str, str]:
    """A release's differences as two texts, a line a value, with the place that sets it."""
    return {
        "before_header": f"{item['name']} in {sides[0]}",
        "after_header": f"{item['name']} in {sides[1]}",
        "before": "".join(_side(item, "before", "from")),
        "after": "".join(_side(item, "after", "to")),
    }


def _side(item: Mapping[str, Any], side: str, origin: str) -> Iterator[str]:
    told = item[side]
    if told is None:
        return
    for key in ("namespace", "name", "chart", "version", "ignored"):
        if key in told:
            yield f"{key}: {to_json(told[key])}\n"
    for each in told.get("origins", ()):
        yield line(each["path"], each["value"], each)
    for each in item.get("values", ()):
        if each[origin] is not None:  # else it is not set there
            yield line(each["path"], each[side], each[origin])

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container images that objects name, wherever a pod is described in them, and which of them come, go or stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object

COMES, GOES, STAYS = "comes", "goes", "stays"
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")  # of a PodSpec, be it in a custom resource
# these hold data, or describe fields, and are no pods
_NEVER = frozenset(("ConfigMap", "Secret", "CustomResourceDefinition"))


@dataclass(frozen=True)
class Used:
    """What a release runs before and after its change."""

    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()


def of(objects: Iterable[Object]) -> frozenset[str]:
    """Every image of every container, init container and ephemeral container, and of volumes that are images."""
    found: set[str] = set()
    todo: list[Any] = [item for item in objects if manifest.kind(item) not in _NEVER]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            for key in _CONTAINERS:
                found.update(_named(value.get(key), "image"))
            found.update(_named(_volume_images(value.get("volumes")), "reference"))
            value = value.values()
        todo += (item for item in value if isinstance(item, (dict, list)))
    return frozenset(found)


def _volume_images(volumes: Any) -> list[Any]:
    return [one.get("image") for one in volumes if isinstance(one, dict)] if isinstance(volumes, list) else []


def _named(items: Any, key: str) -> Iterator[str]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get(key), str) and item[key]:
            yield item[key]


def table(releases: Iterable[tuple[str, Used]]) -> list[dict[str, Any]]:
    """Each image with the releases that use it, and whether it comes, goes or stays; by name.

    :arg releases: ``namespace/name`` and what it runs.
    """
    known = list(releases)
    before = {image for _name, used in known for image in used.before}
    after = {image for _name, used in known for image in used.after}
    users: dict[str, list[str]] = {}
    for name, used in known:
        for image in used.before | used.after:
            users.setdefault(image, []).append(name)
    states = {(False, True): COMES, (True, False): GOES, (True, True): STAYS}
    return [
        {"image": image, "state": states[image in before, image in after], "releases": sorted(users[image])}
        for image in sorted(users)
    ]

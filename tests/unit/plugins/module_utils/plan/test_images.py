# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import images
from ansible_collections.helmstack.core.plugins.module_utils.plan.images import Used


def pod(**lists: str) -> dict[str, Any]:
    return {name: [{"name": "c", "image": image}] for name, image in lists.items()}


ALL = pod(containers="main:1", initContainers="init:1", ephemeralContainers="debug:1")
EXPECTED = {"main:1", "init:1", "debug:1"}


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "Pod", "spec": ALL},
        {"kind": "Deployment", "spec": {"template": {"spec": ALL}}},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": ALL}}}}},
        {"kind": "Workflow", "spec": {"stages": [{"podSpec": ALL}]}},
    ],
)
def test_images_are_found_wherever_a_pod_is_described(item: dict[str, Any]) -> None:
    assert images.of([item]) == EXPECTED


def test_volumes_that_are_images_count() -> None:
    volumes = [{"name": "a", "image": {"reference": "models:2"}}, {"name": "b", "emptyDir": {}}]
    assert images.of([{"kind": "Pod", "spec": {"volumes": volumes, "containers": []}}]) == {"models:2"}


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "ConfigMap", "data": {"containers": [{"image": "no"}]}},
        {"kind": "CustomResourceDefinition", "spec": {"containers": [{"image": "no"}]}},
        {"kind": "Thing", "spec": {"containers": "three", "volumes": "two", "initContainers": [None, {"image": 3}]}},
        {"kind": "Pod", "spec": None},
    ],
)
def test_what_is_no_container_names_none(item: dict[str, Any]) -> None:
    assert images.of([item]) == frozenset()


def test_an_image_comes_goes_or_stays_over_all_releases() -> None:
    used = [
        ("n/a", Used(frozenset(("old", "both", "moved")), frozenset(("new", "both")))),
        ("n/b", Used(frozenset(), frozenset(("new", "moved")))),
    ]
    assert images.table(used) == [
        {"image": "both", "state": "stays", "releases": ["n/a"]},
        {"image": "moved", "state": "stays", "releases": ["n/a", "n/b"]},
        {"image": "new", "state": "comes", "releases": ["n/a", "n/b"]},
        {"image": "old", "state": "goes", "releases": ["n/a"]},
    ]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a correction of drift has had no effect, and where a merge may have none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import uncorrectable
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ObjectChange

Object = dict[str, Any]


def item(**metadata: Any) -> Object:
    return {"kind": "Deployment", "metadata": {"name": "d", "uid": "u", "generation": 2, **metadata}}


def attempt(there: Object | None, after: str = "b") -> str:
    drifted = ObjectChange("change", "Deployment", "a", "d", {"spec": "a"}, {"spec": after}, group="apps")
    return uncorrectable.attempt([drifted], lambda _item, _namespace: there)


def test_the_same_attempt_is_one_on_the_same_object_as_it_was() -> None:
    same = attempt(item())
    assert len(same) == 40
    assert attempt(item(resourceVersion="9")) == same  # a controller has written its status
    assert same not in (attempt(item(generation=3)), attempt(item(uid="v")), attempt(item(), "c"))
    assert attempt(item(generation=None, resourceVersion="1")) != attempt(item(generation=None, resourceVersion="2"))


def test_what_is_not_there_is_always_made_anew() -> None:
    assert attempt(None) == ""
    assert uncorrectable.attempt([], lambda _item, _namespace: None) == ""


@pytest.mark.parametrize(
    ("live", "places"),
    [
        ({"env": [{"name": "A"}, {"name": "B"}]}, []),
        ({"env": [{"name": "A"}, {"name": "B"}, {"name": "A", "value": "x"}]}, ["env A"]),
        ({"spec": {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}}, ["ports 53"]),
        ({"args": ["a", "a"], "rules": [{"verbs": ["get"]}, {"verbs": ["get"]}]}, []),
    ],
)
def test_items_that_a_merge_cannot_tell_apart(live: Object, places: list[str]) -> None:
    assert list(uncorrectable.twice(live)) == places

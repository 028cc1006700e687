# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan.ignore import without
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Hook, Manifests

ITEM = {
    "kind": "Deployment",
    "metadata": {"name": "web", "annotations": {"a/b": "1"}},
    "spec": {"c": [{"x": 1, "y": 2}]},
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"path": "spec"}, {"kind": "Deployment", "metadata": ITEM["metadata"]}),
        (
            {"path": "/metadata/annotations/a~1b", "kind": "Deployment"},
            {**ITEM, "metadata": {"name": "web"}},
        ),
        ({"path": "spec.c.0.x", "name": "w*"}, {**ITEM, "spec": {"c": [{"y": 2}]}}),
        ({"path": "spec.c.*.y"}, {**ITEM, "spec": {"c": [{"x": 1}]}}),
        ({"path": "spec", "kind": "Service"}, ITEM),
        ({"path": "spec", "name": "db"}, ITEM),
        ({"path": "nothing.there"}, ITEM),
    ],
)
def test_only_what_a_rule_names_is_left_out(rule: dict[str, Any], expected: Any) -> None:
    found = without(Manifests((ITEM,), (Hook(ITEM, ITEM),)), [rule])
    assert found == Manifests((expected,), (Hook(expected, ITEM),))
    assert without(Manifests((ITEM,), (Hook(ITEM, ITEM),)), [{"kind": "Deployment"}]) == Manifests()

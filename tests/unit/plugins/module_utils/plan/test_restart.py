# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan.restart import ANNOTATION, lacking, restarted


@pytest.mark.parametrize(
    ("at", "deployed", "expected"),
    [
        ("2026-01-01T12:00:05Z", "2026-01-01T12:00:05.123456789Z", False),
        ("2026-01-01T12:00:04Z", "2026-01-01T12:00:05.123456789Z", True),
        ("2026-01-01T12:00:06Z", "2026-01-01T13:00:05.1+01:00", False),
        (None, "2026-01-01T12:00:05Z", True),
        (None, "", False),
    ],
)
def test_a_workload_lacks_its_restart_if_it_was_not_restarted_since(at: Any, deployed: str, expected: bool) -> None:
    annotations = {ANNOTATION: at} if at else {}
    live = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    assert lacking(live, deployed) is expected


def test_a_restart_changes_an_annotation_of_the_pods_alone() -> None:
    workload = {"kind": "Deployment", "spec": {"replicas": 2, "template": {"spec": {"a": 1}}}}
    after = restarted(workload)
    assert after["spec"]["replicas"] == 2
    assert after["spec"]["template"]["spec"] == {"a": 1}
    assert list(after["spec"]["template"]["metadata"]["annotations"]) == [ANNOTATION]
    assert "metadata" not in workload["spec"]["template"]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.plan.fingerprint import fingerprint
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

RELEASE = Release("app", "web", "./c")
CHART = Chart("./c", "/c", "c", "1.0.0", None, "d1", False, False)
BASE = fingerprint(RELEASE, CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"])


@pytest.mark.parametrize(
    "other",
    [
        fingerprint(replace(RELEASE, name="b"), CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(replace(RELEASE, namespace="b"), CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(replace(RELEASE, labels={"a": "b"}), CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, replace(CHART, digest="d2"), {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, replace(CHART, version="1.0.1"), {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, CHART, {"a": {"x": 1, "y": "2"}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, CHART, {"a": {"x": 1, "y": None}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, CHART, {"a": {"x": True, "y": 2}}, "4.3", ["v1.36.3"]),
        fingerprint(RELEASE, CHART, {"a": {"x": 1, "y": 2}}, "4.4", ["v1.36.3"]),
        fingerprint(RELEASE, CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.37.0"]),
        *(
            fingerprint(replace(RELEASE, options=Options(**change)), CHART, {"a": {"x": 1, "y": 2}}, "4.3", ["v1.36.3"])
            for change in (
                {"disable_hooks": True},
                {"skip_crds": True},
                {"reuse_values": True},
                {"reset_values": False},
                {"post_renderer": "p"},
            )
        ),
    ],
)
def test_whatever_can_change_the_result_changes_it(other: str) -> None:
    assert other != BASE


@pytest.mark.parametrize("change", [{"timeout": 9}, {"wait": False}, {"history_max": 3}, {"atomic": True}])
def test_how_helm_goes_about_it_does_not(change: dict[str, Any]) -> None:
    release = replace(RELEASE, options=Options(**change))
    assert fingerprint(release, CHART, {"a": {"y": 2, "x": 1}}, "4.3", ["v1.36.3"]) == BASE


def test_it_fits_into_a_label() -> None:
    assert len(BASE) <= 63
    assert BASE.isalnum()

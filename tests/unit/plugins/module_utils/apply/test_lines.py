# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line of progress with which a release ends."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.lines import told
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import DONE, FAILED, Result
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

CHANGE = Change("a", "web", "upgrade", objects=(ObjectChange("change", "ConfigMap", "web", "a"),))


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (Result(DONE, "deployed", 4, 1.0), "ready at revision 4, 1 object, after 1.0 s"),
        (Result(DONE, "uninstalled", None, 1.0), "uninstalled, after 1.0 s"),
        (Result(FAILED, "failed", 4, 1.0, "no image\nLast events:\n  many"), "failed, after 1.0 s: no image"),
        (Result(FAILED, "uninstalled", None, 1.0, "boom"), "failed, after 1.0 s: boom"),
        (
            Result(FAILED, "failed", 4, 1.0, "release web/a (chart web) cannot be applied: boom"),
            "failed, after 1.0 s: boom",
        ),
        (Result(FAILED, "failed", 4, 1.0, "x" * 300), f"failed, after 1.0 s: {'x' * 120}…"),
    ],
)
def test_a_failure_is_told_with_its_reason_in_a_line(result: Result, line: str) -> None:
    assert told(CHANGE, result) == line

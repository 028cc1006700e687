# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is quoted of events and logs in the message of a failed run holds no secret, wherever it was cut."""

from __future__ import annotations

import base64

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import FAILED, Outcome, Result
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import _cut, _event_line
from ansible_collections.helmstack.core.plugins.module_utils.masking import MASK
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report import result

CANARY = "canary-in-log-4471"


def test_events_and_logs_are_masked_also_where_their_lines_are_cut() -> None:
    login = base64.b64encode(f"user:{CANARY}".encode()).decode()
    event = {"involvedObject": {"kind": "Pod", "name": "a"}, "reason": "Failed", "message": f"image x/{CANARY}:1"}
    lines = [f"FATAL: password {CANARY} is wrong", f"Authorization: Basic {login}", "x" * 292 + CANARY]
    text = "\n".join([_event_line(event), *map(_cut, lines)])
    assert text.count(CANARY[:6]) == 3
    change = Change("a", "web", "install", secrets=frozenset((CANARY,)))
    plan = Plan("s", None, (change,), "d")
    outcome = Outcome({"web/a": Result(FAILED, "failed", error=text)})
    message = result.failure(plan, outcome, result.mask_for(plan, ()))
    assert CANARY[:6] not in message
    assert login[-12:] not in message
    assert message.count(MASK) == 4
    assert "FATAL: password" in message

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is quoted of events and logs in the message of a failed run holds no secret, wherever it was cut."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import FAILED, ROLLED_BACK, Outcome, Result
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import _cut, _event_line
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask
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


@pytest.mark.parametrize(
    ("action", "revisions", "done", "told"),
    [
        (
            "upgrade",
            (2, 3),
            Result(FAILED, "deployed", 4),
            "upgrade failed; it is at revision 4, which is what revision 2 was",
        ),
        ("upgrade", (2, 3), Result(FAILED, "deployed", 3), "upgrade failed; revision 3 is deployed, but not ready"),
        ("upgrade", (2, 3), Result(FAILED, "deployed", 2), "upgrade failed; it is as it was, at revision 2"),
        ("upgrade", (2, 3), Result(FAILED, "failed", 3), "upgrade failed"),
        ("upgrade", (2, 3), Result(FAILED, "pending-upgrade", 3), "upgrade failed; it is pending-upgrade"),
        ("adopt", (2, 2), Result(FAILED, "deployed", 2), "adopt failed; revision 2 is deployed, but not ready"),
        ("install", (None, 1), Result(FAILED, "uninstalled"), "install failed; there is no such release"),
        (
            "upgrade",
            (2, 3),
            Result(ROLLED_BACK, "deployed", 4),
            "rolled back (upgrade undone): it is at revision 4, which is what revision 2 was",
        ),
        ("install", (None, 1), Result(ROLLED_BACK, "uninstalled"), "rolled back (install undone): it is gone again"),
    ],
)
def test_at_which_revision_a_release_is_left(
    action: str, revisions: tuple[int | None, int], done: Result, told: str
) -> None:
    before = Deployed("n", "r", revisions[0], "deployed", "", revisions[0]) if revisions[0] else None
    change = Change("r", "n", action, deployed=before, revision_to=revisions[1])
    text = result.states(Plan("s", None, (change,), "d"), Outcome({"n/r": done}), Mask(()))
    assert text.splitlines()[-1] == f"  n/r: {told}"

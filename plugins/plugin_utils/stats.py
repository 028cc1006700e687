# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task leaves to later nodes of an AWX workflow, as ``ansible_stats``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief


def stats(result: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The plan's digest, by host and where there are several tasks by stack, and where the reports are.

    The review beside it lets the later node say what differs.
    """
    plan = result.get("plan") or {}
    data: dict[str, Any] = {}
    if "digest" in plan:
        data = {
            "helmstack_plans": {host: plan["digest"]},
            "helmstack_stack_plans": {host: {plan["stack"]: plan["digest"]}},
            "helmstack_reviews": {host: {plan["stack"]: brief(plan)}},
        }
    if result.get("report"):
        data["helmstack_reports"] = {host: result["report"]}
    return {"ansible_stats": {"data": data, "per_host": False, "aggregate": True}} if data else {}

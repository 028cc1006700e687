# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results for reports to tell."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]
EVIL = (
    """<script>alert(1)</script>"><img src=x onerror=alert(1)>'&amp;\x00\x1b[31m\u202e` ``` ~~~ | @all #1 !1 /close"""
)


def release(name: str, action: str = "upgrade", **more: Any) -> Result:
    return {
        "namespace": "shop",
        "name": name,
        "action": action,
        "reason": ["version"],
        "chart": "web",
        "version": {"from": "1.6.0", "to": "1.7.0"},
        "app_version": {"from": "2.3", "to": "2.4"},
        "revision": {"from": 3, "to": 4},
        "objects": [{"kind": "ConfigMap", "namespace": "shop", "name": name, "op": "change"}],
        "status": "deployed",
        "duration": None,
        "error": None,
        **more,
    }


def idle(name: str) -> Result:
    return release(name, "unchanged", objects=[], reason=[])


def entry(
    name: str, before: str = "a: 1\n", after: str = "a: 2\n", what: str = "ConfigMap c in shop changes"
) -> Result:
    return {
        "before_header": f"shop/{name}: x",
        "after_header": f"shop/{name}: {what}",
        "before": before,
        "after": after,
    }


def result(*releases: Result, diff: Any = (), server: str = "https://one.invalid", **plan: Any) -> Result:
    counts: dict[str, int] = {}
    for item in releases:
        counts[item["action"]] = counts.get(item["action"], 0) + 1
    made = {"digest": "sha256:0a", "stack": "shop", "environment": "prod", "risks": [], "images": [], "summary": counts}
    cluster = {"server": server, "uid": "u", "version": "v1.36.3", "context": "c"}
    return {
        "changed": True,
        "cluster": cluster,
        "plan": {**made, "releases": list(releases), **plan},
        "diff": list(diff),
    }


def evil() -> Result:
    """A result in which every text that may be foreign is hostile."""
    place = {"file": EVIL, "line": 3, "how": EVIL}
    value = {"path": EVIL, "before": EVIL, "after": {EVIL: [EVIL]}, "from": place, "to": place}
    risk = {"risk": EVIL, "release": EVIL, "object": {"kind": EVIL, "namespace": EVIL, "name": EVIL}, "why": EVIL}
    objects = [{"kind": EVIL, "namespace": EVIL, "name": EVIL, "op": EVIL}]
    sides = {"from": EVIL, "to": f"{EVIL}2"}
    facts = {"chart": EVIL, "version": sides, "app_version": sides, "reason": [EVIL], "error": EVIL, "duration": 1.0}
    found = result(
        release("a", EVIL, values=[value], objects=objects, **facts),
        release("b", objects=objects, **facts),
        release("c", "unchanged", **{**facts, "objects": []}),
        diff=[entry("a", f"x: {EVIL}\n\n```\n", f"y: {EVIL}\n", EVIL)],
        risks=[risk],
        images=[{"image": EVIL, "state": state, "releases": [EVIL]} for state in ("comes", "goes", "stays")],
        stack=EVIL,
        environment=EVIL,
        digest=EVIL,
        summary={EVIL: 1},
    )
    row = dict.fromkeys(("umbrella", "sub_chart", "release", "weight", "why", "action"), EVIL)
    cluster = dict.fromkeys(("server", "version", "context"), EVIL)
    told = {"warnings": [EVIL], "failed": True, "msg": f"{EVIL}\n```\n{EVIL}", "sub_charts": [row], "cluster": cluster}
    return {**found, **told}

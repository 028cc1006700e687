# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No result is larger than AWX shows, whatever makes it large, and what is cut is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.report.size import ROOM, fitted


def release(name: str, objects: int = 1, action: str = "upgrade", **more: Any) -> dict[str, Any]:
    held = [{"kind": "ConfigMap", "namespace": "web", "name": f"object-{n}", "op": "add"} for n in range(objects)]
    return {"namespace": "web", "name": name, "action": action, "objects": held, **more}


def entry(name: str, text: str) -> dict[str, str]:
    return {"before_header": f"web/a: ConfigMap {name}", "after_header": "x", "before": "", "after": text}


def plan(*releases: dict[str, Any]) -> dict[str, Any]:
    return {"plan": {"digest": "d", "releases": list(releases)}}


SMALL = entry("small", "small: text\n" * 50)
LARGE = {
    "warnings": {**plan(release("a")), "warnings": ["a release that will fail in some way" * 5 for _n in range(5_000)]},
    "a text": {"diff": [SMALL, entry("large", "x" * 900_000)]},
    "escapes": {"diff": [SMALL, entry("large", '"\n\x01ü' * 200_000)]},
    "many texts": {"diff": [SMALL, *(entry(f"n{n}", "line\n" * 5_000) for n in range(100))]},
    "an error": {"msg": "m" * 800_000, "diff": [SMALL], **plan(release("a", error="e" * 800_000))},
    "objects": {"diff": [SMALL], **plan(release("a"), *(release(f"n{n}", 300) for n in range(60)))},
    "releases": {"diff": [SMALL], **plan(release("a"), *(release(f"n{n}", 0, "unchanged") for n in range(9_000)))},
    "all": {
        "diff": [entry(f"n{n}", "line\n" * 900) for n in range(900)],
        **plan(*(release(f"n{n}", 90) for n in range(200))),
    },
    "entries": {"diff": [SMALL] * 7_000, **plan(*(release(f"n{n}", 250) for n in range(30)))},
    "manifests": {"releases": [{"namespace": "a", "name": f"n{n}", "manifest": "m: 1\n" * 9_000} for n in range(99)]},
}


@pytest.mark.parametrize("what", LARGE)
def test_whatever_is_large_is_cut_to_fit_and_told(what: str) -> None:
    found = fitted(LARGE[what])
    assert max(len(str(found)), len(json.dumps(found))) <= ROOM
    assert "cut" in found["warnings"][-1]
    assert len(found["warnings"][-1]) < 2_000


@pytest.mark.parametrize("what", ["a text", "escapes", "many texts", "an error", "objects", "releases"])
def test_the_largest_are_cut_first(what: str) -> None:
    found = fitted(LARGE[what])
    assert found["diff"][0] == SMALL
    if "releases" in found.get("plan", {}):
        assert found["plan"]["releases"][0]["objects"] == release("a")["objects"]


def test_the_longest_list_is_cut_and_others_are_left() -> None:
    found = fitted(LARGE["entries"])
    assert len(found["plan"]["releases"]) == 30
    assert found["diff"]
    assert "of 7000 entries of the diff" in found["warnings"][0]


def test_a_cut_text_says_so_at_its_end_and_by_name() -> None:
    found = fitted(LARGE["a text"])
    assert found["diff"][1]["after"].endswith("(cut: 900000 characters are too many to show)\n")
    assert len(found["diff"][1]["after"]) > 500_000
    assert found["warnings"] == [
        "The result is larger than AWX would show it, so these were cut: after of web/a: ConfigMap large"
    ]


def test_lists_of_objects_are_cut_the_same_whatever_else_a_result_holds() -> None:
    releases = [release("a"), *(release(f"n{n}", 300) for n in range(60))]
    check, run = (fitted({"diff": [entry("x", "x" * size)], **plan(*releases)}) for size in (0, 900_000))
    assert check["plan"] == run["plan"]
    assert sum(len(item["objects"]) for item in check["plan"]["releases"]) > 1_000


def test_what_fits_stays_as_it_is() -> None:
    result = {"diff": [SMALL], **plan(release("a", 50))}
    assert fitted(result) == result

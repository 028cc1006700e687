# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diffs in a terminal: long ones are cut and say so, what changes everywhere is told once."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils.terminal import shortened, unified


def entry(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": f"{name} changes", "before": before, "after": after}


def lines(*items: object) -> str:
    return "".join(f"{item}\n" for item in items)


def chart(name: str, version: int = 2) -> dict[str, str]:
    return entry(f"shop/{name}: chart", f"chart: web-1\nlabels: {name}\n", f"chart: web-{version}\nlabels: {name}\n")


@pytest.mark.parametrize("sides", [("", lines(*range(500))), (lines(*range(500)), "")])
def test_a_long_entry_is_cut_and_says_how_much_is_left(sides: tuple[str, str]) -> None:
    short = entry("shop/a: X", lines("a"), lines("b"))
    found = shortened([entry("shop/a: Y", *sides), short], 100)
    assert found[1] == short
    shown = unified(found[0])
    assert 90 < len(shown) <= 100
    assert shown[-1].endswith("more lines; diff_lines: 0 shows all)")
    left = int(shown[-1].partition("(")[2].partition(" ")[0])
    assert abs(left + len(shown) - 501) < 10


def test_a_change_that_is_cut_shows_its_first_changes_alone() -> None:
    before = list(range(1000))
    after = [f"{item}x" if item % 20 == 0 else item for item in before]
    (found,) = shortened([entry("shop/a: Y", lines(*before), lines(*after))], 60)
    shown = unified(found)
    assert len(shown) <= 70
    assert "-0" in shown
    assert "+0x" in shown
    assert not [line for line in shown if line.startswith(("-", "+")) and line.rstrip("x").endswith("980")]


def test_without_a_limit_and_below_it_nothing_is_cut() -> None:
    entries = [entry("shop/a: Y", "", lines(*range(500)))]
    assert shortened(entries, 0) == entries
    assert shortened(entries, 1000) == entries


def test_every_entry_shows_something() -> None:
    found = shortened([entry(f"shop/a: Y{number}", "", lines(*range(50))) for number in range(50)], 100)
    assert {len(unified(item)) for item in found} <= set(range(8, 13))


def test_charts_that_change_everywhere_alike_are_told_once() -> None:
    other = entry("shop/c: X", "a", "b")
    found = shortened([chart("a"), chart("b"), chart("c"), other, chart("d", 3), chart("e")], 1000)
    assert [item["before_header"] for item in found] == [
        "3 releases that change in nothing else: chart",
        "shop/c: chart",
        "shop/c: X",
        "shop/d: chart",
    ]
    assert found[0]["after"] == "chart: web-2\nreleases:\n- shop/a\n- shop/b\n- shop/e\n"

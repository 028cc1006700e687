# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils.report import dialects, diffs
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Report, folded
from ansible_collections.helmstack.core.plugins.plugin_utils.report.markdown import LEAST, markdown
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.report.samples import (
    entry,
    evil,
    idle,
    release,
    result,
)

MADE = "2026-11-28 12:00 UTC"
FENCE = re.compile(r"^(`{3,})(\w*)$")


def told(*results: dict[str, object], limit: int = 60_000) -> str:
    reports = [Report(f"h{number}", True, data) for number, data in enumerate(results)]
    return markdown(folded(reports), MADE, limit)


def outside_of_fences(text: str) -> list[str]:
    """The lines that are no code, as CommonMark reads fences: none is left open."""
    lines, fence = [], ""
    for line in text.split("\n"):
        match = FENCE.match(line)
        if not fence and match:
            fence = match[1]
        elif fence and re.fullmatch(rf" {{0,3}}{fence}`*[ \t]*", line):
            fence = ""
        elif not fence:
            lines.append(line)
    assert not fence
    return lines


def test_a_report_says_what_changes_and_shows_diffs_folded() -> None:
    place = {"file": "web.yaml", "line": 3, "how": "set"}
    value = {"path": "image.tag", "before": "1", "after": "2", "from": place, "to": None}
    text = told(result(release("a", values=[value]), idle("b"), diff=[entry("a")]))
    for words in (
        "## Review of shop, prod",
        "**1 upgrade, 1 unchanged**",
        "| `shop/a` | upgrade | version | web 1\\.6\\.0 → 1\\.7\\.0 | 2\\.3 → 2\\.4 |",
        '| `image.tag` | `"1"` (`web.yaml:3 (set)`) | `"2"` |',
        "<details><summary>ConfigMap c in shop changes (+1 −1)</summary>\n\n```diff\n-a: 1\n+a: 2\n```\n\n</details>",
        "### What stays\n\n`shop/b`",
    ):
        assert words in text, text


def test_hosts_with_the_same_changes_are_told_once() -> None:
    same = [result(release("a"), diff=[entry("a")], server=f"https://{n}.invalid") for n in range(2)]
    text = told(*same, result(release("z")))
    assert "| `h0, h1` | Review of shop, prod | 1 upgrade |" in text
    assert text.count("### `shop/a`") == 1


@pytest.mark.parametrize("closing", ["```", "````", "~~~", "```diff", "   ```", "</details>", "-->"])
def test_no_diff_closes_its_fence(closing: str) -> None:
    text = told(result(release("a"), diff=[entry("a", f"x\n{closing}\n", f"y\n{closing}\nEND\n")]))
    assert not any("END" in line for line in outside_of_fences(text))


def test_foreign_texts_do_nothing() -> None:
    text = told(evil(), result())
    lines = outside_of_fences(text)
    assert not [line for line in lines if re.match(r"\s*/", line)]  # a command of GitLab
    for line in lines:
        bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)  # without code
        assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", bare), bare
        assert not re.search(r"(?<!&)[@#!](?=[a-z0-9])", bare), bare
        assert not re.search(r"[\x00\x1b\u202e]", line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a\nb", "`a\\nb`"),
        ("", "(empty)"),
        (" ", "(blank)"),
        ("a|b", "`a\\|b`"),
    ],
)
def test_code_in_a_line(text: str, expected: str) -> None:
    assert dialects.code(text, in_table=True) == expected


def long_diff(name: str, lines: int) -> dict[str, object]:
    return entry(
        name, "", "".join(f"line {number} of {name}\n" for number in range(lines)), f"ConfigMap {name} is added"
    )


def test_the_largest_diffs_are_cut_first_and_it_says_so() -> None:
    data = result(release("a"), release("b"), diff=[long_diff("small", 20), long_diff("large", 20_000)])
    data["diff"][0]["after_header"] = "shop/a: ConfigMap small is added"
    data["diff"][1]["after_header"] = "shop/b: ConfigMap large is added"
    text = told(data)
    assert 50_000 < len(text) <= 60_000
    assert "+line 19 of small" in text
    assert "of 20000 lines are not shown here" in text
    assert "1 diffs are cut" in text
    outside_of_fences(text)


@pytest.mark.parametrize("limit", [LEAST, 3_000, 10_000, 60_000])
@pytest.mark.parametrize("count", [1, 30, 1_000])
def test_it_fits_whatever_there_is(limit: int, count: int) -> None:
    risk = {"risk": "outage", "release": "shop/r0", "object": None, "why": "it goes"}
    releases = [release(f"r{n}", values=[{"path": "a", "before": "`|" * 300, "after": 2}]) for n in range(count)]
    data = result(*releases, diff=[long_diff(f"r{n}", 200) for n in range(count)], risks=[risk] * 3)
    text = told(data, result(release("x")), {"failed": True, "msg": "m" * 90_000}, limit=limit)
    assert len(text) <= limit
    assert count == 1 or "not shown" in text or "are cut" in text
    outside_of_fences(text)


def test_what_counts_most_stays() -> None:
    risk = {"risk": "outage", "release": "shop/r0", "object": None, "why": "it goes"}
    data = result(*(release(f"r{n}") for n in range(900)), diff=[long_diff("r0", 9_000)], risks=[risk])
    text = told(data, limit=3_000)
    assert "**outage** `shop/r0`: it goes" in text
    assert "| `shop/r0` |" in text
    assert "ConfigMap" not in text


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "a\nb\n", ["+a", "+b"]),
        ("a\n", "", ["-a"]),
        ("a\nb\n", "a\nc\n", [" a", "-b", "+c"]),
        ("a\n", "a\n", []),
        ("\n".join("abcdefgh"), "\n".join("abcdxfgh"), [" b", " c", " d", "-e", "+x", " f", " g", " h"]),
        (
            "\n".join("1abcdefghi2"),
            "\n".join("3abcdefghi4"),
            ["-1", "+3", *" a, b, c".split(","), "@@", *"g,h,i".split(",")],
        ),
    ],
)
def test_diffs_have_three_lines_around_what_differs(before: str, after: str, expected: list[str]) -> None:
    found = diffs.unified(before, after)
    if "@@" in expected:
        assert found == ["-1", "+3", " a", " b", " c", "@@", " g", " h", " i", "-2", "+4"]
    else:
        assert found == expected


def test_very_long_differences_take_no_time() -> None:
    sides = ["\n".join(f"{side}{n % 7}" for n in range(60_000)) for side in "ab"]
    assert diffs.counts(diffs.unified(*sides)) == (60_000, 60_000)

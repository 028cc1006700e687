# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils.report import webpage
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Report, folded
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.report.samples import (
    EVIL,
    entry,
    evil,
    idle,
    release,
    result,
)

MADE = "2026-11-28 12:00 UTC"
VOID = {"meta", "link"}


class Checker(HTMLParser):
    """Reads a page strictly: what is open, what is said, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        given = dict(attrs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given["href"])] if "href" in given else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def read(*reports: Report) -> tuple[str, Checker]:
    page = webpage.page(folded(reports), MADE)
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return page, checker


def of(host: str, data: dict[str, object], *, check: bool = True) -> Report:
    return Report(host, check, data)


PAGES = {
    "one": [of("localhost", result(release("a"), idle("b"), diff=[entry("a")]))],
    "many": [of("localhost", result(*(release(f"r{n}") for n in range(20)), diff=[entry(f"r{n}") for n in range(20)]))],
    "hosts": [of("a", result(release("a"))), of("b", result(release("b"))), of("c", {"failed": True, "msg": "no"})],
    "evil": [of(EVIL, evil())],
    "evil hosts": [of(EVIL, evil()), of("b", result())],
    "none": [],
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_needs_nothing_from_elsewhere(name: str) -> None:
    page, read_page = read(*PAGES[name])
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not read_page.tags & {"script", "img", "iframe", "object", "form", "base", "svg"}
    assert not [attribute for attribute in read_page.attributes if attribute.startswith("on") or attribute == "src"]
    assert all(link == "data:," or link[1:] in read_page.ids for link in read_page.links)
    assert len(set(read_page.ids)) == len(read_page.ids)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
    assert "url(" not in page


@pytest.mark.parametrize("name", PAGES)
def test_headings_have_one_beginning_and_no_gap(name: str) -> None:
    _page, read_page = read(*PAGES[name])
    assert read_page.headings[0] == 1
    assert read_page.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(read_page.headings, read_page.headings[1:]))


def test_foreign_texts_are_shown_and_are_no_markup() -> None:
    page, read_page = read(*PAGES["evil"])
    said = "".join(read_page.said)
    # in a row of a table, a heading, a diff, a message, …: each time as it is written
    assert said.count("<script>alert(1)</script>\"><img src=x onerror=alert(1)>'&amp;\\u0000\\u001b[31m\\u202e") > 25
    assert "<script" not in page


def test_what_a_reviewer_needs_is_there() -> None:
    risk = {
        "risk": "outage",
        "release": "shop/a",
        "object": {"kind": "Service", "name": "a"},
        "why": "its type changes",
    }
    place = {"file": "web.yaml", "line": 3, "how": "set"}
    value = {"path": "image.tag", "before": "1", "after": "2", "from": place, "to": None}
    images = [{"image": "web:2", "state": "comes", "releases": ["shop/a"]}]
    found = result(
        release("a", values=[value]),
        idle("b"),
        diff=[entry("a"), entry("a", "values.x: 1\n", "values.x: 2\n", "values change")],
        risks=[risk],
        images=images,
    )
    page, read_page = read(of("localhost", {**found, "warnings": ["beware"]}))
    said = "".join(read_page.said)
    for text in (
        "Review of shop, prod",
        "outage shop/a, Service a: its type changes",
        "beware",
        "1.6.0 → 1.7.0",
        "2.3 → 2.4",
        "web.yaml:3 (set)",
        "ConfigMap c in shop changes +1 −1",
        "sha256:0a",
        "comes web:2 shop/a",
        "shop/b",
    ):
        assert text in said, text
    assert said.index("outage") < said.index("beware") < said.index("What changes") < said.index("What stays")
    assert "<del>-a: 1</del><ins>+a: 2</ins>" in page
    assert "values.x" not in said  # the table tells it, with its places


def test_a_run_tells_what_came_of_it() -> None:
    data = {**result(release("a", error="helm: no", duration=2.12, status="failed")), "failed": True, "msg": "1 of 1"}
    _page, read_page = read(of("localhost", data, check=False))
    said = "".join(read_page.said)
    assert all(text in said for text in ("Deployment of shop", "helm: no", "failed after 2.1 s", "1 of 1"))


def test_many_releases_are_folded_and_few_are_open() -> None:
    few, many = (read(*PAGES[name])[0] for name in ("one", "many"))
    assert few.count("<details open>") == 1
    assert many.count("<details open>") == 0


def test_equal_hosts_are_told_once() -> None:
    hosts = [of(f"h{n}", result(release("a"), idle(f"i{n}"), server=f"https://{n}.invalid")) for n in range(3)]
    _page, read_page = read(*hosts)
    said = "".join(read_page.said)
    assert said.count("shop/a") == 1
    assert all(f"h{n}: https://{n}.invalid" in said for n in range(3))
    assert "3 → 4" not in said  # each has its own revisions

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock file: its text, what is wrong with one, and how it makes references exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.locking import Locking, LockPins
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.lockfile import parse, render
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import LockedChart, Release, Stack

DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
WEB = LockedChart("r/web", "~1.1", False, "1.1.0", DIGEST, "", "https://charts.example.org")
APP = LockedChart(
    "git+https://git.example.org/app.git", "", False, "0.3.0", "", "a" * 40, "https://git.example.org/app"
)
GOOD = render([WEB, APP])


def test_the_text_is_read_back_as_it_was_and_is_the_same_in_any_order() -> None:
    assert parse(GOOD, "helmstack.lock") == (APP, WEB)
    assert render([APP, WEB]) == GOOD
    assert parse(render([]), "helmstack.lock") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("lock_version: 1", "lock_version: 2"), ("lock:2", "of version 2", "versions up to 1", "newer")),
        (GOOD.replace("lock_version: 1\n", ""), ("damaged", "'lock_version'", "Restore it")),
        (GOOD.replace("lock_version: 1", "lock_version: true"), ("damaged", "'lock_version'")),
        ("<<<<<<< ours\n" + GOOD, ("lock:1", "merge conflict", "Take one of both sides", "helmstack_lock")),
        (GOOD + "=======\n", ("merge conflict",)),
        (GOOD.replace(DIGEST, "sha256:12"), ("lock:", "'digest' is none")),
        (GOOD.replace("a" * 40, "main"), ("'commit' is none",)),
        (GOOD.replace('    version: "1.1.0"\n', ""), ("lacks 'version'", "Restore it")),
        (GOOD.replace("    source", "    sauce"), ("'sauce' is no key", "Did you mean 'source'?")),
        (GOOD.replace('version: "1.1.0"', "version: 1.1"), ("'version' has a value of another type",)),
        ("lock_version: 1\ncharts: {}\n", ("'charts' is no list",)),
        ("lock_version: 1\ncharts: [1]\n", ("expected a mapping for each chart",)),
        ("- 1\n", ("damaged", "expected a mapping")),
        ("a: [\n", ("damaged", "not valid YAML")),
        ("", ("damaged",)),
    ],
)
def test_what_is_wrong_with_a_lock_file_is_told_with_its_line(text: str, words: Sequence[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "helmstack.lock")
    for word in words:
        assert word in str(caught.value)


def pin(reference: str, version: str | None = None, **more: Any) -> Wanted:
    return LockPins([WEB, APP], "helmstack.lock").pin(Wanted(reference, version, **more))


def test_what_is_locked_is_exact() -> None:
    found = pin("r/web", "~1.1")
    assert (found.version, found.digest, found.commit) == ("1.1.0", DIGEST, None)
    assert pin(APP.chart).commit == "a" * 40


def test_a_login_in_a_reference_is_no_part_of_its_name() -> None:
    assert pin("git+https://me:hush-hush@git.example.org/app.git").commit == "a" * 40


def test_local_charts_are_not_locked() -> None:
    assert pin("/charts/web", "1.0.0") == Wanted("/charts/web", "1.0.0")


@pytest.mark.parametrize(
    ("reference", "version", "more", "words"),
    [
        ("r/db", None, {}, ("does not hold chart r/db (the newest version)", "helmstack_lock")),
        ("r/web", "~1.2", {}, ("holds chart r/web for ~1.1, but the stack wants ~1.2",)),
        ("r/web", "~1.1", {"devel": True}, ("the stack wants ~1.1",)),
        ("r/web", "~1.1", {"digest": OTHER}, ("two digests", DIGEST, OTHER)),
    ],
)
def test_what_the_lock_file_does_not_say_is_an_error(
    reference: str, version: str | None, more: Mapping[str, Any], words: Sequence[str]
) -> None:
    with pytest.raises(ChartError) as caught:
        pin(reference, version, **more)
    for word in words:
        assert word in str(caught.value)


def test_a_version_that_somebody_changed_by_hand_must_fit() -> None:
    pins = LockPins([LockedChart("r/web", "~1.1", False, "1.2.0", DIGEST, "", "x")], "helmstack.lock")
    with pytest.raises(ChartError, match=r"holds version 1\.2\.0 of chart r/web, which is not ~1\.1"):
        pins.pin(Wanted("r/web", "~1.1"))


class Place:
    """A repository in memory; counts what is fetched."""

    versions = ("2.0.0-rc.1", "1.2.0", "1.1.1", "1.1.0")

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def fetch(self, release: Release) -> Any:
        self.fetched.append(release.name)
        version = "1.1.1" if release.version == "~1.1" else "1.2.0"
        return SimpleNamespace(origin=Origin("repository", release.chart, "https://me:hush@x.example", version, DIGEST))


def stacks() -> list[Stack]:
    web = Release("web", "a", "r/web", "~1.1")
    return [
        Stack("s", "dev", (web, Release("local", "a", "/charts/x"))),
        Stack("s", "prod", (web, Release("db", "a", "r/web", "~1"), Release("off", "a", "r/off", ignore=True))),
    ]


def test_what_fits_stays_and_only_what_is_new_is_fetched() -> None:
    place = Place()
    charts = Locking(stacks(), place.fetch, lambda reference: place.versions).charts([WEB, APP], ())
    assert [(item.asked, item.version) for item in charts] == [("~1.1", "1.1.0"), ("~1", "1.2.0")]
    assert place.fetched == ["db"]
    assert charts[1].source == "https://x.example"


@pytest.mark.parametrize("update", ["web", "a/web", "w*", "*"])
def test_what_is_named_is_resolved_anew(update: str) -> None:
    place = Place()
    charts = Locking(stacks(), place.fetch, lambda reference: place.versions).charts([WEB], [update])
    assert charts[0].version == "1.1.1"


def test_a_name_that_means_nothing_is_told() -> None:
    locking = Locking(stacks(), Place().fetch, lambda reference: ())
    assert locking.unknown(["web", "local", "wob"]) == ["local", "wob"]
    assert "r/web" in locking.names()


def test_outdated_charts_come_with_the_versions_between() -> None:
    place = Place()
    found = Locking(stacks(), place.fetch, lambda reference: place.versions).outdated([WEB])
    assert found == [
        {"chart": "r/web", "asked": "~1.1", "version": "1.1.0", "newest": "1.2.0", "newer": ["1.1.1", "1.2.0"]}
    ]

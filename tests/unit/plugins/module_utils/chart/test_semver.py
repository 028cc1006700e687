# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions and ranges. The expectations are what Masterminds/semver 3.5, as Helm uses it, answers."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.semver import is_exact, parse, satisfies

RANGES = [
    ("1.2.3", "1.2.3", True),
    ("v1.2.3", "1.2.3", True),
    ("1.2.3+build", "1.2.3", True),
    ("1.2.3-rc.1", "1.2.3", False),
    ("1.2.3-rc.1", "1.2.3-rc.1", True),
    ("1.2.4", "1.2", True),
    ("1.3.0", "1.2", False),
    ("1.9.9", "1", True),
    ("1.9.9", "1.x", True),
    ("2.0.0", "1.x.x", False),
    ("0.0.1", "*", True),
    ("1.0.0-rc.1", "*", False),
    ("1.0.0-rc.1", ">=0.0.0-0", True),
    ("1.0.0-rc.1", ">0.0.0-0", True),
    ("1.2.9", "~1.2.3", True),
    ("1.3.0", "~1.2.3", False),
    ("1.2.2", "~1.2.3", False),
    ("1.9.0", "~1", True),
    ("1.2.9", "~>1.2", True),
    ("1.9.0", "^1.2.3", True),
    ("2.0.0", "^1.2.3", False),
    ("0.2.9", "^0.2.3", True),
    ("0.3.0", "^0.2.3", False),
    ("0.0.3", "^0.0.3", True),
    ("0.0.4", "^0.0.3", False),
    ("0.9.0", "^0", True),
    ("0.0.9", "^0.0", True),
    ("0.1.0", "^0.0", False),
    ("1.3.0-alpha", "~1.2.3-0", False),
    ("2.0.0-alpha", "^1.2.3-0", False),
    ("1.5.0", ">1.2 <2", True),
    ("1.2.9", ">1.2", False),
    ("2.0.0", ">=1.0.0, <2.0.0", False),
    ("1.0.0", ">= 1.0.0,< 2.0.0", True),
    ("1.2.9", "<=1.2", True),
    ("1.3.0", "=<1.2", False),
    ("1.2.3", "!=1.2.3", False),
    ("1.2.4", "!=1.2", False),
    ("1.3.0", "!=1.2", True),
    ("3.1.0", "1.x || >=3.0.0", True),
    ("2.1.0", "1.x || >=3.0.0", False),
    ("1.5.0", "1.2.0 - 1.6.0", True),
    ("1.7.0", "1.2.0 - 1.6.0", False),
    ("not-a-version", "*", False),
]


@pytest.mark.parametrize(("version", "wanted", "expected"), RANGES)
def test_a_version_lies_in_a_range_or_not(version: str, wanted: str, expected: bool) -> None:
    assert satisfies(version, wanted) is expected


@pytest.mark.parametrize("wanted", ["latest", "1.2.3.4", ">>1", "1.2.3 or 2", "^"])
def test_what_is_no_range_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match="is not a version or a range"):
        satisfies("1.0.0", wanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.2.3", True), ("v1.2.3-rc.1+b", True), ("1.2", False), ("1.2.x", False), ("^1.2.3", False), ("", False)],
)
def test_only_three_numbers_are_exact(text: str, expected: bool) -> None:
    assert is_exact(text) is expected


def test_versions_sort_as_semver_says() -> None:
    ordered = [
        "1.0.0-1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-rc.2",
        "1.0.0-rc.11",
        "1.0.0",
        "1.10.0",
    ]
    keys = [version.key for text in ordered if (version := parse(text))]
    assert keys == sorted(keys)
    assert len(keys) == len(ordered)

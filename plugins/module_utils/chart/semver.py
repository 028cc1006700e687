# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Semantic versions and ranges as Helm understands them (the rules of Masterminds/semver 3, which Helm uses)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")
_PART = re.compile(
    r"(=>|=<|>=|<=|!=|~>|=|>|<|~|\^|)\s*"
    r"v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?(?=[\s,]|$)"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Version:
    """A semantic version; build metadata says nothing about its order."""

    release: Triple
    pre: str = ""

    @property
    def key(self) -> tuple[Triple, bool, list[tuple[bool, int, str]]]:
        """For sorting: a pre-release is before its release, numbers before words."""
        parts = self.pre.split(".") if self.pre else []
        return (self.release, not self.pre, [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts])


def parse(text: str) -> Version | None:
    """The version that a text says, missing parts being 0; None if it says none."""
    match = _VERSION.fullmatch(text.strip())
    if not match:
        return None
    major, minor, patch, pre, dummy = match.groups()
    return Version((int(major), int(minor or 0), int(patch or 0)), pre or "")


def is_exact(text: str) -> bool:
    """Whether a wanted version is one version, not a range: ``1.2`` is a range for Helm."""
    return bool(_EXACT.fullmatch(text.strip()))


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version is in a range. A pre-release is only if the range itself names one.

    :raises ValueError: ``wanted`` is no range.
    """
    found = parse(version)
    groups = [_group(part) for part in _HYPHEN.sub(r">=\1 <=\2", wanted).split("||")]
    return found is not None and any(_in_group(found, group) for group in groups)


@dataclass(frozen=True)
class _Condition:
    holds: Callable[[Version], bool]
    pre: bool


def _in_group(version: Version, group: list[_Condition]) -> bool:
    if version.pre and not any(condition.pre for condition in group):
        return False
    return all(condition.holds(version) for condition in group)


def _group(text: str) -> list[_Condition]:
    conditions: list[_Condition] = []
    rest = text.strip()
    while rest:
        match = _PART.match(rest)
        if not match:
            raise ValueError(f"'{text.strip()}' is not a version or a range")
        conditions.append(_condition(*match.groups()))
        rest = rest[match.end() :].lstrip(" \t,")
    return conditions or [_Condition(lambda version: True, pre=False)]


def _condition(operator: str, major: str, minor: str | None, patch: str | None, pre: str | None) -> _Condition:
    known = [int(part) for part in _known(major, minor, patch)]
    first = Version((*known, 0, 0, 0)[:3], pre or "")  # type: ignore[arg-type]
    after = _next(known, len(known) - 1)
    inside = _range(first, after)
    holds: dict[str, Callable[[Version], bool]] = {
        "": inside if len(known) < 3 else lambda v: v == first,
        "!=": lambda v: not (inside(v) if len(known) < 3 else v == first),
        ">": lambda v: v.release >= after if len(known) < 3 else v.key > first.key,
        ">=": lambda v: v.key >= first.key,
        "<": lambda v: v.key < first.key,
        "<=": lambda v: v.release < after if len(known) < 3 else v.key <= first.key,
        "~": _range(first, _next(known, min(1, len(known) - 1))),
        "^": _range(first, _next(known, _leading(known))),
    }
    same = {"=": "", "=>": ">=", "=<": "<=", "~>": "~"}
    return _Condition(holds[same.get(operator, operator)], bool(pre))


def _known(*parts: str | None) -> list[str]:
    """The parts before the first that is missing or a wildcard."""
    known: list[str] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        known.append(part)
    return known


def _next(known: list[int], place: int) -> Triple:
    """The first release after all that agree with ``known`` up to ``place``; -1 means all releases."""
    if place < 0:
        return (10**18, 0, 0)
    parts = [*known[:place], known[place] + 1, 0, 0, 0]
    return (parts[0], parts[1], parts[2])


def _leading(known: list[int]) -> int:
    """The place of the leftmost part that is not 0: what ``^`` holds fast."""
    return next((place for place, part in enumerate(known) if part), len(known) - 1)


def _range(first: Version, after: Triple) -> Callable[[Version], bool]:
    return lambda version: version.key >= first.key and version.release < after

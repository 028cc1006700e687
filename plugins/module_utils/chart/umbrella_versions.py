# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a chart's version fits a dependency's range, by the rules of the library that helm uses.

Source of the rules: Masterminds/semver 3.5, constraints.go. What cannot be read does not fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = r"[0-9xX*|]+"
_IDENTS = r"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
_VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-({_IDENTS}))?(?:\+{_IDENTS})?", re.ASCII)
_RANGE = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-{_IDENTS})?(?:\+{_IDENTS})?"
_HYPHEN = re.compile(rf"\s*({_RANGE})\s+-\s+({_RANGE})\s*", re.ASCII)
_OPERATOR = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|"
_TERM = re.compile(
    rf"({_OPERATOR})\s*v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-({_IDENTS}))?(?:\+{_IDENTS})?", re.ASCII
)
_GROUP = re.compile(rf"\s*(?:{_OPERATOR})\s*{_RANGE}\s*(?:(?:\s+|,\s*)(?:{_OPERATOR})\s*{_RANGE}\s*)*", re.ASCII)


@dataclass(frozen=True)
class _Version:
    core: tuple[int, int, int]
    pre: str

    @property
    def order(self) -> tuple[object, ...]:
        """A sort key by SemVer's precedence: a pre-release comes before its release."""
        idents = tuple((0, int(item), "") if item.isdigit() else (1, 0, item) for item in self.pre.split("."))
        return (self.core, 0, idents) if self.pre else (self.core, 1)


@dataclass(frozen=True)
class _Term:
    operator: str
    version: _Version
    given: int  # how many of major, minor, patch are given: x, * and what is left out are not


def compatible(constraint: str, version: str) -> bool:
    """Whether ``version`` lies in the range ``constraint``; False if either cannot be read."""
    found = _parse_version(version)
    if found is None:
        return False
    try:
        groups = [_parse_group(item) for item in _rewrite_hyphens(constraint).split("||")]
    except ValueError:
        return False
    return any(_fits_all(group, found) for group in groups)


def _parse_version(text: str) -> _Version | None:
    match = _VERSION.fullmatch(text)
    if not match or any(item.isdigit() and item[0] == "0" and len(item) > 1 for item in (match[4] or "").split(".")):
        return None
    return _Version((int(match[1]), int(match[2] or 0), int(match[3] or 0)), match[4] or "")


def _rewrite_hyphens(text: str) -> str:
    return _HYPHEN.sub(lambda match: f">={match[1]},<={match[2]} ", text)


def _parse_group(text: str) -> list[_Term]:
    if not _GROUP.fullmatch(text):
        raise ValueError(text)
    return [_parse_term(match) for match in _TERM.finditer(text)]


def _parse_term(match: re.Match[str]) -> _Term:
    core = [0, 0, 0]
    given = 0
    for part in (match[2], match[3], match[4]):
        if part is None or part in ("x", "X", "*"):
            break
        core[given] = int(part)
        given += 1
    version = _parse_version(".".join(map(str, core)) + (f"-{match[5]}" if match[5] else ""))
    if version is None:
        raise ValueError(match[0])
    return _Term(match[1], version, given)


def _fits_all(group: list[_Term], version: _Version) -> bool:
    if version.pre and not any(term.version.pre for term in group):
        return False
    return all(_fits(term, version) for term in group)


def _fits(term: _Term, version: _Version) -> bool:
    operator, given, bound = term.operator, term.given, term.version
    if operator in ("", "=", "~", "~>"):
        if given == 3 and operator in ("", "="):
            return version.order == bound.order
        return _fits_tilde(term, version)
    if operator == "^":
        return _fits_caret(term, version)
    if operator == "<":
        return version.order < bound.order
    if operator in (">=", "=>"):
        return version.order >= bound.order
    if operator == "!=":
        return not _equals_given(term, version)
    # What an x or * leaves open is not compared; a lone * counts as 0.0.0.
    places = given or 3
    if operator == ">":
        return version.order > bound.order if places == 3 else version.core[:places] > bound.core[:places]
    places = given or 2
    return version.order <= bound.order if places == 3 else version.core[:places] <= bound.core[:places]


def _equals_given(term: _Term, version: _Version) -> bool:
    if term.given in (0, 3):
        return version.order == term.version.order
    if term.given == 2 and (version.pre or term.version.pre):
        return version.core[:2] == term.version.core[:2] and version.pre == term.version.pre
    return version.core[: term.given] == term.version.core[: term.given]


def _fits_tilde(term: _Term, version: _Version) -> bool:
    if version.order < term.version.order:
        return False
    if term.version.core == (0, 0, 0) and term.given in (0, 3):
        return True
    return version.core[: min(term.given, 2)] == term.version.core[: min(term.given, 2)]


def _fits_caret(term: _Term, version: _Version) -> bool:
    if version.order < term.version.order:
        return False
    if term.given == 0:
        return version.core == (0, 0, 0)
    for place, number in enumerate(term.version.core[: term.given], start=1):
        if number > 0 or place == term.given:
            return version.core[:place] == term.version.core[:place]
    return False

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What templates call that makes a render depend on more than chart and values: the cluster, chance, the clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import reduce
from operator import or_

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_CLUSTER = re.compile(r"(?<![\w.$-])lookup(?![\w.-])")
_APIS = re.compile(r'\bAPIVersions\b(?:\.Has\s+"([^"\\]+)")?')
_REVISION = re.compile(r"\bRevision\b")
# Functions of Sprig and Helm whose result is not the same twice. derivePassword is.
_RANDOM = re.compile(
    r"(?<![\w.$-])(?:rand(?:AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|genPrivateKey|gen(?:CA|SelfSignedCert|SignedCert)(?:WithKey)?"
    r"|uuidv4|htpasswd|bcrypt|shuffle|encryptAES)(?![\w.-])"
)
_NOW = re.compile(r"(?<![\w.$-])now(?![\w.-])")
# Of what is no time, such as a number in values, Sprig's date functions make the present.
_CLOCK = re.compile(
    r"(?<![\w.$-])(?:now|ago|date|dateInZone|date_in_zone|htmlDate|htmlDateInZone|durationRound)(?![\w.-])"
)
_TIMES = re.compile(r"(?<![\w.$-])(?:date|htmlDate|toDate|mustToDate)(?![\w.-])")


@dataclass(frozen=True)
class Mentions:
    """What templates mention.

    :arg cluster: ``lookup``.
    :arg random: random and key-making functions.
    :arg revision: the release's revision.
    :arg clock: functions that look at the clock.
    :arg times: functions that read or show, in the local time zone, a time that need not be the present.
    :arg apis: the names that templates look up in ``.Capabilities.APIVersions``; ``*`` if these are unknown.
    """

    cluster: bool = False
    random: bool = False
    revision: bool = False
    clock: bool = False
    times: bool = False
    apis: frozenset[str] = frozenset()

    def __or__(self, other: Mentions) -> Mentions:
        if other is _NOTHING or other == _NOTHING:  # as most values and templates
            return self
        return Mentions(*(getattr(self, each.name) | getattr(other, each.name) for each in fields(self)))

    @classmethod
    def of(cls, texts: Iterable[str]) -> Mentions:
        return cls.any(_of(text) for text in texts)

    @classmethod
    def any(cls, parts: Iterable[Mentions]) -> Mentions:
        """What at least one of several mentions."""
        return reduce(or_, parts, _NOTHING)


_NOTHING = Mentions()


def _of(text: str) -> Mentions:
    actions = _actions(text)
    if not actions:
        return _NOTHING
    code = [_STRING.sub('""', action) for action in actions]
    times = [action for action in code if not _NOW.search(action)]
    sought = ((_CLUSTER, code), (_RANDOM, code), (_REVISION, actions), (_CLOCK, code), (_TIMES, times))
    cluster, random, revision, clock, present = (any(map(pattern.search, found)) for pattern, found in sought)
    apis = frozenset(match[1] or "*" for action in actions for match in _APIS.finditer(action))
    return Mentions(cluster, random, revision, clock, present, apis)


def _actions(text: str) -> list[str]:
    return _ACTION.findall(_COMMENT.sub("", text)) if "{{" in text else []

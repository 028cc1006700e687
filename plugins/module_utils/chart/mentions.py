# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What templates call that makes a render depend on more than chart and values: the cluster, chance, the clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_CLUSTER = re.compile(r"(?<![\w.$-])lookup(?![\w.-])")
_APIS = re.compile(r"\bAPIVersions\b")
_REVISION = re.compile(r"\bRelease\b.*\bRevision\b", re.DOTALL)
# Functions of Sprig and Helm whose result is not the same twice. derivePassword is.
_RANDOM = re.compile(
    r"(?<![\w.$-])(?:rand(?:AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|genPrivateKey|gen(?:CA|SelfSignedCert|SignedCert)(?:WithKey)?"
    r"|uuidv4|now|ago|htpasswd|bcrypt|shuffle|encryptAES)(?![\w.-])"
)


@dataclass(frozen=True)
class Mentions:
    """What the templates of a chart mention."""

    cluster: bool = False
    random: bool = False
    revision: bool = False
    apis: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> Mentions:
        return cls.any(
            cls(mentions_cluster(text), mentions_random(text), mentions_revision(text), mentions_apis(text))
            for text in texts
        )

    @classmethod
    def any(cls, parts: Iterable[Mentions]) -> Mentions:
        """What at least one of several mentions."""
        return cls(*map(any, zip(*map(astuple, parts))))


def mentions_cluster(text: str) -> bool:
    """Whether template actions in a text call ``lookup``."""
    return any(_CLUSTER.search(_STRING.sub('""', action)) for action in _actions(text))


def mentions_revision(text: str) -> bool:
    """Whether template actions in a text read ``.Release.Revision``."""
    return any(_REVISION.search(action) for action in _actions(text))


def mentions_apis(text: str) -> bool:
    """Whether template actions in a text read ``.Capabilities.APIVersions``."""
    return any(_APIS.search(action) for action in _actions(text))


def mentions_random(text: str) -> bool:
    """Whether template actions in a text call random, key-making or clock functions."""
    return any(_RANDOM.search(_STRING.sub('""', action)) for action in _actions(text))


def _actions(text: str) -> list[str]:
    return _ACTION.findall(_COMMENT.sub("", text)) if "{{" in text else []

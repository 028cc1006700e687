# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One exception family: what failed, where (file and line), and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Location:
    """A place in a file that a person wrote; ``line`` counts from 1, 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class HelmstackError(Exception):
    """What went wrong, in one sentence that a person can act on.

    :arg what: the sentence, without a full stop.
    :arg where: the place in the user's file, if there is one; it leads the message.
    :arg hint: what to do, as a second sentence.
    :arg detail: lines of another program (helm's own words, events), shown below.
    """

    def __init__(self, what: str, *, where: Location | None = None, hint: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.detail = detail

    def reword(self, words: Callable[[str], str]) -> None:
        """Change the words, for example to mask them."""
        self.what, self.hint, self.detail = words(self.what), words(self.hint), words(self.detail)
        self.args = (self.what,)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.hint:
            text = f"{text}. {self.hint}"
        return f"{text}\n{self.detail.rstrip()}" if self.detail.strip() else text


class InputError(HelmstackError):
    """The user's files or options are wrong; nothing has been done."""


class ChartError(HelmstackError):
    """A chart cannot be found, fetched or read."""


class HelmError(HelmstackError):
    """The helm program is missing, too old, or has failed."""


class ClusterError(HelmstackError):
    """The Kubernetes API cannot be reached, is the wrong one, or refuses."""


class ApplyError(HelmstackError):
    """Something failed while the cluster was being changed; ``result`` says what has been done."""

    def __init__(self, what: str, *, result: dict[str, Any] | None = None) -> None:
        super().__init__(what)
        self.result = result or {}


class Stopped(BaseException):
    """The process must end; not an Exception, so that nothing takes it for a failure to recover from.

    ``told`` and ``result`` say what was done till then.
    """

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.told = "Nothing was changed"
        self.result: dict[str, Any] = {}


def nearest(name: str, candidates: Iterable[str], count: int = 1) -> list[str]:
    """The candidates that are most similar to ``name``, best first; empty if none is similar."""
    return difflib.get_close_matches(name, sorted(set(candidates)), n=count, cutoff=0.5)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest right one, else all the right ones if they are few."""
    known = sorted(set(candidates))
    best = nearest(name, known)
    if best:
        return f"Did you mean '{best[0]}'?"
    if 0 < len(known) <= 12:
        return "Known are: " + ", ".join(known)
    return ""

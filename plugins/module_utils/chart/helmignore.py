# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a chart's ``.helmignore`` leaves out, by the rules of Helm's pkg/ignore and of Go's filepath.Match."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, Location

_PART = r"(?:\\.|[^\\\]-])"
_SPECIAL = frozenset("*?[\\")
_RANGE = re.compile(rf"({_PART})(?:-({_PART}))?", re.DOTALL)


@dataclass(frozen=True)
class _Rule:
    fits: Callable[[str], bool]
    whole: bool  # it is about paths, not names
    negated: bool
    folders_only: bool

    def matches(self, path: str) -> bool:
        return self.fits(path if self.whole else posixpath.basename(path))


@dataclass(frozen=True)
class IgnoreRules:
    """The rules of one file."""

    rules: tuple[_Rule, ...]

    @classmethod
    def of(cls, text: str, name: str = ".helmignore") -> IgnoreRules:
        """Rules from the text of a .helmignore, and Helm's own: dot files in templates/ are left out.

        :raises ChartError: a pattern that Helm refuses.
        """
        rules = []
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            if line.strip() and not line.strip().startswith("#"):
                try:
                    rules.append(_rule(line.strip()))
                except ValueError as error:
                    what = f"Helm does not take this pattern: {error}"
                    raise ChartError(what, where=Location(name, number)) from None
        return cls((*rules, _HELMS_OWN))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether Helm leaves a path out; the first rule that decides, decides."""
        for rule in self.rules:
            if rule.negated:
                if (rule.folders_only and not is_folder) or not rule.matches(path):
                    return True
            elif (is_folder or not rule.folders_only) and rule.matches(path):
                return True
        return False


def _rule(line: str) -> _Rule:
    if "**" in line:
        raise ValueError("it has no '**'")
    _expression(line)  # which Helm tries as a whole
    pattern = line.removeprefix("!").removesuffix("/") if line.endswith("/") else line.removeprefix("!")
    whole = "/" in pattern
    return _Rule(_matcher(pattern.removeprefix("/")), whole, line.startswith("!"), line.endswith("/"))


def _matcher(pattern: str) -> Callable[[str], bool]:
    """What says whether a text is as the pattern; most are names or endings, for which an expression takes too long."""
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    ending = pattern[1:]
    if pattern[0] == "*" and not _SPECIAL.intersection(ending):
        return lambda text: text.endswith(ending) and "/" not in text[: len(text) - len(ending)]
    expression = re.compile(_expression(pattern))
    return lambda text: expression.fullmatch(text) is not None


def _expression(pattern: str) -> str:
    """Go's filepath.Match as a regular expression: ``*`` and ``?`` stop at "/", a backslash takes the next as is.

    :raises ValueError: it is none.
    """
    result, rest = "", pattern
    while rest:
        char, rest = rest[0], rest[1:]
        if char == "*":
            result += "[^/]*"
        elif char == "?":
            result += "[^/]"
        elif char == "[":
            found, rest = _class(rest)
            result += found
        else:
            if char == "\\":
                if not rest:
                    raise ValueError("it ends with a backslash")
                char, rest = rest[0], rest[1:]
            result += re.escape(char)
    return f"(?s:{result})"


def _class(text: str) -> tuple[str, str]:
    """The characters of ``[a-z]``, from behind the bracket on, and what follows."""
    negated = text.startswith("^")
    at, parts = int(negated), ""
    while match := _RANGE.match(text, at):
        low, high = (re.escape(part.removeprefix("\\")) if part else "" for part in match.groups())
        if high and match[1].removeprefix("\\") > match[2].removeprefix("\\"):
            low = high = ""  # Go: nothing is between
        parts += f"{low}-{high}" if high else low
        at = match.end()
    if text[at : at + 1] != "]" or at == int(negated):
        raise ValueError("a '[' is not closed as it should be")
    any_or_none = r"[\s\S]" if negated else r"[^\s\S]"
    return (f"[{'^' * negated}{parts}]" if parts else any_or_none), text[at + 1 :]


_HELMS_OWN = _rule("templates/.?*")

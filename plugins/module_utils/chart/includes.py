# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ``#! {{ .Files.Get … }}`` clauses of an umbrella's values.yaml, replaced by what they include.

Source of the rules: helm-spray 4.0.13. A clause need not be alone on its line; the blank lines behind it go with it.
``pick`` clauses are all replaced first, so one that a plain clause brings in stays the comment that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError, Location

_FILE = r"([a-zA-Z0-9_\"\\/.\-():]+)"
_END = r"\s*(?:\|\s*indent\s*(\d{1,3})\s*)?\}\}\s*(?:\n|\Z)"
_PICK = re.compile(rf"#!\s*\{{\{{\s*pick\s*\(\s*\.Files?\.Get\s+{_FILE}\s*\)\s*([a-zA-Z0-9_\".\-]+){_END}", re.ASCII)
_PLAIN = re.compile(rf"#!\s*\{{\{{\s*\.Files?\.Get\s+{_FILE}{_END}", re.ASCII)
_LOOKS_LIKE = re.compile(r"#!\s*\{\{[^\n]*\.Files?\.Get\b[^\n]*", re.ASCII)
_MAX_CLAUSES = 10_000


@dataclass(frozen=True)
class _Clause:
    text: str  # as written, for messages
    file: str
    path: str  # "": the whole file
    indent: int | None
    where: Location


def expand(text: str, read: Callable[[str], str | None], name: str) -> str:
    """``text`` with its clauses replaced.

    :arg read: the text of a file of the chart by its path in the chart; None if the chart has no such file.
    :arg name: the values file, for messages.
    :raises ChartError: a clause that is malformed, names what is not there, or comes from itself.
    """
    _check_form(text, Location(name))
    for pattern in (_PICK, _PLAIN):
        text = _Expansion(pattern, read, name, text).run()
    return text


def _check_form(text: str, where: Location) -> None:
    for match in _LOOKS_LIKE.finditer(text):
        if not _PICK.match(text, match.start()) and not _PLAIN.match(text, match.start()):
            line = text.count("\n", 0, match.start()) + 1
            raise ChartError(
                f"the clause '{match[0].strip()}' is not one of the forms of an include",
                where=Location(where.file, line),
                hint="Write '#! {{ .Files.Get FILE }}' or '#! {{ pick (.Files.Get FILE) PATH }}', "
                "each with '| indent N' (0 to 999) if need be, and nothing behind it",
            )


class _Expansion:
    """Replaces one kind of clause from left to right, and knows which files each spot came from."""

    def __init__(self, pattern: re.Pattern[str], read: Callable[[str], str | None], name: str, text: str) -> None:
        self.pattern = pattern
        self.read = read
        self.name = name
        self.original = text
        self.text = text
        # Replacing happens only left of a region's end: measured from the text's end it stays where it is.
        self.open: list[tuple[int, str]] = []

    def run(self) -> str:
        at = 0
        for _count in range(_MAX_CLAUSES):
            match = self.pattern.search(self.text, at)
            if not match:
                return self.text
            self.replace(match)
            at = match.start()
        raise ChartError(
            f"its includes do not come to an end: {_MAX_CLAUSES} have been replaced", where=Location(self.name)
        )

    def replace(self, match: re.Match[str]) -> None:
        clause = self.clause(match)
        left = len(self.text) - match.start()
        self.open = [(end, source) for end, source in self.open if left > end]
        source = clause.file + (f" at {clause.path}" if clause.path else "")
        chain = [item for _end, item in self.open]
        if source in chain:
            cycle = " -> ".join([*chain[chain.index(source) :], source])
            raise ChartError(f"the includes form a cycle: {cycle}", where=clause.where)
        self.open.append((len(self.text) - match.end(), source))
        self.text = self.text[: match.start()] + _included(clause, self.read) + self.text[match.end() :]

    def clause(self, match: re.Match[str]) -> _Clause:
        written = match[0].strip()
        found = self.original.find(written)
        where = Location(self.name, self.original.count("\n", 0, found) + 1 if found >= 0 else 0)
        path = match[2].strip('"') if self.pattern is _PICK else ""
        indent = match[match.re.groups]
        return _Clause(written, match[1].strip('"'), path, int(indent) if indent else None, where)


def _included(clause: _Clause, read: Callable[[str], str | None]) -> str:
    parts = clause.file.split("/")
    if clause.file.startswith("/") or ".." in parts:
        raise ChartError(f"the include '{clause.text}' names a path outside of the chart", where=clause.where)
    text = read(clause.file)
    if text is None:
        raise ChartError(
            f"the include '{clause.text}' names '{clause.file}', which is no file of the chart",
            where=clause.where,
            hint="Templates, sub-charts and what .helmignore leaves out cannot be included",
        )
    if clause.path:
        text = _picked(text, clause)
    else:
        _check_form(text, Location(clause.file))
    if clause.indent is not None:
        spaces = " " * clause.indent
        text = spaces + text.replace("\n", "\n" + spaces)
    return text + "\n"


def _picked(text: str, clause: _Clause) -> str:
    """The text of a map or scalar inside a file."""
    try:
        value = helmyaml.load(text, clause.file)
    except InputError as exc:
        raise ChartError(f"the include '{clause.text}' wants a file that is YAML: {exc}", where=clause.where) from None
    for key in clause.path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise ChartError(
                f"the include '{clause.text}' wants '{clause.path}', which '{clause.file}' does not have",
                where=clause.where,
            )
        value = value[key]
    return _as_text(value, clause)


def _as_text(value: Any, clause: _Clause) -> str:
    if isinstance(value, list):
        raise ChartError(
            f"the include '{clause.text}' wants '{clause.path}', which is a list in '{clause.file}'",
            where=clause.where,
            hint="Pick the map that holds it, or a scalar",
        )
    if isinstance(value, dict) and value:
        # A block mapping, so that more keys may follow, with values in JSON, which keeps their types.
        return "".join(f"{helmyaml.to_json(key)}: {helmyaml.to_json(item)}\n" for key, item in sorted(value.items()))
    return value if isinstance(value, str) else helmyaml.to_json(value)

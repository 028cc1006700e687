# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foreign text in the Markdown of GitHub and GitLab: it shows, and neither formats, links, mentions nor commands."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.report.plain import visible

_PUNCTUATION = re.compile(r"([!#$&()*+./:<>@\[\\\]^_`{|}~-])")
# what GitHub and GitLab make a link or a mention of anywhere, whether escaped or not
_REFERENCES = re.compile(r"([@#!$%~&])(?=\w)|(www)(?=\\?\.)|((?:https?|ftp)\\?:)(?=\\?/)")
_BREAKS_IT = "\u200b"  # of no width


def prose(text: Any) -> str:
    """A text in a paragraph, a list or a table, in one line."""
    escaped = _PUNCTUATION.sub(r"\\\1", " ".join(visible(str(text)).split()))
    return _REFERENCES.sub(lambda match: f"{match[0]}{_BREAKS_IT}", escaped)


def code(text: Any, *, in_table: bool = False) -> str:
    """A text as code in a line: nothing in it means anything."""
    line = visible(str(text)).replace("\n", "\\n").replace("\t", " ")
    if not line.strip():
        return "(blank)" if line else "(empty)"
    fence = "`" * (_longest_run(line, "`") + 1)
    pad = " " if line.startswith(("`", " ")) or line.endswith(("`", " ")) else ""
    found = f"{fence}{pad}{line}{pad}{fence}"
    return found.replace("|", "\\|") if in_table else found


def fenced(lines: list[str], language: str) -> str:
    """Lines as a block of code that none of them can close."""
    text = visible("\n".join(lines))
    fence = "`" * max(3, _longest_run(text, "`") + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def html(text: Any) -> str:
    """A text inside of HTML, on which neither dialect acts."""
    line = _REFERENCES.sub(lambda match: f"{match[0]}{_BREAKS_IT}", " ".join(visible(str(text)).split()))
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", line)


def _longest_run(text: str, letter: str) -> int:
    return max(map(len, re.findall(f"{letter}+", text)), default=0)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes foreign text harmless: text of charts, values and names must not act in a page or a comment."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters have no place in a page, and those that turn the direction of text show another text than there is.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ufdd0-\ufdef]"
    r"|[\ud800-\udfff]|[\ufffe\uffff]|[\U0001fffe\U0001ffff]"
)
_LONGEST = 300  # characters of a value


def visible(text: str) -> str:
    """The text with characters that do not show written as their code."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) if _INVISIBLE.search(text) else text


def value_text(value: Any) -> str:
    """A value of a chart as YAML and JSON write it, in a line, cut if it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"

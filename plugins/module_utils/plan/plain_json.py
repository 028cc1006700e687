# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that says the same to a YAML reader, read in an eighth of the time: what values in stack files become."""

from __future__ import annotations

import json
from typing import Any

_LARGEST = 2**53  # from there on Helm takes numbers for floats
_LONGEST = 200  # YAML takes keys of up to 1,024 characters


class _Other(ValueError):
    """It may say something else in YAML."""


def mapping(text: str) -> dict[str, Any] | None:
    """The mapping that a text is; None if it is none, or if YAML might read it otherwise.

    Left to YAML are: escapes, floats and large numbers, what is not ASCII, tabs, keys that are long, twice there, or
    that merge.
    """
    if not text.startswith("{") or "\\" in text or "\t" in text or "\x7f" in text or not text.isascii():
        return None
    try:
        found: dict[str, Any] = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_refused, parse_constant=_refused
        )
    except ValueError:
        return None
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs) or "<<" in found or any(len(key) > _LONGEST for key in found):
        raise _Other
    return found


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= _LARGEST or text == "-0":
        raise _Other
    return number


def _refused(text: str) -> Any:
    raise _Other

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known secrets replaced wherever they stand: in results, diffs and the words of other programs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "********"

# Masking these would hide the result and no secret.
_SHORTEST = 4
_WORDS = frozenset(("true", "false", "null", "none"))


def maskable(text: str) -> bool:
    """Whether a text can be told from ordinary words, so that masking it makes sense."""
    return len(text.strip()) >= _SHORTEST and text.strip().lower() not in _WORDS


def forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, quoted, line by line in a YAML block, and in the base64 of a Secret."""
    text = secret.strip()
    quoted = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text.replace("'", "''")}
    coded = {base64.b64encode(each.encode()).decode() for each in (secret, text)}
    lines = {line.strip() for line in text.splitlines()}
    return {text} | {each for each in quoted | coded | lines if maskable(each)}


class Mask:
    """Replaces secrets in texts, the longest first.

    :arg public: words that are no secrets even where a secret happens to be the same, such as names of objects.
    """

    def __init__(self, secrets: Iterable[str], public: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if maskable(secret) for form in forms(secret)} - set(public)
        ordered = sorted(known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def data(self, value: Any) -> Any:
        """Plain data with every string masked; keys stay, as they name fields."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value

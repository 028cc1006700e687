# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integers that came with ``--set``: Helm stores them as any number, but rendered them as they are.

From a values file 123456789 is a float, which templates show as 1.23456789e+08. Which of the two a release was given,
its manifest tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHOWN_AS_FLOAT = 10**6  # from there Go shows floats with an exponent


def set_integers(values: Mapping[str, Any], manifest: str) -> dict[str, Any]:
    """Those values that must be in ``set`` as well, so that they are rendered as they were; lists whole."""
    found: dict[str, Any] = {}
    for key, item in values.items():
        if isinstance(item, Mapping):
            inner = set_integers(item, manifest)
            if inner:
                found[key] = inner
        elif (isinstance(item, list) and any(_any(each, manifest) for each in item)) or _was_set(item, manifest):
            found[key] = item
    return found


def _any(item: Any, manifest: str) -> bool:
    if isinstance(item, Mapping):
        return any(_any(each, manifest) for each in item.values())
    if isinstance(item, list):
        return any(_any(each, manifest) for each in item)
    return _was_set(item, manifest)


def _was_set(item: Any, manifest: str) -> bool:
    if not isinstance(item, int) or isinstance(item, bool) or abs(item) < _SHOWN_AS_FLOAT or abs(item) >= 2**63:
        return False
    return _has(str(item), manifest) and not _has(_as_float(item), manifest)


def _has(text: str, manifest: str) -> bool:
    return text in manifest and bool(re.search(rf"(?<![\w.]){re.escape(text)}(?![\w.])", manifest))


def _as_float(item: int) -> str:
    """As Go's %v writes a float."""
    text = repr(float(item))
    digits = text.replace(".", "").replace("-", "") if "e" not in text else text.partition("e")[0].replace(".", "")
    exponent = len(str(abs(item))) - 1
    digits = digits.rstrip("0") or "0"
    sign = "-" if item < 0 else ""
    return f"{sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e+{exponent:02}"

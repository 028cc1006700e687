# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as Go and Helm write them."""

from __future__ import annotations

import math
import re
from typing import Any

EXPECTED = "a duration such as 5m, 1h30m or a number of seconds"
_NUMBER = re.compile(r"[0-9]+")
_WHOLE = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|m|s|ms))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST = 2**63 // 10**9  # what Go's durations hold, in seconds: 292 years


def seconds(value: Any) -> int | None:
    """Seconds, of a number of them or of Go's form (``1h30m``), rounded up; None: neither, or too long for Go."""
    found = _seconds(value)
    return None if found is None or found > _LONGEST else found


def _seconds(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str):
        return None
    if _NUMBER.fullmatch(value):
        return int(value)
    if _WHOLE.fullmatch(value):
        return math.ceil(sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value)))
    return None

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integers as ``--set`` arguments: helm keeps them as int64, while integers of values documents become floats.

To a template a float is 3.56136738e+08, and no digit behind the sixteenth is left of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_PASSWORD = re.compile(r"(?i:password|passwd|passphrase|pwd|secret)$|(?:^|[._-])(?i:pin|pw)$|P(?:in|w|IN|W)$")
_NAMES = re.compile(r"(?:^|,)([^=,]*)=")
_ESCAPED = re.compile(r"([\\,.=\[])")
_MAX_INT = 2**53


def tells(text: str) -> bool:
    """Whether an argument is a password by its name, be it a number or short: it stays in a file then."""
    return any(_PASSWORD.search(name) for name in _NAMES.findall(text))


def arguments(values: Any, counts: Callable[[Any], bool], path: str = "") -> tuple[str, ...]:
    """The arguments for those integers among values that count, by their paths."""
    if isinstance(values, int) and not isinstance(values, bool):
        return (f"{path}={int(values)}",) if -(2**63) <= values < 2**63 and counts(values) else ()
    if isinstance(values, dict):
        named = ((f"{path}.{_escape(key)}" if path else _escape(key), item) for key, item in values.items() if key)
    elif isinstance(values, list):
        named = ((f"{path}[{index}]", item) for index, item in enumerate(values))
    else:
        return ()
    return tuple(argument for name, item in named for argument in arguments(item, counts, name))


def _escape(key: str) -> str:
    return _ESCAPED.sub(r"\\\1", key)


def as_read(value: Any) -> Any:
    """Data with numbers as Helm reads them from YAML and from its storage, as floats."""
    if isinstance(value, Mapping):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_read(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_INT:
        return int(value)
    return float(value) if isinstance(value, int) and abs(value) > _MAX_INT else value

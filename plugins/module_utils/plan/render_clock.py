# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another time for a second render, in which all that follows the clock looks otherwise."""

from __future__ import annotations

import os
import struct
import time

# Of the date and the time nothing stays the same but, now and then, the day of the month.
_FAR = -(397 * 24 * 3600 + 13 * 3600 + 17 * 60 + 11)
# Go writes no time as JSON whose zone is a day or more away.
_NEAR = 23 * 3600 + 17 * 60 + 11


def next_second() -> None:
    """Lets the clock go on to another second."""
    time.sleep(1.01 - time.time() % 1)


def zone(folder: str, *, near: bool) -> str:
    """A time zone (tzfile(5)) with another date.

    :arg near: it must be one that helm can write times of; only the day is sure to be another one.
    """
    offset = _near(time.time()) if near else _FAR
    path = os.path.join(folder, f"time-zone-{offset}")
    if not os.path.exists(path):
        with open(f"{path}.{os.getpid()}-{time.monotonic_ns()}", "wb") as file:
            file.write(struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 0, 1, 2) + struct.pack(">lBB2s", offset, 0, 0, b"X\0"))
        os.replace(file.name, path)
    return path


def _near(now: float) -> int:
    """Of the two, whose dates differ, one with another date than here."""
    today = time.localtime(now)[:3]
    return next(offset for offset in (_NEAR, -_NEAR) if time.gmtime(now + offset)[:3] != today)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time zone of a second render."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import render_clock

MIDNIGHT = 1_700_006_400  # in UTC


@pytest.fixture(params=["UTC", "XXX12", "XXX-14"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As far east and west as zones go."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("hour", range(24))
def test_a_near_zone_has_another_date_and_is_less_than_a_day_away(
    hour: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = MIDNIGHT + hour * 3600 + 1800
    monkeypatch.setattr(render_clock.time, "time", lambda: float(now))
    path = render_clock.zone(str(tmp_path), near=True)
    (offset,) = struct.unpack(">l", Path(path).read_bytes()[44:48])
    assert abs(offset) < 24 * 3600
    assert time.gmtime(now + offset)[:3] != time.localtime(now)[:3]

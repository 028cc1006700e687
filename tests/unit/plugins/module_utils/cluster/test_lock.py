# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.lock import expired, name_of

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"holderIdentity": "a"}, True),
        ({"holderIdentity": "", "renewTime": "2026-01-01T12:00:30.000000Z"}, True),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T12:00:00.000000Z", "leaseDurationSeconds": 30}, False),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T11:59:59.000000Z", "leaseDurationSeconds": 30}, True),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T12:00:10.000000Z", "leaseDurationSeconds": 5}, True),
    ],
)
def test_a_lease_expires_when_its_holder_does_not_renew(spec: dict[str, Any], expected: bool) -> None:
    assert expired(spec, NOW) is expected


@pytest.mark.parametrize(
    ("stack", "environment", "expected"),
    [("shop", "dev", "helmstack-shop-dev"), ("My Shop_1", None, "helmstack-my-shop-1-none")],
)
def test_stacks_and_environments_have_locks_of_their_own(stack: str, environment: str | None, expected: str) -> None:
    assert name_of(stack, environment) == expected

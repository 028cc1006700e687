# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery, Unfinished


def deployed(status: str, modified: int = 1000) -> Deployed:
    return Deployed("n", "a", 3, status, "s", modified=modified)


@pytest.mark.parametrize("status", ["deployed", "failed", "uninstalled", "superseded"])
def test_a_finished_release_needs_no_recovery(status: str) -> None:
    assert Recovery("rollback", 600, now=lambda: 1e9).of(deployed(status)) is None


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"])
def test_an_old_unfinished_release_is_recovered(status: str) -> None:
    assert Recovery("rollback", 600, now=lambda: 1600).of(deployed(status)) == "rollback"


def test_a_young_unfinished_release_may_be_another_run_at_work() -> None:
    with pytest.raises(ClusterError, match="n/a has been pending-upgrade for 599 s: another run may be at work"):
        Recovery("rollback", 600, now=lambda: 1599).of(deployed("pending-upgrade"))


def test_recover_fail_never_touches_it() -> None:
    with pytest.raises(ClusterError, match="pending-upgrade"):
        Recovery("fail", 600, now=lambda: 1e9).of(deployed("pending-upgrade"))


def test_what_a_dead_run_has_written_is_recovered_at_once() -> None:
    recovery = Recovery("rollback", 600, now=lambda: 1001, abandoned=lambda modified: modified == 1000)
    assert recovery.of(deployed("uninstalling")) == "rollback"
    with pytest.raises(Unfinished):
        recovery.of(deployed("uninstalling", modified=999))


def test_recover_fail_does_not_touch_even_what_a_dead_run_has_written() -> None:
    with pytest.raises(Unfinished):
        Recovery("fail", 600, now=lambda: 1001, abandoned=lambda modified: True).of(deployed("pending-install"))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's own tooling."""

from __future__ import annotations

from ansible_collections.helmstack.core.tools.ansible_test import number_of

COLLECTED = """\
Unit test module_utils with Python 3.10
============================= test session starts ==============================
    <Function test_9_tests_collected in 2.0s>
========================= 3818 tests collected in 8.16s =========================
Unit test controller with Python 3.10
========================= 1 test collected in 3.95s =========================
"""


def test_what_ansible_test_runs_is_the_sum_of_its_runs_of_pytest() -> None:
    assert number_of(COLLECTED, "collected") == 3819
    assert number_of("=== 20 passed in 4.81s ===\n=== 63 passed in 19.98s ===\n", "passed") == 83
    assert number_of(COLLECTED, "passed") == 0

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task as a run uses them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELMSTACK
from ansible_collections.helmstack.core.plugins.module_utils.durations import seconds
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions


def test_modules_without_an_option_have_the_default_of_the_option_table() -> None:
    defaults = {name: option.get("default") for name, option in HELMSTACK.argument_spec.items()}
    assert RunOptions.of({}) == RunOptions.of(defaults)
    assert RunOptions.of({"kubeconfig": "", "context": None, "impersonate_groups": []}) == RunOptions.of({})
    assert (RunOptions.of({}).settings.concurrency, RunOptions.of({}).pending_age) == (8, 600)


def test_what_the_task_says_wins() -> None:
    found = RunOptions.of({"concurrency": 2, "prune": True, "lock": False, "lock_wait": "1m30s", "drift": "report"})
    assert (found.settings.concurrency, found.settings.prune) == (2, True)
    assert (found.lock, found.lock_wait, found.drift) == (False, 90, "report")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"concurrency": 0}, "concurrency: expected an integer of 1 or more, found 0"),
        (
            {"lock_wait": "soon"},
            "lock_wait: expected a duration such as 5m, 1h30m or a number of seconds, found 'soon'",
        ),
        ({"pending_age": "-1"}, "pending_age: expected a duration"),
    ],
)
def test_what_makes_no_sense_is_told(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RunOptions.of(params)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("5", 5),
        ("1h30m", 5400),
        ("1.5s", 2),
        ("1ms", 1),
        ("0s", 0),
        ("", None),
        ("5 m", None),
        ("2562047h", 9223369200),
        ("2562048h", None),
        (10**10, None),
        ("99999999999999999999", None),
        ("-5m", None),
        (-1, None),
        (True, None),
        (1.5, None),
        (None, None),
    ],
)
def test_durations_are_read_as_go_writes_them(value: Any, expected: int | None) -> None:
    assert seconds(value) == expected

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's task: the stack and the umbrella charts in one result, and out of it again."""

from __future__ import annotations

from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.sprays import SPRAYS, STACK, Together, parts
from ansible_collections.helmstack.core.plugins.plugin_utils.stats import stats

STACK_RESULT = {"changed": False, "plan": {"stack": "shop", "digest": "sha256:1"}, "diff": [{"before": "a"}]}
SPRAYED = {"changed": True, "plan": {"stack": "", "digest": "sha256:2"}, "diff": [{"before": "b"}], "warnings": ["w"]}
FAILED = {"failed": True, "msg": "no chart"}


def test_the_result_is_that_of_the_stack_and_has_those_of_the_umbrella_charts_in_it() -> None:
    result = Together(STACK_RESULT).then([lambda: SPRAYED]).result()
    assert (result["plan"], result["changed"]) == (STACK_RESULT["plan"], True)
    assert (result["diff"], result["warnings"]) == ([{"before": "a"}, {"before": "b"}], ["w"])
    assert result[SPRAYS] == [{"changed": True, "plan": SPRAYED["plan"]}]
    assert result[STACK] == {"changed": False, "failed": False}


def test_what_comes_after_one_that_failed_is_not_begun() -> None:
    def never() -> dict[str, Any]:
        raise AssertionError

    result = Together(STACK_RESULT).then([lambda: FAILED, never]).result()
    assert (result["failed"], result["msg"]) == (True, "no chart")
    assert Together(FAILED).then([never]).result()[SPRAYS] == []


def test_who_looks_at_the_results_sees_them_one_by_one() -> None:
    result = Together(STACK_RESULT).then([lambda: SPRAYED, lambda: FAILED]).result()
    stack, *sprayed = parts(result)
    assert (stack["changed"], stack["failed"], stack["plan"]) == (False, False, STACK_RESULT["plan"])
    assert [bool(each.get("failed")) for each in sprayed] == [False, True]
    assert parts(Together().then([lambda: SPRAYED]).result()) == [{"changed": True, "plan": SPRAYED["plan"]}]
    assert parts(STACK_RESULT) == [STACK_RESULT]


def test_the_digests_of_all_are_told() -> None:
    told = [
        {**result, **stats({"plan": {"releases": [], **result["plan"]}}, "h")} for result in (STACK_RESULT, SPRAYED)
    ]
    data = Together(told[0]).then([lambda: told[1]]).result()["ansible_stats"]["data"]
    assert data["helmstack_stack_plans"] == {"h": {"shop": "sha256:1", "": "sha256:2"}}

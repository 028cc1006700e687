# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan import forbid
from ansible_collections.helmstack.core.plugins.module_utils.plan.images import Used
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report.result import plan_data

CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}
CHANGE = Change(
    "db",
    "n",
    "uninstall",
    reasons=("removed",),
    objects=(ObjectChange("remove", "PersistentVolumeClaim", "n", "data", CLAIM),),
    images=Used(frozenset(("docker.io/db",)), frozenset()),
)
PLAN = plan_data(Plan("s", "dev", (CHANGE,), "sha256:d"), {}, Mask(()))


def rules(*expressions: str) -> list[dict[str, Any]]:
    return [{"when": text, "message": None} for text in expressions]


def asked(text: str) -> str:
    forbid.check(rules(text))
    try:
        forbid.enforce(rules(text), PLAN)
    except forbid.Forbidden as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risks[?risk=='data-loss']", "n/db, PersistentVolumeClaim data: the volume is deleted"),
        ("releases[?action=='uninstall']", "n/db: uninstall"),
        ("images[?!starts_with(image, 'registry.example.org/')]", "docker.io/db (n/db)"),
        ("releases[].objects[] | [?op=='remove'].name", "data"),
        ("length(releases) > `0`", "true"),
        ("length(risks[?risk=='access'])", "0"),
        ("summary.uninstall", "1"),
        ("sort_by(releases, &wave)[0].version.to || 'x'", "x"),
        ("releases[?contains(reason, 'removed')] | [0]", "n/db: uninstall"),
        ("environment", "dev"),
        ("map(&name, releases)", "db"),
        ("risks[?object.kind=='PersistentVolumeClaim' && release=='n/db']", "n/db"),
        ("releases[*].values[]", ""),
        ("risks[?risk=='outage']", ""),
        ("releases[?action=='install'].name", ""),
        ("length(releases) > `1`", ""),
        ("releases[0].error", ""),
        ("{a: risks, b: stack}.a[?risk=='secret']", ""),
    ],
)
def test_anything_but_nothing_is_forbidden(text: str, words: str) -> None:
    assert bool(words) == bool(asked(text))
    assert words in asked(text)


def test_all_that_is_found_is_told_with_the_messages() -> None:
    given = [{"when": "risks", "message": "No risks on Fridays"}, {"when": "images", "message": None}]
    with pytest.raises(forbid.Forbidden) as error:
        forbid.enforce(given, PLAN)
    told = str(error.value)
    assert told.startswith("the plan is forbidden: No risks on Fridays; images. Nothing was done\nNo risks on Fridays:")
    assert "\n  n/db, PersistentVolumeClaim data: " in told


def test_very_much_is_cut() -> None:
    with pytest.raises(forbid.Forbidden, match="and 95 more"):
        forbid.enforce(rules("releases"), {"releases": ["x" * 500] * 100})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risks[?risk=", ["rule 1", "not valid JMESPath", "^"]),
        ("", ["not valid JMESPath", "empty"]),
        ("risk[?why]", ["'risk', which no plan has", "Did you mean 'risks'?", "\nrisk[?why]\n^"]),
        ("risks[?kind=='a']", ["'kind', which no plan has", "       ^"]),
        ("risks[?object.knd=='a']", ["Did you mean 'kind'?"]),
        ("risks[?risk=='dataloss']", ["'dataloss', which no plan has", "Did you mean 'data-loss'?"]),
        ("releases[?'instal'==action]", ["Did you mean 'install'?"]),
        ("releases[?contains(reason, 'values!')]", ["Did you mean 'values'?"]),
        ("images.image", ["'image' of a list", "put [] or [?…] before 'image'"]),
        ("releases[].chart.name", ["'name'", "a text or a number"]),
        ("sort_by(images, &nam)", ["'nam', which no plan has", "Known are: image, releases, state"]),
        ("releases[].objects[].opp", ["Did you mean 'op'?"]),
        ("starts_wit(stack, 'a')", ["the function starts_wit()", "Did you mean 'starts_with'?"]),
    ],
)
def test_what_no_plan_can_answer_is_an_error(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        forbid.check(rules(text))
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"message": "no"}, "forbid, rule 1 lacks 'when'"),
        ({"when": "risks", "mesage": "no"}, "'mesage' is none of its keys. Did you mean 'message'?"),
    ],
)
def test_a_rule_has_its_keys_and_no_others(rule: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as error:
        forbid.check([rule])
    assert words in str(error.value)


@pytest.mark.parametrize("text", ["images[?starts_with(releases, 'a')]", "length(images) > '20'", "images[::0]"])
def test_a_question_that_fails_is_an_error_and_no_plan_is_let_through(text: str) -> None:
    forbid.check(rules(text))
    with pytest.raises(InputError, match="cannot be asked of the plan"):
        forbid.enforce(rules(text), PLAN)


def fits(value: Any, shape: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(shape, dict) and all(key in shape and fits(item, shape[key]) for key, item in value.items())
    return not isinstance(value, list) or all(fits(item, shape[0]) for item in value)


def test_what_a_plan_has_is_known() -> None:
    assert fits(PLAN, forbid.PLAN)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.redact import pair
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import (
    likely_secrets,
    secret_strings,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.report import diff
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

CANARY = "canary-7f3a"
CODED = "Y2FuYXJ5LTdmM2E="


def secret(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}


def plan(*objects: ObjectChange, action: str = "upgrade") -> Plan:
    return Plan("s", None, (Change("a", "n", action, objects=objects),), "d")


def test_a_secret_shows_which_keys_change_and_no_value() -> None:
    old, new = secret(same="QQ==", new="QQ==", gone="QQ=="), secret(same="QQ==", new="Qg==", more="Qg==")
    before, after = pair(old, new, guessable=False)
    assert before["data"] == {"same": MASK, "new": f"{MASK} (before)", "gone": MASK}
    assert after["data"] == {"same": MASK, "new": f"{MASK} (after)", "more": MASK}


@pytest.mark.parametrize("data", [CANARY, [CANARY], {"a": {"b": [CANARY]}}])
@pytest.mark.parametrize("part", ["data", "stringData"])
def test_a_secret_that_is_none_for_the_api_shows_nothing_either(part: str, data: Any) -> None:
    item = {"apiVersion": "v1", "kind": "Secret", part: data}
    assert CANARY not in str(pair(item, None, guessable=False)) + str(pair(None, item, guessable=False))
    assert CANARY in secret_strings([item])


def test_drift_that_is_only_reported_has_its_diff() -> None:
    live, wanted = ({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": text}} for text in ("live", "ours"))
    drifted = ObjectChange("change", "ConfigMap", "n", "c", live, wanted)
    change = Change("a", "n", "unchanged", reasons=("drift",), objects=(drifted,))
    [entry] = diff.entries(Plan("s", None, (change,), "d"), Mask(()))
    assert entry["after_header"] == "n/a: ConfigMap c in n is left as it is, and was deployed so"
    assert ("live" in entry["before"], "ours" in entry["after"]) == (True, True)


def test_other_objects_are_left_alone() -> None:
    item = {"kind": "ConfigMap", "data": {"a": "b"}}
    assert pair(None, item, guessable=True) == (None, item)


@pytest.mark.parametrize("guessable", [True, False])
def test_checksums_are_masked_that_may_hold_a_secret(guessable: bool) -> None:
    def pod(letter: str) -> dict[str, Any]:
        long = letter * 64
        notes = {"checksum/secret": letter, "checksum/config": long, "checksum/none": "x y", "image": long}
        return {"kind": "Deployment", "spec": {"template": {"metadata": {"annotations": notes}}}, "metadata": None}

    before, after = pair(pod("a"), pod("b"), guessable=guessable)
    shown = [side["spec"]["template"]["metadata"]["annotations"] for side in (before, after)]
    for found, letter, side in zip(shown, "ab", ("before", "after")):
        assert found == {
            "checksum/secret": f"{MASK} ({side})",
            "checksum/config": f"{MASK} ({side})" if guessable else letter * 64,
            "checksum/none": "x y",
            "image": letter * 64,
        }
    alone = pair(None, pod("a"), guessable=guessable)[1]["spec"]["template"]["metadata"]["annotations"]
    assert alone["checksum/secret"] == MASK


def test_values_with_telling_names_are_likely_secrets() -> None:
    values = {"db": {"rootPassword": "a", "host": "b"}, "auth": {"users": ["c", {"d": "e"}]}, "port": 1}
    assert set(likely_secrets(values)) == {"a", "c", "e"}


def test_strings_of_secrets_are_known_plain_and_decoded() -> None:
    item = {**secret(a=CODED), "stringData": {"b": "other-canary", "short": "1", "word": "true"}}
    assert secret_strings([item, {"kind": "ConfigMap", "data": {"x": "public"}}]) == {CANARY, "other-canary"}


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    item = {"kind": "ConfigMap", "data": {"plain": f"x={CANARY};", "coded": CODED, "block": f"one\n{CANARY}\n"}}
    (entry,) = diff.entries(plan(ObjectChange("add", "ConfigMap", "n", "c", None, item)), Mask([CANARY]))
    assert CANARY not in entry["after"]
    assert CODED not in entry["after"]
    assert entry["after"].count(MASK) == 3


def test_names_are_no_secrets() -> None:
    assert Mask(["postgres", CANARY], public=["postgres"]).text(f"postgres {CANARY}") == f"postgres {MASK}"


def test_each_object_has_an_entry_that_says_what_happens() -> None:
    objects = [ObjectChange(op, "A", "n", op, {"x": 1}, {"x": 2}) for op in ("add", "change", "remove", "replace")]
    found = diff.entries(plan(*objects), Mask(()))
    assert [entry["after_header"] for entry in found] == [
        "n/a: A add in n is added",
        "n/a: A change in n changes",
        "n/a: A remove in n is removed",
        "n/a: A replace in n is deleted and made anew",
    ]


def test_what_stays_as_it_is_has_none() -> None:
    assert diff.entries(plan(ObjectChange("add", "A", "n", "x"), action="adopt"), Mask(())) == []


def test_of_a_large_object_only_what_differs_is_shown() -> None:
    lines = [f"line {number}" for number in range(9_000)]
    other = [*lines[:5_000], "another", *lines[5_001:]]
    sides = ({"data": {"text": "\n".join(each)}} for each in (lines, other))
    (entry,) = diff.entries(plan(ObjectChange("change", "ConfigMap", "n", "large", *sides)), Mask(()))
    shown = entry["after"].splitlines()
    assert shown[0] == "(4999 lines that stay as they are)"
    assert [line.strip() for line in shown[1:-1]] == [*lines[4_997:5_000], "another", *lines[5_001:5_004]]
    assert "3996 lines" in shown[-1]


def test_a_chart_label_that_differs_everywhere_is_told_once() -> None:
    def item(version: str, replicas: int = 1) -> dict[str, Any]:
        return {"metadata": {"labels": {"helm.sh/chart": f"web-{version}"}}, "spec": {"replicas": replicas}}

    objects = (
        ObjectChange("change", "Service", "n", "s", item("1.0.0"), item("1.1.0")),
        ObjectChange("change", "Deployment", "n", "d", item("1.0.0"), item("1.1.0", 2)),
    )
    first, second = diff.entries(Plan("s", None, (upgrade(*objects),), "d"), Mask(()))
    assert "web-1.0.0" in first["before"]
    assert "Service s" in first["after"]
    assert "Deployment d" in second["after_header"]


def upgrade(*objects: ObjectChange, version: str = "1.1.0") -> Change:
    chart = Chart("./c", "/c", "web", version, None, "d", Mentions())
    return Change("a", "n", "upgrade", chart=chart, chart_from="web", version_from="1.0.0", objects=objects)


def test_labels_of_sub_charts_are_told_once_too() -> None:
    def item(version: str, **more: str) -> dict[str, Any]:
        labels = {"metadata": {"labels": {"helm.sh/chart": f"db-{version}"}}}
        return {**labels, "spec": {"template": labels}, **more}

    objects = [ObjectChange("change", "Service", "n", name, item("1"), item("2")) for name in ("a", "b")]
    other = ObjectChange("change", "Service", "n", "other", item("1"), item("2", data="new"))
    first, second = diff.entries(Plan("s", None, (upgrade(*objects, other, version="1.0.0"),), "d"), Mask(()))
    assert yaml.safe_load(first["before"]) == {
        "chart": "web-1.0.0",
        "labels": [{"helm.sh/chart": "db-1", "of": ["Service a", "Service b"]}],
    }
    assert yaml.safe_load(first["after"])["labels"][0]["helm.sh/chart"] == "db-2"
    assert "Service other" in second["after_header"]


def test_labels_of_a_release_are_shown() -> None:
    """They alone make a revision."""
    release = Release("a", "n", "chart", labels={"tier": "back", "new": "x", "same": "s"})
    deployed = Deployed("n", "a", 1, "deployed", "", labels={"tier": "front", "same": "s", "helmstack.io/stack": "s"})
    change = Change("a", "n", "upgrade", ("options",), release=release, deployed=deployed)
    [entry] = diff.entries(Plan("s", None, (change,), "d"), Mask({"front"}))
    assert entry["after_header"] == "n/a: labels of the release change"
    assert yaml.safe_load(entry["before"]) == {"tier": MASK}
    assert yaml.safe_load(entry["after"]) == {"tier": "back", "new": "x"}
    assert diff.entries(Plan("s", None, (replace(change, deployed=None),), "d"), Mask(())) == []


def test_the_order_of_keys_that_the_server_answers_in_is_no_difference() -> None:
    live = {"apiVersion": "v1", "data": {"b": "1", "a": "1", "x": "0"}, "kind": "ConfigMap", "metadata": {"name": "c"}}
    wanted = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}
    [entry] = diff.entries(plan(ObjectChange("change", "ConfigMap", "n", "c", live, wanted)), Mask(()))
    before, after = entry["before"].splitlines(), entry["after"].splitlines()
    assert [line for line in before if line not in after] == ["  b: '1'", "  x: '0'"]
    assert before[:4] == after[:4]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply import replacing
from ansible_collections.helmstack.core.plugins.module_utils.cluster import creation
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import with_removals
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, Refusal
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Forbidden,
    Invalid,
    Untyped,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ALL_TRIED, Change, ObjectChange, Untried
from ansible_collections.helmstack.core.plugins.module_utils.plan.refusals import foreseen
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

KEEP = {"annotations": {"helm.sh/resource-policy": "keep"}}


@dataclass
class Context:
    """A cluster that answers each change in one way."""

    answer: Refusal | Exception | None
    found: dict[str, Any]

    @property
    def cluster(self) -> Context:
        return self

    def refusal(self, *_about: Any) -> Refusal | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def live(self, item: Any, namespace: str) -> Any:
        return self.found


def seen(answer: Any, kind: str = "Job", force: bool = True, about: Any = None) -> tuple[str, list[str], str]:
    item = ObjectChange("change", kind, "a", "x", {"kind": kind}, {"kind": kind})
    release = Release("app", "a", "./c", options=Options(force=force))
    context = Context(answer, {"metadata": about or {}})
    deployed = Deployed("a", "app", 1, "deployed", "")
    told = foreseen(context, release, deployed, [item], {}, {item.key: {"kind": kind}}, "merge")  # type: ignore[arg-type]
    [change] = told.changes
    assert change.forced is (change.op == "replace")
    return change.op, told.warnings, told.untried


FROZEN = Refusal("helm will fail at it: it is immutable", immutable=True)


@pytest.mark.parametrize(
    ("answer", "more", "op", "words"),
    [
        (None, {}, "change", ""),
        (FROZEN, {}, "replace", ""),
        (FROZEN, {"force": False}, "change", "Job x: helm will fail at it: it is immutable; 'force: true' deletes it"),
        (FROZEN, {"kind": "PersistentVolumeClaim"}, "change", "deletes no such object"),
        (FROZEN, {"kind": "CustomResourceDefinition"}, "change", "deletes no such object"),
        (FROZEN, {"about": KEEP}, "change", "leaves it where it is"),
        (Refusal("helm will stop at it: taken"), {}, "change", "Job x: helm will stop at it: taken"),
    ],
)
def test_what_is_refused_is_replaced_by_force_or_told(answer: Any, more: Any, op: str, words: str) -> None:
    found, warnings, untried = seen(answer, **more)
    assert (found, untried) == (op, ALL_TRIED)
    assert [words in text for text in warnings] == ([True] if words else [])


def test_what_may_not_be_asked_stays_a_change() -> None:
    assert seen(Forbidden("no right")) == ("change", [], Untried("no right", frozenset({"Job"})))


@pytest.mark.parametrize(
    ("said", "made", "expected"),
    [
        (Invalid("spec.template: field is immutable"), Conflict("exists"), True),
        (Invalid("spec.clusterIPs[0]: may not change once set"), Conflict("exists"), True),
        (Invalid("roleRef: cannot change roleRef"), Conflict("exists"), True),
        (Invalid("Forbidden: updates to statefulset spec for fields other than"), Conflict("exists"), True),
        (Invalid("field is immutable"), Invalid("provided IP is already allocated"), True),
        (Invalid("field is immutable"), Invalid("and the port is 0, too"), False),  # it could not be made either
        (Invalid("field is immutable"), Forbidden("no right to create"), True),
        (Invalid("port is 0"), Conflict("exists"), False),
        (Untyped("immutable: an item twice"), Conflict("exists"), False),
    ],
)
def test_immutable_is_what_could_be_made_anew(said: ClusterError, made: Exception, expected: bool) -> None:
    class Client:
        def impatient(self, seconds: float) -> Any:
            return self

        def create(self, *_what: Any, **_how: Any) -> None:
            raise made

    assert creation.immutable(Client(), "/c", {"metadata": {"name": "c"}}, said) is expected  # type: ignore[arg-type]


def test_a_merge_takes_away_what_only_the_manifest_before_said() -> None:
    former = {
        "kind": "S",
        "metadata": {"labels": {"a": "b"}},
        "spec": {"clusterIP": "None", "ports": [1]},
        "status": {},
    }
    assert with_removals(former, {"kind": "S", "metadata": {}, "spec": {"ports": [2]}}) == {
        "kind": "S",
        "metadata": {},
        "spec": {"clusterIP": None, "ports": [2]},
    }


def stateful(selector: str) -> Any:
    return {"kind": "StatefulSet", "spec": {"selector": {"matchLabels": {"a": selector}}}}


@pytest.mark.parametrize(("old", "new", "orphan"), [("x", "x", True), ("x", "y", False)])
def test_the_pods_of_a_stateful_set_stay_if_the_new_one_adopts_them(old: str, new: str, orphan: bool) -> None:
    asked = []

    class Cluster:
        def discard(self, item: Any, namespace: str, *, orphan: bool) -> bool:
            asked.append(orphan)
            return len(asked) < 3

    items = (ObjectChange("replace", "StatefulSet", "a", "x", stateful(old), stateful(new), forced=True),)
    replacing.discard(Cluster(), Change("app", "a", "upgrade", objects=items), 60, lambda seconds: False)
    assert asked == [orphan] * 3
    asked.clear()
    with pytest.raises(ClusterError, match="still exists"):
        replacing.discard(Cluster(), Change("app", "a", "upgrade", objects=items), 60, lambda seconds: True)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.apply import _needs
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import APPLY, FORCED_APPLY, MERGE
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import object_owners
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, Definition, ObjectChange, Plan
from ansible_collections.helmstack.core.plugins.module_utils.plan.upgrade_method import touches, upgrade_method
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release


def obj(op: str, name: str = "x", kind: str = "ConfigMap", owner: str | None = None, hook: str = "") -> ObjectChange:
    after = {"kind": kind, "metadata": {"name": name}} if op != "remove" else None
    return ObjectChange(op, kind, "a", name, None, after, owner, hook=frozenset([hook] if hook else ()))


def change(name: str, *objects: ObjectChange, pruned: bool = False, **more: Any) -> Change:
    release = None if pruned else Release(name=name, namespace="a", chart="c")
    return Change(name, "a", "uninstall" if pruned else "upgrade", release=release, objects=objects, **more)


def placed(*changes: Change) -> dict[str, Change]:
    return {found.name: found for found in object_owners.in_waves(object_owners.moved(changes))}


def test_who_gives_an_object_up_comes_before_who_takes_it() -> None:
    found = placed(change("taker", obj("change", owner="a/giver")), change("giver", obj("remove")))
    assert found["taker"].needs == ("a/giver",)
    assert (found["giver"].wave, found["taker"].wave) == (0, 1)
    assert [(item.op, item.owner) for item in found["taker"].objects] == [("add", None)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((change("a", obj("change", owner="a/b")),), "belongs to release a/b"),
        ((change("a", obj("change", owner="")),), "belongs to no release"),
        ((change("a", obj("add")), change("b", obj("add"))), "release a/a wants it too"),
        (
            (
                change("a", obj("remove", "x"), obj("change", "y", owner="a/b")),
                change("b", obj("remove", "y"), obj("change", "x", owner="a/a")),
            ),
            "a/a, a/b wait for each other",
        ),
    ],
)
def test_what_helm_would_refuse_is_refused_before(changes: tuple[Change, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        placed(*changes)


def test_hooks_and_definitions_may_be_in_several_releases() -> None:
    definition = obj("add", "d", "CustomResourceDefinition")
    both = [
        change(name, obj("add", hook="pre-install"), definition, definitions=(Definition(definition, {}),))
        for name in ("a", "b")
    ]
    assert [len(found.objects) for found in placed(*both).values()] == [2, 2]


def test_a_pruned_release_goes_last_but_before_what_takes_its_objects() -> None:
    taker, other = change("taker", obj("change", owner="a/gone")), change("other")
    found = placed(taker, other, change("gone", obj("remove"), pruned=True))
    plan = Plan("s", None, tuple(found.values()), "")
    assert _needs(plan, {item.id: item for item in plan.changes}) == {
        "a/taker": frozenset({"a/gone"}),
        "a/other": frozenset(),
        "a/gone": frozenset({"a/other"}),
    }


def body(apply_method: str) -> ReleaseBody:
    texts = ("web", "a", 1, "deployed", "", "c", "1", "", {}, {}, "", (), "", {}, "")
    return ReleaseBody(*texts, apply_method=apply_method)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "major", "method", "forced", "expected"),
    [
        (Options(), 3, "", False, MERGE),
        (Options(), 3, "ssa", True, MERGE),
        (Options(), 4, "csa", False, MERGE),
        (Options(), 4, "ssa", False, APPLY),
        (Options(), 4, "ssa", True, FORCED_APPLY),
        (Options(force=True), 4, "ssa", False, FORCED_APPLY),
        (Options(force=True), 3, "", False, MERGE),
    ],
)
def test_how_helm_goes_about_an_upgrade(options: Options, major: int, method: str, forced: bool, expected: str) -> None:
    assert upgrade_method(options, major, body(method), forced=forced) == expected


@pytest.mark.parametrize(
    ("api_version", "how", "expected"),
    [
        ("v1", MERGE, True),
        ("apps/v1", MERGE, True),
        ("apiextensions.k8s.io/v1", MERGE, True),
        ("example.org/v1", MERGE, False),
        ("gateway.networking.k8s.io/v1", MERGE, False),
        ("example.org/v1", APPLY, True),
    ],
)
def test_of_kinds_that_helm_does_not_know_it_merges_manifests_alone(api_version: str, how: str, expected: bool) -> None:
    assert touches({"apiVersion": api_version}, how) is expected


def marked(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": annotations}}


def test_whose_an_object_is_stands_in_its_marks() -> None:
    marks = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "a"}
    assert object_owners.owner(marked(**marks)) == "a/web"
    assert object_owners.owner(marked(**{"meta.helm.sh/release-name": "web"})) == ""
    assert object_owners.owner({"metadata": {"annotations": marks}}) == ""


def test_an_upgrade_keeps_what_the_live_object_says() -> None:
    keep = marked(**{"helm.sh/resource-policy": "keep"})
    assert object_owners.kept(marked(), keep)
    assert not object_owners.kept(keep, marked())
    assert object_owners.kept(keep, None)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import compare, manifest, unable
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import RANDOM, Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Hook, Manifests

SCOPE = Scope("web", lambda version, kind: kind not in ("ClusterRole", "Namespace"))


def obj(kind: str, name: str, namespace: str | None = None, api: str = "v1", **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= more.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def hook(name: str, events: str, policy: str | None = None, **more: Any) -> Hook:
    item = hook_object(name, events, policy, **more)
    return Hook(item, item)


def hook_object(name: str, events: str, policy: str | None = None, **more: Any) -> dict[str, Any]:
    annotations = {manifest.HOOK: events} | ({manifest.HOOK_DELETE_POLICY: policy} if policy else {})
    return obj("Job", name, api="batch/v1", metadata={"annotations": annotations}, **more)


def ops(changes: list[Any]) -> list[tuple[str, str, str, str]]:
    return [(change.op, change.kind, change.namespace, change.name) for change in changes]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [obj("ConfigMap", "a")], [("add", "ConfigMap", "web", "a")]),
        ([obj("ConfigMap", "a")], [], [("remove", "ConfigMap", "web", "a")]),
        (
            [obj("ConfigMap", "a", data={"k": "1"})],
            [obj("ConfigMap", "a", data={"k": "2"})],
            [("change", "ConfigMap", "web", "a")],
        ),
        ([obj("ConfigMap", "a")], [obj("ConfigMap", "a", "web")], [("change", "ConfigMap", "web", "a")]),
        (
            [obj("ConfigMap", "a")],
            [obj("ConfigMap", "a", "other")],
            [("add", "ConfigMap", "other", "a"), ("remove", "ConfigMap", "web", "a")],
        ),
        (
            [obj("Ingress", "a", api="x/v1beta1")],
            [obj("Ingress", "a", api="x/v1")],
            [("change", "Ingress", "web", "a")],
        ),
        ([obj("ClusterRole", "a")], [obj("ClusterRole", "a", "web")], [("change", "ClusterRole", "", "a")]),
        (
            [{"kind": "A", "apiVersion": "v1", "metadata": {"name": "x"}}],
            [{"metadata": {"name": "x"}, "apiVersion": "v1", "kind": "A"}],
            [],
        ),
    ],
)
def test_objects_are_compared_by_identity_and_content(before: list[Any], after: list[Any], expected: list[Any]) -> None:
    assert ops(compare.objects(before, after, SCOPE)) == expected


def test_a_hook_that_runs_is_added_or_made_anew() -> None:
    after = [hook("new", "pre-upgrade"), hook("old", "post-upgrade,post-install"), hook("other", "post-install")]
    changes = compare.hooks(
        after, after, SCOPE, "upgrade", lambda item, namespace: item if manifest.name(item) == "old" else None
    )
    assert ops(changes) == [("add", "Job", "web", "new"), ("replace", "Job", "web", "old")]


@pytest.mark.parametrize(("said", "expected"), [("a", []), ("b", ["change"])])
def test_a_hook_that_is_not_deleted_first_is_applied_over_itself(said: str, expected: list[str]) -> None:
    after = [hook("old", "post-upgrade", "hook-failed", spec={"x": "a"})]
    there = hook_object("old", "post-upgrade", "hook-failed", spec={"x": said, "y": 1})
    assert [item.op for item in compare.hooks((), after, SCOPE, "upgrade", lambda item, namespace: there)] == expected


def test_a_hook_that_does_not_run_is_no_object_that_changes() -> None:
    after = [hook("test", "test", spec={"x": 1})]
    assert compare.hooks([hook("test", "test")], after, SCOPE, "upgrade", lambda item, namespace: item) == []


def test_only_delete_hooks_matter_to_a_deletion() -> None:
    hooks = [hook("bye", "post-delete"), hook("hello", "pre-install")]
    changes = compare.hooks((), hooks, SCOPE, "delete", lambda item, namespace: None)
    assert ops(changes) == [("add", "Job", "web", "bye")]


def test_what_differs_between_two_renders_counts_as_equal_to_what_was() -> None:
    def secret(value: str, fixed: str = "f") -> Manifests:
        return Manifests((obj("Secret", "s", data={"random": value, "fixed": fixed}),))

    after, before = compare.without_random(secret("one"), secret("two"), secret("old"), SCOPE)
    assert compare.objects(before.objects, after.objects, SCOPE) == []
    after, before = compare.without_random(secret("one", "g"), secret("two", "g"), secret("old", "f"), SCOPE)
    (change,) = compare.objects(before.objects, after.objects, SCOPE)
    assert change.before is not None
    assert change.after is not None
    assert (change.before["data"], change.after["data"]) == (
        {"random": RANDOM, "fixed": "f"},
        {"random": RANDOM, "fixed": "g"},
    )


def test_maps_with_random_keys_are_compared_otherwise() -> None:
    def config(**data: str) -> Manifests:
        return Manifests((obj("ConfigMap", "c", data=data),))

    renders = config(r1="x", port="80"), config(r2="x", port="80")
    for old, same in (({"r0": "x", "port": "80"}, True), ({"r0": "x", "port": "81"}, False), ({"port": "80"}, False)):
        after, before = compare.without_random(*renders, config(**old), SCOPE)
        assert (after == before) is same, old


def test_true_is_not_one() -> None:
    changes = compare.objects([obj("A", "a", spec={"on": [1]})], [obj("A", "a", spec={"on": [True]})], SCOPE)
    assert ops(changes) == [("change", "A", "web", "a")]


@pytest.mark.parametrize(
    ("events", "expected"),
    [("pre-upgrade", "remove"), ("post-upgrade", "replace"), ("pre-upgrade,post-upgrade", "replace")],
)
def test_an_object_that_becomes_a_hook_leaves_the_release_before_the_hooks_behind_it(
    events: str, expected: str
) -> None:
    leaves = compare.objects(
        [{**hook_object(name, ""), "metadata": {"name": name}} for name in ("h", "other")], [], SCOPE
    )
    hooks = compare.hooks((), [hook("h", events)], SCOPE, "upgrade", lambda item, namespace: item)
    found = compare.with_hooks(leaves, hooks)
    assert ops(found) == [(expected, "Job", "web", "h"), ("remove", "Job", "web", "other")]


LINES = "user=admin\nkey=%s\nport=%s\n"


@pytest.mark.parametrize(
    ("renders", "old", "marked"),
    [
        ((LINES % ("r1", 80), LINES % ("r2", 80)), LINES % ("r0", 80), LINES % (RANDOM, 80)),
        ((LINES % ("r1", 81), LINES % ("r2", 81)), LINES % ("r0", 80), None),
        (("s: r1, port: 81", "s: r2, port: 81"), "s: r0, port: 80", None),
        (("postgres://u:r1@new/db", "postgres://u:r2@new/db"), "postgres://u:r0@old/db", None),
        (("u:r1@db", "u:r2@db"), "u:long-ago@db", f"{RANDOM}@db"),
        (("$2a$10$abcd", "$2a$10$axyz"), "$2a$10$qrst", f"$2a$10${RANDOM}"),
        # what they have in common by chance, or because a second has passed
        (("Abcd", "Axyd"), "Qrst", RANDOM),
        (("ab==", "cd=="), "wxyz", RANDOM),
        (("2026-11-25T20:25:48Z", "2026-11-25T20:25:49Z"), "2024-01-01T01:01:01Z", RANDOM),
        (("1795636075", "1795636076"), "1600000000", RANDOM),
        (("at=2026-11-25 20:25:48", "at=2026-11-25 20:25:49"), "at=2024-01-01 01:01:01", f"at={RANDOM}"),
        (("one r1", "one r2"), "", RANDOM),
    ],
)
def test_of_a_text_that_is_random_in_part_the_rest_counts(
    renders: tuple[str, str], old: str, marked: str | None
) -> None:
    """:arg marked: None: it is not what it was."""
    sides = (Manifests((obj("ConfigMap", "c", data={"text": text}),)) for text in (*renders, old))
    after, before = compare.without_random(*sides, SCOPE)
    [new], [former] = (side.objects for side in (after, before))
    assert RANDOM in new["data"]["text"]
    assert (new == former) is (marked is not None)
    if marked is not None:
        assert new["data"]["text"] == marked


def test_random_items_of_lists_are_marked_one_by_one() -> None:
    def env(value: str) -> Manifests:
        return Manifests((obj("Pod", "p", spec={"env": [{"name": "A", "value": value}, {"name": "B", "value": "b"}]}),))

    after, before = compare.without_random(env("1"), env("2"), env("0"), SCOPE)
    assert after.objects == before.objects
    assert after.objects[0]["spec"]["env"][1] == {"name": "B", "value": "b"}


def test_the_date_on_the_same_day_is_no_change() -> None:
    today, another, before = (
        Manifests((obj("ConfigMap", "c", data={"on": day, "v": v}),)) for day, v in (("1", "b"), ("2", "b"), ("1", "a"))
    )
    after, _before = compare.without_random(today, today, before, SCOPE, another)
    assert after == today
    # but the same second is: the run comes later
    after, _before = compare.without_random(today, another, before, SCOPE)
    assert after.objects[0]["data"]["on"] == RANDOM


def test_lists_are_taken_apart_and_empty_documents_left_out() -> None:
    text = "---\n# Source: x\n---\nkind: List\nitems: [{kind: A, metadata: {name: a}}]\n---\nkind: B\n"
    assert [manifest.kind(item) for item in manifest.parse(text, "x")] == ["A", "B"]


def test_hooks_are_told_by_their_annotation() -> None:
    documents = [obj("A", "a"), hook_object("h", "pre-install, post-upgrade")]
    found = manifest.split("\n---\n".join(map(json.dumps, documents)), "x")
    assert ([manifest.name(i) for i in found.objects], [manifest.name(i.item) for i in found.hooks]) == (["a"], ["h"])
    assert found.hooks[0].events == {"pre-install", "post-upgrade"}


KEPT = {"annotations": {manifest.KEEP: "keep"}}
HOOKED = {"annotations": {manifest.HOOK: "pre-install", manifest.HOOK_DELETE_POLICY: "hook-failed"}}


def a_list(*items: Any, kind: str = "List", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "items": list(items), **more}


def texts(*documents: Any) -> str:
    return "\n---\n".join(map(json.dumps, documents))


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (obj("A", "a"), ["a"]),
        (obj("A", "a", metadata=KEPT), []),
        (obj("A", "a", metadata={"annotations": {manifest.KEEP: "delete"}}), []),  # any policy is one
        (a_list(obj("A", "a", metadata=KEPT), obj("A", "b")), ["a", "b"]),
        (a_list(obj("A", "a"), metadata=KEPT), []),
        (a_list({"metadata": {"name": "a"}}, kind="AList"), ["a"]),
    ],
)
def test_an_uninstall_goes_by_the_document_and_not_by_what_is_in_a_list(document: Any, names: list[str]) -> None:
    assert [manifest.name(item) for item in manifest.deletable(texts(document), "x")] == names


def test_a_list_says_for_all_in_it_that_they_are_hooks_and_their_kind() -> None:
    inner = obj("A", "no", metadata=HOOKED)
    found = manifest.split(
        texts(a_list({"metadata": {"name": "h"}}, kind="AList", metadata=HOOKED), a_list(inner)), "x"
    )
    assert found.objects == (inner,)
    (hook,) = found.hooks
    assert (hook.item, hook.events, hook.goes_first) == (obj("A", "h"), {"pre-install"}, False)
    (change,) = compare.hooks((), found.hooks, SCOPE, "install", lambda item, namespace: None)
    assert (change.op, change.name, change.hook) == ("add", "h", {"pre-install"})


def test_a_list_in_a_list_is_taken_apart_as_it_may_hold_secrets_and_noted_as_helm_refuses_it() -> None:
    found = manifest.split(texts(a_list(a_list(obj("Secret", "s")))), "x")
    assert [manifest.kind(item) for item in found.objects] == ["Secret"]
    assert found.nested
    assert not manifest.split(texts(a_list(obj("Secret", "s"))), "x").nested
    assert any("no List inside of a List" in text for text in unable.refused(found))


@pytest.mark.parametrize(
    ("policy", "made", "applied"),
    [  # what is said when helm makes hooks, and when it applies them server-side
        ("before-hook-creation", "cannot delete", "applies no object"),
        (None, "cannot delete", "applies no object"),
        ("hook-succeeded", "cannot delete", "applies no object"),
        ("hook-failed", "", "applies no object"),
    ],
)
def test_hooks_with_a_generated_name_fail_unless_they_are_only_made(policy: Any, made: str, applied: str) -> None:
    item = {
        **(found := hook_object("", "pre-install", policy)),
        "metadata": {**found["metadata"], "generateName": "g-"},
    }
    del item["metadata"]["name"]
    for applies, words in ((False, made), (True, applied)):
        told = list(unable.failing([Hook(item, item)], lambda item: False, applies=applies))
        assert [words in text and "Job g-" in text for text in told] == ([True] if words else [])
    assert "makes no object without a name" in next(unable.refused(Manifests((item,))))


@pytest.mark.parametrize(("policy", "fails"), [("hook-failed", True), ("", True), ("before-hook-creation", False)])
def test_helm_that_makes_its_hooks_fails_at_one_that_is_there_and_stays(policy: str, fails: bool) -> None:
    item = hook_object("h", "pre-install")
    item["metadata"]["annotations"][manifest.HOOK_DELETE_POLICY] = policy
    told = list(unable.failing([Hook(item, item)], lambda item: True, applies=False))
    assert bool(told) is fails
    assert not list(unable.failing([Hook(item, item)], lambda item: True, applies=True))


def test_a_definition_that_is_a_hook_is_never_deleted() -> None:
    item = {**hook_object("d", "pre-install"), "kind": "CustomResourceDefinition"}
    changes = compare.hooks((), [Hook(item, item)], SCOPE, "install", lambda item, namespace: {"kind": "x"})
    assert [change.op for change in changes] == ["change"]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply import emptied
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import DONE, FAILED, Result
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.plan import namespaces
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange

CONFIG = ("", "ConfigMap", "x")


@dataclass
class Cluster:
    """One namespace, made by helm."""

    inside: Any = frozenset()
    others: tuple[str, ...] = ()
    made: bool = True
    done: list[str] = field(default_factory=list)

    def releases(self) -> Mapping[str, Deployed]:
        return {f"a/{name}": Deployed("a", name, 1, "deployed", "") for name in ("one", "two", *self.others)}

    def made_by_helm(self, namespace: str) -> bool:
        return self.made

    def contents(self, namespace: str) -> set[tuple[str, str, str]]:
        if isinstance(self.inside, Exception):
            raise self.inside
        return set(self.inside)

    def delete_namespace(self, name: str) -> None:
        self.done.append(name)

    def ending(self, namespace: str) -> bool:
        return False


def uninstalls(*objects: ObjectChange) -> list[Change]:
    return [Change("one", "a", "uninstall", objects=objects), Change("two", "a", "uninstall", wave=1)]


def config(op: str, hook: bool = False, policy: str = "") -> ObjectChange:
    about = {"metadata": {"name": "x", "annotations": {"helm.sh/hook-delete-policy": policy}}}
    return ObjectChange(op, "ConfigMap", "a", "x", None, about, hook=frozenset(["post-delete"] if hook else ()))


STORED = (("", "", "one"), ("", "", "two"))


@pytest.mark.parametrize(
    ("cluster", "delete", "objects", "goes", "words"),
    [
        (Cluster(STORED), True, (), True, ""),
        (Cluster(STORED), False, (), False, "'delete_namespace: true' removes it"),
        (Cluster((*STORED, CONFIG)), True, (), False, "there remain ConfigMap x"),
        (Cluster((*STORED, CONFIG)), True, (config("remove"),), True, ""),
        (Cluster(STORED), True, (config("add", hook=True),), False, "there remain ConfigMap x"),
        (Cluster(STORED), True, (config("add", hook=True, policy="hook-succeeded"),), True, ""),
        (Cluster((*STORED, ("", "", "three"))), True, (), False, "there remain release three"),
        (Cluster(STORED, others=("three",)), True, (), False, ""),
        (Cluster(STORED, made=False), True, (), False, ""),
        (Cluster(Forbidden("no right to list")), True, (), False, "is unknown: no right to list"),
    ],
)
def test_which_namespaces_go(cluster: Any, delete: bool, objects: Any, goes: bool, words: str) -> None:
    one, two = namespaces.left_over(uninstalls(*objects), cluster, delete=delete)
    assert (one.removes_namespace, two.removes_namespace) == (False, goes)
    assert [(item.op, item.kind) for item in two.objects] == ([("remove", "Namespace")] if goes else [])
    assert [words in text for text in two.warnings] == ([True] if words else [])
    assert one.warnings == ()


@pytest.mark.parametrize(
    ("inside", "state", "done", "words"),
    [
        ((), DONE, ["a"], ""),
        ((CONFIG,), DONE, [], "there remain ConfigMap x"),  # somebody has put it there since
        ((), FAILED, [], "a release is still in it"),
        (Forbidden("no right to list"), DONE, [], "no right to list"),
    ],
)
def test_a_namespace_goes_only_when_it_is_empty_indeed(inside: Any, state: str, done: list[str], words: str) -> None:
    cluster = Cluster(inside)
    changes = [Change("one", "a", "uninstall"), Change("two", "a", "uninstall", removes_namespace=True)]
    results = {"a/one": Result(state), "a/two": Result(DONE)}
    warnings = emptied.remove(cluster, changes, results, lambda seconds: True)
    assert cluster.done == done
    assert [words in text for text in warnings] == ([True] if words else [])

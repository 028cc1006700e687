# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import order
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release


def release(name: str, needs: tuple[str, ...] = (), weight: int | None = None) -> Release:
    return Release(name, "n", "./c", needs=tuple(f"n/{need}" for need in needs), weight=weight)


def short(edges: order.Graph) -> dict[str, set[str]]:
    return {node[2:]: {need[2:] for need in needs} for node, needs in edges.items()}


def test_needs_outside_the_run_are_no_edges() -> None:
    assert short(order.graph([release("a", ("b",))])) == {"a": set()}


def test_a_weight_waits_for_the_next_lower_one_that_exists() -> None:
    edges = order.graph([release("a", weight=0), release("b", weight=5), release("c", weight=9), release("d")])
    assert short(edges) == {"a": set(), "b": {"a"}, "c": {"b"}, "d": set()}


def test_needs_and_weights_add_up() -> None:
    edges = order.graph([release("a", weight=0), release("b", ("d",), weight=1), release("d")])
    assert short(edges) == {"a": set(), "b": {"a", "d"}, "d": set()}


def test_deletion_goes_the_other_way() -> None:
    edges = order.graph([release("a"), release("b", ("a",)), release("c", ("b",))])
    assert short(order.reversed_graph(edges)) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_a_wave_is_the_longest_way() -> None:
    edges = order.graph([release("a"), release("b", ("a",)), release("c", ("a", "b")), release("d")])
    assert order.waves(edges) == {"n/a": 0, "n/b": 1, "n/c": 2, "n/d": 0}


def test_a_cycle_is_refused_not_looped_on() -> None:
    with pytest.raises(ValueError, match="cycle"):
        order.waves({"a": frozenset("b"), "b": frozenset("a")})

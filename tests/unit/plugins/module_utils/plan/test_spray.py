# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import order, spray
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release


def release(name: str, needs: tuple[str, ...] = (), weight: int | None = None) -> Release:
    return Release(name, "n", "./c", needs=tuple(f"n/{need}" for need in needs), weight=weight)


def sprayed(umbrella: Release, **weights: int) -> spray.Sprayed:
    return spray.Sprayed(umbrella, (), tuple(release(name, weight=weight) for name, weight in weights.items()), {})


def ordered(releases: list[Release], *sprays: spray.Sprayed) -> dict[str, set[str]]:
    edges = spray.ordered(order.graph(releases), {item.umbrella.id: item for item in sprays})
    return {node[2:]: {need[2:] for need in needs} for node, needs in edges.items()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("one.password=4711", True),
        ("a=1,db.pin=931", True),
        ("port=80", False),
        ("image=secret", False),
        ("tokenTTL=60", False),
    ],
)
def test_set_values_whose_name_tells_are_secret_though_short(text: str, told: bool) -> None:
    umbrella = replace(release("u"), spray={"set_values": [{"value": text}]})
    assert spray._options(umbrella, 4).set_values[0].secret is told


def test_sub_charts_take_the_umbrellas_place() -> None:
    first, umbrella, last = release("db"), release("u", ("db",)), release("app", ("u",))
    assert ordered([first, umbrella, last], sprayed(umbrella, a=0, b=2, c=2)) == {
        "db": set(),
        "a": {"db"},
        "b": {"db", "a"},
        "c": {"db", "a"},
        "app": {"a", "b", "c"},
    }


def test_an_umbrella_without_releases_stands_for_what_it_needs() -> None:
    first, umbrella, last = release("db"), release("u", ("db",)), release("app", ("u",))
    assert ordered([first, umbrella, last], sprayed(umbrella)) == {"db": set(), "app": {"db"}}


def test_weights_inside_do_not_mix_with_the_stacks() -> None:
    umbrella, other = release("u", weight=1), release("x", weight=0)
    assert ordered([umbrella, other], sprayed(umbrella, a=7, b=9)) == {"a": {"x"}, "b": {"x", "a"}, "x": set()}

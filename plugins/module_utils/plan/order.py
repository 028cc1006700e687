# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of work: a graph of needs and weights, and the waves that show it to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

Graph = Mapping[str, frozenset[str]]


def graph(releases: Iterable[Release]) -> dict[str, frozenset[str]]:
    """What must be ready before each release: its needs, and everything of the next lower weight.

    Transitive edges are left out for weights: the next lower weight that exists suffices.
    """
    wanted = {release.id: release for release in releases}
    weights = sorted({release.weight for release in wanted.values() if release.weight is not None})
    lower = dict(zip(weights[1:], weights[:-1]))
    members = {weight: {i for i, r in wanted.items() if r.weight == weight} for weight in weights}
    return {
        identity: frozenset(need for need in release.needs if need in wanted)
        | frozenset(members[lower[release.weight]] if release.weight in lower else ())
        for identity, release in wanted.items()
    }


def reach(edges: Graph) -> dict[str, frozenset[str]]:
    """For each node all that must be done before it, at any distance."""
    found: dict[str, frozenset[str]] = {}
    for node, _depth in sorted(waves(edges).items(), key=lambda item: item[1]):
        found[node] = edges[node].union(*(found[need] for need in edges[node]))
    return found


def before(node: str, edges: Graph) -> frozenset[str]:
    """All that must be done before one node, at any distance."""
    found: set[str] = set()
    pending = [node]
    while pending:
        new = edges.get(pending.pop(), frozenset()) - found
        found |= new
        pending += new
    return frozenset(found)


def reversed_graph(edges: Graph) -> dict[str, frozenset[str]]:
    """The same graph for deletion: what is needed goes after what needs it."""
    return {node: frozenset(other for other, needs in edges.items() if node in needs) for node in edges}


def waves(edges: Graph) -> dict[str, int]:
    """For each node the length of the longest way to it, from 0.

    :raises ValueError: "cycle" and the nodes in one or behind it; those among needs the stack room has refused.
    """
    depth: dict[str, int] = {}
    pending = dict(edges)
    while pending:
        ready = [node for node, needs in pending.items() if all(need in depth for need in needs)]
        for node in ready:
            depth[node] = max((depth[need] + 1 for need in pending.pop(node)), default=0)
        if not ready:
            raise ValueError("cycle", *sorted(pending))
    return depth

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the releases need of each other: names to identities, and no cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release
from ansible_collections.helmstack.core.plugins.module_utils.stack.unit import Draft


def ordered(drafts: Sequence[Draft]) -> tuple[Release, ...]:
    """The releases with their needs as identities.

    :raises InputError: two releases of one identity, an unknown or ambiguous need, a cycle of needs and weights.
    """
    releases = _by_identity([draft.release for draft in drafts])
    by_name: dict[str, list[Release]] = {}
    for release in releases.values():
        by_name.setdefault(release.name, []).append(release)
    result = []
    for draft in drafts:
        needs = dict.fromkeys(_need(draft.release, node, releases, by_name) for node in draft.needs)
        result.append(replace(draft.release, needs=tuple(needs)) if needs else draft.release)
    _refuse_cycles(result)
    return tuple(result)


def _by_identity(releases: Iterable[Release]) -> dict[str, Release]:
    result: dict[str, Release] = {}
    for release in releases:
        if release.id in result:
            what = f"the release {release.id} is declared twice, first at {result[release.id].where}"
            raise InputError(what, where=release.where)
        result[release.id] = release
    return result


def _need(
    release: Release, node: Node, releases: Mapping[str, Release], by_name: Mapping[str, Sequence[Release]]
) -> str:
    text = schema.string(node, "needs")
    stack, colon, rest = text.rpartition(":")
    name = rest.rpartition("/")[2]
    found = [other for other in by_name.get(name, ()) if rest in (other.name, other.id)]
    if colon:
        found = [other for other in found if other.stack == stack]
    elif "/" not in rest:  # the nearest meaning of a mere name is the own stack's
        found = [other for other in found if other.stack == release.stack] or found
    if len(found) == 1:
        return found[0].id
    if found:
        places = " or ".join(f"'{other.id}'" for other in found)
        raise InputError(
            f"{release.id} needs '{text}', which occurs several times", where=node.where, hint=f"Write {places}"
        )
    raise InputError(
        f"{release.id} needs '{text}', which the stack does not have", where=node.where, hint=_hint(text, releases)
    )


def _hint(text: str, releases: Mapping[str, Release]) -> str:
    if ":" in text:
        return did_you_mean(text, [f"{release.stack}:{release.name}" for release in releases.values()])
    return did_you_mean(text, releases if "/" in text else [release.name for release in releases.values()])


def _refuse_cycles(releases: Sequence[Release]) -> None:
    """Needs and weights are one graph: a weight waits for all releases of the next lower one."""
    managed = {release.id: release for release in releases if not release.ignore}
    weights = sorted({release.weight for release in managed.values() if release.weight is not None})
    waits: dict[str, list[str]] = {}
    for release in managed.values():
        waits[release.id] = [need for need in release.needs if need in managed]
        if release.weight is not None:
            waits[release.id].append(f"below {release.weight}")
    for lower, weight in zip([None, *weights], weights):
        same = [release.id for release in managed.values() if release.weight == lower and lower is not None]
        waits[f"below {weight}"] = same
    cycle = _cycle(waits)
    if cycle:
        _raise_cycle(cycle, managed)


def _raise_cycle(cycle: Sequence[str], managed: Mapping[str, Release]) -> None:
    members = [item for item in cycle if item in managed]
    where = managed[members[0]].where
    told = " -> ".join(members)
    if len(members) == len(cycle):
        raise InputError(f"the releases need each other in a cycle: {told}", where=where)
    weights = ", ".join(
        f"{item} has weight {managed[item].weight}" for item in members[:-1] if managed[item].weight is not None
    )
    raise InputError(f"needs and weights make a cycle: {told} ({weights})", where=where)


def _cycle(waits: Mapping[str, Sequence[str]]) -> list[str]:
    """The first cycle of a graph, its first member repeated at the end; empty if there is none."""
    done: set[str] = set()
    for start in waits:
        path: dict[str, None] = {}
        todo = [(start, False)]
        while todo:
            node, leaving = todo.pop()
            if leaving:
                del path[node]
                done.add(node)
            elif node in path:
                chain = list(path)
                return [*chain[chain.index(node) :], node]
            elif node not in done:
                path[node] = None
                todo.append((node, True))
                todo.extend((other, False) for other in reversed(waits[node]))
    return []

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases a run is about: targets, a selector, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

try:
    import jmespath
    import jmespath.exceptions
except ImportError:
    jmespath = None  # type: ignore[assignment]


def selected(
    releases: Sequence[Release], targets: Sequence[str], selector: str | None, *, include_needs: bool
) -> tuple[str, ...] | None:
    """Identities of the releases that targets and selector both choose, in the stack's order; None if neither is given.

    :raises InputError: a target that nothing fits, or a selector that is broken or chooses no releases of the list.
    """
    if not targets and not selector:
        return None
    chosen = {release.id for release in releases}
    if targets:
        chosen &= {identity for target in targets for identity in _fitting(target, releases)}
    if selector:
        chosen &= set(_queried(selector, releases))
    if include_needs:
        chosen = _closed(chosen, releases)
    return tuple(release.id for release in releases if release.id in chosen)


def _fitting(target: str, releases: Sequence[Release]) -> list[str]:
    found = _named(target, releases) or [release.id for release in releases if _sub_chart(target, release)]
    if not found:
        known = [release.id if "/" in target else release.name for release in releases]
        sub_chart = target.rpartition("/")[2]
        known += [f"{name}/{sub_chart}" for r in releases if r.spray is not None for name in (r.name, r.id)]
        what = f"the target '{target}' fits no release of the stack"
        raise InputError(what, hint=did_you_mean(target, known))
    return found


def _named(target: str, releases: Sequence[Release]) -> list[str]:
    return [release.id for release in releases if fnmatchcase(release.id if "/" in target else release.name, target)]


def _sub_chart(target: str, release: Release) -> str | None:
    """The sub-chart of a sprayed umbrella that ``umbrella/sub-chart`` or ``namespace/umbrella/sub-chart`` names.

    Either part may be a pattern.
    """
    umbrella, _slash, sub_chart = target.rpartition("/")
    fits = fnmatchcase(release.name, umbrella) or fnmatchcase(release.id, umbrella)
    return sub_chart or None if release.spray is not None and fits else None


def narrowed(releases: Sequence[Release], targets: Sequence[str], needed: Iterable[str] = ()) -> tuple[Release, ...]:
    """The releases, sprayed umbrellas with only those sub-charts that targets name, unless one means the whole.

    :arg needed: identities of umbrellas that chosen releases need, as a whole therefore.
    :raises InputError: a sub-chart that the umbrella's own spray options leave out.
    """
    of_releases = {target: _named(target, releases) for target in targets}
    whole = {identity for found in of_releases.values() for identity in found} | set(needed)
    of_sub_charts = [target for target, found in of_releases.items() if not found]

    def narrow(release: Release) -> Release:
        named = [name for target in of_sub_charts if (name := _sub_chart(target, release))]
        if release.id in whole or not named or release.spray is None:
            return release
        only, without = release.spray.get("targets"), release.spray.get("exclude") or ()
        for name in named:
            if name in without or (only and not any(fnmatchcase(one, name) for one in only)):
                what = f"the target '{release.name}/{name}' is left out by the spray options of {release.id}"
                raise InputError(what, where=release.where, hint=did_you_mean(name, only) if only else "")
        return replace(release, spray={**release.spray, "only": named})

    return tuple(narrow(release) for release in releases)


def _closed(chosen: Iterable[str], releases: Sequence[Release]) -> set[str]:
    needs = {release.id: release.needs for release in releases}
    result: set[str] = set()
    todo = list(chosen)
    while todo:
        identity = todo.pop()
        if identity not in result:
            result.add(identity)
            todo.extend(needs[identity])
    return result


def _queried(selector: str, releases: Sequence[Release]) -> list[str]:
    if jmespath is None:
        raise InputError("a selector needs the Python library jmespath")
    try:
        found = jmespath.search(selector, [_described(release) for release in releases])
    except jmespath.exceptions.JMESPathError as exc:
        raise InputError(f"the selector {selector!r} is not valid JMESPath", detail=str(exc)) from exc
    except (TypeError, ValueError) as exc:  # jmespath lets Python's own through: a number > a text
        what = f"the selector {selector!r} cannot be asked of the releases"
        raise InputError(what, hint="Write numbers in backticks: [?weight > `1`]", detail=str(exc)) from exc
    if not isinstance(found, list):
        raise InputError(
            f"the selector {selector!r} must give a list of releases", hint="Write it like [?weight > `1`]"
        )
    return [identity for item in found for identity in _meant(selector, item, releases)]


def _meant(selector: str, item: Any, releases: Sequence[Release]) -> list[str]:
    name = f"{item.get('namespace')}/{item.get('name')}" if isinstance(item, dict) else item
    found = [release.id for release in releases if name in (release.id, release.name)]
    if not found:
        shown = "mappings without namespace and name" if isinstance(item, dict) else f"{item!r}"
        raise InputError(f"the selector {selector!r} must give releases or their names, found {shown}")
    return found


def _described(release: Release) -> dict[str, Any]:
    """A release as the user knows it, in the stack file's own words."""
    options = asdict(release.options)
    return {
        "name": release.name,
        "namespace": release.namespace,
        "stack": release.stack,
        "chart": release.chart,
        "version": release.version,
        "labels": dict(release.labels),
        "weight": release.weight,
        "needs": list(release.needs),
        "ignore": release.ignore,
        "protected": release.protected,
        "description": release.description,
        "spray": None if release.spray is None else dict(release.spray),
        "ready": [dict(item) for item in release.ready],
        **{key: options[field] for key, (field, _kind) in schema.OPTIONS.items()},
    }

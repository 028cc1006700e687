# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release's owner, by its labels: two stacks, or two environments of one, must not take it from each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_NAMED = 5  # releases of one owner in the message


def other(found: Deployed | None, stack: str, environment: str | None) -> str:
    """The other owner of a release, for a message; "": there is none.

    A stack that had no environment may get one: what it has deployed stays its own.
    """
    owner = found.labels.get(stamp.STACK) if found and found.status != "uninstalled" else None
    if found is None or not owner:
        return ""
    theirs = found.labels.get(stamp.ENVIRONMENT, "")
    if owner != stack:
        return f"stack {owner}" + (f" (environment {theirs})" if theirs else "")
    return f"environment {theirs} of stack {owner}" if theirs and theirs != (environment or "") else ""


def check(releases: Iterable[Release], observed: Mapping[str, Deployed], stack: str, environment: str | None) -> None:
    """Returns if no release was deployed by another stack or environment.

    :raises InputError: one was; nothing has been done.
    """
    theirs: dict[str, list[Release]] = {}
    for release in releases:
        owner = other(observed.get(release.id), stack, environment)
        if owner:
            theirs.setdefault(owner, []).append(release)
    if not theirs:
        return
    first = next(iter(theirs.values()))[0]
    told = "; ".join(f"{_names(found)} to {owner}" for owner, found in theirs.items())
    run = f"environment {environment} of stack {stack}" if environment else f"stack {stack} without an environment"
    raise InputError(
        f"these releases belong to others, as this run is for {run}: {told}",
        where=first.where,
        hint="Nothing was done. Each would take them from the other with every run: give them namespaces of their own, "
        "such as 'shop-${environment}', or say 'take_over: true' once if they are to change hands",
    )


def _names(releases: list[Release]) -> str:
    names = ", ".join(release.id for release in releases[:_NAMED])
    return f"{names} and {len(releases) - _NAMED} more" if len(releases) > _NAMED else names

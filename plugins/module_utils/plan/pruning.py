# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases that a stack deployed and no longer has: prune uninstalls them; without prune they are reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack


@dataclass(frozen=True)
class Former:
    """The observed releases of one stack, beside those that it wants.

    :arg releases: those of the stack, sprayed umbrellas expanded.
    """

    stack: Stack
    releases: Iterable[Release]
    sprays: tuple[Sprayed, ...]
    observed: Mapping[str, Deployed]

    def left(self) -> tuple[str, ...]:
        """The observed releases that the stack no longer has."""
        if self.stack.targets is not None:  # umbrellas that are no targets are not expanded
            return ()
        wanted, mine = self._wanted(), self._mine()
        gone = [found for found in mine if found.id not in wanted and not self._is_kept_sub_chart(found)]
        known = self._origins(found for found in mine if found.id in wanted)
        return tuple(sorted(found.id for found in gone if found.labels.get(stamp.ORIGIN, "") in known))

    def gone(self, most: int) -> list[Deployed]:
        """The releases that prune uninstalls: those, and the ignored ones.

        :raises InputError: these are more than that, or another stack's that bears the same name.
        """
        wanted, mine = self._wanted(), self._mine()
        gone = [
            found
            for found in mine
            if (found.id not in wanted or (wanted[found.id].ignore and not wanted[found.id].protected))
            and not self._is_kept_sub_chart(found)
        ]
        self._check_origin(gone, [found for found in mine if found.id in wanted])
        if len(gone) > most:
            names = ", ".join(sorted(found.id for found in gone))
            count = f"{len(gone)} release{'' if len(gone) == 1 else 's'}"
            raise InputError(
                f"prune would uninstall {count} ({names}), and prune_max allows {most}",
                hint="Nothing was done. Raise prune_max if that is what you want",
            )
        return gone

    def _wanted(self) -> dict[str, Release]:
        # an umbrella is no release of its own: its sub-charts have taken its place
        plain = [r for r in self.stack.releases if r.spray is None or r.ignore or r.protected]
        return {release.id: release for release in (*plain, *self.releases)}

    def _mine(self) -> list[Deployed]:
        return [
            found
            for found in self.observed.values()
            if found.status != "uninstalled"
            and found.labels.get(stamp.STACK) == self.stack.name
            and found.labels.get(stamp.ENVIRONMENT, "") == (self.stack.environment or "")
        ]

    def _is_kept_sub_chart(self, found: Deployed) -> bool:
        """Whether it is of a protected umbrella, or of one from whose spray the user leaves it out."""
        umbrella = f"{found.namespace}/{found.labels.get(stamp.UMBRELLA, '')}"
        return umbrella in self._protected_umbrellas or found.id in self._kept_sub_charts

    @cached_property
    def _protected_umbrellas(self) -> frozenset[str]:
        return frozenset(r.id for r in self.stack.releases if r.protected and r.spray is not None)

    @cached_property
    def _kept_sub_charts(self) -> frozenset[str]:
        return frozenset(
            f"{sprayed.umbrella.namespace}/{row.name}"
            for sprayed in self.sprays
            for row in sprayed.table
            if row.left_out or sprayed.umbrella.protected
        )

    def _origins(self, held: Iterable[Deployed]) -> set[str]:
        """The stack's origin now, and those when it deployed the releases that it still has."""
        return {self.stack.origin, *(found.labels.get(stamp.ORIGIN, "") for found in held), ""}

    def _check_origin(self, gone: list[Deployed], held: list[Deployed]) -> None:
        """Returns if the releases to remove were deployed from one of the stack's origins."""
        known = self._origins(held)
        foreign = [found for found in gone if found.labels.get(stamp.ORIGIN, "") not in known]
        if self.stack.origin and foreign:
            names = ", ".join(sorted(found.id for found in foreign))
            places = ", ".join(sorted({found.labels[stamp.ORIGIN] for found in foreign}))
            raise InputError(
                f"prune would uninstall releases of another stack that is named {self.stack.name} too: {names}, "
                f"deployed from {places} and not from {self.stack.origin}",
                hint="Nothing was done. Give one of the two stacks another name; if this one has only moved, "
                "uninstall these releases with helm",
            )

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface of a chart's source."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import Cache
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.once import Once
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.web import Access
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


@dataclass(frozen=True)
class Found:
    """A chart that a source has brought onto this disk."""

    path: str  # a folder with all its sub-charts, or an archive
    origin: Origin


class Source(Protocol):
    """A kind of place that charts come from. Several threads may use it at once."""

    def takes(self, reference: str) -> bool:
        """Whether references of this kind are its."""

    def find(self, wanted: Wanted) -> Found:
        """The chart, fetched or found.

        What is exact and cached is found without the network. Whether digest and version are those that are wanted is
        checked by the store.

        :raises HelmstackError: there is none, it cannot be fetched, or the reference is wrong.
        """

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        """All versions, newest first, pre-releases included; () where there is only one."""


class Pins(Protocol):
    """What makes a reference exact: a lock file."""

    def pin(self, wanted: Wanted) -> Wanted:
        """The same with what the lock file says in it.

        :raises ChartError: it does not hold the chart, or holds another version than the wanted one.
        """


class _Accesses:
    """Access to declared repositories; their certificates are read once."""

    def __init__(self) -> None:
        self._known: Once[Repository, Access] = Once()

    def __call__(self, repository: Repository) -> Access:
        return self._known.of(repository, lambda: Access.of(repository))


@dataclass(frozen=True)
class Surroundings:
    """What sources share."""

    helm: Helm
    workdir: str  # private, of the run; its files stay as long as the charts are used
    repositories: Repositories
    cache: Cache
    git: GitRepositories
    registry_config: str | None = None  # a registry login file that the task names
    complete: Callable[[str], str] = field(default=lambda path: path)  # a chart folder with its dependencies filled in
    environ: Mapping[str, str] = field(default_factory=dict)
    access: Callable[[Repository], Access] = field(default_factory=_Accesses)
    guard: Guard | None = None  # looks after workdir, as soon as something is in it

    def folder(self, prefix: str) -> str:
        """A new folder in that of the run, for what is fetched."""
        if self.guard:
            self.guard.watch()
        return tempfile.mkdtemp(prefix=prefix, dir=self.workdir)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What applying asks of the cluster and of the wait for readiness, besides what helm does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply import helm_watch
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo, Deployed, ReleaseBody


class ChangedCluster(Protocol):
    """What applying asks of the cluster, besides what helm does."""

    @property
    def info(self) -> ClusterInfo:
        """The cluster's server, uid and version."""

    def stamp(self, namespace: str, name: str, revision: int, labels: Mapping[str, str | None]) -> None:
        """Put labels onto Helm's storage object of a revision."""

    def restart(self, kind: str, namespace: str, name: str, at: str) -> None:
        """Restart a workload's pods."""

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        """A revision of a release, decoded."""

    def now(self, namespace: str, name: str) -> Deployed | None:
        """A release as it is at this moment."""

    def apply(self, manifest: Mapping[str, Any], namespace: str, *, force: bool) -> None:
        """Apply an object; without ``force`` one that is there and differs stays as it is."""

    def discard(self, manifest: Mapping[str, Any], namespace: str, *, orphan: bool) -> bool:
        """Delete an object, or only the object without what it owns; whether it was there, or still is."""

    def contents(self, namespace: str) -> set[tuple[str, str, str]]:
        """The objects that people put into a namespace: API group, kind and name."""

    def delete_namespace(self, name: str) -> None:
        """Begin to delete a namespace."""

    def ending(self, namespace: str) -> bool:
        """Whether a namespace is about to go."""

    def serves(self, kinds: Collection[tuple[str, str]]) -> bool:
        """Whether kinds (apiVersion, kind) are known by now."""


class ReadinessWait(helm_watch.ObjectWatch, Protocol):
    """Waits until objects are ready."""

    def wait(
        self,
        objects: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        timeout: float,
        for_jobs: bool,
        rules: Sequence[Mapping[str, str]],
        namespace: str,
        stopped: Callable[[], bool],
    ) -> Sequence[str]:
        """Returns when all are ready, and says of which of them that is not sure.

        :raises HelmstackError: they cannot become so, or not in time.
        """

    def expecting(
        self, objects: Sequence[tuple[str, Mapping[str, Any]]], stopped: Callable[[], bool]
    ) -> AbstractContextManager[None]:
        """While helm works, sees to it that a wait will know how Jobs ended that are gone by then."""

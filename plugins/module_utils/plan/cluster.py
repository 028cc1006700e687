# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan's view of the cluster. Every method only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import (
    ClusterInfo,
    Deployed,
    Refusal,
    ReleaseBody,
)


class ObservedCluster(Protocol):
    """The plan's view of the cluster; every method only reads."""

    @property
    def info(self) -> ClusterInfo:
        """The cluster's server, uid and version."""

    @property
    def salt(self) -> str:
        """A random text of the cluster that no result shows; "" if it may not be read."""

    def releases(self) -> Mapping[str, Deployed]:
        """The observed releases by identity."""

    def want(self, identities: Collection[str]) -> None:
        """Look again for releases that no stack file names."""

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        """A revision of a release, decoded; None: the latest."""

    def record(self, deployed: Deployed, revision: int) -> Mapping[str, Any]:
        """A revision of a release, whole, as Helm has written it."""

    def api_versions(self) -> tuple[str, ...]:
        """The cluster's APIs, as Helm lists them."""

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in namespaces."""

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster serves a kind."""

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is in the cluster."""

    def live(self, api_version: str, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """An object as it is in the cluster."""

    def reapplied(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        *,
        may_hold_more: bool,
        former: Mapping[str, Any] | None = None,
    ) -> DriftedObject | None:
        """Which other fields of the live object applying a manifest changes."""

    def refusal(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        former: Mapping[str, Any] | None = None,
    ) -> Refusal | None:
        """Why the cluster would not take a manifest for an object that is there; None: it would."""

    def creation_refusal(self, release: str, manifest: Mapping[str, Any], namespace: str, *, applies: bool) -> str:
        """Why the cluster would not make an object of a release."""

    def made_by_helm(self, namespace: str) -> bool:
        """Whether helm has made a namespace for a release."""

    def contents(self, namespace: str) -> set[tuple[str, str, str]]:
        """The objects that people put into a namespace: API group, kind and name."""

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is in the cluster."""

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        """The object after applying it."""

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> DriftedObject | None:
        """How a live object differs from the result of applying its manifest again."""


class DriftedObject(Protocol):
    """A live object that differs from its deployed manifest."""

    @property
    def live(self) -> Mapping[str, Any] | None:
        """As it is; None: it is gone."""

    @property
    def restored(self) -> Mapping[str, Any]:
        """As applying its manifest again would make it."""

    @property
    def problem(self) -> str:
        """Why applying it is refused, or which part of it is unknown."""

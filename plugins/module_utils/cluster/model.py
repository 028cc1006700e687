# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of the cluster room: what is there, observed and never wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KubeconfigFile:
    """The run's one kubeconfig, mode 0600: helm and the API client both use it, and nothing else.

    :arg bare: whether its user can log in without further files, which a certificate or a plugin needs.
    """

    path: Path
    context: str  # the name in the user's kubeconfig; "" if the cluster came from options alone
    server: str
    text: str = field(default="", repr=False)
    bare: bool = False


@dataclass(frozen=True)
class ClusterInfo:
    """Which cluster answers; ``uid`` is that of namespace kube-system, None if it may not be read."""

    server: str
    context: str
    uid: str | None
    version: str  # as Helm's .Capabilities.KubeVersion, "v1.36.3"
    minor: int


@dataclass(frozen=True)
class Resource:
    """Where the API serves a kind."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    stored: bool = True  # objects of it can be listed and deleted


@dataclass(frozen=True)
class Refusal:
    """Why an object cannot be changed; ``immutable``: it could be deleted and made anew."""

    why: str
    immutable: bool = False


@dataclass(frozen=True)
class Deployed:
    """A release in Helm's storage, by the labels of its storage objects alone."""

    namespace: str
    name: str
    revision: int  # the latest
    status: str  # of the latest revision, Helm's own word
    storage_name: str  # of the latest revision's Secret or ConfigMap
    current_revision: int | None = None  # the last that was deployed
    modified: int = 0  # unix seconds
    labels: Mapping[str, str] = field(default_factory=dict)  # of the latest revision, without Helm's own
    uid: str = ""

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Hook:
    """A hook as the release was stored with it."""

    manifest: str
    events: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseBody:
    """One revision of a release, decoded."""

    name: str
    namespace: str
    revision: int
    status: str
    description: str
    chart_name: str
    chart_version: str
    app_version: str
    config: Mapping[str, Any] = field(repr=False)  # the user's values
    chart_values: Mapping[str, Any] = field(repr=False)  # the chart's defaults
    manifest: str = field(repr=False)
    hooks: tuple[Hook, ...] = field(repr=False)
    notes: str = field(repr=False)
    labels: Mapping[str, str]
    last_deployed: str  # RFC 3339, as stored
    templates: Mapping[str, str] = field(default_factory=dict, repr=False)  # the chart's own, in base64
    apply_method: str = ""  # Helm 4: "ssa" or "csa"; Helm 3 and "" mean client-side apply

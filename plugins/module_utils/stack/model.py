# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of the stack room: what a user wants, fully resolved. Pure data, JSON in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import Location
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import GoTemplate


@dataclass(frozen=True)
class ValuesSource:
    """One values document in its order: the text for helm, as it is in the file.

    Inline mappings and ``set`` become JSON text, which helm reads back with the same types.
    """

    label: str  # for messages: the path as the user wrote it, or "values of web/app (stack.yaml:12)"
    text: str
    secret: bool = False  # came out of a vault
    file: str = ""  # the file that holds it, relative to the outermost stack's folder; "": see label
    how: str = ""  # what plan/origins.py calls the values, where that is not "values file"
    template: GoTemplate | None = None  # renders into the text; only while the stack is resolved
    # the places of single values, if not in this text, and what overlays replaced there (see stack/places.py)
    places: tuple[tuple[Any, ...], ...] = field(default=(), compare=False, repr=False)
    # what the text says, where it says the same to all Helms and has been read already; it does not travel
    parsed: tuple[Mapping[str, Any], ...] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Repository:
    """A chart repository as declared; ``ca_file`` and the like are absolute paths."""

    name: str
    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False
    oci: bool = False
    plain_http: bool = False  # a registry that is asked over HTTP
    type: str = "helm"  # helm, oci, git
    known_hosts: str | None = None  # git over ssh

    @property
    def is_oci(self) -> bool:
        """Whether it is a registry, however that is said."""
        return self.oci or self.type == "oci" or self.url.startswith("oci://")


@dataclass(frozen=True)
class LockedStack:
    """A nested stack from git, and the commit that counts."""

    stack: str  # its url, without a login
    commit: str


@dataclass(frozen=True)
class LockedChart:
    """A chart as the lock file has it; texts are "" where there is nothing to say."""

    chart: str  # the reference as the stack has it, without logins
    asked: str = ""  # the version or range in the stack; "": the newest
    devel: bool = False
    version: str = ""
    digest: str = ""  # sha256:…
    commit: str = ""  # git only
    source: str = ""  # where it comes from, for people


@dataclass(frozen=True)
class Options:
    """How helm treats a release. Names, types and defaults are kubernetes.core.helm's where it has them."""

    wait: bool = True
    wait_for_jobs: bool = False
    timeout: int = 300  # seconds
    force: bool = False
    recreate_pods: bool = False
    create_namespace: bool = False
    atomic: bool = False
    history_max: int = 10
    disable_hooks: bool = False
    skip_crds: bool = False
    upgrade_crds: bool = False
    skip_schema_validation: bool = False
    reuse_values: bool = False
    reset_values: bool = True
    post_renderer: str | None = None
    helm_binary: str | None = None
    devel: bool = False
    verify: bool = False
    test: bool = False
    keyring: str | None = None


@dataclass(frozen=True)
class Release:
    """A release as it is wanted. Its identity is ``namespace/name``."""

    name: str
    namespace: str
    chart: str  # a reference, see docs/stack_files.md; local paths are absolute
    version: str | None = None
    digest: str | None = None  # sha256:…, of the chart's archive, or of its manifest in a registry
    chart_name: str = ""  # the reference as it is on every machine: local paths relative to the stack's folder
    values: tuple[ValuesSource, ...] = ()  # in helm's order; `set` is the last
    set_args: tuple[str, ...] = ()  # for helm's --set, after the values: integers, which YAML cannot say
    hidden_values: tuple[str, ...] = ()  # top-level keys of the values that this release's templates cannot see
    needs: tuple[str, ...] = ()  # identities, resolved; only releases of this run
    weight: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Options = Options()
    ignore: bool = False
    protected: bool = False
    spray: Mapping[str, Any] | None = None  # helm_spray options; None: an ordinary chart
    umbrella: str = ""  # name of the sprayed umbrella that this is a sub-chart of
    ready: tuple[Mapping[str, Any], ...] = ()
    description: str = ""
    stack: str = ""  # name of the stack that declares it
    where: Location = field(default_factory=lambda: Location(""))

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def public_names(self) -> frozenset[str]:
        return frozenset({self.name, self.namespace})


@dataclass(frozen=True)
class Stack:
    """Everything that a run wants: releases in the order they are written, and where their charts come from."""

    name: str
    environment: str | None
    releases: tuple[Release, ...]  # ignored ones included, `ignore` set
    repositories: tuple[Repository, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)  # strings to mask wherever they would show
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of .helmstack: task options that the task left unset
    targets: tuple[str, ...] | None = None  # identities selected by targets or selector; None: all
    origin: str = ""  # the stack file's path in its git repository, as a label's value; "": in none
    locked: tuple[LockedChart, ...] | None = None  # of the lock file; None: there is none
    lock_file: str = ""  # its path
    locked_stacks: tuple[LockedStack, ...] = ()  # of the lock file
    fetched_stacks: tuple[LockedStack, ...] = ()  # those that this stack nests, as they were taken

    @property
    def public_names(self) -> frozenset[str]:
        """Names that every result shows; docs/architecture.md, "A secret's way", says why they are not masked."""
        return frozenset({self.name, self.environment or ""}).union(*(each.public_names for each in self.releases))

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        data = asdict(self)
        for release in data["releases"]:
            for source in release["values"]:
                del source["parsed"]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Stack:
        """The inverse of :meth:`to_data` after a trip through JSON."""
        stack = _build(cls, data)
        return replace(
            stack,
            releases=tuple(_release(item) for item in data["releases"]),
            repositories=tuple(_build(Repository, item) for item in data["repositories"]),
            locked=_locked(data.get("locked")),
            locked_stacks=tuple(_build(LockedStack, item) for item in data.get("locked_stacks") or ()),
            fetched_stacks=tuple(_build(LockedStack, item) for item in data.get("fetched_stacks") or ()),
        )


def _locked(data: Any) -> tuple[LockedChart, ...] | None:
    return None if data is None else tuple(_build(LockedChart, item) for item in data)


def _release(data: Mapping[str, Any]) -> Release:
    return replace(
        _build(Release, data),
        values=tuple(_build(ValuesSource, item) for item in data["values"]),
        options=_build(Options, data["options"]),
        where=_build(Location, data["where"]),
    )


def _build(cls: Any, data: Mapping[str, Any]) -> Any:
    """A dataclass from a mapping; JSON's lists become tuples."""
    names = {item.name for item in fields(cls)}
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in names})

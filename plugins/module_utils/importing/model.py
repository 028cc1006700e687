# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of an import: a stack as it was found elsewhere, before it is written as files. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DraftRepository:
    """A chart repository as a stack file declares it."""

    name: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)  # further keys of a stack file's repository; no passwords


@dataclass(frozen=True)
class DraftRelease:
    """A release as the stack file is to say it. Its identity is ``namespace/name``."""

    name: str
    namespace: str
    chart: str  # a reference as in a stack file; local paths relative to the written folder
    version: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)  # written to a file of its own, secrets apart
    values_files: tuple[str, ...] = ()  # files that are there already, as the stack file names them; before `values`
    set: Mapping[str, Any] = field(default_factory=dict, repr=False)  # `set` of the stack file: laid over them last
    needs: tuple[str, ...] = ()  # as in a stack file: name or namespace/name
    labels: Mapping[str, str] = field(default_factory=dict)
    ignore: bool = False
    spray: Mapping[str, Any] | None = None  # helm_spray's options; None: an ordinary chart
    options: Mapping[str, Any] = field(default_factory=dict)  # any other key of a release in a stack file
    comments: tuple[str, ...] = ()  # what the stack file says above it
    origin: str = ""  # where it was found, for messages
    source: str = ""  # where its chart comes from: repository, oci, git, exported; "missing": unknown
    parts: tuple[str, ...] = ()  # of a spray: the releases that it replaces

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class DraftChange:
    """What an environment changes of a release; what is None or empty stays as the stack has it."""

    chart: str | None = None
    version: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)  # laid over the release's
    values_files: tuple[str, ...] = ()  # joined to the release's, before `values`
    set: Mapping[str, Any] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    ignore: bool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)  # None: as if the stack did not say it


@dataclass(frozen=True)
class DraftEnvironment:
    """An environment and what its overlay ``env/<name>.yaml`` says."""

    name: str
    releases: Mapping[str, DraftChange] = field(default_factory=dict)  # by identity
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """A whole stack to be written."""

    name: str
    releases: tuple[DraftRelease, ...] = ()
    repositories: tuple[DraftRepository, ...] = ()
    environments: tuple[DraftEnvironment, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)  # `helmDefaults`
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # further files, such as exported charts
    notes: tuple[str, ...] = ()  # sentences for the user: what was not carried over, and what does it instead
    left_out: tuple[str, ...] = ()  # sentences on what is not in the stack at all


@dataclass(frozen=True)
class DraftFile:
    """A file of the written stack."""

    path: str  # relative to the folder, with /
    content: bytes = field(repr=False)
    secret: bool = False  # must be encrypted

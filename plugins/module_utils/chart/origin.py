# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which chart is wanted, and which it is in the end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """A wanted chart. A lock file makes it exact: another version, digest or commit in place of these."""

    reference: str  # as docs/stack_files.md lists them; local paths are absolute
    version: str | None = None  # exact or a range; None: the newest
    devel: bool = False  # the newest may be a pre-release
    digest: str | None = None  # sha256:…, of the archive, or of the manifest in a registry
    commit: str | None = None  # git only
    verify: bool = False  # its provenance file is wanted too
    keyring: str | None = None


@dataclass(frozen=True)
class Origin:
    """Which chart it is exactly and where it came from: what a lock file records."""

    kind: str  # local, repository, oci, url, git
    reference: str  # as the stack has it
    source: str  # the place itself, without logins: a repository's URL, oci://host/path/name, a URL, a folder
    version: str  # as Chart.yaml says it; of a registry and an index the one under which it was found
    digest: str = ""  # sha256:…, of the archive, or of the manifest in a registry; "": it has none (folders, git)
    commit: str = ""  # git only
    provenance: str = field(default="", compare=False)  # path of the .prov file, where it was wanted and is there

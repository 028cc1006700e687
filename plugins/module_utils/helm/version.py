# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of a helm program, asked once as long as the program stays the same file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, order=True)
class HelmVersion:
    """The version of a helm program."""

    major: int
    minor: int
    patch: int

    @property
    def text(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


OLDEST = HelmVersion(3, 14, 0)
SKIPS_SCHEMAS = HelmVersion(3, 16, 0)  # --skip-schema-validation


def parsed(binary: str, said: str) -> HelmVersion:
    """The version that a program has printed.

    :raises HelmError: it is none, or older than 3.14.
    """
    version = _version(said)
    if version is None:
        raise HelmError(f"'{binary}' does not say its version as Helm does: '{said[:80]}'", hint="Is it Helm?")
    if version < OLDEST:
        raise HelmError(
            f"'{binary}' is Helm {version.text}, but {OLDEST.major}.{OLDEST.minor} or later is needed",
            hint="Install a newer Helm, or say with binary_path where one is",
        )
    return version


@dataclass(frozen=True)
class KnownVersions:
    """Versions that outlive a run, each valid as long as the program's file stays as it is.

    :arg folder: where they are stored; None: nowhere.
    """

    folder: str | None

    def read(self, binary: str) -> HelmVersion | None:
        """What this very file said when it was last asked."""
        if self.folder is None:
            return None
        try:
            with open(_note(self.folder, binary), encoding="utf-8") as file:
                return _version(file.read())
        except (OSError, ValueError):
            return None

    def store(self, binary: str, version: HelmVersion) -> None:
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            with open(_note(self.folder, binary), "w", encoding="utf-8") as file:
                file.write(version.text)


def _version(text: str) -> HelmVersion | None:
    match = _VERSION.match(text)
    return HelmVersion(*(int(part) for part in match.groups())) if match else None


def _note(folder: str, binary: str) -> str:
    """The file for the version of a program as it is now."""
    found = os.stat(binary)
    key = f"{binary}\n{found.st_size}\n{found.st_mtime_ns}\n{found.st_ino}"
    return os.path.join(folder, f"helm-version-{hashlib.sha256(key.encode()).hexdigest()[:20]}")

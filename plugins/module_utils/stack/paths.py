# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the relative paths of a stack's files lead, and how far those of a nested one may."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location


@dataclass(frozen=True)
class Ground:
    """A stack's place on disk.

    :arg folder: that of its first stack file.
    :arg roots: of a nested stack: the folders that must contain all it refers to; none: anywhere.
    """

    folder: str
    roots: tuple[str, ...] = ()

    def candidates(self, text: str, where: Location) -> list[str]:
        """The paths that a relative one may mean: to the stack's folder, and to that of the file that says it."""
        own = _folder_of(where.file) or self.folder
        folders = (self.folder,) if own == self.folder else (self.folder, own)
        return list(dict.fromkeys(_joined(folder, text) for folder in folders))

    def locate(self, text: str, where: Location) -> str:
        """The absolute path that a reference means; the stack's folder counts first.

        :raises InputError: there are two such files or folders, or it leads out of where a nested stack may point.
        """
        candidates = self.candidates(text, where)
        found = [path for path in candidates if os.path.lexists(path)]
        if len(found) > 1 and len({os.path.realpath(path) for path in found}) > 1:
            what = f"'{text}' is in the stack's folder and also beside the file that names it: {' and '.join(found)}"
            other = os.path.relpath(found[1], self.folder)
            raise InputError(what, where=where, hint=f"Rename one of them, or write '{other}' for the second")
        path = (found or candidates)[0]
        if self.roots and not any(is_within(path, root) for root in self.roots):
            hint = "Only the outermost stack may point anywhere"
            raise InputError(
                f"'{text}' leaves what a nested stack may use: {' and '.join(self.roots)}", where=where, hint=hint
            )
        return path


@lru_cache(maxsize=1024)
def _folder_of(file: str) -> str:
    """The folder of an absolute path; "" of what is none."""
    return os.path.dirname(file) if os.path.isabs(file) else ""


@lru_cache(maxsize=1024)  # many releases name the same chart and values files
def _joined(folder: str, text: str) -> str:
    return os.path.normpath(os.path.join(folder, text))


def is_within(path: str, root: str) -> bool:
    """Whether a path is in a folder, links followed."""
    root = os.path.realpath(root)
    return os.path.commonpath([root, os.path.realpath(path)]) == root


def repository_of(folder: str) -> str:
    """The folder of the git repository that contains a folder; "" if none does."""
    while not os.path.exists(os.path.join(folder, ".git")):
        if folder == os.path.dirname(folder):
            return ""
        folder = os.path.dirname(folder)
    return folder


def common_roots(folder: str) -> tuple[str, ...]:
    """What the stacks that an outermost one nests may share: its git repository, or its folder."""
    return (repository_of(folder) or folder,)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a post-renderer is made of, so that a changed one is noticed: a program (Helm 3) or a plugin (Helm 4)."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError


def digest(name: str, major: int, environ: Mapping[str, str]) -> str:
    """A sha256 over the content; the path does not count.

    :arg environ: helm's, whose PATH and HELM_PLUGINS say where to look.
    :returns: the name itself if there is nothing of that name; helm will say so when it is needed.
    """
    found = _program(name, environ) if major < 4 else _plugin(name, environ)
    parts = list(found)
    return hashlib.sha256(b"\0".join(parts)).hexdigest() if parts else name


def _program(name: str, environ: Mapping[str, str]) -> Iterator[bytes]:
    path = shutil.which(name, path=environ.get("PATH"))
    if path:
        yield _content(path)


def _plugin(name: str, environ: Mapping[str, str]) -> Iterator[bytes]:
    for root in environ.get("HELM_PLUGINS", "").split(os.pathsep):
        for about in sorted(glob.glob(os.path.join(glob.escape(root), "*", "plugin.yaml"))):
            if _name(about) == name:
                yield from _files(os.path.dirname(about))
                return


def _name(about: str) -> str:
    try:
        said = helmyaml.load(_content(about).decode(errors="replace"), about)
    except InputError:
        return ""
    return str(said.get("name", "")) if isinstance(said, Mapping) else ""


def _files(folder: str) -> Iterator[bytes]:
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(path, name), folder).encode()
            yield hashlib.sha256(_content(os.path.join(path, name))).digest()


def _content(path: str) -> bytes:
    """A file's bytes; none of one that cannot be read, such as a link to nowhere."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

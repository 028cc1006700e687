# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts that outlive the run: archives by their content, and under which names they were found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any


class Cache:
    """A folder of this user's. One that cannot be written makes the next run slower, not this one wrong.

    :arg folder: None: nothing is kept.
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def folder(self, *names: str) -> str | None:
        """A folder for one source's own things, made if absent; None if nothing is kept."""
        if self._folder is None:
            return None
        path = os.path.join(self._folder, *names)
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
        except OSError:
            return None
        return path

    def find(self, *key: str) -> tuple[str, dict[str, Any]] | None:
        """The path of the archive that was kept under a key, and what was noted beside it."""
        note = self._note(key)
        if note is None:
            return None
        try:
            with open(note, encoding="utf-8") as stream:
                noted = json.load(stream)
            path = self._archive(noted["sha256"], noted["file"])
            # one that was damaged on disk is fetched anew
            if path and sha256(path) == noted["sha256"]:
                return path, dict(noted)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def keep(self, archive: str, noted: Mapping[str, Any], *keys: tuple[str, ...], beside: str = "") -> str:
        """Keeps an archive under each of the keys; returns its path in the cache, or the given one.

        :arg beside: its provenance file, which is kept beside it.
        """
        try:
            name = sha256(archive)
            file = os.path.basename(archive)
            target = self._archive(name, file)
            if target is None:
                return archive
            if not os.path.exists(target) or sha256(target) != name:
                _copied(archive, target)
            if beside:
                _copied(beside, f"{target}.prov")
                noted = {**noted, "provenance": f"{target}.prov"}
            text = json.dumps({**noted, "sha256": name, "file": file})
            for key in keys:
                note = self._note(key)
                if note:
                    _written(text, note)
        except OSError:
            return archive
        return target

    def _note(self, key: tuple[str, ...]) -> str | None:
        folder = self.folder("names")
        return folder and os.path.join(folder, hashlib.sha256(json.dumps(key).encode()).hexdigest() + ".json")

    def _archive(self, name: str, file: str) -> str | None:
        """Archives keep their names, which messages of helm show."""
        folder = self.folder("archives", os.path.basename(name))
        return folder and os.path.join(folder, os.path.basename(file))


def sha256(path: str) -> str:
    """Of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _copied(source: str, target: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target))
    os.close(handle)
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _written(text: str, target: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target))
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, target)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes from the controller to the target: one archive with the resolved stack and the files it names."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack

# The key of the module's result under which lines of progress travel back; the action plugin takes them out of it.
PROGRESS = "_helmstack_progress"
# As that one: what the controller writes into a report, whole, where the result itself may be cut, or have no diff.
REPORT = "_helmstack_report"
# The parameter that holds the stack of a second environment, to compare with.
OTHER = "_other"
# The parameter that holds the stack's other environments, where a module works on all of them.
OTHERS = "_others"

_CONTENT = "content.json"
_FILES = "files"


@dataclass(frozen=True)
class Bundle:
    """A resolved stack, with the options that must not stand among the module's arguments."""

    stack: Stack | None  # None: its files lie on the target, which resolves it
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of params; those of the stack are its own


def write(
    target: IO[bytes], bundle: Bundle, *, root: str, paths: Iterable[str] = (), texts: Mapping[str, bytes]
) -> None:
    """Write the archive.

    :arg root: what stands in ``bundle`` for the folder that the files will lie in; must occur nowhere else in it.
    :arg paths: absolute paths of files and folders to take along; they lie under ``root`` as they lie on this
        machine, so that relative references between them hold.
    :arg texts: content by absolute path, of files that have another content on this machine, or none.
    """
    stack = bundle.stack and bundle.stack.to_data()
    content = {"root": root, "stack": stack, "params": bundle.params, "secrets": bundle.secrets}
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1, dereference=True) as archive:
        _add(archive, _CONTENT, json.dumps(content).encode())
        for path in sorted(set(paths) - set(texts)):
            archive.add(path, _FILES + path)
        for path, text in sorted(texts.items()):
            _add(archive, _FILES + path, text)


def read(path: str, folder: str) -> Bundle:
    """Unpack the archive at ``path`` into the private ``folder``."""
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
    with open(os.path.join(folder, _CONTENT), encoding="utf-8") as file:
        text = file.read()
    root = json.loads(text)["root"]
    content = json.loads(text.replace(root, json.dumps(os.path.join(folder, _FILES))[1:-1]))
    stack = content["stack"] and Stack.from_data(content["stack"])
    return Bundle(stack, content["params"], tuple(content["secrets"]))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))

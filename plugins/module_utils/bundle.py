# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle, which passes from the controller to the target: an archive with the resolved stack and its files."""

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
# Likewise: the whole result, for the controller's report; the result itself may be cut, or have no diff.
REPORT = "_helmstack_report"
# Likewise: the draft of an imported stack, with its secrets, which the controller writes.
DRAFT = "_helmstack_draft"

_CONTENT = "content.json"
_FILES = "files"


@dataclass(frozen=True)
class Caller:
    """The process that waits for the module's result; the run ends when it is gone."""

    pid: int
    listens: bool  # over a connection that closes with it


@dataclass(frozen=True)
class Handover:
    """What the action plugin hands the module beside the task's options."""

    caller: Caller | None = None
    progress_file: str | None = None
    progress_returned: bool = False  # the lines travel back in the result
    others: tuple[Stack, ...] | None = None  # the stack in other environments
    done: tuple[Mapping[str, Any], ...] | None = None  # what an earlier task has done and this one takes back

    def to_data(self) -> dict[str, Any]:
        others = None if self.others is None else [stack.to_data() for stack in self.others]
        return {**vars(self), "caller": self.caller and vars(self.caller), "others": others}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Handover:
        caller, others = data["caller"], data["others"]
        return cls(
            **{
                **data,
                "caller": caller and Caller(**caller),
                "done": None if data["done"] is None else tuple(data["done"]),
                "others": None if others is None else tuple(Stack.from_data(item) for item in others),
            }
        )


@dataclass(frozen=True)
class Bundle:
    """A resolved stack, with the options that must not be among the module's arguments."""

    stack: Stack | None  # None: its files are on the target, which resolves it
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)  # by the names of argspec.py
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of params; the stack has its own
    handover: Handover = field(default_factory=Handover, repr=False)


def write(
    target: IO[bytes], bundle: Bundle, *, root: str, paths: Iterable[str] = (), texts: Mapping[str, bytes]
) -> None:
    """Write the archive.

    :arg root: a placeholder in ``bundle`` for the folder of the files; it must occur nowhere else in it.
    :arg paths: absolute paths of files and folders to take along; their paths under ``root`` are those on this
        machine, so that relative references between them hold.
    :arg texts: content by absolute path, of files that have another content on this machine, or none.
    """
    stack = bundle.stack and bundle.stack.to_data()
    content = {
        "root": root,
        "stack": stack,
        "params": bundle.params,
        "secrets": bundle.secrets,
        "handover": bundle.handover.to_data(),
    }
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
    return Bundle(stack, content["params"], tuple(content["secrets"]), Handover.from_data(content["handover"]))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))

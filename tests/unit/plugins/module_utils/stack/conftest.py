# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of stack files, and a stand-in for Ansible's vault and templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import STACK_OPTIONS
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles, Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve

RELEASES = """
releases:
  - {name: web, namespace: front, chart: charts/web, version: 1.6.0, needs: [db], labels: {tier: front}}
  - {name: db, namespace: data, chart: charts/db, labels: {tier: back}}
repositories:
  - {name: charts, url: "https://charts.example.org"}
"""


class FakeFiles(PlainFiles):
    """Vaulted files begin with VAULT; vaulted scalars are ENC and the reversed text; templates know {{ host }}."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def read(self, path: str) -> Text:
        self.reads.append(path)
        text = Path(path).read_text(encoding="utf-8")
        if path.endswith(".j2"):
            text = text.replace("{{ host }}", "cluster-1")
        return Text(text.removeprefix("VAULT\n"), secret=text.startswith("VAULT\n"))

    def decrypt(self, ciphertext: str) -> str:
        return ciphertext.strip().removeprefix("ENC")[::-1]


class Folder:
    """A folder with a stack in it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "shop"
        self.path.mkdir()
        self.files = FakeFiles()

    def write(self, name: str, text: str) -> str:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return str(target)

    def resolve(self, *stack_files: str, **options: Any) -> Stack:
        paths = tuple(str(self.path / name) for name in stack_files or (".",))
        return resolve(Request(paths, **{"option_names": STACK_OPTIONS, **options}), self.files)

    def stack(self, text: str, **options: Any) -> Stack:
        self.write("helmstack.yaml", text)
        return self.resolve(**options)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def shop(folder: Folder) -> Callable[..., Stack]:
    """Resolves a stack of two releases."""
    folder.write("helmstack.yaml", RELEASES)
    return folder.resolve

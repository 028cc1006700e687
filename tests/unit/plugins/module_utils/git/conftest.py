# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A git repository with charts, and servers for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.git.reference import parse
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout, GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

from .git_server import GitServer


class Upstream:
    """A repository that others fetch from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        names = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always")
        done = subprocess.run(
            ["git", *names, *arguments], cwd=self.path, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, name: str, text: str | bytes) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def chart(self, name: str, more: str = "") -> None:
        self.write(f"charts/{name}/Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n{more}")
        self.write(f"charts/{name}/templates/cm.yaml", f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")

    def commit(self, tag: str = "") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change", "--allow-empty")
        if tag:
            self.git("tag", "--annotate", tag, "--message", tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "served" / "charts")
    made.chart("web")
    made.write("other/note.txt", "not wanted\n")
    made.commit("v1.0.0")
    return made


@pytest.fixture
def server(upstream: Upstream) -> Iterator[GitServer]:
    started = GitServer(upstream.path.parent).start()
    yield started
    started.stop()


class Client:
    """Runs of one user: a cache that stays, and a private folder for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cache = path / "cache"
        self.runs = 0

    def run(self, *declared: Repository) -> GitRepositories:
        self.runs += 1
        return GitRepositories(str(self._path / f"run-{self.runs}"), declared, str(self.cache))

    def checkout(self, reference: str, *declared: Repository) -> Checkout:
        return self.run(*declared).checkout(parse(reference))


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "client")


@pytest.fixture
def files() -> Callable[[Checkout], list[str]]:
    """The files and links of a checkout."""

    def below(checkout: Checkout) -> list[str]:
        root = Path(checkout.root)
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file())

    return below

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commits on disk: each repository is asked once a run, and what was fetched of a commit is kept under its name."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.git.login import Declared, Logins
from ansible_collections.helmstack.core.plugins.module_utils.git.process import Git
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.git.remote import Remote
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


@dataclass(frozen=True)
class Checkout:
    """A folder of a commit on disk."""

    commit: str
    root: str  # the repository's top; only the wanted folders are in it
    path: str  # of the wanted folder or file


class GitRepositories:
    """The git repositories of one run; may be asked from several threads at once.

    :arg workdir: a private folder of the run.
    :arg cache: a folder that outlives the run, for what was fetched of commits; None: nothing is kept.
    """

    def __init__(
        self, workdir: str, declared: Iterable[Declared] = (), cache: str | None = None, guard: Guard | None = None
    ) -> None:
        self.git = Git(os.path.join(workdir, "home"), guard)
        self._workdir = workdir
        self._guard = guard
        self._cache = cache or os.path.join(workdir, "cache")
        self._logins = Logins(workdir, declared)
        self._lock = threading.Lock()
        self._remotes: dict[tuple[str, str], Remote] = {}

    def commit(self, reference: GitReference) -> str:
        """The commit that a reference means now; the server is asked once a run, unless the reference names it.

        :raises ChartError: there is no such ref, or the repository cannot be asked.
        """
        if reference.commit:
            return reference.commit
        remote = self._remote(reference)
        with remote.lock:
            return remote.commit(reference)

    def checkout(self, reference: GitReference, commit: str = "") -> Checkout:
        """The folder of a reference, fetched unless it is in the cache.

        :arg commit: the commit of the reference, if known; then no server is asked.
        :raises ChartError: there is no such ref or folder, it cannot be fetched, or a link in it leaves the repository.
        """
        commit = commit or self.commit(reference)
        root = os.path.join(self._cache, self._key(reference), commit, _digest(reference.path or ".", 16))
        if not os.path.isdir(root):
            remote = self._remote(reference)
            with remote.lock:
                if not os.path.isdir(root):
                    _fill(root, lambda folder: remote.extract(commit, reference.path, folder))
        return Checkout(commit, root, os.path.join(root, reference.path) if reference.path else root)

    def terminate_all(self) -> None:
        """Ends every running git."""
        self.git.terminate_all()

    def _remote(self, reference: GitReference) -> Remote:
        key = (reference.url, reference.username)
        if self._guard:  # a login may be written
            self._guard.watch()
        with self._lock:
            if key not in self._remotes:
                folder = os.path.join(self._workdir, f"repository-{len(self._remotes)}")
                self._remotes[key] = Remote(self.git, reference.url, self._logins.of(reference), folder)
            return self._remotes[key]

    def _key(self, reference: GitReference) -> str:
        # What needs a user to be fetched must not be found by another.
        repository = self._logins.declared_for(reference)
        user = reference.username or (repository and repository.username) or ""
        return _digest(f"{reference.url}\n{user}", 24)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _fill(root: str, put: Callable[[str], None]) -> None:
    """A folder that exists as a whole or not at all, even if several processes make it."""
    os.makedirs(os.path.dirname(root), mode=0o700, exist_ok=True)
    new = tempfile.mkdtemp(prefix="new-", dir=os.path.dirname(root))
    try:
        put(new)
        os.rename(new, root)
    except OSError:
        if not os.path.isdir(root):
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One repository on its server: which commit a ref is, one fetch of a commit, and folders of it put on disk."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.git import tree
from ansible_collections.helmstack.core.plugins.module_utils.git.explain import explained
from ansible_collections.helmstack.core.plugins.module_utils.git.login import Login
from ansible_collections.helmstack.core.plugins.module_utils.git.process import Git, GitError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference

# Larger files of a commit come only where a wanted folder holds them; those of charts are hardly ever larger.
_LARGE = "512k"
# What servers say that do not give any commit by its name.
_BY_NAME_ONLY = re.compile(r"not our ref|unadvertised object|no such remote ref", re.IGNORECASE)


class Remote:
    """What one run knows of a repository. Callers hold its ``lock``.

    :arg folder: private; what is fetched goes into it.
    """

    def __init__(self, git: Git, url: str, login: Login, folder: str) -> None:
        self._git = git
        self._url = url
        self._login = login
        self._folder = folder
        self._commits: dict[str, str] = {}
        self._fetched: set[str] = set()
        self.lock = threading.RLock()

    def commit(self, reference: GitReference) -> str:
        """The commit that a ref is; the server is asked once a run.

        :raises ChartError: there is no such ref, or the server does not answer.
        """
        if reference.ref not in self._commits:
            self._commits[reference.ref] = self._ask(reference)
        return self._commits[reference.ref]

    def extract(self, commit: str, path: str, folder: str) -> None:
        """Writes a folder of a commit to its place in the repository, with the targets of its links and charts.

        :raises ChartError: there is no such commit or folder, or something in it leads out of the repository.
        """
        self._fetch(commit)
        put = _Puts(self._run, commit, folder, os.path.join(self._folder, "index-of-checkout"))
        if not put(path):
            raise self._no_path(commit, path)
        try:
            tree.complete(folder, path, put)
        except ChartError as error:
            error.what = f"{error.what} (git repository {self._url}, commit {commit[:12]})"
            raise

    def _ask(self, reference: GitReference) -> str:
        ref = reference.ref
        names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}", f"refs/{ref}"]
        names = names if ref else ["HEAD"]
        found = self._refs(*names, *(f"{name}^{{}}" for name in names))
        for name in names:  # a tag counts before a branch of its name, as for git
            commit = found.get(f"{name}^{{}}") or found.get(name)
            if commit:
                return commit
        if not ref:
            raise ChartError(
                f"the git repository {self._url} has no commit yet, or no HEAD", hint="Name a branch: ?ref=…"
            )
        if reference.short:
            hint = "If a commit is meant, write all its 40 digits: servers do not know shorter ones"
        else:
            known = (re.sub(r"^refs/(heads|tags)/", "", name) for name in self._refs("refs/heads/*", "refs/tags/*"))
            hint = did_you_mean(ref, (name for name in known if not name.endswith("^{}")))
        raise ChartError(f"the git repository {self._url} has no branch or tag '{ref}'", hint=hint)

    def _refs(self, *patterns: str) -> dict[str, str]:
        said = self._run("ls-remote", "--quiet", self._url, *patterns)
        pairs = (line.partition("\t") for line in said.splitlines())
        return {name: commit for commit, tab, name in pairs if tab}

    def _fetch(self, commit: str) -> None:
        if commit in self._fetched:
            return
        self._begin(commit)
        self._git.fetches += 1
        fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", f"--filter=blob:limit={_LARGE}")
        try:
            self._said(*fetch, "--depth=1", "origin", commit)
        except GitError as error:
            if not _BY_NAME_ONLY.search(error.words):
                self._fail(error)
            self._run(*fetch, "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        try:
            self._git.run(self._arguments("cat-file", "-e", f"{commit}^{{commit}}"))
        except GitError:
            raise ChartError(
                f"the git repository {self._url} has no commit {commit}",
                hint="It may have been on a branch that was removed or rewritten",
            ) from None
        self._fetched.add(commit)

    def _begin(self, commit: str) -> None:
        """A repository of the run's own, with the server as its origin, as large files may have to come later."""
        if self._fetched:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        form = ("--object-format=sha256",) if len(commit) == 64 else ()
        self._git.run(["init", "--quiet", "--bare", "--template=", *form, "--", self._folder])
        settings = {
            "remote.origin.url": self._url,
            "remote.origin.promisor": "true",
            "remote.origin.partialclonefilter": f"blob:limit={_LARGE}",
        }
        for name, value in settings.items():
            self._git.run(self._arguments("config", name, value))

    def _no_path(self, commit: str, path: str) -> ChartError:
        above, _slash, _name = path.rpartition("/")
        try:
            said = self._run("ls-tree", "-z", "--name-only", f"{commit}:{above}")
        except ChartError:
            said = ""
        beside = [f"{above}/{item}" if above else item for item in said.split("\0") if item]
        what = f"the git repository {self._url} has no '{path}' at commit {commit[:12]}"
        return ChartError(what, hint=did_you_mean(path, beside))

    def _run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
        try:
            return self._said(*arguments, environ=environ)
        except GitError as error:
            self._fail(error)

    def _said(self, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
        return self._git.run(
            self._arguments(*arguments),
            settings=self._login.settings,
            environ={**self._login.environ, **(environ or {})},
        )

    def _arguments(self, *arguments: str) -> Sequence[str]:
        return [f"--git-dir={self._folder}", *arguments]

    def _fail(self, error: GitError) -> NoReturn:
        raise explained(error, self._url) from None


class _Puts:
    """Puts paths of a commit into a work tree; says whether the commit has them."""

    def __init__(self, run: Callable[..., str], commit: str, folder: str, index: str) -> None:
        self._run = run
        self._commit = commit
        self._folder = folder
        self._environ = {"GIT_INDEX_FILE": index}

    def __call__(self, path: str) -> bool:
        if path:
            found = self._run("ls-tree", "-z", self._commit, "--", path)
            if not found or found.split()[1] == "commit":  # a submodule: it is not fetched
                return False
        inside = ("-C", self._folder, "--work-tree=.")
        self._run(*inside, "checkout", "--quiet", "--force", self._commit, "--", path or ".", environ=self._environ)
        return True

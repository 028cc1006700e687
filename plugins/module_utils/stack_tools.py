# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools for resolving a stack, git and helm: they are made when they are first used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType

from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout, GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import GoTemplate
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard, cache_folder

Room = Callable[[], AbstractContextManager["tuple[str, Guard]"]]


class StackTools:
    """The Helpers of stack/helpers.py.

    :arg room: makes the private folder that git and helm work in, and its guard.
    :arg binary: the helm that the task names.
    """

    def __init__(self, room: Room, environ: Mapping[str, str], binary: str | None = None) -> None:
        self._room = room
        self._environ = environ
        self._binary = binary
        self._renderings = 0
        self._cache = os.path.join(cache_folder(environ), "charts", "git")
        self._open = ExitStack()
        self._at: tuple[str, Guard] | None = None
        self._repositories: dict[tuple[Repository, ...], GitRepositories] = {}

    def __enter__(self) -> StackTools:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def checkout(self, reference: GitReference, repositories: Iterable[Repository], commit: str = "") -> Checkout:
        declared = tuple(repository for repository in repositories if repository.type == "git")
        if declared not in self._repositories:
            folder, guard = self._place()
            home = os.path.join(folder, f"git-{len(self._repositories)}")
            self._repositories[declared] = GitRepositories(home, declared, self._cache, guard)
        return self._repositories[declared].checkout(reference, commit)

    def render(self, templates: Sequence[GoTemplate], binary: str | None, read: Callable[[str], Text]) -> list[str]:
        from ansible_collections.helmstack.core.plugins.module_utils import go_templates

        folder, guard = self._place()
        self._renderings += 1
        place = os.path.join(folder, f"go-templates-{self._renderings}")
        helm = Helm(self._binary or binary, os.path.join(folder, "helm"), None, environ=self._environ, guard=guard)
        try:
            return go_templates.render(templates, helm, place, read)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _place(self) -> tuple[str, Guard]:
        if self._at is None:
            self._at = self._open.enter_context(self._room())
            self._at[1].watch()
        return self._at

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an action finds the controller's files and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import STACK_FILES, SUFFIXES
from ansible_collections.helmstack.core.plugins.plugin_utils.values import (
    plain,
)


class ControllerFiles(ActionBase):
    """An action's view of the controller: files by the names that users give them, and the environment."""

    def _environ(self) -> dict[str, str]:
        """The controller's environment, and over it what the task's ``environment`` says."""
        task: dict[str, Any] = {}
        self._compute_environment_string(task)
        return {**os.environ, **{name: str(value) for name, value in plain(task).items()}}

    @property
    def _shares_disk(self) -> bool:
        """Whether the module can read what this process can read, under the same path."""
        return self._is_local and not self._connection.become

    @property
    def _is_local(self) -> bool:
        """Whether the module runs on this machine, if perhaps as another user."""
        return bool(self._connection.transport == "local")

    def _folders(self, task_vars: Mapping[str, Any]) -> list[str]:
        """The folders of users' files: the playbook's, the inventory's, the current one."""
        folders = (self._loader.get_basedir(), task_vars.get("inventory_dir"), os.getcwd())
        return list(dict.fromkeys(str(folder) for folder in folders if folder))

    def _found(self, path: str, task_vars: Mapping[str, Any], *first: str) -> str:
        """The absolute path of a file or folder of the controller.

        :raises InputError: it is nowhere.
        """
        try:
            needle = [str(self._find_needle("files", path))]
        except AnsibleError:
            needle = []
        tries = [*(os.path.join(folder, path) for folder in first), *needle]
        tries += [os.path.join(folder, path) for folder in self._folders(task_vars)]
        for candidate in tries:
            if os.path.exists(candidate):
                return os.path.abspath(candidate)
        searched = ", ".join((*first, *self._folders(task_vars)))
        raise InputError(f"'{path}' does not exist on the controller", hint=f"Searched: {searched}")

    def _default_folder(self, task_vars: Mapping[str, Any]) -> str:
        role = [os.path.join(path, "files") for path in self._task.get_search_path()]
        for folder in (*role, *self._folders(task_vars)):
            if any(os.path.exists(os.path.join(folder, name + suffix)) for name in STACK_FILES for suffix in SUFFIXES):
                return os.path.abspath(folder)
        searched = ", ".join(self._folders(task_vars))
        raise InputError(
            f"There is no stack file: none of {', '.join(STACK_FILES)} is in {searched}",
            hint="Name one with the option stack_files",
        )

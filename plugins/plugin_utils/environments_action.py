# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions of modules that work on a stack in all its environments at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.stack.environments import environments_of
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import StackReader
from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import stack_tools


class EnvironmentsAction(StackAction):
    """Resolves the stack once for each environment; the task's own ``environment`` does not count."""

    def _stack(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> Stack:
        first = next(iter(self._environments(given, task_vars)))
        return super()._stack({**given, "environment": first}, task_vars, environ, bundle)

    def _others(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> tuple[Stack, ...] | None:
        names = self._environments(given, task_vars)[1:]
        # without arguments, super() finds nothing inside a generator
        stack_of = super()._stack
        return tuple(stack_of({**given, "environment": name}, task_vars, environ, bundle) for name in names)

    def _environments(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> tuple[str | None, ...]:
        """The environments that count.

        :raises InputError: a named one is none of the stack's.
        """
        paths = [self._found(path, task_vars) for path in given.get("stack_files") or ()]
        paths = paths or [self._default_folder(task_vars)]
        files = AnsibleFiles(self._loader, self._templar, task_vars)
        with stack_tools(self._environ(), given.get("binary_path")) as tools:
            known = environments_of(paths, StackReader(files, tools))
        asked = given.get("environments")
        for name in asked or ():
            if name not in known:
                what = f"the stack has nothing for the environment '{name}'"
                raise InputError(f"{os.path.basename(paths[0])}: {what}", hint=did_you_mean(name, known))
        return tuple(asked or known) or (None,)

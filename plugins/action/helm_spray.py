# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds, decrypts and templates an umbrella chart's values on the controller for the module of the same name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import SPRAY
    from ansible_collections.helmstack.core.plugins.module_utils.spray_task import Place, umbrella_stack
    from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
    from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
    from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
    from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
    from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import stack_tools

_PRIVATE = ("release_values", "set_values", "repositories")


class ActionModule(StackAction):
    definition = SPRAY
    resolved = (*_PRIVATE, "values_files", "targets", "exclude")
    private = _PRIVATE

    def _stack(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> Stack:
        files = AnsibleFiles(self._loader, self._templar, task_vars)

        def find(path: str) -> str:
            return self._found(os.path.expanduser(path), task_vars)

        def carry(path: str) -> tuple[str, str]:
            found = find(path)
            content, secret = files.content(found)
            if secret:
                return bundle.take_text(found, content), content.decode(errors="replace")
            return (found if self._shares_disk else bundle.take(found)), ""

        with stack_tools(environ, given.get("binary_path")) as tools:
            stack = umbrella_stack(given, Place(files, find, carry, tools), self._secrets_in(given, task_vars))
        return self._with_secrets(stack, task_vars) if files.rendered else stack

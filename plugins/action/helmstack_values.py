# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As for helmstack, for helmstack_values, which may get the stack of a second environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import VALUES
    from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
    from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
    from ansible_collections.helmstack.core.plugins.plugin_utils.comparison import as_plan, lines
    from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle


class ActionModule(StackAction):
    definition = VALUES

    def _others(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> tuple[Stack, ...] | None:
        environment = given.get("compare_to")
        if not environment:
            return None
        return (self._stack({**given, "environment": environment}, task_vars, environ, bundle),)

    def _reported(self, result: dict[str, Any]) -> dict[str, Any]:
        return result if result.get("failed") else {**result, "plan": as_plan(result)}

    def _told(self, module: Mapping[str, Any]) -> Iterator[str]:
        yield from lines(module) if module.get("compare_to") else ()

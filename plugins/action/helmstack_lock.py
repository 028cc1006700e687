# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As for helmstack, for helmstack_lock, whose file is written where the stack's files are: on the controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import LOCK
    from ansible_collections.helmstack.core.plugins.module_utils.stack.lockfile import write
    from ansible_collections.helmstack.core.plugins.plugin_utils.environments_action import EnvironmentsAction


class ActionModule(EnvironmentsAction):
    definition = LOCK

    def _handed_over(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], progress: str | None = None
    ) -> dict[str, Any]:
        # a file that does not exist yet is made
        return super()._handed_over({**given, "lock_file_may_lack": True}, task_vars, progress)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        content = result.pop("content", None)
        if result.get("changed") and content is not None and not self._task.check_mode:
            try:
                write(result["path"], content)
            except HelmstackError as error:
                return {**result, "changed": False, "failed": True, "msg": str(error)}
        return result

    def _told(self, module: Mapping[str, Any]) -> Iterator[str]:
        for item in module.get("outdated") or ():
            newer = len(item["newer"])
            yield (
                f"{item['chart']}: {item['version']} is locked, {item['newest']} is the newest, "
                f"{newer} version{'' if newer == 1 else 's'} later"
            )

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells at the end of a play what became of all its hosts; it looks at their registered results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.helmstack.core.plugins.plugin_utils import bytecode as _bytecode  # noqa: F401

# isort: split
from ansible_collections.helmstack.core.plugins.plugin_utils import fleet
from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain


class ActionModule(ActionBase):
    _requires_connection = False
    _VALID_ARGS = frozenset(("diff_lines",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        names = task_vars.get("ansible_play_hosts_all") or [task_vars.get("inventory_hostname")]
        hosts = [fleet.Host(str(name), _results(task_vars["hostvars"][name])) for name in names]
        check = bool(self._task.check_mode)
        most = int(self._task.args.get("diff_lines", fleet.LINES))
        for line in fleet.told(hosts, check=check, most=most):
            self._display.display(f"  {line}")
        states = fleet.by_state(hosts)
        stats = {"data": {"helmstack_outcome": states}, "per_host": False, "aggregate": True}
        return {**result, "changed": False, "hosts": states, "ansible_stats": stats}


def _results(variables: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """What the role has registered for a host."""
    found = [variables.get("helmstack_result"), *(variables.get("helmstack_spray_results") or ())]
    given = [plain(item) for item in found if isinstance(item, Mapping)]
    # a task that was skipped beside others that were not says nothing
    return tuple(item for item in given if not item.get("skipped")) or tuple(given)

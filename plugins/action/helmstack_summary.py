# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports at the end of a play or a batch the outcome of its hosts, and whether the next batch begins."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
    from ansible_collections.helmstack.core.plugins.plugin_utils import fleet, rollout, sprays, standing
    from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import options_of
    from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain

_ROLLING = ("serial", "canary", "max_fail_percentage", "pause")


class ActionModule(ActionBase):
    _requires_connection = False
    _VALID_ARGS = frozenset(("diff_lines", "_variables", *_ROLLING))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        hosts = _hosts(task_vars)
        check = bool(self._task.check_mode)
        try:
            end = self._end(task_vars) if not check else None
        except HelmstackError as error:
            return {**result, "failed": True, "msg": str(error)}
        where = [(host.name, standing.standing(host.results, undone=host.undone)) for host in hosts]
        stopped = self._stopped(hosts, end) if end else ""
        if stopped or not (end and end.goes_on):
            self._show(self._whole(hosts, where, check=check, most=self._most(task_vars)))
        states = fleet.by_state(hosts)
        data: dict[str, Any] = {"helmstack_outcome": states}
        if not check:
            data["helmstack_standing"] = result["standing"] = standing.by_standing(where)
        stats = {"data": data, "per_host": False, "aggregate": True}
        if stopped:
            result |= {"failed": True, "msg": stopped}
        return {**result, "changed": False, "hosts": states, "ansible_stats": stats}

    def _end(self, task_vars: Mapping[str, Any]) -> rollout.End | None:
        """The end of a batch; None: there are none."""
        given = {name: plain(self._task.args.get(name)) for name in _ROLLING}
        if all(value is None for value in given.values()):
            return None
        return rollout.End.given(given, task_vars)

    def _most(self, task_vars: Mapping[str, Any]) -> int:
        """How many lines of a diff are shown."""
        prefix = self._task.args.get("_variables")
        found = options_of(str(prefix), ("diff_lines",), self._templar, task_vars) if prefix else {}
        return int({**found, **self._task.args}.get("diff_lines", fleet.LINES))

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._display.display(f"  {line}")

    def _whole(
        self, hosts: Sequence[fleet.Host], where: Sequence[tuple[str, standing.Standing]], *, check: bool, most: int
    ) -> Iterator[str]:
        """The end over all hosts, in lines."""
        yield from fleet.told(hosts, check=check, most=most)
        if not check and len(hosts) > 1 and any(found.state != standing.NEW for _name, found in where):
            yield from standing.told(where)

    def _stopped(self, hosts: Sequence[fleet.Host], end: rollout.End) -> str:
        """Why the batches after this one do not begin; empty: they do, or there are none."""
        if not end.goes_on:
            return end.stop
        mine = [host for host in hosts if host.name in end.batch.hosts]
        self._show([f"{end.title}: {fleet.sum_of(fleet.by_state(mine), check=False)}"])
        return self._asked(end)

    def _asked(self, end: rollout.End) -> str:
        """Waits or asks before the next batch; why it does not begin, if so."""
        pause = end.rollout.pause
        if pause != rollout.ASK:
            if pause:
                self._show([f"{pause} s until {end.following}"])
                time.sleep(pause)
            return ""
        try:
            question = f"  {end.following}. Go on? (yes/no): "
            answer = bytes(self._display.prompt_until(question)).decode(errors="replace").strip()
        except AnsiblePromptInterrupt:
            answer = "Ctrl-C"
        except AnsiblePromptNoninteractive:
            return f"stopped after {end.title}, as there is no terminal to ask in. {end.stops}"
        if answer.lower() in ("y", "yes"):
            return ""
        return f"stopped after {end.title}, as the answer was {answer or 'no yes'}. {end.stops}"


def _hosts(task_vars: Mapping[str, Any]) -> list[fleet.Host]:
    names = [str(name) for name in task_vars.get("ansible_play_hosts_all") or [task_vars.get("inventory_hostname")]]
    left = set(task_vars.get("ansible_play_hosts", names))
    return [_host(name, task_vars["hostvars"], lost=name not in left) for name in names]


def _host(name: str, hosts: Any, *, lost: bool) -> fleet.Host:
    variables = hosts.raw_get(name)

    def registered(variable: str) -> Any:
        # it holds no templates, and to look for some takes longer than all else here
        found = variables.get(variable)
        return found if found is None or isinstance(found, Mapping) else hosts[name][variable]

    undone = registered("helmstack_taken_back")
    return fleet.Host(name, _results(registered("helmstack_result")), lost, undone and plain(undone))


def _results(found: Any) -> tuple[Mapping[str, Any], ...]:
    """What the role has registered for a host."""
    given = sprays.parts(plain(found)) if isinstance(found, Mapping) else []
    # a task that was skipped beside others that were not says nothing
    return tuple(item for item in given if not item.get("skipped")) or tuple(given)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds, decrypts and templates the stack's files on the controller for the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible.utils.vars import load_extra_vars

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.apply.taking_back import has_changed
    from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY
    from ansible_collections.helmstack.core.plugins.plugin_utils import rollout, sprays
    from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
    from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import misspelt
    from ansible_collections.helmstack.core.plugins.plugin_utils.rollout import End
    from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain

_OF_THE_PLAN = frozenset(("expected_plan", "forbid", "report_file", "report_limit", "state", "prune"))


class ActionModule(StackAction):
    definition = DEPLOY
    _takes_back = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result; with ``_take_back`` what the role has done to this host goes back if its batch failed."""
        task_vars = task_vars or {}
        batch = self._task.args.get("_take_back")
        if batch is None:
            prefix = str(self._task.args.get("_variables") or "")
            try:
                self._check_variables(prefix, task_vars)
            except InputError as error:
                return {"failed": True, "changed": False, "msg": str(error)}
            umbrellas = sprays.variable("sprays", prefix, self._templar, task_vars) if prefix else None
            return self._together(umbrellas, prefix, task_vars) if umbrellas else super().run(tmp, task_vars)
        if not End.given(plain(self._templar.template(batch)), task_vars).failing:
            return {"changed": False, "skipped": True, "skip_reason": "the batch has not failed"}
        done = plain(task_vars.get("helmstack_result") or {})
        sprayed = [item for result in done.get(sprays.SPRAYS) or () for item in _done(result)]
        left = [f"{item['namespace']}/{item['name']}: umbrella charts are not taken back" for item in sprayed]
        if not _done(done):
            return {"changed": False, "taken_back": [], "left": left}
        self._takes_back = True
        result = super().run(tmp, task_vars)
        return {**result, "left": [*result.get("left", ()), *left]}

    def _check_variables(self, prefix: str, task_vars: Mapping[str, Any]) -> None:
        """Warns of variables that look like the role's.

        :raises InputError: those of a rollout are set where no keyword sees them.
        """
        if not prefix:
            return
        if task_vars.get(rollout.MARK) and rollout.active(task_vars):
            rollout.check_place(task_vars, {*self._task.get_play().get_vars(), *load_extra_vars(self._loader)})
        for text in misspelt(task_vars, self.spec.argument_spec):
            self._display.warning(text)

    def _together(
        self, umbrellas: Sequence[Mapping[str, Any]], prefix: str, task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """The stack, and then its umbrella charts; they are uninstalled before it, as it may be what they need."""
        works = [partial(sprays.spray, self, number, each, task_vars, prefix) for number, each in enumerate(umbrellas)]
        absent = sprays.variable("state", prefix, self._templar, task_vars) == "absent"
        done = sprays.Together().then(works[::-1] if absent else ())
        if not done.failed and self._has_stack(prefix, task_vars):
            done = replace(done, stack=super().run(None, task_vars))
        return done.then(() if absent else works).result()

    def _has_stack(self, prefix: str, task_vars: Mapping[str, Any]) -> bool:
        """Whether there is a stack beside the umbrella charts: one is named, or is in a searched folder."""
        if f"{prefix}stack_files" in task_vars:
            return True
        try:
            return bool(self._default_folder(task_vars))
        except InputError:
            return False

    def _take_variables(self, task_vars: Mapping[str, Any]) -> None:
        super()._take_variables(task_vars)
        if self._takes_back:
            dropped = {"_take_back", *_OF_THE_PLAN}
            self._task.args = {name: value for name, value in self._task.args.items() if name not in dropped}

    def _done(self, task_vars: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
        return tuple(_done(plain(task_vars["helmstack_result"]))) if self._takes_back else None


def _done(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The releases that a task has changed."""
    return [item for item in (result.get("plan") or {}).get("releases") or () if has_changed(item)]

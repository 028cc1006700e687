# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's one task: a host's stack and its umbrella charts, one after the other.

A task costs each host a process of Ansible's, and so does an include that finds nothing to include.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELM_SPRAY, HELMSTACK
from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import options_of

SPRAYS = "sprays"  # of the task's result: those of the umbrella charts
STACK = "stack"  # of the task's result, beside these: what became of the stack; None: there is none

_MODULE = "helmstack.core.helm_spray"
# What an umbrella chart says itself, though the stack has an option of the same name.
_ITS_OWN = frozenset(("expected_plan", "prune", "prune_max", "targets"))
SHARED = frozenset(
    name
    for name in HELM_SPRAY.argument_spec
    if name in HELMSTACK.argument_spec and name not in _ITS_OWN and not name.startswith("_")
)
_Result = Mapping[str, Any]


def variable(name: str, prefix: str, templar: Any, task_vars: Mapping[str, Any]) -> Any:
    """A variable of the role; None: it is not set."""
    return options_of(prefix, (name,), templar, task_vars).get(name)


@dataclass(frozen=True)
class Together:
    """What has been done so far of what the role's task does.

    :arg stack: the result of the stack; None: it is not done, or there is none.
    """

    stack: _Result | None = None
    sprays: tuple[_Result, ...] = ()

    @property
    def failed(self) -> bool:
        return any(result.get("failed") for result in (self.stack or {}, *self.sprays))

    def then(self, works: Sequence[Callable[[], _Result]]) -> Together:
        """With these umbrella charts done; the first one that fails is the last."""
        done = self
        for work in works:
            if not done.failed:
                done = replace(done, sprays=(*done.sprays, work()))
        return done

    def result(self) -> dict[str, Any]:
        """The task's result: the stack's, and the umbrella charts' in it."""
        every = [*([self.stack] if self.stack is not None else []), *self.sprays]
        failed = next((result for result in self.sprays if result.get("failed")), None)
        diff = [entry for result in every for entry in result.get("diff") or ()]
        warnings = [text for result in every for text in result.get("warnings") or ()]
        stats = _stats([result["ansible_stats"] for result in every if result.get("ansible_stats")])
        stack = self.stack
        return {
            **(stack or {}),
            **({"failed": True, "msg": failed.get("msg", "")} if failed else {}),
            "changed": any(result.get("changed") for result in every),
            SPRAYS: [{key: value for key, value in result.items() if key not in _ONCE} for result in self.sprays],
            STACK: None if stack is None else {key: bool(stack.get(key)) for key in ("changed", "failed")},
            **({"diff": diff} if diff else {}),
            **({"warnings": warnings} if warnings else {}),
            **({"ansible_stats": stats} if stats else {}),
        }


_ONCE = frozenset(("diff", "warnings", "ansible_stats"))  # what the result as a whole has


def parts(result: _Result) -> list[_Result]:
    """The results of the stack and the umbrella charts, from that of the role's task."""
    if SPRAYS not in result:
        return [result]
    own = {key: value for key, value in result.items() if key not in (SPRAYS, STACK)}
    return [*([{**own, **result[STACK]}] if result[STACK] is not None else []), *result[SPRAYS]]


def spray(action: ActionBase, number: int, given: Mapping[str, Any], task_vars: dict[str, Any], prefix: str) -> _Result:
    """The result of helm_spray for one of the umbrella charts.

    :arg given: what the user says of it; the role's own variables say the rest.
    """
    task = action._task.copy()
    task._uuid = f"{task._uuid}-{number}"  # reports distinguish tasks by it
    task.action = _MODULE
    shared = options_of(prefix, SHARED, action._templar, task_vars)
    task.args = {**shared, **HELM_SPRAY.canonical(given)}
    made = action._shared_loader_obj.action_loader.get(
        _MODULE,
        task=task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    try:
        result: _Result = made.run(task_vars=task_vars)
        return result
    finally:
        made.cleanup()


def _stats(given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The ansible_stats of several tasks, merged as Ansible does it."""
    data: dict[str, Any] = {}
    for each in given:
        data = _merged(data, each["data"])
    return {**given[-1], "data": data} if given else {}


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        below = found.get(key)
        found[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found

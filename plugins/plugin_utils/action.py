# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules' action plugins share: find, decrypt, template and resolve here, then hand over to the module."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError

from ansible_collections.helmstack.core.plugins.module_utils import parents
from ansible_collections.helmstack.core.plugins.module_utils.bundle import PROGRESS, REPORT
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief
from ansible_collections.helmstack.core.plugins.module_utils.report.summary import ended, outline, total
from ansible_collections.helmstack.core.plugins.plugin_utils import fleet
from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import stay_compiled
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import run_in_process, same_python
from ansible_collections.helmstack.core.plugins.plugin_utils.module_arguments import ModuleArguments
from ansible_collections.helmstack.core.plugins.plugin_utils.progress import (
    Execute,
    Remote,
    Show,
    followed,
    tables,
)
from ansible_collections.helmstack.core.plugins.plugin_utils.report.task import TaskReports
from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import options_of
from ansible_collections.helmstack.core.plugins.plugin_utils.stats import stats
from ansible_collections.helmstack.core.plugins.plugin_utils.terminal import shortened
from ansible_collections.helmstack.core.plugins.plugin_utils.values import (
    plain,
)

_THIS_PYTHON = "{{ ansible_playbook_python }}"


class StackAction(ModuleArguments):
    """Runs the module of the same name with the stack resolved.

    Where the module would run on this machine, as this user, with this interpreter and this environment, it is not
    packed, sent and started, but called: that takes half the time of a run that changes nothing.
    """

    _supports_async = True
    _here = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parent = os.getppid()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result: resolves the stack, calls the module, and shows progress meanwhile.

        :arg task_vars: the host's variables; the task's options are in ``self._task.args``.
        :raises AnsibleError: an error of Ansible itself, such as a lost connection. All other failures are results with
            ``failed`` and a masked ``msg``.
        """
        stay_compiled()
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        show = self._shown(task_vars)
        reports = TaskReports()
        try:
            self._take_variables(task_vars)
            self._here = self._is_here(task_vars)
            given = self.spec.typed(plain(self._task.args))
            # an approval that is empty by mistake must not count as no approval
            if "expected_plan" in self._task.args:
                given["expected_plan"] = brief(given.get("expected_plan"))
            reports = TaskReports.of(given, self._task, str(task_vars.get("inventory_hostname")))
            quiet = not given.get("progress", True) or bool(self._task.no_log)
            with self._progress(show, quiet=quiet) as progress:
                path = progress.path if isinstance(progress, Remote) else progress
                args = self._handed_over(given, task_vars, path)
                module = self._module(args, task_vars)
            self._end_if_orphaned()
        except HelmstackError as error:
            # the message may quote a vaulted variable's value
            failed = {"failed": True, "msg": Mask(self._candidates(task_vars)).text(str(error))}
            return {**result, **failed, **reports.write(failed)}
        if isinstance(progress, Remote):
            if PROGRESS not in module:  # it was killed
                self._low_level_execute_command(f"rm -f {progress.path}")
            progress.show_rest([str(line) for line in module.pop(PROGRESS, ())])
        together = _several(task_vars) and bool(task_vars.get("helmstack_told_together"))
        told = [f"plan: {total(module['plan'])}"] if together and module.get("plan") else self._told(module)
        for line in () if quiet else told:
            show(line)
        module |= reports.write(self._reported(module.pop(REPORT, module)))
        if module.get("diff") and "diff_lines" in self.spec.names:
            if together:
                module[fleet.DIFF] = module.pop("diff")
            else:
                module["diff"] = shortened(module["diff"], int(given.get("diff_lines", fleet.LINES)))
        return {**result, **module, **stats(module, str(task_vars.get("inventory_hostname")))}

    def _reported(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result for the reports."""
        return result

    def _take_variables(self, task_vars: Mapping[str, Any]) -> None:
        """The role names no options; its variables are these."""
        prefix = self._task.args.get("_variables")
        if prefix:
            names = [name for name in self.spec.argument_spec if not name.startswith("_")]
            found = options_of(str(prefix), names, self._templar, task_vars)
            given = {name: value for name, value in self._task.args.items() if name != "_variables"}
            self._task.args = {**found, **given}

    def _told(self, module: Mapping[str, Any]) -> Iterator[str]:
        """The lines for a result: the umbrellas' tables, and in a check the plan, which a run shows as it goes."""
        yield from tables(module.get("sub_charts") or ())
        if module.get("plan"):
            yield from (outline if self._task.check_mode or _stopped(module) else ended)(module["plan"])

    def _module(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module makes of the arguments."""
        if not self._here:
            goes_on = bool(self._task.async_val)
            with nullcontext() if goes_on else parents.watched(os.getpid(), gone=parents.stop_all):
                result: dict[str, Any] = self._execute_module(
                    module_args=args, task_vars=task_vars, wrap_async=self._task.async_val
                )
            return result
        check, diff = bool(self._task.check_mode), bool(self._task.diff)
        result = run_in_process(
            self.definition,
            plain(args),
            folder=C.DEFAULT_LOCAL_TMP,
            check_mode=check,
            diff=diff,
            content=self._kept,
            shares=len(task_vars.get("ansible_play_hosts_all") or ()) > 1,
        )
        if not _tells_arguments(task_vars):
            del result["invocation"]
        return result

    @property
    def _orphaned(self) -> bool:
        """Whether ansible-playbook has been killed."""
        return os.getppid() != self._parent

    def _end_if_orphaned(self) -> None:
        """Ends this process if ansible-playbook is gone: it would wait forever for its full queue."""
        if self._orphaned:
            self._loader.cleanup_all_tmp_files()
            os._exit(1)

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run in a process like this one."""
        delegated = task_vars.get("ansible_delegated_vars") or {}
        variables = delegated.get(self._task.delegate_to) or task_vars
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if not self._shares_disk or self._task.async_val or environment:
            return False
        interpreter = variables.get("ansible_python_interpreter")
        if interpreter == _THIS_PYTHON:  # as most have it: to compile the template takes longer than to look
            interpreter = variables.get("ansible_playbook_python", interpreter)
        return same_python(str(self._templar.template(interpreter)))

    def _progress(self, show: Show, *, quiet: bool) -> AbstractContextManager[str | Remote | None]:
        """The file for lines of progress, which are shown as they come; None: no lines."""
        if quiet or "progress" not in self.spec.names or self._task.check_mode or self._task.async_val:
            return nullcontext(None)
        return followed(C.DEFAULT_LOCAL_TMP, show) if self._shares_disk else Remote(self._another_connection, show)

    def _another_connection(self) -> Execute:
        """Runs commands on the target as this action does, but over a connection of its own."""
        mine = self._connection
        other = self._shared_loader_obj.connection_loader.get(
            getattr(mine, "ansible_name", None) or mine._load_name,
            self._play_context,
            new_stdin=None,
            task_uuid=self._task._uuid,
            ansible_playbook_pid=str(os.getppid()),
        )
        other.set_options(direct=mine.get_options())
        other._shell = mine._shell
        if mine.become:
            other.set_become_plugin(copy.copy(mine.become))  # it keeps what it waits for
        twin = copy.copy(self)
        twin._connection = other

        def execute(command: str) -> tuple[int, str]:
            done = twin._low_level_execute_command(command)
            return int(done["rc"]), str(done["stdout"])

        return execute

    def _shown(self, task_vars: Mapping[str, Any]) -> Show:
        """Shows a line at once, with the host's name if there are several."""
        host = f" [{task_vars.get('inventory_hostname')}]" if _several(task_vars) else ""

        def show(line: str) -> None:
            if not self._orphaned:
                self._display.display(f"  helmstack:{host} {line}")

        return show


def _several(task_vars: Mapping[str, Any]) -> bool:
    """Whether the play has several hosts."""
    return len(task_vars.get("ansible_play_hosts_all") or ()) > 1


def _stopped(module: Mapping[str, Any]) -> bool:
    """Whether a task failed before it did anything of its plan: ``forbid`` did not let it through."""
    return bool(module.get("failed")) and not any(release.get("outcome") for release in module["plan"]["releases"])


def _tells_arguments(task_vars: Mapping[str, Any]) -> bool:
    """Whether the result is to hold the module's arguments."""
    try:
        return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleError:
        return True  # ansible-core 2.20 and older always have them

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules' action plugins share: find, decrypt, template and resolve here, then hand over to the module."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from io import BytesIO
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.helmstack.core.plugins.module_utils import parents
from ansible_collections.helmstack.core.plugins.module_utils.argspec import request, with_defaults
from ansible_collections.helmstack.core.plugins.module_utils.bundle import PROGRESS, Bundle
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import check_path
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.masking import Mask
from ansible_collections.helmstack.core.plugins.module_utils.module import ModuleDefinition
from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief
from ansible_collections.helmstack.core.plugins.module_utils.report.summary import ended, outline
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import STACK_FILES, SUFFIXES
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import resolve
from ansible_collections.helmstack.core.plugins.module_utils.stack_tools import StackTools
from ansible_collections.helmstack.core.plugins.module_utils.workdir import private_folder
from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import private_file, run_in_process, same_python
from ansible_collections.helmstack.core.plugins.plugin_utils.progress import (
    Execute,
    Remote,
    Show,
    followed,
    tables,
)
from ansible_collections.helmstack.core.plugins.plugin_utils.secrets_in_task import (
    check_open,
    strings,
    used,
    without_secrets,
)
from ansible_collections.helmstack.core.plugins.plugin_utils.values import (
    plain,
    strings_of_inventory,
    strings_of_vaults,
    vaulted_strings,
)

# URLs, which Ansible shows among the module's arguments
_MAY_HOLD_PASSWORDS = frozenset(("host", "proxy", "chart_ref", "values_files"))
_CONNECTION_FILES = ("kubeconfig", "ca_cert", "client_cert", "client_key")


class StackAction(ActionBase):
    """Runs the module of the same name with the stack resolved.

    Where the module would run on this machine, as this user, with this interpreter and this environment, it is not
    packed, sent and started, but called: that takes half the time of a run that changes nothing.
    """

    _supports_async = True
    definition: ModuleDefinition
    # What the controller has answered; the target need not see it, and its logs must not.
    resolved: Collection[str] = ("overlays", "variables", "targets", "selector", "include_needs")
    # Of these, what may hold secrets: where the target resolves the stack it gets them apart from the arguments.
    private: Collection[str] = ("variables",)
    _here = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = self.definition.spec
        self._parent = os.getppid()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        show = self._shown(task_vars)
        try:
            self._here = self._is_here(task_vars)
            given = self.spec.typed(plain(self._task.args))
            # an approval that got lost on its way must not count as one that is not needed
            if "expected_plan" in self._task.args:
                given["expected_plan"] = brief(given.get("expected_plan"))
            quiet = not given.get("progress", True) or bool(self._task.no_log)
            with self._progress(quiet, show) as progress:
                path = progress.path if isinstance(progress, Remote) else progress
                args = self._handed_over(given, task_vars, path)
                module = self._module(args, task_vars)
            self._end_if_orphaned()
        except HelmstackError as error:
            # what is wrong may be what a vaulted variable says, which templates and checks quote
            return {**result, "failed": True, "msg": Mask(self._candidates(task_vars)).text(str(error))}
        if isinstance(progress, Remote):
            if PROGRESS not in module:  # it was killed
                self._low_level_execute_command(f"rm -f {progress.path}")
            progress.show_rest([str(line) for line in module.pop(PROGRESS, ())])
        for line in () if quiet else self._told(module):
            show(line)
        return {**result, **module, **_stats(module, str(task_vars.get("inventory_hostname")))}

    def _told(self, module: Mapping[str, Any]) -> Iterator[str]:
        """What is shown of a result: the umbrellas' tables, and of a check the plan, which a run tells as it goes."""
        yield from tables(module.get("sub_charts") or ())
        if module.get("plan"):
            yield from (outline if self._task.check_mode else ended)(module["plan"])

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
        result = run_in_process(self.definition, plain(args), folder=C.DEFAULT_LOCAL_TMP, check_mode=check, diff=diff)
        if not _tells_arguments(task_vars):
            del result["invocation"]
        return result

    @property
    def _orphaned(self) -> bool:
        """Whether ansible-playbook has been killed."""
        return os.getppid() != self._parent

    def _end_if_orphaned(self) -> None:
        """What nobody reads any more would fill a queue, and this process wait for ever."""
        if self._orphaned:
            self._loader.cleanup_all_tmp_files()
            os._exit(1)

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run in a process like this one."""
        delegated = task_vars.get("ansible_delegated_vars") or {}
        variables = delegated.get(self._task.delegate_to) or task_vars
        interpreter = self._templar.template(variables.get("ansible_python_interpreter"))
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        return self._shares_disk and not self._task.async_val and not environment and same_python(str(interpreter))

    def _progress(self, quiet: bool, show: Show) -> AbstractContextManager[str | Remote | None]:
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
        """Shows a line at once; it says which host's it is if there are several."""
        several = len(task_vars.get("ansible_play_hosts_all") or ()) > 1
        host = f" [{task_vars.get('inventory_hostname')}]" if several else ""

        def show(line: str) -> None:
            if not self._orphaned:
                self._display.display(f"  helmstack:{host} {line}")

        return show

    def _handed_over(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], progress: str | None = None
    ) -> dict[str, Any]:
        """The module's arguments, once all that they stand for lies on the target."""
        environ = self._environ()
        bundle = FileBundle()
        stack = None
        args = self.spec.canonical(self._task.args)
        if not given.get("remote_src"):
            stack = self._stack(given, task_vars, environ, bundle)
            args = with_defaults(self.spec, args, stack.defaults, environ)
            if not self._shares_disk:
                stack = bundle.take_stack(stack)
        if "expected_plan" in given:
            args["expected_plan"] = given["expected_plan"]
        hidden = self.private if stack is None else self.resolved
        args = {name: value for name, value in args.items() if name not in hidden}
        args, params = self._connected(args, self.spec.from_environment(args, environ), task_vars, bundle)
        secrets: tuple[str, ...] = ()
        if stack is None:
            params |= {name: given[name] for name in self.private if given.get(name)}
            secrets = self._secrets_in(given, task_vars)
        if not self._task.async_val:  # whose work goes on by itself
            params["_wanted_by"] = {"pid": os.getpid(), "listens": not self._is_local}
        if progress is not None:
            params |= {"_progress": progress, "_progress_returned": not self._shares_disk}
        params |= self._more(given, task_vars, environ, bundle)
        if stack is not None or params:
            args["_bundle"] = self._shipped(bundle, Bundle(stack, params, secrets))
        return args

    def _more(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> dict[str, Any]:
        """What a module gets besides the stack and the options."""
        return {}

    def _stack(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> Stack:
        """What the task wants, from the controller's files; ``bundle`` takes those that only helm will read."""
        files = AnsibleFiles(self._loader, self._templar, task_vars)
        paths = [self._found(path, task_vars) for path in given.get("stack_files") or ()]
        paths = paths or [self._default_folder(task_vars)]
        folder = paths[0] if os.path.isdir(paths[0]) else os.path.dirname(paths[0])
        overlays = [self._found(path, task_vars, folder) for path in given.get("overlays") or ()]
        asked = request(
            {**given, "overlays": overlays},
            stack_files=paths,
            groups=plain(task_vars.get("group_names") or ()),
            environ=environ,
        )
        with StackTools(lambda: private_folder(C.DEFAULT_LOCAL_TMP), environ) as tools:
            stack = resolve(asked, files, tools)
        brought = files.rendered or given.get("variables") or any(self._task.environment or ())
        return self._with_secrets(stack, task_vars) if brought else stack

    def _with_secrets(self, stack: Stack, task_vars: Mapping[str, Any]) -> Stack:
        """The stack, and what of the host's vaults is in it."""
        # What is part of a name stands in the open, so that masking it would hide nothing.
        names = [stack.name, stack.environment or ""]
        names += [name for release in stack.releases for name in (release.name, release.namespace)]
        secrets = tuple(used(self._candidates(task_vars), strings(stack.to_data()), names))
        check_open(stack, secrets)
        return replace(stack, secrets=tuple(dict.fromkeys((*stack.secrets, *secrets))))

    def _secrets_in(self, given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[str, ...]:
        """What came out of a vault in the options that may hold such."""
        texts = list(strings([given.get(name) for name in self.private]))
        return tuple(used(self._candidates(task_vars), texts)) if texts else ()

    def _candidates(self, task_vars: Mapping[str, Any]) -> Iterator[str]:
        """Everything that came out of a vault and that templates may have used."""
        yield from vaulted_strings({**task_vars, "task": [self._task.args, self._task.environment]})
        yield from strings_of_inventory(task_vars.get("hostvars"))
        folders = [*self._folders(task_vars), *self._task.get_search_path()]
        yield from strings_of_vaults(self._loader, folders)

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
        """Where users keep their files: beside the playbook, in the inventory's folder, where they stand."""
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
            f"There is no stack file: none of {', '.join(STACK_FILES)} lies in {searched}",
            hint="Name one with the option stack_files",
        )

    def _connected(
        self, args: dict[str, Any], environment: Mapping[str, str], task_vars: Mapping[str, Any], bundle: FileBundle
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arguments with the connection's options, and apart from them those that name files in the bundle."""
        options = {**environment, **args}
        params: dict[str, Any] = {}
        for name in _CONNECTION_FILES:
            value = plain(options.get(name))
            if isinstance(value, dict):
                params[name] = bundle.take_text("/inline", json.dumps(value).encode())
            elif value and isinstance(value, str):
                if name == "kubeconfig":
                    check_path(value)
                parts = value.split(os.pathsep) if name == "kubeconfig" else [value]
                ours = name in environment
                options[name] = os.pathsep.join(self._reachable(name, part, ours, task_vars, bundle) for part in parts)
                if bundle.root in options[name]:
                    params[name] = options[name]
        args = {name: value for name, value in options.items() if name not in params}
        for name in _MAY_HOLD_PASSWORDS & set(args):
            given = plain(args[name])
            shown = [without_secrets(url) for url in given] if isinstance(given, list) else without_secrets(given)
            if shown != given:
                params[name], args[name] = given, shown
        return args, params

    def _reachable(self, name: str, path: str, ours: bool, task_vars: Mapping[str, Any], bundle: FileBundle) -> str:
        """Where the module finds a file: on the target if it is there, else taken along from the controller."""
        if not ours and not self._shares_disk and self._remote_file_exists(path):
            return path
        try:
            found = self._found(os.path.expanduser(path), task_vars)
        except InputError:
            return path
        content, secret = AnsibleFiles(self._loader, self._templar, task_vars).content(found)
        if self._shares_disk and not secret:
            return found
        return bundle.take_kubeconfig(found, content) if name == "kubeconfig" else bundle.take_text(found, content)

    def _shipped(self, bundle: FileBundle, content: Bundle) -> str:
        """The path of the archive on the target, in the task's own temporary folder, which Ansible removes."""
        if self._here:
            return private_file(C.DEFAULT_LOCAL_TMP, lambda file: bundle.write(file, content))
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        folder = self._connection._shell.tmpdir
        archive = BytesIO()
        bundle.write(archive, content)
        path = str(self._connection._shell.join_path(folder, "helmstack.tar.gz"))
        self._transfer_data(path, archive.getvalue())
        self._remote_chmod([path], "0600")
        self._fixup_perms2([folder, path], execute=False)
        return path


def _tells_arguments(task_vars: Mapping[str, Any]) -> bool:
    """Whether the result is to hold the module's arguments."""
    try:
        return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleError:
        return True  # ansible-core 2.20 and older always have them


def _stats(result: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The plan's digest for a later node of an AWX workflow, by host, and where there are several tasks by stack.

    The review beside it lets the later node say what differs.
    """
    plan = result.get("plan") or {}
    if "digest" not in plan:
        return {}
    data = {
        "helmstack_plans": {host: plan["digest"]},
        "helmstack_stack_plans": {host: {plan["stack"]: plan["digest"]}},
        "helmstack_reviews": {host: {plan["stack"]: brief(plan)}},
    }
    return {"ansible_stats": {"data": data, "per_host": False, "aggregate": True}}

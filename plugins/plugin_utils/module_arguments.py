# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's arguments to the module's: the stack resolved, secrets apart, and files where the target reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

from ansible import constants as C

from ansible_collections.helmstack.core.plugins.module_utils.argspec import request, with_defaults
from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle, Caller, Handover
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import check_path
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.module import ModuleDefinition
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import resolve
from ansible_collections.helmstack.core.plugins.plugin_utils.controller_files import ControllerFiles
from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import private_file, stack_tools
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
_CONNECTION_FILES = ("kubeconfig", "ca_cert", "client_cert", "client_key", "registry_config")


class ModuleArguments(ControllerFiles):
    """Makes the module's arguments of the task's."""

    definition: ModuleDefinition
    # What the controller has answered; the target need not see it, and its logs must not.
    resolved: Collection[str] = ("overlays", "variables", "targets", "selector", "include_needs")
    # Of these, what may hold secrets: where the target resolves the stack it gets them apart from the arguments.
    private: Collection[str] = ("variables",)
    _here = False  # whether the module is called in this process
    _kept: Bundle | None = None  # what it is handed there

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = self.definition.spec

    def _handed_over(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], progress: str | None = None
    ) -> dict[str, Any]:
        """The module's arguments, after all files that they name are on the target."""
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
        elif given.get("forbid"):  # whose expressions and messages may come out of a vault, too
            found = used(self._candidates(task_vars), list(strings([given["forbid"]])))
            stack = replace(stack, secrets=tuple(dict.fromkeys((*stack.secrets, *found))))
            args.pop("forbid", None)
            params["forbid"] = given["forbid"]
        if args.get("bundle") and stack is not None:
            path = self._found(str(args.pop("bundle")), task_vars)
            params["bundle"] = path if self._shares_disk else bundle.take(path)
        params |= self._apart(given, task_vars, bundle)
        others = None if stack is None else self._others(given, task_vars, environ, bundle)
        if others is not None and not self._shares_disk:
            others = tuple(bundle.take_stack(other) for other in others)
        handover = Handover(
            # an asynchronous task works on by itself
            caller=None if self._task.async_val else Caller(os.getpid(), listens=not self._is_local),
            progress_file=progress,
            progress_returned=progress is not None and not self._shares_disk,
            others=others,
            done=self._done(task_vars),
        )
        if stack is not None or params or handover != Handover():
            content = Bundle(stack, json.loads(json.dumps(params)), secrets, handover)
            if self._here and bundle.empty:
                self._kept = content
            else:
                args["_bundle"] = self._shipped(bundle, content)
        return args

    def _apart(self, given: Mapping[str, Any], task_vars: dict[str, Any], bundle: FileBundle) -> dict[str, Any]:
        """Options that the module gets beside its arguments, as they must stay hidden; their files are taken along."""
        return {}

    def _done(self, task_vars: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
        """What an earlier task has done, to be taken back; None: this task is for something else."""
        return None

    def _others(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> tuple[Stack, ...] | None:
        """The stack in other environments; None: the module works on one."""
        return None

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
        with stack_tools(environ, given.get("binary_path")) as tools:
            stack = resolve(asked, files, tools)
        brought = files.rendered or given.get("variables") or any(self._task.environment or ())
        return self._with_secrets(stack, task_vars) if brought else stack

    def _with_secrets(self, stack: Stack, task_vars: Mapping[str, Any]) -> Stack:
        """The stack, and what of the host's vaults is in it."""
        candidates = tuple(self._candidates(task_vars))
        if not candidates:
            return stack
        secrets = tuple(used(candidates, strings(stack.to_data()), stack.public_names))
        check_open(stack, secrets)
        return replace(stack, secrets=tuple(dict.fromkeys((*stack.secrets, *secrets))))

    def _secrets_in(self, given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[str, ...]:
        """What came out of a vault in the options that may hold such."""
        texts = list(strings([given.get(name) for name in self.private]))
        return tuple(used(self._candidates(task_vars), texts)) if texts else ()

    def _candidates(self, task_vars: Mapping[str, Any]) -> Iterator[str]:
        """Everything that came out of a vault and that templates may have used."""
        if not self._loader._vault.secrets:  # without passwords no vault is open
            return
        yield from vaulted_strings({**task_vars, "task": [self._task.args, self._task.environment]})
        yield from strings_of_inventory(task_vars.get("hostvars"))
        folders = [*self._folders(task_vars), *self._task.get_search_path()]
        yield from strings_of_vaults(self._loader, folders)

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
                options[name] = os.pathsep.join(
                    self._reachable(name, part, task_vars, bundle, ours=ours) for part in parts
                )
                if bundle.root in options[name]:
                    params[name] = options[name]
        args = {name: value for name, value in options.items() if name not in params}
        for name in _MAY_HOLD_PASSWORDS & set(args):
            given = plain(args[name])
            shown = [without_secrets(url) for url in given] if isinstance(given, list) else without_secrets(given)
            if shown != given:
                params[name], args[name] = given, shown
        return args, params

    def _reachable(self, name: str, path: str, task_vars: Mapping[str, Any], bundle: FileBundle, *, ours: bool) -> str:
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

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has the module of the same name read clusters, and writes the stack here, where its secrets can be encrypted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.bundle import DRAFT
    from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
    from ansible_collections.helmstack.core.plugins.module_utils.import_task import check, stack_of
    from ansible_collections.helmstack.core.plugins.module_utils.importing import helmfile, showing
    from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_state import Build
    from ansible_collections.helmstack.core.plugins.module_utils.importing.model import Draft
    from ansible_collections.helmstack.core.plugins.module_utils.importing.transport import unpack
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import IMPORT
    from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
    from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
    from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
    from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
    from ansible_collections.helmstack.core.plugins.plugin_utils.import_writer import put
    from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain

_PRIVATE = ("repositories", "clusters")


class ActionModule(StackAction):
    definition = IMPORT
    resolved = _PRIVATE
    private = _PRIVATE
    _supports_async = False  # a module leaves its result for later in a file, secrets included

    def _stack(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], environ: Mapping[str, str], bundle: FileBundle
    ) -> Stack:
        return stack_of(given, lambda path: self._found(path, task_vars), self._secrets_in(given, task_vars))

    def _apart(self, given: Mapping[str, Any], task_vars: dict[str, Any], bundle: FileBundle) -> dict[str, Any]:
        clusters = []
        for item in given.get("clusters") or ():
            files = {
                name: os.pathsep.join(
                    self._reachable(name, part, task_vars, bundle, ours=False) for part in item[name].split(os.pathsep)
                )
                for name in ("kubeconfig", "ca_cert")
                if item.get(name)
            }
            clusters.append({**item, **files})
        return {"clusters": clusters, "repositories": given.get("repositories"), "stack_name": self._name(given)}

    def _handed_over(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], progress: str | None = None
    ) -> dict[str, Any]:
        check(given)
        return {} if given.get("helmfile") else super()._handed_over(given, task_vars, progress)

    def _module(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.spec.typed(plain(self._task.args))
        if given.get("helmfile"):
            return self._written({}, self._of_helmfile(given, task_vars), given)
        result = super()._module(args, task_vars)
        packed = result.pop(DRAFT, None)
        return result if packed is None or result.get("failed") else self._written(result, unpack(packed), given)

    def _of_helmfile(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> Draft:
        """The stack of a helmfile, whose output lies on the controller; no cluster is asked."""
        files = AnsibleFiles(self._loader, self._templar, task_vars)
        builds = {}
        for item in given["helmfile"]:
            path = self._found(item["file"], task_vars)
            builds[item.get("environment") or ""] = Build(path, files.read(path).text)
        return helmfile.read(builds, self._name(given), self._dest(given))

    def _written(self, result: dict[str, Any], draft: Draft, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            written = put(
                draft,
                self._dest(given),
                self._loader,
                force=bool(given.get("force")),
                vault_id=given.get("vault_id"),
                check_mode=bool(self._task.check_mode),
                diff=bool(self._task.diff),
            )
        except HelmstackError as error:
            return {**result, "changed": False, "failed": True, "msg": str(error)}
        return {**result, **written}

    def _told(self, module: Mapping[str, Any]) -> Iterator[str]:
        if "files" in module:
            yield from showing.told(module, module["dest"], check_mode=bool(self._task.check_mode))

    def _dest(self, given: Mapping[str, Any]) -> str:
        return os.path.abspath(self._loader.path_dwim(os.path.expanduser(given["dest"])))

    def _name(self, given: Mapping[str, Any]) -> str:
        """The stack's name: by default that of its folder, as that of any stack."""
        return str(given.get("stack_name") or os.path.basename(self._dest(given)))

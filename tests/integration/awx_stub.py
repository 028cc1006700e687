# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the modules of awx.awx: takes what their own argument specs take, and keeps the objects in a file.

test_awx.py lays it as an action plugin over each module of the released collection. How the modules treat what is
there, what is not, and a check, is as it was seen with a real AWX (docs/awx.md).
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.plugins.action import ActionBase

CONDITIONS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
NAMED = {  # an argument, and the kind of object that it names
    "organization": "organization",
    "credential_type": "credential_type",
    "credential": "credential",
    "credentials": "credential",
    "execution_environment": "execution_environment",
    "project": "project",
    "source_project": "project",
    "inventory": "inventory",
    "hosts": "host",
    "children": "group",
    "unified_job_template": "job_template",
    "workflow_job_template": "workflow_job_template",
    "success_nodes": "workflow_job_template_node",
}
NOT_KEPT = ("controller_", "validate_certs", "request_timeout", "state", "update_secrets")


class Taken(Exception):
    """What a module tells AnsibleModule about its arguments."""


def specification(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The argument spec of the released module, and the conditions between its arguments; noted, as that takes long."""
    note = Path(os.environ["HELMSTACK_AWX"]).with_name(f"{name}.spec")
    if note.exists():
        spec, conditions = pickle.loads(note.read_bytes())  # it names functions
        return spec, conditions
    found = _asked(name)
    note.write_bytes(pickle.dumps(found))
    return found


def _asked(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    module = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{name}")
    api = importlib.import_module("ansible_collections.awx.awx.plugins.module_utils.controller_api")

    def take(argument_spec: dict[str, Any], **conditions: Any) -> None:
        raise Taken({**api.ControllerModule.AUTH_ARGSPEC, **argument_spec}, conditions)

    module.ControllerAPIModule = take
    try:
        module.main()
    except Taken as taken:
        return taken.args[0], {name: value for name, value in taken.args[1].items() if name in CONDITIONS}
    raise AssertionError(f"{name} makes no module")


class ActionModule(ActionBase):
    """One call of one module."""

    supports_raw_params = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        kind = self._task.action.rpartition(".")[2]
        spec, conditions = specification(kind)
        checked = ModuleArgumentSpecValidator(spec, **conditions).validate(json.loads(json.dumps(self._task.args)))
        if checked.error_messages or checked.unsupported_parameters:
            return {"failed": True, "msg": f"{kind}: {'; '.join(checked.error_messages)}"}
        file = Path(os.environ["HELMSTACK_AWX"])
        state = json.loads(file.read_text())
        result = self._handle(kind, checked.validated_parameters, state)
        file.write_text(json.dumps({each: objects for each, objects in state.items() if objects}))
        return result

    def _handle(self, kind: str, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        objects = state.setdefault(kind, {})
        name = arguments.get("name") or arguments["identifier"]
        found = objects.get(name)
        if found and arguments["state"] == "exists":
            return {"changed": False, "id": found["id"]}
        if "approval_node" in self._task.args and "success_nodes" in self._task.args:
            return {"failed": True, "msg": f"{kind} {name}: no success_nodes at the address of an approval"}
        if kind == "inventory" and arguments["kind"] is None:
            return {"failed": True, "msg": f"{kind} {name}: without kind a check always announces a change"}
        fields = {key: value for key, value in arguments.items() if value is not None and not key.startswith(NOT_KEPT)}
        for key, named in NAMED.items():
            for each in [fields[key]] if isinstance(fields.get(key), str) else fields.get(key, []):
                if each not in state.get(named, {}):
                    return {"failed": True, "msg": f"{kind} {name}: there is no {named} {each}"}
        if found and not arguments.get("update_secrets", True):
            fields["inputs"] = found["fields"].get("inputs")
        if found and {**found["fields"], **fields} == found["fields"]:
            return {"changed": False, "id": found["id"]}
        number = found["id"] if found else 1 + sum(len(each) for each in state.values())
        if not self._task.check_mode:
            objects[name] = {"id": number, "fields": {**(found["fields"] if found else {}), **fields}}
            return {"changed": True, "id": number}
        return {"changed": True, "id": number} if found else {"changed": True}

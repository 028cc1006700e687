# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's work in this process, with what AnsibleModule does before and after it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, Any

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

# Imported here although it is needed later: ansible-playbook loads this once, before it forks a worker for each host.
from ansible_collections.helmstack.core.plugins.module_utils import engine as _engine  # noqa: F401
from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle
from ansible_collections.helmstack.core.plugins.module_utils.module import Invocation, ModuleDefinition, perform
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack_tools import StackTools
from ansible_collections.helmstack.core.plugins.module_utils.workdir import private_folder

# Likewise: workers have nothing in common but what is there before.
_RENDERS = SharedTexts.new()


def run_in_process(
    definition: ModuleDefinition,
    args: Mapping[str, Any],
    *,
    folder: str,
    check_mode: bool,
    diff: bool,
    content: Bundle | None = None,
    shares: bool = False,
) -> dict[str, Any]:
    """The result of the module with these arguments, as it would come back from there.

    :arg folder: where temporary files go; only this user may enter it.
    :arg content: what would travel in a file beside the arguments.
    :arg shares: whether processes of other hosts work on the same task.
    """
    checked = ArgumentSpecValidator(**definition.spec.to_validate()).validate(args)
    if checked.error_messages:
        return {"failed": True, "msg": ", ".join(checked.error_messages), "invocation": {}}
    invocation = Invocation(
        checked.validated_parameters, args, folder, check_mode, diff, content, _RENDERS if shares else None
    )
    result = perform(definition, invocation)
    result["invocation"] = {"module_args": checked.validated_parameters}
    shown = remove_values(result, checked._no_log_values) if checked._no_log_values else dict(result)
    # booleans and None can be no secrets, but may be equal to one
    shown |= {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    # only what JSON knows comes back from a module
    plain: dict[str, Any] = json.loads(json.dumps(shown))
    return plain


def same_python(interpreter: str) -> bool:
    """Whether an interpreter is this one, by whatever name: ``bin/python`` and ``bin/python3`` of one environment are.

    The link's target alone is not enough: all virtual environments lead to the same program.
    """
    if interpreter == sys.executable:
        return True
    found = shutil.which(interpreter)
    return found is not None and _place(found) == _place(sys.executable)


def _place(path: str) -> tuple[str, str]:
    return os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.realpath(path)


def private_file(folder: str, write: Callable[[IO[bytes]], None]) -> str:
    """The path of a new file in ``folder`` that only this user can read."""
    handle, path = tempfile.mkstemp(prefix="helmstack-", dir=folder)
    try:
        with open(handle, "wb") as file:
            write(file)
    except BaseException:
        os.unlink(path)
        raise
    return path


def stack_tools(environ: Mapping[str, str], binary: str | None) -> StackTools:
    """What resolving a stack takes beside its files, in the controller's own temporary folder."""
    return StackTools(partial(private_folder, C.DEFAULT_LOCAL_TMP), environ, binary)

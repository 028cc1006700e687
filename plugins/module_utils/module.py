# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge of every module: a private folder, the stack, one way to succeed and one to fail.

All of module_utils is private to this collection and may change with any version; docs/architecture.md explains it.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.helmstack.core.plugins.module_utils import bundle, parents
from ansible_collections.helmstack.core.plugins.module_utils.argspec import ArgSpec, request, with_defaults
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError, Stopped
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.report import size
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import resolve
from ansible_collections.helmstack.core.plugins.module_utils.stack_tools import StackTools
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard, private_folder

LIBRARIES = {"yaml": "PyYAML", "jmespath": "jmespath", "kubernetes": "kubernetes"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Invocation:
    """What Ansible hands to a module.

    :arg params: the options, of their types and with their defaults.
    :arg given: those that the task sets, unconverted.
    :arg tmpdir: a folder for temporary files.
    :arg content: what the action plugin hands over, if it is in this process.
    :arg renders: what the processes of other hosts have rendered, if there are any.
    """

    params: Mapping[str, Any]
    given: Mapping[str, Any]
    tmpdir: str
    check_mode: bool
    diff: bool
    content: bundle.Bundle | None = None
    renders: SharedTexts | None = None


@dataclass(frozen=True)
class Call:
    """What a module's body works with: the stack, the options, and a folder of its own.

    :arg params: all options of ``argspec.py``, with their defaults; module_definitions.py makes typed objects of them.
    """

    stack: Stack
    params: Mapping[str, Any]
    handover: bundle.Handover
    workdir: str
    guard: Guard
    check_mode: bool
    diff: bool
    renders: SharedTexts | None = None


Resolved = Callable[[Mapping[str, Any], "tuple[str, ...]", StackTools], Stack]


def of_stack_files(given: Mapping[str, Any], secrets: tuple[str, ...], tools: StackTools) -> Stack:
    files = [os.path.abspath(file) for file in given.get("stack_files") or ["."]]
    asked = request(given, stack_files=files, groups=(), environ=os.environ, secrets=secrets)
    return resolve(asked, PlainFiles(), tools)


@dataclass(frozen=True)
class ModuleDefinition:
    """What one of the modules does.

    :arg resolved: makes the stack of the options if the files are on the target.
    :arg patient: the body lets the guard watch before it writes anything that may be secret.
    """

    spec: ArgSpec
    body: Callable[[Call], dict[str, Any]]
    resolved: Resolved = of_stack_files
    patient: bool = False


def run(definition: ModuleDefinition) -> None:
    """The whole of a module: from its arguments to its result."""
    module = AnsibleModule(**definition.spec.to_kwargs())
    invocation = Invocation(module.params, basic._load_params(), module.tmpdir, module.check_mode, module._diff)
    result = perform(definition, invocation)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def perform(definition: ModuleDefinition, invocation: Invocation) -> dict[str, Any]:
    """The module's result, or why it failed: resolves the stack or takes the controller's, then calls the body."""
    mask = Mask(())
    told: dict[str, Any] = {}
    draft: dict[str, Any] = {}
    try:
        with (
            _stoppable(),
            private_folder(invocation.tmpdir, *_leavings(invocation), patient=definition.patient) as (workdir, guard),
        ):
            _check_libraries()
            call = _with_secrets(definition.spec, _call(definition, invocation, workdir, guard))
            mask = _mask(call.stack)
            try:
                with _wanted(call):
                    result = _with_notes(call.stack, definition.body(call))
                    draft = {name: result.pop(name) for name in (bundle.DRAFT,) if name in result}
            finally:
                told = _told(call)
    except HelmstackError as error:
        known = getattr(error, "result", None) or {}
        return {**_returned(mask.data({**known, "msg": str(error), "failed": True}), invocation), **told}
    except Stopped as stop:
        known = {**stop.result, "msg": f"Stopped by {stop}. {stop.told}"}
        return {**_returned(mask.data({**known, "failed": True}), invocation), **told}
    return {**_returned(mask.data(result), invocation), **told, **draft}


def _with_notes(stack: Stack, result: dict[str, Any]) -> dict[str, Any]:
    """The result, with a warning if the task is about nothing at all."""
    if stack.targets != () or not stack.releases:
        return result
    count = len(stack.releases)
    note = f"the selector chooses none of the stack's releases ({count}), so there is nothing to do"
    return {**result, "warnings": [*result.get("warnings", ()), note]}


def _returned(result: dict[str, Any], invocation: Invocation) -> dict[str, Any]:
    """The result as users see it and, for a report, as it is."""
    if not invocation.params.get("report_file"):
        return _fitted(result, invocation)
    seen = result if invocation.diff else {key: value for key, value in result.items() if key != "diff"}
    return {**_fitted(seen, invocation), bundle.REPORT: result}


def _fitted(result: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    """The result in a size that AWX shows, with the options that Ansible adds to it."""
    return size.fitted(result, size.ROOM - len(str(invocation.params)))


def _with_secrets(spec: ArgSpec, call: Call) -> Call:
    """The call, which knows the options that are secret as secrets."""
    secrets = dict.fromkeys((*call.stack.secrets, *spec.secrets(call.params)))
    return replace(call, stack=replace(call.stack, secrets=tuple(secrets)))


def _told(call: Call) -> dict[str, Any]:
    """The lines of progress, if the controller may not be able to read their file."""
    path = call.handover.progress_file
    if path is None or not call.handover.progress_returned:
        return {}
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        os.unlink(path)
        return {bundle.PROGRESS: file.read().splitlines()}
    return {bundle.PROGRESS: []}


def _mask(stack: Stack) -> Mask:
    """Masks what came out of a vault."""
    return Mask(stack.secrets, stack.public_names)


def _call(definition: ModuleDefinition, invocation: Invocation, workdir: str, guard: Guard) -> Call:
    path = invocation.params["_bundle"]
    content = invocation.content or (bundle.read(path, workdir) if path else bundle.Bundle(None))
    params = {**invocation.params, **content.params}
    call = partial(
        Call,
        handover=content.handover,
        workdir=workdir,
        guard=guard,
        check_mode=invocation.check_mode,
        diff=invocation.diff,
        renders=invocation.renders,
    )
    if content.stack:
        return call(content.stack, params)
    raw = {key: value for key, value in invocation.given.items() if not key.startswith("_")}
    given = definition.spec.typed({**raw, **content.params})
    with StackTools(lambda: nullcontext((workdir, guard)), os.environ, params.get("binary_path")) as tools:
        stack = definition.resolved(given, content.secrets, tools)
    defaults = definition.spec.typed(with_defaults(definition.spec, given, stack.defaults, os.environ))
    return call(stack, {**params, **defaults, **content.params})


def _leavings(invocation: Invocation) -> list[str]:
    """The files that the controller made for this run alone."""
    return [invocation.params["_bundle"]] if invocation.params["_bundle"] else []


@contextmanager
def _stoppable() -> Iterator[None]:
    """Signals that end the process raise Stopped, so that the run can clean up."""
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wanted(call: Call) -> AbstractContextManager[object]:
    """Ends the work, as a signal does, when the caller's process is gone."""
    caller = call.handover.caller
    return parents.watched(caller.pid, output=caller.listens) if caller else nullcontext()


def _stop(number: int, frame: object) -> NoReturn:
    # a second signal must not interrupt the clean-up that the first one began
    for each in _SIGNALS:
        signal.signal(each, lambda number, frame: None)
    raise Stopped(signal.Signals(number).name)


def _check_libraries() -> None:
    for name, package in LIBRARIES.items():
        # not imported: kubernetes takes 0.2 s, and is needed for credential plugins only
        if importlib.util.find_spec(name) is None:
            raise InputError(missing_required_lib(package))

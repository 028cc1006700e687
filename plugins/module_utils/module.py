# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge of every module: a private folder, the stack, one way to succeed and one to fail."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.helmstack.core.plugins.module_utils import handover
from ansible_collections.helmstack.core.plugins.module_utils.argspec import ArgSpec, request, with_defaults
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.masking import Mask
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import resolve

LIBRARIES = {"yaml": "PyYAML", "jmespath": "jmespath", "kubernetes": "kubernetes"}


@dataclass(frozen=True)
class Call:
    """What a module's body works with: the stack, the options, and a folder of its own."""

    stack: Stack
    params: Mapping[str, Any]
    workdir: str


Resolved = Callable[[Mapping[str, Any], "tuple[str, ...]"], Stack]


class Stopped(BaseException):
    """The process was told to end; not an Exception, so that nothing takes it for a failure to recover from."""


def run(
    module: AnsibleModule, spec: ArgSpec, body: Callable[[Call], dict[str, Any]], resolved: Resolved | None = None
) -> None:
    """Resolve the stack or take it from the controller, call ``body``, and end the module with its result.

    :arg resolved: makes the stack of the options where the files lie on the target; None: of stack files.
    """
    mask = Mask(())
    told: dict[str, Any] = {}
    try:
        with _private_folder(module) as workdir:
            _check_libraries(module)
            call = _call(module, spec, workdir, resolved or _of_stack_files)
            mask = _mask(call.stack)
            try:
                result = body(call)
            finally:
                told = _told(call)
    except HelmstackError as error:
        known = getattr(error, "result", None) or {}
        module.fail_json(**{name: mask.data(value) for name, value in {**known, "msg": str(error)}.items()}, **told)
    except Stopped as stop:
        module.fail_json(msg=f"Stopped by {stop}; releases that were being changed may be unfinished", **told)
    module.exit_json(**{name: mask.data(value) for name, value in result.items()}, **told)


def _told(call: Call) -> dict[str, Any]:
    """The lines of progress, if the controller cannot read them itself."""
    path = call.params.get("_progress") or ""
    if not path.startswith(call.workdir):
        return {}
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return {handover.PROGRESS: file.read().splitlines()}
    return {}


def _mask(stack: Stack) -> Mask:
    """What came out of a vault, but for what stands in the open as a name."""
    names = {name for release in stack.releases for name in (release.name, release.namespace)}
    return Mask(stack.secrets, {*names, stack.name, stack.environment or ""})


def _call(module: AnsibleModule, spec: ArgSpec, workdir: str, resolved: Resolved) -> Call:
    bundle = module.params["_bundle"]
    content = handover.read(bundle, workdir) if bundle else handover.Handover(None)
    params = {**module.params, **content.params}
    if content.stack:
        return Call(content.stack, params, workdir)
    raw = {key: value for key, value in basic._load_params().items() if not key.startswith("_")}
    handed = {key: value for key, value in content.params.items() if not key.startswith("_")}
    given = spec.typed({**raw, **handed})
    stack = resolved(given, content.secrets)
    defaults = spec.typed(with_defaults(spec, given, stack.defaults, os.environ))
    return Call(stack, {**params, **defaults, **content.params}, workdir)


def _of_stack_files(given: Mapping[str, Any], secrets: tuple[str, ...]) -> Stack:
    files = [os.path.abspath(file) for file in given.get("stack_files") or ["."]]
    return resolve(request(given, stack_files=files, groups=(), environ=os.environ, secrets=secrets), PlainFiles())


@contextmanager
def _private_folder(module: AnsibleModule) -> Iterator[str]:
    """A folder that only this user can enter; it goes, and the controller's archive with it, however the run ends."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    folder = tempfile.mkdtemp(prefix="helmstack-", dir=module.tmpdir)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError, TypeError):
            os.unlink(module.params["_bundle"])


def _stop(number: int, frame: object) -> NoReturn:
    raise Stopped(signal.Signals(number).name)


def _check_libraries(module: AnsibleModule) -> None:
    for name, package in LIBRARIES.items():
        # not imported: kubernetes takes 0.2 s, and is needed for credential plugins only
        if importlib.util.find_spec(name) is None:
            module.fail_json(msg=missing_required_lib(package))

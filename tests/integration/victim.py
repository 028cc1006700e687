# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module helmstack as a process of its own, without ansible-playbook around it: to be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import ANSIBLE, HERE, Object, Workspace

from ansible_collections.helmstack.core.plugins.module_utils import bundle, module_definitions
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import run_in_process

_MAIN = """\
import sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.helmstack.core.plugins.modules import helmstack
helmstack.main()
"""
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(HERE.parents[1] / ".work" / "collections")


def here(workspace: Workspace, *, check: bool = False, **options: Any) -> Object:
    """The result of the module in this process, which is quicker; it must succeed."""
    args = {**arguments(workspace), **options}
    found = run_in_process(module_definitions.DEPLOY, args, folder=str(workspace.temp), check_mode=check, diff=True)
    assert not found.get("failed"), found["msg"]
    return found


def arguments(workspace: Workspace) -> Object:
    return {"stack_files": [str(workspace.root / "helmstack.yaml")], **workspace.connection}


class Victim:
    """One run of the module, in a session of its own, its temporary folder made as Ansible makes it.

    :arg packed: what Ansible's file with the module and its arguments holds.
    :arg wanted_by: what the action plugin says of itself.
    """

    _count = 0

    def __init__(
        self,
        workspace: Workspace,
        *,
        check: bool = False,
        packed: str = "",
        wanted_by: bundle.Caller | None = None,
        **options: Any,
    ) -> None:
        self.tmpdir = self._folder(workspace)
        self._packed = self.tmpdir / "AnsiballZ_helmstack.py"
        self._packed.write_text(packed)
        args = {
            **arguments(workspace),
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "_ansible_tmpdir": str(self.tmpdir),
            "_ansible_remote_tmp": str(workspace.remote_temp),
        }
        if wanted_by:
            args["_bundle"] = str(self.tmpdir / "helmstack.tar.gz")
            with open(args["_bundle"], "wb") as file:
                handed = bundle.Bundle(None, handover=bundle.Handover(wanted_by))
                bundle.write(file, handed, root="nowhere-at-all", texts={})
        self.process = subprocess.Popen(
            [f"{ANSIBLE}/python", "-c", _MAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=workspace.root,
            env={**workspace.environ({}), "PYTHONPATH": COLLECTIONS},
            start_new_session=True,
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": args}))
        self.process.stdin.close()
        self.process.stdin = None

    @classmethod
    def _folder(cls, workspace: Workspace) -> Path:
        cls._count += 1
        folder = workspace.remote_temp / f"ansible-tmp-{time.time()}-{os.getpid()}-{cls._count}"
        folder.mkdir(mode=0o700)
        return folder

    def result(self, seconds: float = 120.0) -> Object:
        """What the module ended with; its temporary folder goes then, as with Ansible."""
        out, err = self.process.communicate(timeout=seconds)
        try:
            found: Object = json.loads(out)
        except ValueError:
            raise AssertionError(f"the module ended with {self.process.returncode}\n{out}\n{err}") from None
        self._packed.unlink(missing_ok=True)
        with suppress(OSError):
            self.tmpdir.rmdir()
        return found

    def done(self) -> Object:
        """The result of a run that must succeed."""
        found = self.result()
        assert not found.get("failed"), found["msg"]
        return found

    def wait(self, seconds: float = 60.0) -> int:
        """Waits for the end of a run that nobody listens to, and of all that it started."""
        code = self.process.wait(seconds)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return code

    def helms(self) -> list[int]:
        """The helm processes that it has started."""
        return [pid for pid in descendants(self.process.pid) if _command(pid).startswith(b"helm")]

    def kill(self, what: str = "module") -> None:
        """SIGKILL: of ``helm``, of the ``module`` alone, or of ``all`` at once, as when a container ends."""
        with suppress(ProcessLookupError):
            if what == "helm":
                for pid in self.helms():
                    os.kill(pid, signal.SIGKILL)
            elif what == "module":
                self.process.kill()
            else:
                kill_all(self.process.pid)


def kill_all(pid: int) -> None:
    """SIGKILL of a process and all below it."""
    os.kill(pid, signal.SIGSTOP)  # it shall not see the others die
    for each in (*descendants(pid), pid):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """All processes below one, by Linux' own list."""
    return [each for child in _children(pid) for each in (child, *descendants(child))]


def _children(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, file.read_text().split())


def _command(pid: int) -> bytes:
    """The name of a process' program."""
    try:
        return Path(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()).name.encode()
    except OSError:
        return b""


def at_rest(workspace: Workspace, seconds: float = 90.0) -> None:
    """Waits until no process is at work in the workspace's folders."""
    deadline = time.monotonic() + seconds
    while alive := living(workspace):
        assert time.monotonic() < deadline, f"still at work: {alive}"
        time.sleep(0.1)


def living(workspace: Workspace) -> list[str]:
    """The command lines of processes that work in the workspace's folders."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(workspace.remote_temp).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def lease_path(workspace: Workspace) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/default/leases/helmstack-{workspace.prefix}-none"


def lease(workspace: Workspace) -> Object:
    return workspace.api.find(lease_path(workspace))


def let_the_lease_expire(workspace: Workspace) -> None:
    """Half a minute later."""
    if lease(workspace):
        workspace.api.patch(lease_path(workspace), {"spec": {"leaseDurationSeconds": 1}})
        time.sleep(1.1)

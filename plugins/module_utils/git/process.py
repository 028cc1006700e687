# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that starts git: argument lists, an environment of its own, no hooks, no settings of the user's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

_TIMEOUT = 900.0  # seconds for one command
_GRACE = 5.0
# Neither settings nor hooks of anybody: what the repository brings is data.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.autocrlf": "false",
    "advice.detachedHead": "false",
    "credential.helper": "",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
    "protocol.version": "2",
}
# Of the environment, what decides how the network is reached.
_KEPT = frozenset(("GIT_SSL_CAINFO", "GIT_SSL_CAPATH"))


class GitError(HelmstackError):
    """Git is missing or has failed; ``words`` is what it said."""

    def __init__(self, what: str, words: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.words = words


class Git:
    """The program git; may be called from several threads at once.

    :arg home: a private folder of the run: git's HOME, so that no login of the user's is read.
    :arg guard: looks after the processes if this one is killed.
    """

    def __init__(self, home: str, guard: Guard | None = None, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._guard = guard
        self._environ = environment(os.environ if environ is None else environ, home)
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self.fetches = 0

    def run(
        self,
        arguments: Sequence[str],
        *,
        settings: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> str:
        """What git prints.

        :arg settings: configuration for this command alone; it becomes arguments, so nothing secret may be in it.
        :raises GitError: it is missing, or it ended with another exit code than 0.
        """
        options = [
            part for name, value in {**_SETTINGS, **(settings or {})}.items() for part in ("-c", f"{name}={value}")
        ]
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        argv = [self._binary(), *options, *arguments]
        if self._guard:
            self._guard.watch()
        with tempfile.TemporaryFile(dir=self.home) as out, tempfile.TemporaryFile(dir=self.home) as err:
            code = self._start(argv, {**self._environ, **(environ or {})}, out, err)
            if code:
                words = _words(_text(err))
                raise GitError(f"git {arguments[0]} ended with exit code {code}: {words}", words)
            return _text(out)

    def terminate_all(self) -> None:
        """Ends every running git, and lets none begin."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def _binary(self) -> str:
        path = self._environ.get("PATH", "")
        found = shutil.which("git", path=path)
        if found is None:
            raise GitError(
                f"the program 'git' is not found in PATH ({path})",
                hint="Install git where charts and stacks are fetched",
            )
        return found

    def _start(self, argv: Sequence[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes]) -> int:
        with self._lock:
            if self._ended:
                raise GitError("the run was stopped before git could begin")
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environ,
                cwd=self.home,
                start_new_session=True,
            )
            self._running.add(process)
        with self._watched(process):
            try:
                return process.wait(_TIMEOUT)
            except BaseException as error:
                _end(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise GitError(f"git did not end within {_TIMEOUT:.0f} s and was stopped") from None
                raise

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        if self._guard:
            self._guard.begins(process.pid, heeds=True)
        try:
            yield
        finally:
            if self._guard:
                self._guard.ends(process.pid)
            with self._lock:
                self._running.discard(process)


def environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """The environment of a git process: none of git's settings, no prompt, and messages in English."""
    ours = {
        name: value
        for name, value in environ.items()
        if name in _KEPT or not name.startswith(("GIT_", "SSH_ASKPASS", "XDG_", "LC_", "LANG"))
    }
    return {
        **ours,
        "HOME": home,  # for .netrc, too
        "XDG_CONFIG_HOME": home,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CEILING_DIRECTORIES": os.path.dirname(home),
        "GIT_ALLOW_PROTOCOL": "none",  # who starts git for a repository names its transport
        "LC_ALL": "C",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """With its helpers, which are of its session."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            return


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _words(stderr: str) -> str:
    """Why git failed, without its progress and advice."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("warning: ", "hint: ", "remote: ", "From "))]
    return without_credentials("\n".join(kept or lines))

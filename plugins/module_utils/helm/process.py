# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts helm and ends it: no process outlives its time, and an interrupted one records what it has done."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

FILE_LIMIT = 900.0  # seconds for what does not wait for a cluster
_GRACE = 30.0  # seconds that an interrupted helm gets to record what it did
_POLLED = 2_000_000.0  # seconds: poll(2) takes its milliseconds as an int
_HEEDLESS = ("rollback", "uninstall")  # an interrupt kills these at once, so they shall come to their end


class Interrupt:
    """Ends one helm process from another thread; helm gets the chance to record what became of its release."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    def __call__(self) -> None:
        with self._lock:
            self._asked = True
            self._signal()

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """Sets the process; ends it at once if the run must end already."""
        with self._lock:
            self._process = process
            self._signal()

    def _signal(self) -> None:
        if self._asked and self._process:
            self._process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class Answer:
    """What a helm process has said, and its exit code (negative: a signal's)."""

    code: int
    out: str
    err: str


class Processes:
    """The helm processes of one binary; may be used from several threads at once.

    :arg folder: where they run and keep what they print.
    :arg guard: looks after the processes if this one is killed.
    """

    def __init__(self, folder: str, environ: Mapping[str, str], guard: Guard | None) -> None:
        self._folder = folder
        self._environ = environ
        self._guard = guard
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen[bytes], bool] = {}  # whether it handles an interrupt
        self._started = 0

    @property
    def started(self) -> int:
        """How many have been started so far."""
        with self._lock:
            return self._started

    def run(self, argv: Sequence[str], limit: float, interrupt: Interrupt | None, environ: Mapping[str, str]) -> Answer:
        """Runs a process to its end.

        :arg argv: the program's path, helm's command, and its arguments.
        :arg limit: seconds after which it is ended.
        :raises HelmError: it was ended.
        """
        folder = self._folder
        if self._guard:
            self._guard.watch()
        # not pipes: helm would die of what it cannot write when this process is killed, instead of finishing its work
        with tempfile.TemporaryFile(dir=folder) as out, tempfile.TemporaryFile(dir=folder) as err:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**self._environ, **environ},
                cwd=folder,
                start_new_session=True,  # signals to our group are ours to pass on, each helm in its own way
            )
            with self._watched(process, heeds=argv[1] not in _HEEDLESS) as heeds:
                if interrupt:
                    interrupt.attach(process)
                _finish(process, limit, heeds=heeds)
            return Answer(process.returncode, _text(out), _text(err))

    def terminate_all(self) -> None:
        """Ends every running helm, which gets the chance to record what became of its release."""
        with self._lock:
            running = dict(self._running)
        for process, heeds in running.items():
            if heeds:
                process.send_signal(signal.SIGINT)
            last = threading.Timer(_GRACE, process.kill)
            last.daemon = True
            last.start()

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen[bytes], *, heeds: bool) -> Iterator[bool]:
        with self._lock:
            self._started += 1
            self._running[process] = heeds
        if self._guard:
            self._guard.begins(process.pid, heeds=heeds)
        try:
            yield heeds
        finally:
            if self._guard:
                self._guard.ends(process.pid)
            with self._lock:
                del self._running[process]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _finish(process: subprocess.Popen[bytes], guard: float, *, heeds: bool) -> None:
    try:
        _wait(process, guard)
    except BaseException as error:
        late = isinstance(error, subprocess.TimeoutExpired)
        if heeds or late:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if late:
            raise HelmError(f"helm did not end within {guard:.0f} s and was stopped") from None
        raise


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Returns as soon as a process has ended; Popen.wait would look for that every 50 ms, half a helm's time.

    :raises subprocess.TimeoutExpired: it has not ended in time.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # no Linux, or an old one
        process.wait(seconds)
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(min(seconds, _POLLED) * 1000):
            raise subprocess.TimeoutExpired(process.args, seconds)
    finally:
        os.close(handle)
    process.wait()


def limit(timeout: int) -> float:
    """Helm's --timeout is for each hook and each wait, so a whole command may rightly take several times as long."""
    return 10.0 * timeout + 300.0

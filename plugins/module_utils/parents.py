# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notices that the caller is gone: ansible-playbook was killed, or its connection broke.

ansible-core's workers have sessions of their own, and sshd does not end what it has started, so no signal arrives.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_EVERY = 1.0  # seconds between two looks
_STDOUT = 1
Chain = dict[int, int]  # processes, with the parent of each


@contextmanager
def watched(
    last: int | None, *, output: bool = False, gone: Callable[[], None] | None = None
) -> Iterator[threading.Event]:
    """Ends this process by SIGTERM as soon as one of the processes above it has ended; gives the sign that it was so.

    :arg last: the highest one whose parent counts; None, or one that is not above: the leader of this session.
    :arg output: whether a standard output without a reader also counts.
    :arg gone: what to do instead.
    """
    above, ended, orphaned = chain(last), threading.Event(), threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY):
            if broken(above) or (output and unheard(_STDOUT)):
                orphaned.set()
                (gone or stop)()
                return

    thread = threading.Thread(target=watch, name="helmstack parents", daemon=True)
    thread.start()
    try:
        yield orphaned
    finally:
        ended.set()
        thread.join()


def stop() -> None:
    """SIGTERM to this process; its main thread handles it."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def stop_all() -> None:
    """SIGTERM to what this process has started, such as a client of ssh, and to itself."""
    for child in _children():
        with suppress(OSError):
            os.kill(child, signal.SIGTERM)
    stop()


def chain(last: int | None) -> Chain:
    """This process and those above it up to the last one that counts."""
    every: list[tuple[int, int, int]] = []  # pid, parent, session
    pid = os.getpid()
    while pid > 1 and len(every) < 64:
        about = _about(pid)
        if about is None:
            break
        every.append((pid, *about))
        if pid == last:
            break
        pid = about[0]
    if not every:  # no Linux, or nothing to be seen there
        return {os.getpid(): os.getppid()}
    pids = [item[0] for item in every]
    if last in pids:
        return {pid: parent for pid, parent, dummy in every[: pids.index(last) + 1]}
    return {pid: parent for pid, parent, session in every if session == every[0][2]}


def broken(above: Chain) -> bool:
    """Whether one of the processes has another parent by now, as its own has ended."""
    own = os.getpid()
    if above.get(own, os.getppid()) != os.getppid():
        return True
    for pid, parent in above.items():
        about = _about(pid) if pid != own else (parent, 0)
        if about is not None and about[0] != parent:
            return True
    return False


def unheard(output: int) -> bool:
    """Whether a file descriptor is a pipe or a socket without a reader."""
    poll = select.poll()
    poll.register(output, 0)  # errors are always reported
    try:
        return any(state & (select.POLLERR | select.POLLHUP) for _output, state in poll.poll(0))
    except OSError:
        return False


def _about(pid: int) -> tuple[int, int] | None:
    """A process' parent and session, as Linux reports them; None: it has ended, or this is another system."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # its name, in brackets, may hold anything
            fields = file.read().rpartition(")")[2].split()
        return int(fields[1]), int(fields[3])
    except (OSError, ValueError, IndexError):
        return None


def _children() -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{thread}/children", encoding="utf-8") as file:
                found += map(int, file.read().split())
    return found

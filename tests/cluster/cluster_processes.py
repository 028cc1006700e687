"""Starts programs that outlive their caller, knows them again by a pid file, and ends them.

A pid alone may by now belong to someone else's process: a pid file therefore also holds when its process started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path


def spawn(argv: Sequence[str], log: Path, pid_file: Path) -> None:
    """Starts a program in a session of its own, with its output in the log, and writes its pid file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600)]
    # Not subprocess.Popen: that object warns when it is dropped while its process lives on, which is the point here.
    pid = os.posix_spawn(
        argv[0], list(argv), os.environ, file_actions=[*files, (os.POSIX_SPAWN_DUP2, 1, 2)], setsid=True
    )
    pid_file.write_text(f"{pid} {_started(pid)}\n", encoding="utf-8")


def running(pid_file: Path) -> int | None:
    """The pid of the process that this pid file stands for, or None when it is gone."""
    try:
        pid, started = pid_file.read_text(encoding="utf-8").strip().split(" ", 1)
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if started and _started(int(pid)) == started else None


def end(pid_files: Sequence[Path], seconds: float = 10.0) -> None:
    """Kills the processes at once, as nothing of theirs is kept, and waits until they are gone."""
    for pid_file in pid_files:
        pid = running(pid_file)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(running(pid_file) is not None for pid_file in pid_files):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Processes do not end: {', '.join(file.stem for file in pid_files if running(file))}")
        time.sleep(0.01)


def free_ports(count: int) -> list[int]:
    """Distinct ports of the loopback interface that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [int(free.getsockname()[1]) for free in sockets]


def _started(pid: int) -> str:
    """When the process started, in the system's own words; empty if it is gone."""
    # A child of this very process that has ended stays as a zombie until it is waited for.
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return ""
    try:
        # The second field is the program's name in parentheses and may hold spaces; state is field 3, starttime 22.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    return "" if fields[0] == "X" or (fields[0] == "Z" and not _is_child(fields)) else fields[19]


def _is_child(fields: list[str]) -> bool:
    """Whether this process is the parent, which then still has to wait for it."""
    return int(fields[1]) == os.getpid()


def _started_by_ps(pid: int) -> str:
    """For systems without /proc."""
    argv = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private folder of a run. It holds secrets, so it is removed however the run ends.

By itself; after a SIGKILL by a guard of its own session; and where that was killed too, by the next run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from ansible_collections.helmstack.core.plugins.module_utils.errors import Stopped

PREFIX = "helmstack-"
_YOUNG = 10.0  # seconds; a folder may be that old before its owner has locked it
_UNCLAIMED = 3600.0  # seconds; a file for a run that never began, or has not yet
_MODULE = "AnsiballZ_helm"
_LOOSE = (PREFIX, "helmstack.tar.gz", _MODULE)

# Its lines say which helm processes run: those that heed an interrupt, a slash, those that must not be interrupted.
# "bye" is the end of a run that has cleaned up itself.
_GUARD = """\
trap '' INT TERM HUP
while IFS=/ read -r heed rest; do
  [ "$heed" = bye ] && exit
  interrupted=$heed others=$rest
done
[ -z "$interrupted" ] || kill -INT $interrupted
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  alive=
  for helm in $interrupted $others; do kill -0 $helm && alive=yes; done
  [ -n "$alive" ] || break
  sleep 1
done
[ -z "$alive" ] || kill -KILL $interrupted $others
rm -rf -- "$@"
"""


class Guard:
    """A process that survives a SIGKILL of this one: it then ends the run's helm processes and removes its files.

    It starts when there is something to look after, which a run that changes nothing seldom has.

    :arg paths: what it removes.
    """

    def __init__(self, *paths: str) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, bool] = {}
        self._paths = paths
        self._process: subprocess.Popen[bytes] | None = None
        self._later: dict[str, str] = {}

    def watch(self) -> None:
        """Begins to watch: before a process starts, and before something is written that may be secret."""
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    ["/bin/sh", "-c", _GUARD, "helmstack-guard", *self._paths],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
            while self._later:
                write_private(*self._later.popitem())

    def keep(self, path: str, text: str) -> None:
        """A file that processes read: it is written, for this user alone, when it is watched over."""
        with self._lock:
            if self._process is None:
                self._later[path] = text
            else:
                write_private(path, text)

    def begins(self, pid: int, *, heeds: bool) -> None:
        """A helm process runs now.

        :arg heeds: after an interrupt it records in its release how it ended.
        """
        with self._lock:
            self._running[pid] = heeds
            self._tell_running()

    def ends(self, pid: int) -> None:
        """A helm process has ended."""
        with self._lock:
            self._running.pop(pid, None)
            self._tell_running()

    def end(self) -> None:
        """Ends the guard: there is nothing left to do for it."""
        if self._process is None:
            return
        with self._lock:
            self._tell("bye")
            if self._process.stdin:
                self._process.stdin.close()
        self._process.wait()

    def _tell_running(self) -> None:
        kinds = ([str(pid) for pid, heeds in self._running.items() if heeds == kind] for kind in (True, False))
        self._tell("/".join(" ".join(pids) for pids in kinds))

    def _tell(self, line: str) -> None:
        # if somebody has killed the guard, the next run only has more to do
        with suppress(OSError):
            if self._process and self._process.stdin:
                os.write(self._process.stdin.fileno(), f"{line}\n".encode())


@contextmanager
def private_folder(tmpdir: str, *beside: str, patient: bool = False) -> Iterator[tuple[str, Guard]]:
    """A new folder in ``tmpdir`` that only this user can enter, and its guard.

    :arg beside: files that go with it.
    :arg patient: whoever uses it lets the guard watch before it writes anything that may be secret.
    """
    sweep(os.path.dirname(os.path.abspath(tmpdir)))
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=tmpdir)
    module = _beginning(tmpdir, _MODULE)  # with the options in it; Ansible removes it if it is alive to do so
    guard = Guard(folder, *beside, *module)
    if beside or module or not patient:
        guard.watch()
    handle = os.open(folder, os.O_RDONLY)
    leavings = list(beside)
    try:
        # the kernel releases the lock when this process dies
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder, guard
    except Stopped:
        leavings += module
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _remove(leavings)
        os.close(handle)
        guard.end()


def sweep(parent: str, now: float | None = None) -> None:
    """Removes what dead runs have left in Ansible's temporary folders: those of one user, and only files of ours."""
    for folder in _beginning(parent, "ansible-"):
        with suppress(OSError):
            _sweep(folder, time.time() if now is None else now)


def _sweep(folder: str, now: float) -> None:
    about = os.lstat(folder)
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return
    rooms = [path for path in _beginning(folder, PREFIX) if stat.S_ISDIR(os.lstat(path).st_mode)]
    dead = [path for path in rooms if _is_dead(path, now)]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    if len(dead) < len(rooms) or not (dead or now - about.st_mtime > _UNCLAIMED):
        return
    loose = _beginning(folder, *_LOOSE)
    _remove(loose)
    # the controller's own folder serves further tasks
    if (dead or loose) and not os.path.basename(folder).startswith("ansible-local-"):
        with suppress(OSError):
            os.rmdir(folder)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)


def _beginning(folder: str, *names: str) -> list[str]:
    """What there is in a folder whose name begins like one of these."""
    # glob would compile an expression for each pattern, anew in each of Ansible's workers
    try:
        with os.scandir(folder) as found:
            return [entry.path for entry in found if entry.name.startswith(names)]
    except OSError:
        return []


def _is_dead(folder: str, now: float) -> bool:
    """Whether no living process holds the folder's lock."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        about = os.fstat(handle)
        if about.st_uid != os.geteuid() or now - about.st_mtime < _YOUNG:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def write_private(path: str, text: str) -> None:
    """Writes a file for this user alone, in the place of any that is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def cache_folder(environ: Mapping[str, str]) -> str:
    """The folder that is kept between runs: charts, git content, and the version of each helm binary."""
    base = environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "helmstack")

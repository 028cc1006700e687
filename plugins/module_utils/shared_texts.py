# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that forked processes share: each is made by one of them, and read by the others.

They may hold secrets, so they are in memory alone: memfd_create(2) makes a file without a name, which ends with the
last process that has it open.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_LIMIT = 256 * 1024 * 1024  # bytes; what comes after is made by each process
_PATIENCE = 60.0  # seconds to wait for another process that makes a text
_PAUSE = 0.01
_RECORD = struct.Struct("=32sq")  # a key and the length of its text, which follows
_SIZE = struct.Struct("=q")  # at the beginning: how many bytes after it are complete
_APPENDING, _KEYS = 1 << 40, 1 << 41  # places that are locked, beyond all content
_SLOTS = 1 << 20


class SharedTexts:
    """A log of texts by key, in memory. Its methods may be called from several processes and threads at once."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._found: dict[bytes, tuple[int, int]] = {}  # offset and length
        self._read = 0

    @classmethod
    def new(cls) -> SharedTexts | None:
        """For this process and all that are forked from it; None where the system has no such files."""
        if not hasattr(os, "memfd_create") or not hasattr(fcntl, "F_OFD_SETLK"):
            return None
        try:
            shared = cls(os.memfd_create("helmstack"))
            with shared._held(_APPENDING):
                return shared
        except OSError:  # there is no /proc, or the system forbids it
            return None

    def get(self, key: str, make: Callable[[], str]) -> str:
        """The text of a key. ``make`` is called if no process has made it; what it raises, it raises here alone."""
        name = hashlib.sha256(key.encode()).digest()
        known = self._known(name)
        if known is not None:
            return known
        with self._held(_KEYS + int.from_bytes(name[:4], "big") % _SLOTS):
            known = self._known(name)
            if known is None:
                known = make()
                self._append(name, known.encode())
            return known

    def _known(self, name: bytes) -> str | None:
        with self._lock:
            self._read_on()
            place = self._found.get(name)
        return os.pread(self._file, place[1], place[0]).decode() if place else None

    def _read_on(self) -> None:
        """Takes note of what other processes have added."""
        complete = self._complete()
        while self._read < complete:
            begin = _SIZE.size + self._read
            name, length = _RECORD.unpack(os.pread(self._file, _RECORD.size, begin))
            self._found[name] = (begin + _RECORD.size, length)
            self._read += _RECORD.size + length

    def _complete(self) -> int:
        head = os.pread(self._file, _SIZE.size, 0)
        return int(_SIZE.unpack(head)[0]) if head else 0

    def _append(self, name: bytes, text: bytes) -> None:
        with self._held(_APPENDING):
            begin, record = self._complete(), _RECORD.pack(name, len(text)) + text
            if begin + len(record) <= _LIMIT:
                with suppress(OSError):  # there is no memory left for it
                    _write(self._file, record, _SIZE.size + begin)
                    # only now it counts: a process that is killed before leaves nothing behind
                    _write(self._file, _SIZE.pack(begin + len(record)), 0)

    @contextmanager
    def _held(self, place: int) -> Iterator[None]:
        """Holds a place alone, among threads as well as processes; gives up waiting in the end."""
        # an open file description of its own, which the lock belongs to; it ends with it
        own = os.open(f"/proc/self/fd/{self._file}", os.O_RDWR | os.O_CLOEXEC)
        try:
            _wait_for(own, place)
            yield
        finally:
            os.close(own)


def _write(file: int, content: bytes, place: int) -> None:
    while content:
        count = os.pwrite(file, content, place)
        content, place = content[count:], place + count


def _wait_for(file: int, place: int) -> None:
    wanted = struct.pack("@hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)  # struct flock of fcntl(2)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, wanted)
        except (BlockingIOError, PermissionError):
            time.sleep(_PAUSE)
        else:
            return

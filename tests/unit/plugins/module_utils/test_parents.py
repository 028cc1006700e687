# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that nobody wants any more notices it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import parents

linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells of other processes")
_PROGRAM = """\
import os, sys, time
from ansible_collections.helmstack.core.plugins.module_utils import parents
with parents.watched({last}):
    open({file!r}, "w").write(str(os.getpid()))
    time.sleep(60)
"""


@linux
def test_the_chain_ends_where_it_is_told_or_at_the_leader_of_the_session() -> None:
    own, parent = os.getpid(), os.getppid()
    assert parents.chain(own) == {own: parent}
    assert list(parents.chain(parent))[:2] == [own, parent]
    whole = parents.chain(None)
    assert {os.getsid(pid) for pid in whole} == {os.getsid(0)}
    assert not parents.broken(whole)
    assert parents.broken({**whole, own: 1})


@linux
@pytest.mark.parametrize("killed", ["parent", "grandparent"])
def test_a_process_ends_when_one_above_it_has_gone(tmp_path: Path, killed: str) -> None:
    file = tmp_path / "pid"
    program = _PROGRAM.format(last=None, file=str(file))
    # a shell in a session of its own, a shell below it, and the process
    words = ["/bin/sh", "-c", '/bin/sh -c "\\"\\$@\\"; true" sh "$@"; true', "sh", sys.executable, "-c", program]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    top = subprocess.Popen(words, env=env, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pid = int(file.read_text())
        os.kill(top.pid if killed == "grandparent" else _parent(pid), signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}") and _state(pid) != "Z":
            assert time.monotonic() < deadline, "it goes on"
            time.sleep(0.05)
    finally:
        top.kill()
        top.wait()


def test_what_is_to_be_done_instead_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parents, "_EVERY", 0.01)
    monkeypatch.setattr(parents, "broken", lambda above: True)
    seen = threading.Event()
    with parents.watched(None, gone=seen.set) as orphaned:
        assert seen.wait(10)
    assert orphaned.is_set()


def test_a_pipe_that_nobody_reads_is_known() -> None:
    reader, writer = os.pipe()
    try:
        assert not parents.unheard(writer)
        os.close(reader)
        assert parents.unheard(writer)
    finally:
        os.close(writer)
    with open(os.devnull, "w", encoding="utf-8") as file:
        assert not parents.unheard(file.fileno())


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the end of a helm process is awaited, where the system tells it and where it must be looked for."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.helm.process import Interrupt, Processes


@pytest.fixture(params=["told", "old system", "no Linux"])
def processes(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    def unknown(_pid: int) -> int:
        raise OSError("not implemented")

    if request.param == "old system":
        monkeypatch.setattr(os, "pidfd_open", unknown, raising=False)
    elif request.param == "no Linux":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    return Processes(str(tmp_path), {"PATH": "/usr/bin:/bin"}, None)


def test_a_process_ends_with_its_code_and_what_it_has_said(processes: Processes) -> None:
    answer = processes.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 60.0, None, {})
    assert (answer.code, answer.out, answer.err) == (3, "out\n", "err\n")


def test_a_process_that_does_not_end_in_time_is_stopped(processes: Processes) -> None:
    with pytest.raises(HelmError, match="helm did not end within 0 s and was stopped"):
        processes.run(["/bin/sh", "-c", "exec sleep 60"], 0.2, None, {})


def test_an_interrupt_ends_a_process_that_is_awaited(processes: Processes) -> None:
    interrupt = Interrupt()
    threading.Timer(0.2, interrupt).start()
    assert processes.run(["/bin/sh", "-c", "exec sleep 60"], 60.0, interrupt, {}).code == -signal.SIGINT


def test_no_file_stays_open(processes: Processes) -> None:
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    processes.run(["/bin/sh", "-c", "true"], 60.0, None, {})
    after = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    assert len(after) == len(before)


def test_a_process_may_have_a_month(processes: Processes) -> None:
    assert processes.run(["/bin/sh", "-c", "true"], 31 * 86400.0, None, {}).code == 0

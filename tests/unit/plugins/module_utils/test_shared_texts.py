# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What forked processes share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import shared_texts
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts

KEYS = [f"release {number}" for number in range(12)]


@pytest.fixture
def texts() -> SharedTexts:
    shared = SharedTexts.new()
    if shared is None:
        pytest.skip("this system has no memfd_create or no locks of open files")
    return shared


def forked(work: Callable[[], None]) -> int:
    """The process that does it; its status is 0 if it did not raise."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return pid


def ended(pids: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_each_text_is_made_once_by_all_processes_and_threads_together(texts: SharedTexts, tmp_path: Path) -> None:
    log = tmp_path / "made"

    def make(key: str) -> str:
        time.sleep(0.02)
        with log.open("a") as file:
            file.write(f"{key}\n")
        return f"{key} é" * 3000

    def work() -> None:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda key: texts.get(key, lambda: make(key)), KEYS))
        assert found == [f"{key} é" * 3000 for key in KEYS]

    assert ended([forked(work) for _process in range(5)]) == [0] * 5
    assert sorted(log.read_text().splitlines()) == sorted(KEYS)
    assert texts.get(KEYS[0], lambda: "another") == f"{KEYS[0]} é" * 3000


def test_what_fails_is_tried_again_by_the_next(texts: SharedTexts) -> None:
    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        texts.get("key", fail)
    assert texts.get("key", lambda: "made") == "made"
    assert texts.get("key", fail) == "made"


def test_a_process_that_is_killed_while_it_makes_a_text_holds_nobody_up(texts: SharedTexts) -> None:
    begun, begins = os.pipe()

    def hang() -> str:
        os.write(begins, b"x")
        time.sleep(60)
        return "never"

    pid = forked(lambda: str(texts.get("key", hang)) and None)
    assert os.read(begun, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    began = time.monotonic()
    assert texts.get("key", lambda: "made") == "made"
    assert time.monotonic() - began < 30


def test_what_does_not_fit_is_made_by_each(texts: SharedTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_LIMIT", 1000)
    assert texts.get("small", lambda: "a" * 100) == "a" * 100
    assert texts.get("large", lambda: "b" * 1000) == "b" * 1000
    assert texts.get("large", lambda: "c") == "c"
    assert texts.get("small", lambda: "d") == "a" * 100


def test_nobody_is_waited_for_without_end(texts: SharedTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_PATIENCE", 0.1)
    assert texts.get("key", lambda: texts.get("key", lambda: "inner") + " outer") == "inner outer"
    assert texts.get("key", lambda: "") in ("inner", "inner outer")


def test_a_system_without_such_files_shares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert SharedTexts.new() is None

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of progress as they are appended, and helm-spray's table."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils import progress
from ansible_collections.helmstack.core.plugins.plugin_utils.progress import Remote, followed, tables


def _append(path: str, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def _until(shown: list[str], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(shown) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_lines_are_shown_while_the_file_grows_and_only_when_they_are_whole(tmp_path: Path) -> None:
    shown: list[str] = []
    with followed(str(tmp_path), shown.append) as path:
        _append(path, b"one\ntw")
        _until(shown, 1)
        assert shown == ["one"]
        _append(path, "o ✓\n".encode())
        _until(shown, 2)
        assert shown == ["one", "two ✓"]


def test_what_comes_last_is_shown_and_neither_thread_nor_file_is_left(tmp_path: Path) -> None:
    shown: list[str] = []
    before = threading.active_count()
    with followed(str(tmp_path), shown.append) as path:
        _append(path, b"last\n")
    assert shown == ["last"]
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_neither_thread_nor_file(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="module"), followed(str(tmp_path), print):
        raise RuntimeError("module")
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_private(tmp_path: Path) -> None:
    with followed(str(tmp_path), print) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


class Target:
    """A target whose shell is this machine's, over which commands go."""

    def __init__(self) -> None:
        self.commands = 0

    def execute(self, command: str) -> tuple[int, str]:
        self.commands += 1
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
        # as a terminal and a become plugin would have it
        return done.returncode, "a greeting\n" + done.stdout.replace("\n", "\r\n")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST", 0.0)


@pytest.mark.usefixtures("at_once")
def test_lines_on_a_target_are_shown_as_they_come_and_each_once() -> None:
    shown: list[str] = []
    target = Target()
    with Remote(lambda: target.execute, shown.append) as remote:
        _append(remote.path, b"one\n")
        _until(shown, 1)
        _append(remote.path, "two\nthree ✓\n".encode())
        _until(shown, 3)
        assert shown == ["one", "two", "three ✓"]
        os.unlink(remote.path)
    remote.show_rest(["one", "two", "three ✓", "four"])
    assert shown == ["one", "two", "three ✓", "four"]
    assert target.commands < 6


@pytest.mark.usefixtures("at_once")
def test_without_another_connection_the_lines_come_at_the_end() -> None:
    shown: list[str] = []

    def none() -> Any:
        raise RuntimeError("one session only")

    with Remote(none, shown.append) as remote:
        pass
    assert shown == []
    remote.show_rest(["one", "two"])
    assert shown == ["one", "two"]


def test_a_short_run_opens_no_other_connection() -> None:
    target = Target()
    began = time.monotonic()
    with Remote(lambda: target.execute, print):
        time.sleep(0.1)
    assert target.commands == 0
    assert time.monotonic() - began < 1


def _row(**given: Any) -> dict[str, Any]:
    row = {
        "umbrella": "web/shop",
        "sub_chart": "svc",
        "alias": None,
        "targeted": True,
        "why": "targeted",
        "weight": 0,
        "release": "svc",
        "action": "upgrade",
        "revision": {"from": 3, "to": 4},
        "status": "deployed",
    }
    return {**row, **given}


def test_a_table_has_a_line_for_each_sub_chart() -> None:
    rows = [
        _row(),
        _row(
            alias="api",
            targeted=False,
            why="excluded",
            weight=10,
            release="blue-api",
            action="skip",
            revision={"from": None, "to": None},
            status=None,
        ),
    ]
    assert list(tables(rows)) == [
        "web/shop:",
        "SUB-CHART  ALIAS  TARGETED  WEIGHT  RELEASE   REVISION  ACTION   STATUS",
        "svc        -      targeted  0       svc       3 -> 4    upgrade  deployed",
        "svc        api    excluded  10      blue-api  -         skip     -",
    ]


@pytest.mark.parametrize(
    ("revision", "shown"),
    [((None, 1), "- -> 1"), ((3, 3), "3"), ((3, None), "3 -> -"), ((None, None), "-")],
)
def test_revisions(revision: tuple[int | None, int | None], shown: str) -> None:
    line = list(tables([_row(revision=dict(zip(("from", "to"), revision)))]))[2]
    assert line.split("svc", 2)[2].split("upgrade")[0].strip() == shown


def test_each_umbrella_has_a_table_of_its_own() -> None:
    lines = list(tables([_row(), _row(umbrella="web/other"), _row()]))
    assert [line for line in lines if line.endswith(":")] == ["web/shop:", "web/other:"]
    assert len(lines) == 4 + 3

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import Stopped
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard, private_folder, sweep

HOLDER = """\
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(handle, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)
"""


def folder_of(root: Path, name: str, age: float = 100) -> Path:
    """The private folder of a run in a temporary folder of Ansible's."""
    folder = root / name / "helmstack-abc"
    folder.mkdir(parents=True)
    (folder / "values.yaml").write_text("secret")
    os.utime(folder, (time.time() - age,) * 2)
    return folder


def test_the_folder_is_private_and_goes_with_what_lies_beside(tmp_path: Path) -> None:
    task = tmp_path / "ansible-tmp-1"
    task.mkdir()
    (task / "AnsiballZ_helmstack.py").write_text("")
    (task / "helmstack.tar.gz").write_text("")
    with private_folder(str(task), str(task / "helmstack.tar.gz")) as (folder, _guard):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        Path(folder, "values.yaml").write_text("secret")
        os.utime(folder, (0, 0))
        sweep(str(tmp_path))
        assert Path(folder, "values.yaml").exists(), "a living run's folder was swept away"
    assert os.listdir(task) == ["AnsiballZ_helmstack.py"]
    with pytest.raises(Stopped), private_folder(str(task)):
        raise Stopped("SIGTERM")
    assert os.listdir(task) == []


def test_what_dead_runs_left_goes_and_nothing_else(tmp_path: Path) -> None:
    dead = folder_of(tmp_path, "ansible-tmp-dead")
    (dead.parent / "helmstack.tar.gz").write_text("secret")
    (dead.parent / "AnsiballZ_helmstack.py").write_text("secret")
    mixed = folder_of(tmp_path, "ansible-tmp-mixed")
    (mixed.parent / "AnsiballZ_command.py").write_text("another module's")
    young = folder_of(tmp_path, "ansible-tmp-young", age=1)
    living = folder_of(tmp_path, "ansible-local-1")
    beside = living.parent / "helmstack-progress"
    beside.write_text("of the living")
    waiting = tmp_path / "ansible-tmp-waiting" / "helmstack.tar.gz"
    waiting.parent.mkdir()
    waiting.write_text("for a module that begins in a moment")
    foreign = folder_of(tmp_path, "other")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(living)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        sweep(str(tmp_path))
    finally:
        holder.kill()
        holder.communicate()
    assert not dead.parent.exists()
    assert os.listdir(mixed.parent) == ["AnsiballZ_command.py"]
    assert all(path.exists() for path in (young, living, beside, waiting, foreign))
    sweep(str(tmp_path), now=time.time() + 4000)
    assert not waiting.exists()
    assert os.listdir(living.parent) == [], "the controller's own folder stays"


def test_links_are_not_followed(tmp_path: Path) -> None:
    target = folder_of(tmp_path / "elsewhere", "ansible-tmp-1")
    (tmp_path / "ansible-tmp-link").symlink_to(target.parent)
    (tmp_path / "ansible-tmp-2").mkdir()
    (tmp_path / "ansible-tmp-2" / "helmstack-link").symlink_to(target)
    sweep(str(tmp_path))
    assert (target / "values.yaml").exists()


def test_the_guard_does_nothing_after_a_run_that_has_ended_itself(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    guard = Guard(str(kept))
    guard.watch()
    guard.begins(1, heeds=True)
    guard.ends(1)
    guard.end()
    assert kept.exists()


def test_what_only_processes_read_is_written_when_the_guard_watches(tmp_path: Path) -> None:
    task = tmp_path / "ansible-tmp-1"
    task.mkdir()
    with private_folder(str(task), patient=True) as (folder, guard):
        secret = Path(folder, "kubeconfig")
        guard.keep(str(secret), "old")
        guard.keep(str(secret), "token")
        assert (os.listdir(folder), guard._process) == ([], None)
        guard.watch()
        assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("token", 0o600)
        guard.keep(str(secret), "another")
        assert secret.read_text() == "another"
    assert os.listdir(task) == []


@pytest.mark.parametrize("beside", [(), ("helmstack.tar.gz",)])
def test_the_guard_watches_at_once_where_there_is_something_to_remove(tmp_path: Path, beside: tuple[str, ...]) -> None:
    for name in (*beside, *(() if beside else ("AnsiballZ_helmstack.py",))):
        (tmp_path / name).write_text("secret")
    with private_folder(str(tmp_path), *(str(tmp_path / name) for name in beside), patient=True) as (_folder, guard):
        assert guard._process


def test_the_guard_of_a_killed_run_interrupts_helm_and_removes_what_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "room with spaces"
    folder.mkdir()
    program = f"""\
import subprocess, sys, time
sys.path[:0] = {sys.path!r}
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard
guard = Guard({str(folder)!r}, {str(tmp_path / "file")!r})
guard.watch()
for heeds, name in ((True, "heeds"), (False, "other")):
    script = f"trap 'echo interrupted > {tmp_path}/{{name}}; exit' INT; echo; while [ ! -e {tmp_path}/heeds ]; do sleep 0.1; done; sleep 0.5; echo end > {tmp_path}/{{name}}"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    process.stdout.readline()  # its trap is set
    guard.begins(process.pid, heeds=heeds)
print("ready", flush=True)
time.sleep(60)
"""  # noqa: E501
    (tmp_path / "file").write_text("secret")
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    os.killpg(run.pid, signal.SIGKILL)
    run.stdout.close()
    run.wait()
    deadline = time.monotonic() + 20
    while (folder.exists() or (tmp_path / "file").exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    assert not (tmp_path / "file").exists()
    assert (tmp_path / "heeds").read_text() == "interrupted\n"
    assert (tmp_path / "other").read_text() == "end\n"

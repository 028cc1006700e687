# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's own tooling."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.tools.ansible_test import number_of
from ansible_collections.helmstack.core.tools.cache import KEPT_DAYS, link, remove, used
from ansible_collections.helmstack.core.tools.environments import make_venv
from ansible_collections.helmstack.core.tools.interpreters import Interpreter, Pair
from ansible_collections.helmstack.core.tools.steps import all_steps

COLLECTED = """\
Unit test module_utils with Python 3.10
============================= test session starts ==============================
    <Function test_9_tests_collected in 2.0s>
========================= 3818 tests collected in 8.16s =========================
Unit test controller with Python 3.10
========================= 1 test collected in 3.95s =========================
"""


def test_what_ansible_test_runs_is_the_sum_of_its_runs_of_pytest() -> None:
    assert number_of(COLLECTED, "collected") == 3819
    assert number_of("=== 20 passed in 4.81s ===\n=== 63 passed in 19.98s ===\n", "passed") == 83
    assert number_of(COLLECTED, "passed") == 0


class Checkout:
    """A checkout with pins, whose pip installs one package."""

    def __init__(self, root: Path, name: str) -> None:
        self.venv = root / name / ".work" / "venv"
        self.wanted = root / name / "dev.txt"
        self.wanted.parent.mkdir()
        self.wanted.write_text("a==1\n", encoding="utf-8")
        self.runs = 0

    def run(self, command: list[object], **_options: object) -> str:
        self.runs += 1
        if "venv" in command:
            (Path(str(command[-1])) / "bin").mkdir(parents=True)
            (Path(str(command[-1])) / "bin" / "python").write_text("", encoding="utf-8")
        if "--requirement" in command:
            self.add("a-1", Path(str(command[0])).parents[1])
        return ""

    def add(self, package: str, venv: Path | None = None) -> None:
        (venv or self.venv).joinpath("lib/python3.10/site-packages", f"{package}.dist-info").mkdir(parents=True)

    def set_up(self) -> int:
        """How many commands that takes."""
        self.runs = 0
        pair = Pair("2.17", Interpreter((3, 10), Path("/usr/bin/python3.10")))
        assert make_venv(self.run, self.venv, pair, self.wanted, ()) == self.venv
        return self.runs


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "helmstack" / "venvs"


def test_checkouts_with_the_same_pins_share_an_environment(tmp_path: Path, cache: Path) -> None:
    one, other = Checkout(tmp_path, "one"), Checkout(tmp_path, "other")
    assert (one.set_up(), one.set_up(), other.set_up()) == (3, 0, 0)
    assert one.venv.resolve() == other.venv.resolve()
    assert other.venv.resolve().parent == cache
    other.wanted.write_text("a==2\n", encoding="utf-8")
    assert (other.set_up(), one.set_up()) == (3, 0)
    assert one.venv.resolve() != other.venv.resolve()


@pytest.mark.usefixtures("cache")
def test_an_environment_is_made_anew_if_it_was_changed_or_is_not_complete(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "one")
    checkout.set_up()
    checkout.add("b-1")
    assert checkout.set_up() == 3
    assert not list(checkout.venv.glob("lib/python3*/site-packages/b-1.dist-info"))
    (checkout.venv / "stamp").unlink()
    assert checkout.set_up() == 3


def test_a_link_takes_the_place_of_a_folder_and_of_a_link(tmp_path: Path) -> None:
    for name in ("one", "other", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="utf-8")
    for name in ("one", "one", "other"):
        link(tmp_path / "place", tmp_path / name)
        assert (tmp_path / "place" / "file").read_text(encoding="utf-8") == name
    remove(tmp_path / "place")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]
    assert (tmp_path / "other" / "file").exists()


def test_what_nobody_has_used_for_long_leaves_the_cache(tmp_path: Path) -> None:
    for name in ("mine", "recent", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stamp").touch()
    long_ago = (tmp_path / "old" / "stamp").stat().st_mtime - (KEPT_DAYS + 1) * 24 * 3600
    for name in ("mine", "old"):
        os.utime(tmp_path / name / "stamp", (long_ago, long_ago))
    used(tmp_path / "mine" / "stamp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "recent"]


def test_long_steps_begin_first_and_wait_only_for_steps_before_them() -> None:
    python = Path("/usr/bin/python3")
    steps = all_steps(Pair("2.17", Interpreter((3, 10), python)), Pair("2.21", Interpreter((3, 13), python)))
    names = [step.name for step in steps]
    long = [name for name in names if name.startswith(("integration-", "sanity-", "unit"))]
    assert max(map(names.index, long)) < min(map(names.index, ["ansible-lint", "docs", "build", "release"]))
    assert all(names.index(need) < names.index(step.name) for step in steps for need in step.needs)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply import schedule


class Work:
    """Notes who runs when; the nodes in ``bad`` fail."""

    def __init__(self, bad: str = "", pause: float = 0.0) -> None:
        self.bad, self.pause = bad, pause
        self.order: list[str] = []
        self.running = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, node: str) -> bool:
        with self.lock:
            self.order.append(node)
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self.pause)
        with self.lock:
            self.running -= 1
        return node not in self.bad


def graph(text: str) -> dict[str, frozenset[str]]:
    return {part[0]: frozenset(part[1:]) for part in text.split()}


def test_nothing_starts_before_what_it_needs() -> None:
    work = Work()
    assert schedule.run(graph("cab ab b dc"), work, 4, stop_on_failure=True) == []
    assert work.order == ["b", "a", "c", "d"]


def test_what_is_independent_runs_side_by_side_up_to_the_limit() -> None:
    work = Work(pause=0.05)
    schedule.run(graph("a b c d e f"), work, 3, stop_on_failure=True)
    assert work.most == 3


def test_one_slow_release_does_not_hold_up_another_branch() -> None:
    done = threading.Event()

    def work(node: str) -> bool:
        if node == "a":
            return done.wait(5)
        if node == "d":
            done.set()
        return True

    assert schedule.run(graph("a b cb dc"), work, 2, stop_on_failure=True) == []


@pytest.mark.parametrize(("stop", "left"), [(True, ["c", "d", "e"]), (False, ["c", "d"])])
def test_after_a_failure_dependants_never_start_and_others_only_if_asked(stop: bool, left: list[str]) -> None:
    work = Work(bad="b")
    assert schedule.run(graph("a b cb dc e"), work, 1, stop_on_failure=stop) == left


def test_an_unexpected_exception_is_not_swallowed() -> None:
    def work(node: str) -> bool:
        raise RuntimeError("x")

    with pytest.raises(RuntimeError):
        schedule.run(graph("a"), work, 1, stop_on_failure=True)

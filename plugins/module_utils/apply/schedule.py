# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs work along a graph: each node starts as soon as all that it needs is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait


def run(
    needs: Mapping[str, frozenset[str]],
    work: Callable[[str], bool],
    concurrency: int,
    *,
    stop_on_failure: bool,
    interrupt: Callable[[], None] = lambda: None,
) -> list[str]:
    """Does the work of every node and returns the nodes that were never started.

    :arg needs: for each node those that must have succeeded before it starts.
    :arg work: does one node's work, in a thread; False means that it failed.
    :arg stop_on_failure: after a failure nothing new starts; otherwise only what depends on it is left out.
    :arg interrupt: is called if the run itself is ended (SIGTERM), so that running work comes to its end soon.
    """
    with ThreadPoolExecutor(max_workers=max(1, concurrency)) as pool:
        try:
            return _run(pool, needs, work, concurrency, stop_on_failure=stop_on_failure)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            interrupt()
            raise


def _run(
    pool: ThreadPoolExecutor,
    needs: Mapping[str, frozenset[str]],
    work: Callable[[str], bool],
    concurrency: int,
    *,
    stop_on_failure: bool,
) -> list[str]:
    waiting = dict(needs)
    done: set[str] = set()
    running: dict[Future[bool], str] = {}
    failed = False
    while True:
        if not (failed and stop_on_failure):
            for node in [node for node, wanted in waiting.items() if wanted <= done][
                : max(1, concurrency) - len(running)
            ]:
                del waiting[node]
                running[pool.submit(work, node)] = node
        if not running:
            return list(waiting)
        finished, _rest = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            node = running.pop(future)
            if future.result():
                done.add(node)
            else:
                failed = True

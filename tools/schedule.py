# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs steps side by side, each with its own log, and tells what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .junit import Count
from .layout import LOGS, ROOT

HEARTBEAT = 30.0
GRACE = 10.0
POLL = 0.05


class StepFailed(Exception):
    """A step did not reach its end; the message says why."""


class Interrupted(Exception):
    """The run is being stopped."""


@dataclass
class Job:
    """A running step: starts its processes, keeps its log, collects what it counted."""

    name: str
    log: Path
    stopping: threading.Event
    count: Count = field(default_factory=Count)
    process: subprocess.Popen[bytes] | None = None
    deadline: float | None = None
    cpu_seconds: float = 0.0  # of its processes and of all that they waited for

    def run(
        self,
        command: Sequence[object],
        *,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> str:
        """Run `command` to its end and return what it wrote; StepFailed if it failed.

        What a quiet one wrote stays out of the log unless it failed.
        """
        words = [str(word) for word in command]
        self.say("$ " + " ".join(words))
        if self.stopping.is_set():
            raise Interrupted
        # a file, not a pipe: a server left running by the command would hold a pipe open
        with self.log.open("a") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            status = self.wait()
        if self.stopping.is_set():
            raise Interrupted
        if status:
            raise StepFailed(f"{Path(words[0]).name} exited with {status}")
        with self.log.open("r+", errors="replace") as log:
            log.seek(begin)
            output = log.read()
            if quiet:
                log.truncate(begin)
        return output

    def say(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(text + "\n")

    def wait(self) -> int:
        """The process's exit status; StepFailed once the step's time is over."""
        assert self.process is not None
        try:
            while True:
                pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
                if pid:
                    self.cpu_seconds += usage.ru_utime + usage.ru_stime
                    self.process.returncode = os.waitstatus_to_exitcode(status)
                    return self.process.returncode
                if self.deadline and time.monotonic() > self.deadline:
                    self.kill()
                    raise StepFailed("took too long and was stopped")
                time.sleep(POLL)
        finally:
            self.process = None

    def kill(self) -> None:
        """End what the step has started, with its children."""
        process = self.process
        if not process or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        # whether or not the leader went, the group may hold others that do not heed the first signal
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Step:
    """A named piece of the test run; `action` returns a remark for the summary, `limit` is in seconds."""

    name: str
    action: Callable[[Job], str]
    needs: tuple[str, ...] = ()
    lock: str = ""
    limit: float = 900.0
    cleanup: Callable[[Job], None] | None = None


@dataclass(frozen=True)
class Result:
    """How a step ended."""

    name: str
    outcome: str
    seconds: float
    remark: str
    count: Count
    cpu_seconds: float = 0.0


class Schedule:
    """A run of steps, at most `workers` at once; the ones that fail stop only those that need them."""

    def __init__(self, steps: Sequence[Step], workers: int) -> None:
        self.steps = list(steps)
        self.workers = workers
        self.started = time.monotonic()
        self.stopping = threading.Event()
        self.jobs: dict[str, Job] = {}
        self.results: dict[str, Result] = {}
        self.running: dict[Future[Result], Step] = {}
        LOGS.mkdir(parents=True, exist_ok=True)

    def tell(self, text: str) -> None:
        print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    def job(self, name: str) -> Job:
        log = LOGS / f"{name}.log"
        log.write_text("")
        return Job(name, log, self.stopping)

    def run(self) -> list[Result]:
        """Run all steps; on Ctrl-C or SIGTERM end what runs, clean up and raise KeyboardInterrupt."""
        try:
            with ThreadPoolExecutor(self.workers) as pool:
                try:
                    self.loop(pool)
                except KeyboardInterrupt:
                    self.stop()
                    raise
        finally:
            self.clean_up()
        return [self.results[step.name] for step in self.steps]

    def loop(self, pool: ThreadPoolExecutor) -> None:
        while len(self.results) < len(self.steps):
            self.start_ready(pool)
            done, _still = wait(self.running, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            if not done and self.running:
                self.tell("still running: " + ", ".join(step.name for step in self.running.values()))
            for future in done:
                self.record(self.running.pop(future), future.result())

    def start_ready(self, pool: ThreadPoolExecutor) -> None:
        busy = {step.name for step in self.running.values()}
        for step in self.steps:
            if step.name in self.results or step.name in busy:
                continue
            lost = [name for name in step.needs if name in self.results and self.results[name].outcome != "ok"]
            if lost:
                self.record(step, Result(step.name, "FAILED", 0.0, f"needs {lost[0]}", Count()))
                continue
            locks = {other.lock for other in self.running.values()} - {""}
            free = len(self.running) < self.workers and step.lock not in locks
            if free and all(name in self.results for name in step.needs):
                self.jobs[step.name] = self.job(step.name)
                self.running[pool.submit(self.execute, step, self.jobs[step.name])] = step
                self.tell(f"{step.name}: started")

    @staticmethod
    def execute(step: Step, job: Job) -> Result:
        began = time.monotonic()
        job.deadline = began + step.limit
        try:
            outcome, remark = "ok", step.action(job)
        except Interrupted:
            outcome, remark = "stopped", ""
        except StepFailed as error:
            outcome, remark = "FAILED", str(error)
        except Exception as error:  # a fault of the tooling counts as the step's failure, the others go on
            outcome, remark = "FAILED", f"{type(error).__name__}: {error}"
        if outcome == "FAILED":
            job.say(f"-> {remark}")
        return Result(step.name, outcome, time.monotonic() - began, remark, job.count, job.cpu_seconds)

    def record(self, step: Step, result: Result) -> None:
        self.results[step.name] = result
        remark = f" ({result.remark})" if result.remark else ""
        self.tell(f"{step.name}: {result.outcome} in {result.seconds:.1f} s{remark}")
        log = LOGS / f"{step.name}.log"
        if result.outcome == "FAILED" and step.name in self.jobs:
            print(f"----- log of {step.name}\n{log.read_text().rstrip()}\n----- end of {step.name}", flush=True)

    def stop(self) -> None:
        self.tell("stopping")
        self.stopping.set()
        for job in self.jobs.values():
            job.kill()

    def clean_up(self) -> None:
        self.stopping.clear()
        for step in self.steps:
            if step.cleanup and step.name in self.jobs:
                self.jobs[step.name].deadline = None
                try:
                    step.cleanup(self.jobs[step.name])
                except (StepFailed, OSError) as error:
                    self.tell(f"{step.name}: clean-up failed: {error}")


def on_terminate(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def summary(results: Sequence[Result]) -> str:
    """The table at the end of a run."""
    rows = [("step", "result", "seconds", "CPU", "remark")]
    rows += [
        (result.name, result.outcome, f"{result.seconds:.1f}", f"{result.cpu_seconds:.1f}", result.remark)
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {outcome:<{widths[1]}}  {seconds:>{widths[2]}}  {cpu:>{widths[3]}}  {remark}".rstrip()
        for name, outcome, seconds, cpu, remark in rows
    )


def total(results: Sequence[Result], *, everything: bool) -> Count:
    """All tests of a run.

    A failed step without a failed test counts as one failure; so does a run of `everything` without a single test.
    """
    result = Count()
    for entry in results:
        result += entry.count
        if entry.outcome != "ok" and not entry.count.failed:
            result += Count(failed=1)
    if everything and not result.passed + result.failed:
        result += Count(failed=1)
    return result


def install_signals() -> None:
    signal.signal(signal.SIGTERM, on_terminate)
    # In the background of a shell it is ignored, by all that is started from there: tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)

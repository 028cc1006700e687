# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the project tooling: set-up, tests, demo, benchmark, local control plane."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .environments import demo_venv, dev_venv, matrix
from .interpreters import Pair, interpreters, pairs
from .layout import DEMO_VENV, DEV_VENV, LOGS, RESULTS, ROOT, environment
from .release import CannotRelease, release, run_plainly
from .schedule import Interrupted, Job, Schedule, StepFailed, install_signals, summary, total
from .steps import all_steps, chosen


def set_up() -> tuple[Pair, Pair]:
    """The development environment, and the ends of the matrix."""
    oldest, newest = matrix()
    made(f"Development environment: {newest.name}", "about a minute", DEV_VENV, lambda job: dev_venv(job.run, newest))
    return oldest, newest


def made(what: str, takes: str, folder: Path, make: Callable[[Job], Path]) -> Path:
    """The folder of a virtual environment, which is made if need be; tells how long that takes."""
    began = time.monotonic()
    print(what, file=sys.stderr, flush=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "setup.log"
    log.write_text("")
    if not (folder / "stamp").exists():
        print(f"Making it takes {takes} if the cache does not have it.", file=sys.stderr, flush=True)
    try:
        found = make(Job("setup", log, threading.Event()))
    except (StepFailed, Interrupted) as error:
        raise SystemExit(f"{log.read_text()}\nSet-up failed: {error}") from None
    print(f"Ready in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return found


def test(names: list[str]) -> int:
    """Run the steps, print the table and the count; 0 if all is well."""
    began = time.monotonic()
    shutil.rmtree(RESULTS, ignore_errors=True)
    oldest, newest = set_up()
    steps = all_steps(oldest, newest)
    if names:
        steps = chosen(steps, names)
    print(f"Testing with {oldest.name} and {newest.name}", flush=True)
    schedule = Schedule(steps, workers=(os.cpu_count() or 2) + 1)  # most steps wait more than they compute
    try:
        results = schedule.run()
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 130
    ok = all(result.outcome == "ok" for result in results)
    verdict = "all steps passed" if ok else "some steps FAILED"
    print(f"\n{summary(results)}\n\ntotal {time.monotonic() - began:.1f} s, {verdict}")
    counted = total(results, everything=not names)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "summary.txt").write_text(f"{counted}\n")
    print(counted, flush=True)
    return 1 if counted.failed else 0


FIRST_DEMO = """\
This deploys a shop to a Kubernetes API server on this machine and shows each command. What it needs is made once:
Python packages, Helm, and the server, which is compiled. From the second time on, it begins at once.
"""


def demo() -> int:
    """The demo, in an environment with no more than the collection needs."""
    _oldest, newest = matrix()
    there = DEV_VENV if (DEV_VENV / "stamp").exists() else DEMO_VENV
    if not (there / "stamp").exists():
        print(FIRST_DEMO, file=sys.stderr, flush=True)
    what = f"Python packages: {newest.name}, and what the modules import"
    venv = made(what, "half a minute", there, lambda job: demo_venv(job.run, newest))
    return script("examples/demo.py", [], venv)


def script(path: str, words: list[str], venv: Path) -> int:
    """Run one of the project's scripts in an environment."""
    if not (ROOT / path).exists():
        raise SystemExit(f"{path} is missing")
    env = environment(venv / "bin")
    kubeconfig = env.pop("HELMSTACK_TOOLS_KUBECONFIG", "")
    if kubeconfig:
        env["HELMSTACK_DEMO_KUBECONFIG"] = str(Path(kubeconfig).expanduser().absolute())
    return followed(subprocess.Popen([venv / "bin" / "python", ROOT / path, *words], cwd=ROOT, env=env))


def make_release(version: str, *, dry_run: bool) -> int:
    set_up()
    try:
        print("\n".join(release(run_plainly, version, dry_run=dry_run)))
    except CannotRelease as error:
        raise SystemExit(f"No release: {error}") from None
    return 0


def followed(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a script, which gets the time to clean up when it is stopped.

    Ctrl-C reaches the script as well; subprocess.run would kill it a moment later, and its control plane would stay.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_signal: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def show_matrix() -> int:
    """What there is and what would be tested."""
    available = interpreters()
    for interpreter in available:
        cores = [pair.core for pair in pairs(available) if pair.interpreter == interpreter]
        print(f"Python {interpreter.name}: ansible-core {', '.join(cores) or 'none'}")
    oldest, newest = matrix()
    print(f"oldest: {oldest.name}\nnewest: {newest.name}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make the development environment")
    commands.add_parser("matrix", help="show the Pythons found and the ansible-core versions tested")
    commands.add_parser("pins", help="resolve all pins anew and write tests/requirements/constraints.txt")
    commands.add_parser("demo", help="run the demo")
    steps = commands.add_parser("test", help="run all test steps, or the ones named")
    steps.add_argument("names", nargs="*")
    new = commands.add_parser("release", help="version, changelog, commit, tag, archive and checksums")
    new.add_argument("version")
    new.add_argument("--dry-run", action="store_true", help="all of it in a clone that is thrown away")
    run = commands.add_parser("script", help="run one of the project's scripts in the development environment")
    run.add_argument("path")
    run.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    install_signals()
    if options.command == "setup":
        set_up()
        return 0
    if options.command == "matrix":
        return show_matrix()
    if options.command == "pins":
        from .pins import write_pins

        return write_pins()
    if options.command == "release":
        return make_release(options.version, dry_run=options.dry_run)
    if options.command == "script":
        set_up()
        return script(options.path, options.words, DEV_VENV)
    if options.command == "demo":
        return demo()
    return test(options.names)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

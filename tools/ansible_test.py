# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps in which ansible-test judges the collection, as Ansible's own CI and Automation Hub run it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .ansible_home import ansible_test_environment, make_home, make_sanity_environments
from .copies import copy_checkout
from .counting import attempt, counted, result_file
from .interpreters import Pair
from .layout import environment
from .schedule import Job, StepFailed

Action = Callable[[Job], str]

# of the unit tests: those that ansible-test runs as well, some of a module's and some of a controller's
SAMPLE = ("tests/unit/plugins/module_utils/test_argspec.py", "tests/unit/plugins/action/")


def listed_files(job: Job, venv: Path, folder: Path, env: dict[str, str]) -> int:
    """How many files ansible-test sees; it succeeds on an empty collection, so this must not be zero."""
    output = job.run([venv / "bin" / "ansible-test", "env", "--list-files"], cwd=folder, env=env, quiet=True)
    files = [line for line in output.splitlines() if (folder / line).is_file()]
    if not any(file.startswith("plugins/") for file in files):
        raise StepFailed(f"ansible-test sees {len(files)} files and no plugin among them")
    job.say(f"{len(files)} files")
    return len(files)


def sanity(pair: Pair, venv: Path) -> Action:
    """ansible-test sanity over what the archive holds, as Automation Hub runs it."""

    def action(job: Job) -> str:
        folder = copy_checkout(job.name, shipped_only=True)
        home = make_home(job.name)
        env = ansible_test_environment(home, venv)
        files = listed_files(job, venv, folder, env)
        make_sanity_environments(job.run, pair, venv, folder, home)
        command = [venv / "bin" / "ansible-test", "sanity", "--color", "no", "--python", pair.interpreter.name]
        output = job.run(command, cwd=folder, env=env)
        tests = len(re.findall(r'^Running sanity test "', output, re.MULTILINE))
        if not tests:
            raise StepFailed("no sanity test was run")
        return f"{tests} sanity tests over {files} files, {pair.name}"

    return action


def units(pair: Pair, venv: Path) -> Action:
    """All unit tests with this ansible-core and Python; ansible-test itself collects them all, and runs a sample.

    It would start a process for each of some thousand tests, which takes three times the CPU time. To collect a test is
    to import it, and what it tests, as ansible-test allows it: without ansible-core's controller for module_utils.
    """

    def action(job: Job) -> str:
        home, file = make_home(job.name), result_file(job)
        words: list[object] = [venv / "bin" / "python", "-m", "pytest", "tests/unit", f"--junitxml={file}"]
        # the same home, so that both find no helm: what the helms of the cache say is asked once, by the step `unit`
        problem = attempt(job, words, env=environment(venv / "bin", HOME=str(home)))
        said = counted(job, [file] if file.exists() else [], problem)

        folder = copy_checkout(job.name)
        env = ansible_test_environment(home, venv)
        listed_files(job, venv, folder, env)
        command = [venv / "bin" / "ansible-test", "units", "--color", "no", "--python", pair.interpreter.name]
        output = job.run([*command, "--collect-only", "--num-workers", 1], cwd=folder, env=env, quiet=True)
        ran, collected = job.count.passed + job.count.skipped, number_of(output, "collected")
        if collected != ran:
            raise StepFailed(f"pytest has run {ran} tests, but ansible-test collects {collected}")
        sample = number_of(job.run([*command, *SAMPLE], cwd=folder, env=env), "passed")
        if not sample:
            raise StepFailed("ansible-test has run no test")
        return f"{said}, {sample} of them with ansible-test too, {pair.name}"

    return action


def number_of(output: str, verb: str) -> int:
    """How many tests pytest's last lines name: ansible-test runs it once for modules, once for the controller."""
    return sum(int(number) for number in re.findall(rf"^=+ (\d+) (?:tests? )?{verb} in .*=+$", output, re.MULTILINE))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs test commands and counts their tests."""

from __future__ import annotations

from pathlib import Path

from .junit import count
from .layout import RESULTS
from .schedule import Job, StepFailed


def counted(job: Job, files: list[Path], status_text: str) -> str:
    """Add the tests in `files` to the job's count; none at all is a failure, and so is a failed one."""
    job.count = job.count + count(files)
    if job.count.passed + job.count.failed == 0:
        raise StepFailed(", ".join(filter(None, ["no test was run", status_text])))
    if job.count.failed or status_text:
        raise StepFailed(", ".join(filter(None, [str(job.count), status_text])))
    return str(job.count)


def attempt(job: Job, command: list[object], **options: object) -> str:
    """Run a test command; what is wrong as text, to be judged with the tests it counted."""
    try:
        job.run(command, **options)  # type: ignore[arg-type]
    except StepFailed as error:
        return str(error)
    return ""


def result_file(job: Job) -> Path:
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{job.name}.xml"
    file.unlink(missing_ok=True)
    return file

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes back what a run that has ended has done, as when others of its batch have failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness import Readiness
from ansible_collections.helmstack.core.plugins.module_utils.apply.taking_back import TakingBack
from ansible_collections.helmstack.core.plugins.module_utils.engine import Run
from ansible_collections.helmstack.core.plugins.module_utils.errors import ApplyError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan
from ansible_collections.helmstack.core.plugins.module_utils.report.progress import Progress
from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


def take_back(
    stack: Stack, options: RunOptions, done: Sequence[Mapping[str, Any]], *, workdir: str, guard: Guard
) -> dict[str, Any]:
    """Takes back what a run that has ended has done.

    :arg done: the releases of its result's plan.
    :raises ApplyError: something could not go back, its ``result`` says what.
    """
    run = _BackRun(stack, options, workdir, guard, lenient=False, diff=False)
    with run.alone():
        found = TakingBack.of(done, {release.id: release for release in stack.releases}, run.session)
        outcome = run.take_back(found)
    left = [f"{identity}: {why}" for identity, why in found.left.items()]
    failed = [f"{identity}: {outcome.results[identity].error}" for identity in outcome.failed]
    taken = [identity for identity in outcome.results if identity not in outcome.failed]
    warnings = {"warnings": list(outcome.warnings)} if outcome.warnings else {}
    result = {"changed": bool(outcome.results), "taken_back": taken, "left": [*left, *failed], **warnings}
    if failed:
        raise ApplyError("\n".join(["not all could be taken back", *failed]), result=result)
    return result


class _BackRun(Run):
    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other runs off the stack."""
        if not self.options.lock:
            yield
            return
        lock = self._lock()
        with lock.held(self.options.lock_wait):
            self.lock = lock
            yield

    def take_back(self, found: TakingBack) -> Outcome:
        plan = Plan(self.stack.name, self.stack.environment, found.changes, digest="")
        progress = Progress(self.options.progress_file, self.mask(plan))
        with closing(Readiness(self.session)) as readiness, progress.of(readiness.pending):
            if self.lock:
                self.lock.begins()
            outcome = self._applier(plan, readiness, progress).take_back(found.results)
        if self.lock:
            self.lock.finished(everything=False)
        return outcome

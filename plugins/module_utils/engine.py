# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through the rooms: a resolved stack, a cluster, a plan, and its outcome."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.cluster.session import Session
from ansible_collections.helmstack.core.plugins.module_utils.errors import ApplyError, InputError, Stopped
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan import forbid
from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief, differences
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import Changes
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import CORRECT, Plan
from ansible_collections.helmstack.core.plugins.module_utils.plan.plan import Planner
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery, Unfinished
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.report import result as report
from ansible_collections.helmstack.core.plugins.module_utils.report.progress import Progress
from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions
from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions, Tools
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

# A run that changes nothing must be quick: only functions that need more import it.
if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.module_utils.apply.apply import Applier
    from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome
    from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness import Readiness
    from ansible_collections.helmstack.core.plugins.module_utils.cluster.lock import Lock
    from ansible_collections.helmstack.core.plugins.module_utils.report.template import RenderOptions


def deploy(
    stack: Stack, options: RunOptions, *, check_mode: bool, diff: bool, workdir: str, guard: Guard
) -> dict[str, Any]:
    """Makes the cluster match the stack; in check mode it only plans.

    :raises HelmstackError: nothing was done; ApplyError: something was, its ``result`` says what.
    """
    forbid.check(options.forbid)
    run = Run(stack, options, workdir, guard, lenient=check_mode, diff=diff)
    plan: Plan | None = None
    try:
        plan = run.plan()
    except Unfinished:
        # by a run that is still at work, or has just died: the lock shows which
        if check_mode or not options.lock:
            raise
    if plan and (check_mode or not plan.has_work):
        return run.result(plan, None, run.obstacles(plan))
    with run.locked(plan) as current:
        outcome = run.apply(current)
    return run.result(current, outcome)


class Run:
    """One run against one cluster."""

    def __init__(
        self,
        stack: Stack,
        options: RunOptions,
        workdir: str,
        guard: Guard,
        *,
        lenient: bool,
        diff: bool,
    ) -> None:
        self.stack = stack
        self.options = options
        self.workdir = workdir
        self.guard = guard
        self.lenient = lenient
        self.diff = diff
        self.session = self._open()
        path = os.path.join(workdir, "kubeconfig")
        self.tools = Tools(stack, options.tools, workdir, path, guard, options.renders)
        self.values = ValuesFiles(workdir, self.tools.helm, guard)
        self.ended = threading.Event()  # set: nothing new may begin
        self.lost = ""  # why the lock is no longer held
        self.lock: Lock | None = None

    def _open(self) -> Session:
        everything = self.options.settings.prune
        return open_session(self.stack, self.options, self.workdir, self.guard, everything=everything)

    def plan(self) -> Plan:
        """The plan for the cluster as it is now.

        :raises HelmstackError: there is none, or it is not the expected one.
        """
        folder = tempfile.mkdtemp(prefix="plan-", dir=self.workdir)
        planner = planner_of(
            self.stack,
            self.options,
            self.session,
            self.tools,
            self.values,
            folder,
            lenient=self.lenient,
            abandoned=self._abandoned,
        )
        plan = planner.plan()
        check_plan(plan, self.options.expected_plan)
        self._check_forbidden(plan)
        return plan

    def _check_forbidden(self, plan: Plan) -> None:
        rules = self.options.forbid
        if not rules:
            return
        try:
            forbid.enforce(rules, report.plan_data(plan, {}, self.mask(plan)))
        except forbid.Forbidden as error:
            error.result = {**self._told(plan, None), "changed": False}
            raise

    def _abandoned(self, modified: float) -> bool:
        """Whether a dead run wrote at this time, as its Lease proves."""
        if not self.options.lock:
            return False
        lock = self.lock or self._lock()
        found = lock.abandoned if lock is self.lock else lock.look()
        return found is not None and found.covers(modified)

    def _lock(self) -> Lock:
        from ansible_collections.helmstack.core.plugins.module_utils.cluster.lock import Lock

        return Lock(self.session.client, self.stack.name, self.stack.environment, self._lose)

    def _lose(self, why: str) -> None:
        self.lost = why
        self.end()

    def end(self) -> None:
        """Lets nothing new begin and ends what runs: helm records in each release how it ended."""
        self.ended.set()
        self.tools.interrupt()

    @contextmanager
    def locked(self, plan: Plan | None) -> Iterator[Plan]:
        """Holds the stack's lock; gives a new plan if another run may have changed what the old plan saw."""
        if not self.options.lock:
            yield plan or self.plan()
            return
        lock = self._lock()
        with lock.held(self.options.lock_wait):
            self.lock = lock
            fresh = self._open()
            same = plan and all(fresh.releases().get(change.id) == change.deployed for change in plan.changes)
            if plan is None or lock.waited or not same:
                self.session = fresh
                plan = self.plan()
            yield plan

    def apply(self, plan: Plan) -> Outcome:
        """Carries out the plan.

        :raises Stopped: the run must end; its ``result`` says what was done till then.
        """
        from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness import Readiness

        progress = Progress(self.options.progress_file, self.mask(plan))
        with closing(Readiness(self.session)) as readiness, progress.of(readiness.pending):
            applier = self._applier(plan, readiness, progress)
            if self.lock:
                self.lock.begins()
            progress(f"plan: {report.sum_of(plan)}")
            try:
                outcome = applier.run()
            except Stopped as stop:
                mask, done = self.mask(plan), applier.outcome
                stop.told = report.states(plan, done, mask)
                stop.result = report.result(plan, self.session.info, done, mask, with_diff=self.diff)
                raise
        if self.lock and not outcome.failed:
            self.lock.finished(everything=self.stack.targets is None)
        return outcome

    def _applier(self, plan: Plan, readiness: Readiness, progress: Progress) -> Applier:
        from ansible_collections.helmstack.core.plugins.module_utils.apply.apply import Applier

        return Applier(
            plan,
            self.session,
            readiness,
            self.tools.helm,
            self.values.of,
            permit=self._permit,
            ended=self.ended,
            interrupt=self.end,
            progress=progress,
            concurrency=self.options.settings.concurrency,
            on_failure=self.options.on_failure,
            correct_drift=self.options.drift == CORRECT,
        )

    def _permit(self) -> None:
        """Returns if something new may begin.

        :raises HelmstackError: the run is ended, or its lock is lost.
        """
        if self.lock:
            self.lock.check()
        if self.ended.is_set():
            raise ApplyError("the run was stopped before this began")

    def mask(self, plan: Plan) -> Mask:
        return report.mask_for(plan, self.stack.secrets)

    def obstacles(self, plan: Plan) -> list[str]:
        """Why a run would stop at its lock, as warnings of a check."""
        if not plan.has_work or not self.options.lock:
            return []
        try:
            why = self._lock().obstacle()
        except Forbidden as error:
            # an account that may change nothing only reviews
            return [] if any(change.untried for change in plan.changes) else [f"a run will stop at its lock: {error}"]
        return [f"a run would stop at its lock, or wait: {why}"] if why else []

    def result(self, plan: Plan, outcome: Outcome | None, warnings: Sequence[str] = ()) -> dict[str, Any]:
        """The task's result.

        :arg outcome: None: nothing was done.
        :raises ApplyError: a release failed.
        """
        result = self._told(plan, outcome, warnings)
        if outcome and outcome.failed:
            raise ApplyError(report.failure(plan, outcome, self.mask(plan), self.lost), result=result)
        return result

    def _told(self, plan: Plan, outcome: Outcome | None, more: Sequence[str] = ()) -> dict[str, Any]:
        mask = self.mask(plan)
        result = report.result(plan, self.session.info, outcome, mask, with_diff=self.diff)
        warnings = [mask.text(warning) for warning in (*plan.warnings, *(outcome.warnings if outcome else ()), *more)]
        return {**result, "warnings": warnings} if warnings else result


def planner_of(
    stack: Stack,
    options: RunOptions,
    session: Session,
    tools: Tools,
    values: ValuesFiles,
    workdir: str,
    *,
    lenient: bool = True,
    abandoned: Callable[[float], bool] = lambda modified: False,
) -> Planner:
    context = Context(
        session, tools.helm, values.of, options.diff_ignore, options.drift, options.run_tests, options.renders
    )
    recovery = Recovery(options.recover, options.pending_age, abandoned=abandoned)
    all_images = bool(options.forbid or options.reports)
    changes = Changes(context, recovery, (stack.name, stack.environment or ""), lenient, all_images)
    return Planner(stack, options.settings, session, tools.fetch, tools.expander(workdir), changes, tools.interrupt)


def check_plan(plan: Plan, expected: Any) -> None:
    """Holds if the plan is the one that was approved.

    :arg expected: that one, or its digest; None: any.
    :raises InputError: it is not; nothing has been done.
    """
    if expected is None:
        return
    approved = brief(expected)
    if approved["digest"] != plan.digest:
        raise InputError(
            f"the plan is no longer the expected one: expected_plan is {approved['digest']}, the plan is {plan.digest}",
            hint="Stack, charts or cluster have changed since the check. Nothing was done: check and approve again",
            detail="\n".join(differences(approved, plan)),
        )


def open_session(stack: Stack, options: RunOptions, workdir: str, guard: Guard, *, everything: bool) -> Session:
    """Connects to the cluster that the options name, and checks that it is the expected one."""
    config = kubeconfig(options.connection, os.environ, Path(workdir), shared=options.renders)
    guard.keep(str(config.path), config.text)
    if not config.bare:
        guard.watch()
    wanted = {release.id for release in stack.releases if release.spray is None}
    namespaces: Collection[str] | None = None if everything else {release.namespace for release in stack.releases}
    known = {release.namespace for release in stack.releases}

    def tell(text: str) -> None:
        Progress(options.progress_file, Mask(stack.secrets))(text)

    session = Session(config, namespaces, wanted, os.environ.get("HELM_DRIVER", ""), known, tell)
    session.check(options.expected_cluster)
    return session


def info(stack: Stack, options: RunOptions, include: tuple[str, ...], workdir: str, guard: Guard) -> dict[str, Any]:
    """The state of the stack's releases in the cluster.

    :arg include: the option of that name of helmstack_info.
    """
    session = open_session(stack, options, workdir, guard, everything=stack.targets is None)
    tools = Tools(stack, options.tools, workdir, os.path.join(workdir, "kubeconfig"), guard)
    planner = planner_of(stack, options, session, tools, ValuesFiles(workdir, tools.helm), workdir)
    from ansible_collections.helmstack.core.plugins.module_utils.report.info import InfoReader

    return InfoReader(stack, session, planner, include).read()


def template(
    stack: Stack,
    options: RenderOptions,
    programs: ToolOptions,
    *,
    check_mode: bool,
    diff: bool,
    workdir: str,
    guard: Guard,
) -> dict[str, Any]:
    """Renders the stack's releases without a cluster."""
    tools = Tools(stack, programs, workdir, None, guard)
    from ansible_collections.helmstack.core.plugins.module_utils.report.template import Templates

    values = ValuesFiles(workdir, tools.helm)
    result = Templates(stack, options, tools.fetch, tools.helm, values, tools.expander(workdir)).run(
        check_mode=check_mode
    )
    return result if diff else {key: value for key, value in result.items() if key != "diff"}


@dataclass(frozen=True)
class ValuesOptions:
    """The options of helmstack_values.

    :arg other: the stack in the environment that ``compare_to`` names.
    """

    tools: ToolOptions
    chart_defaults: bool = False
    compare_to: str | None = None
    other: Stack | None = None


def values(stack: Stack, options: ValuesOptions, *, diff: bool, workdir: str, guard: Guard) -> dict[str, Any]:
    """The values of the stack's releases with their origin, or what differs in another environment; no cluster.

    :raises HelmstackError: a chart whose defaults are wanted cannot be fetched or read.
    """
    from ansible_collections.helmstack.core.plugins.module_utils.chart.defaults import Default, defaults
    from ansible_collections.helmstack.core.plugins.module_utils.report import values as explained

    tools = Tools(stack, options.tools, workdir, None, guard) if options.chart_defaults else None

    def of(release: Release) -> tuple[Default, ...]:
        return defaults(tools.fetch(release)) if tools else ()

    if options.other is None:
        if options.compare_to:
            raise InputError("compare_to needs the stack's files on the controller", hint="Leave remote_src at false")
        return explained.values(stack, of)
    return explained.comparison(stack, options.other, of, diff=diff)

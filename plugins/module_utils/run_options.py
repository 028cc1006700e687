# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task as a run uses them: typed, checked, and with the option table's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.argspec import CHANGE
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.durations import EXPECTED, seconds
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Drift
from ansible_collections.helmstack.core.plugins.module_utils.plan.plan import Settings
from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts


@dataclass(frozen=True)
class RunOptions:
    """A task's options for planning and applying; modules that lack an option have its default."""

    connection: ConnectionOptions
    tools: ToolOptions
    settings: Settings
    drift: Drift
    diff_ignore: tuple[Mapping[str, Any], ...]
    forbid: tuple[Mapping[str, Any], ...]
    run_tests: str
    recover: str
    pending_age: int  # seconds
    on_failure: str
    lock: bool
    lock_wait: int  # seconds
    expected_plan: Any
    expected_cluster: str | None
    reports: bool  # whether the result goes into a report
    progress_file: str | None
    renders: SharedTexts | None  # what other hosts of the play have rendered

    @classmethod
    def of(
        cls, params: Mapping[str, Any], progress_file: str | None = None, renders: SharedTexts | None = None
    ) -> RunOptions:
        """The options of a module.

        :arg progress_file: where lines of progress go; None: nowhere.

        :raises InputError: a value has the right type, but is out of range.
        """

        def said(name: str) -> Any:
            value = params.get(name)
            return CHANGE.argument_spec[name].get("default") if value is None else value

        settings = Settings(
            state=said("state"),
            all=said("all"),
            prune=said("prune"),
            prune_max=int(said("prune_max")),
            take_over=said("take_over"),
            delete_namespace=said("delete_namespace"),
            concurrency=_at_least_one("concurrency", said("concurrency")),
        )
        return cls(
            ConnectionOptions.of(params),
            ToolOptions.of(params),
            settings,
            drift=said("drift"),
            diff_ignore=tuple(said("diff_ignore") or ()),
            forbid=tuple(said("forbid") or ()),
            run_tests=said("run_tests"),
            recover=said("recover"),
            pending_age=_seconds("pending_age", said("pending_age")),
            on_failure=said("on_failure"),
            lock=said("lock"),
            lock_wait=_seconds("lock_wait", said("lock_wait")),
            expected_plan=params.get("expected_plan"),
            expected_cluster=params.get("expected_cluster"),
            reports=bool(params.get("report_file")),
            progress_file=progress_file,
            renders=renders,
        )


def _seconds(name: str, value: Any) -> int:
    found = seconds(value)
    if found is None:
        raise InputError(f"task options: {name}: expected {EXPECTED}, found {value!r}")
    return found


def _at_least_one(name: str, value: Any) -> int:
    if int(value) < 1:
        raise InputError(f"{name}: expected an integer of 1 or more, found {value}")
    return int(value)

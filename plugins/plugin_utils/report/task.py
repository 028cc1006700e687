# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports of a task, or none: those are imported where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible import constants as C

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

if TYPE_CHECKING:
    from ansible_collections.helmstack.core.plugins.plugin_utils.report.files import ReportFiles


@dataclass(frozen=True)
class TaskReports:
    """Where a task's reports go, and whose they are."""

    files: ReportFiles | None = None
    host: str = ""
    check: bool = False
    task: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any], task: Any, host: str) -> TaskReports:
        """The reports that a task wants.

        :arg given: its options.
        :raises InputError: one of them cannot be written.
        """
        if not given.get("report_file"):
            return cls()
        for word, hinders in (("async", task.async_val), ("no_log", task.no_log)):
            if hinders:
                raise InputError(f"report_file and {word} cannot be used together", hint="Leave one of them out")
        from ansible_collections.helmstack.core.plugins.plugin_utils.report.files import LIMIT, ReportFiles

        files = ReportFiles(given["report_file"], C.DEFAULT_LOCAL_TMP, given.get("report_limit", LIMIT))
        return cls(files, host, bool(task.check_mode), str(task._uuid))

    def write(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Writes the reports; gives what the task's result says of it.

        :arg result: the whole result, masked.
        """
        if self.files is None:
            return {}
        from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Report

        try:
            self.files.add(Report(self.host, self.check, result), self.task)
        except InputError as error:
            told = "\n".join(filter(None, (str(result.get("msg") or ""), str(error))))
            return {"failed": True, "msg": told}
        return {"report": self.files.paths}

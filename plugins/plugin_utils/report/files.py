# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where reports are written on the controller: checked first, one file over all hosts of a run, each write whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.plugin_utils.report import document, markdown, webpage
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Group, Report

SUFFIXES = (".html", ".md", ".json")
LIMIT = 60_000


class ReportFiles:
    """The reports of one task.

    Tasks of one run of Ansible that name the same file write one report; each host has a process of its own, so what
    each reports is stored beside the others' in the run's own temporary folder.

    :arg folder: that of the run, in which only this user may read.
    :arg limit: characters of a report in Markdown.
    """

    def __init__(self, paths: Sequence[str], folder: str, limit: int = LIMIT) -> None:
        self.paths = [_checked(path) for path in dict.fromkeys(paths)]
        if limit < markdown.LEAST:
            raise InputError(f"report_limit is {limit}, and a report needs at least {markdown.LEAST} characters")
        self._limit = limit
        self._folder = folder

    def add(self, report: Report, task: str) -> None:
        """Write the reports anew with this host's result.

        :arg task: distinguishes this task from others of the host that make no plan.
        :raises InputError: one cannot be written any more.
        """
        plan = report.plan
        name = _digest([report.host, plan.get("stack") or task, plan.get("environment")])
        for path in self.paths:
            shelf = _Shelf(os.path.join(self._folder, f"helmstack-reports-{_digest(path)}"))
            shelf.put(name, report)
            with shelf.all_not_yet_written(name) as groups:
                if groups is not None:
                    _write(path, self._text(path, groups))

    def _text(self, path: str, groups: Sequence[Group]) -> str:
        made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        if path.endswith(".html"):
            return webpage.page(groups, made)
        if path.endswith(".md"):
            return markdown.markdown(groups, made, self._limit)
        return json.dumps(as_data(groups), indent=1, ensure_ascii=False, default=str) + "\n"


def as_data(groups: Sequence[Group]) -> dict[str, Any]:
    """What a report in JSON holds: of one host and task the result, else a list of results with their hosts."""
    if len(groups) == 1 and len(groups[0].reports) == 1:
        return dict(groups[0].first.result)
    results = [{"hosts": [report.data for report in group.reports], "result": group.first.result} for group in groups]
    return {"results": results}


class _Shelf:
    """The results of all tasks of this run in one file; the body of equal reports is stored once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def put(self, name: str, report: Report) -> None:
        key = document.key_of(report)
        if not os.path.exists(self._path(f"body-{key}")):
            self._save(f"body-{key}", report.result)
        plan = {key: value for key, value in report.plan.items() if key in ("digest", "stack", "summary")}
        own = {"cluster": report.cluster, "plan": plan}
        data = {"host": report.host, "check": report.check, "body": key, "own": own, "at": time.time_ns()}
        self._save(f"host-{name}", data)

    @contextlib.contextmanager
    def all_not_yet_written(self, name: str) -> Iterator[Sequence[Group] | None]:
        """All reports, one task at a time; None if another one has written this one meanwhile."""
        with open(self._path("lock"), "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            written = self._load("written") if os.path.exists(self._path("written")) else {}
            names = [file for file in os.listdir(self._folder) if file.startswith("host-")]
            found = {file: self._load(file) for file in names if not file.endswith(".new")}
            if written.get(f"host-{name}") == found[f"host-{name}"]["at"]:
                yield None
                return
            yield self._groups(sorted(found.values(), key=lambda data: (data["host"], data["at"])))
            self._save("written", {file: data["at"] for file, data in found.items()})

    def _groups(self, hosts: Sequence[dict[str, Any]]) -> list[Group]:
        bodies = {data["body"]: None for data in hosts}
        results = {key: self._load(f"body-{key}") for key in bodies}
        groups: dict[str, list[Report]] = {key: [] for key in bodies}
        for data in hosts:
            result = results[data["body"]]
            own = {**result, **({"cluster": data["own"]["cluster"]} if data["own"]["cluster"] else {})}
            if "plan" in result:
                own["plan"] = {**result["plan"], **data["own"]["plan"]}
            groups[data["body"]].append(Report(data["host"], data["check"], own))
        return [Group(tuple(reports)) for reports in groups.values()]

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _save(self, name: str, data: Any) -> None:
        handle, path = tempfile.mkstemp(dir=self._folder, prefix="new-")
        with open(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(data, file, default=str)
        os.replace(path, self._path(name))

    def _load(self, name: str) -> Any:
        with open(self._path(name), encoding="utf-8", errors="surrogatepass") as file:
            return json.load(file)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:24]


def _checked(path: str) -> str:
    """The absolute path of a report.

    :raises InputError: it is no kind of report, or cannot be written.
    """
    found = os.path.realpath(os.path.expanduser(path))
    if not found.endswith(SUFFIXES):
        told = f"report_file '{path}' is of no known kind"
        raise InputError(told, hint=f"Its name must end with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if os.path.isdir(found):
        raise InputError(f"report_file '{path}' is a folder", hint="Name a file in it")
    _probe(path, found)
    return found


def _probe(path: str, found: str) -> None:
    folder = os.path.dirname(found)
    try:
        handle, probe = tempfile.mkstemp(dir=folder, prefix=".helmstack-")
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        hint = f"Make the folder {folder}" if not os.path.isdir(folder) else ""
        told = f"report_file '{path}' cannot be written on the controller: {error.strerror}"
        raise InputError(told, hint=hint) from None


def _write(path: str, text: str) -> None:
    """Replace the file as a whole, with the rights that it had or that a new file gets."""
    try:
        handle, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".helmstack-")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            os.fchmod(handle, _mode(path))
            file.write(text)
        os.replace(new, path)
    except OSError as error:
        raise InputError(f"report_file '{path}' cannot be written on the controller: {error.strerror}") from None


def _mode(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

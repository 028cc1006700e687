# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of a report: results, with hosts of the same changes folded into one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.report import diffs

_IDLE = ("unchanged", "skip")


@dataclass(frozen=True)
class Entry:
    """An object of a release, or its chart, that differs."""

    title: str
    before: str
    after: str

    @cached_property
    def lines(self) -> list[str]:
        return diffs.unified(self.before, self.after)

    @cached_property
    def counts(self) -> tuple[int, int]:
        return diffs.counts(self.lines)


@dataclass(frozen=True)
class Release:
    """A release with which something happens."""

    data: Mapping[str, Any]
    entries: tuple[Entry, ...]

    @property
    def id(self) -> str:
        return release_id(self.data)

    @property
    def action(self) -> str:
        return str(self.data.get("action") or "")

    @property
    def reasons(self) -> str:
        return ", ".join(map(str, self.data.get("reason") or ()))

    @property
    def chart(self) -> str:
        return " ".join(filter(None, (str(self.data.get("chart") or ""), between(self.data.get("version")))))

    @property
    def app(self) -> str:
        return between(self.data.get("app_version"))

    @property
    def revision(self) -> str:
        return between(self.data.get("revision"))

    @property
    def values(self) -> Sequence[Mapping[str, Any]]:
        return self.data.get("values") or ()

    @property
    def error(self) -> str:
        return str(self.data.get("error") or "")

    @property
    def told(self) -> str:
        """What came of it, after a run."""
        duration = self.data.get("duration")
        return "" if duration is None else f"{self.data.get('status') or 'done'} after {duration:.1f} s"

    @property
    def objects(self) -> Sequence[Mapping[str, Any]]:
        return self.data.get("objects") or ()


@dataclass(frozen=True)
class Report:
    """A task's result for one host; ``result`` is the module's, masked and whole."""

    host: str
    check: bool
    result: Mapping[str, Any]

    @property
    def plan(self) -> Mapping[str, Any]:
        return self.result.get("plan") or {}

    @property
    def counts(self) -> str:
        found = [f"{count} {action}" for action, count in (self.plan.get("summary") or {}).items() if count]
        return ", ".join(found) or ("no plan" if not self.plan else "no releases")

    @property
    def cluster(self) -> Mapping[str, Any]:
        return self.result.get("cluster") or {}

    @property
    def data(self) -> dict[str, Any]:
        """The host in a report over several."""
        told = {"host": self.host, "check": self.check, "cluster": dict(self.cluster)}
        return {**told, "digest": self.plan.get("digest"), "summary": self.plan.get("summary")}


@dataclass(frozen=True)
class Group:
    """Hosts with the same changes; the report shows those of the first."""

    reports: tuple[Report, ...]

    @property
    def first(self) -> Report:
        return self.reports[0]

    @property
    def plan(self) -> Mapping[str, Any]:
        return self.first.plan

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(report.host for report in self.reports)

    @property
    def title(self) -> str:
        what = "Review" if self.first.check else "Deployment"
        if not self.plan:
            return f"{what} without a plan"
        environment = self.plan.get("environment")
        return f"{what} of {self.plan.get('stack') or 'a stack'}" + (f", {environment}" if environment else "")

    @property
    def failure(self) -> str:
        return str(self.first.result.get("msg") or "it failed") if self.first.result.get("failed") else ""

    @property
    def risks(self) -> Sequence[Mapping[str, Any]]:
        return self.plan.get("risks") or ()

    @property
    def warnings(self) -> Sequence[str]:
        return [str(text) for text in self.first.result.get("warnings") or ()]

    @property
    def sub_charts(self) -> Sequence[Mapping[str, Any]]:
        return self.first.result.get("sub_charts") or ()

    def images(self, state: str) -> Sequence[Mapping[str, Any]]:
        return [image for image in self.plan.get("images") or () if image.get("state") == state]

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """Those with which something happens, in the plan's order."""
        entries: dict[str, list[Entry]] = {}
        for entry in self.first.result.get("diff") or ():
            name, _colon, title = str(entry["after_header"]).partition(": ")
            entries.setdefault(name, []).append(Entry(title, entry["before"], entry["after"]))
        return tuple(_release(data, entries.get(release_id(data), ())) for data in self._plan_releases if _busy(data))

    @property
    def idle(self) -> list[Mapping[str, Any]]:
        """The releases that stay as they are."""
        return [data for data in self._plan_releases if not _busy(data)]

    @property
    def stays_title(self) -> str:
        """Hosts of one group may have other unchanged releases."""
        return "What stays" if len(self.reports) == 1 else f"What stays, on {self.first.host}"

    @property
    def _plan_releases(self) -> Sequence[Mapping[str, Any]]:
        return self.plan.get("releases") or ()


def _release(data: Mapping[str, Any], entries: Iterable[Entry]) -> Release:
    told = data.get("values")  # in a table of their own
    return Release(data, tuple(entry for entry in entries if not (told and entry.title.startswith("values"))))


def _busy(release: Mapping[str, Any]) -> bool:
    return release.get("action") not in _IDLE or bool(release.get("objects"))


def release_id(release: Mapping[str, Any]) -> str:
    return f"{release.get('namespace')}/{release.get('name')}"


def between(sides: Any) -> str:
    """The old and the new text, once if they are equal."""
    if not isinstance(sides, Mapping):
        return ""
    before, after = ("" if sides.get(key) is None else str(sides[key]) for key in ("from", "to"))
    return f"{before} → {after}" if before and after and before != after else before or after


def about(risk: Mapping[str, Any]) -> str:
    """The object of a risk, for people."""
    named = risk.get("object") or {}
    where = f" in {named['namespace']}" if named.get("namespace") else ""
    return f"{named.get('kind')} {named.get('name')}{where}" if named else ""


def where(place: Any) -> str:
    """The place that sets a value, for people."""
    if not isinstance(place, Mapping) or not place.get("file"):
        return ""
    line = f":{place['line']}" if place.get("line") else ""
    return f"{place['file']}{line}" + (f" ({place['how']})" if place.get("how") else "")


def folded(reports: Iterable[Report]) -> list[Group]:
    """The reports in groups with the same content, in the order of their first hosts."""
    groups: dict[str, list[Report]] = {}
    for report in reports:
        groups.setdefault(key_of(report), []).append(report)
    return [Group(tuple(found)) for found in groups.values()]


def key_of(report: Report) -> str:
    """A digest of a report without what is each cluster's own."""
    text = json.dumps([report.check, *_told(report.result)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _told(result: Mapping[str, Any]) -> Iterator[Any]:
    plan = result.get("plan") or {}
    yield [plan.get("stack"), plan.get("environment"), plan.get("risks"), result.get("warnings"), result.get("diff")]
    yield [result.get("failed"), result.get("msg")]
    own = ("revision", "status", "duration")
    yield [{k: v for k, v in item.items() if k not in own} for item in plan.get("releases") or () if _busy(item)]
    yield [image for image in plan.get("images") or () if image.get("state") != "stays"]

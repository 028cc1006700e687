# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock file at work: it makes references exact, and is made anew of what references lead to."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Wanted
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.stack import lockfile
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import LockedChart, Release, Stack

_WORKERS = 8
_Key = tuple[str, str, bool]  # reference, the stack's version or range, pre-releases too


class LockPins:
    """Makes references exact, as the lock file says.

    :arg path: of the lock file, for messages.
    """

    def __init__(self, charts: Sequence[LockedChart], path: str) -> None:
        self._charts = {_key_of(chart): chart for chart in charts}
        self._path = path

    def pin(self, wanted: Wanted) -> Wanted:
        """The same with version, digest and commit of the lock file; local charts are left alone.

        :raises ChartError: the file does not hold the chart, or holds another version than the wanted one.
        """
        if os.path.isabs(wanted.reference):
            return wanted
        key = _key(wanted)
        locked = self._charts.get(key)
        if locked is None:
            raise self._missing(key)
        if not _fits(locked):
            raise ChartError(
                f"{self._path} holds version {locked.version} of chart {key[0]}, which is not {locked.asked}",
                hint=lockfile.MEND,
            )
        if wanted.digest and locked.digest and wanted.digest != locked.digest:
            raise ChartError(
                f"chart {key[0]} has two digests: the stack says {wanted.digest}, {self._path} says {locked.digest}",
                hint=f"Correct the stack, or: {lockfile.MEND}",
            )
        digest = wanted.digest or locked.digest or None
        return replace(wanted, version=locked.version, digest=digest, commit=locked.commit or None)

    def _missing(self, key: _Key) -> ChartError:
        others = [chart.asked or "the newest version" for chart in self._charts.values() if chart.chart == key[0]]
        asked = key[1] or "the newest version"
        if others:
            what = f"{self._path} holds chart {key[0]} for {' and '.join(others)}, but the stack wants {asked}"
        else:
            what = f"{self._path} does not hold chart {key[0]} ({asked})"
        return ChartError(what, hint=lockfile.MEND)


@dataclass(frozen=True)
class Locking:
    """Makes the lock file of a stack in all its environments.

    :arg fetch: brings a release's chart, without looking at the lock file.
    :arg versions: all versions of a reference, newest first; () where there is but one.
    """

    stacks: Sequence[Stack]
    fetch: Callable[[Release], Chart]
    versions: Callable[[str], Sequence[str]]

    def charts(self, before: Iterable[LockedChart], update: Sequence[str]) -> list[LockedChart]:
        """The new lock file: entries that still fit stay, unless they are updated.

        :arg update: names or globs of releases or references; ``*`` is all.
        :raises HelmstackError: a chart cannot be had.
        """
        wanted = self._wanted()
        kept = {_key_of(chart): chart for chart in before if _fits(chart)}
        stale = {key for key, releases in wanted.items() if _named(key, releases, update)}
        new = [key for key in wanted if key in stale or key not in kept]
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            found = dict(zip(new, pool.map(lambda key: self._locked(key, wanted[key][0]), new)))
        return [found.get(key) or kept[key] for key in wanted]

    def unknown(self, update: Iterable[str]) -> list[str]:
        """The names to update that mean no chart."""
        wanted = self._wanted()
        return [name for name in update if not any(_named(key, releases, [name]) for key, releases in wanted.items())]

    def names(self) -> list[str]:
        """What may be named to be updated."""
        return sorted({name for key, releases in self._wanted().items() for name in _names(key, releases)})

    def outdated(self, charts: Sequence[LockedChart]) -> list[dict[str, Any]]:
        """The charts of which there are newer versions, with these, oldest first."""
        references = {key[0]: releases[0].chart for key, releases in self._wanted().items()}
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            found = pool.map(lambda chart: self._newer(chart, references[chart.chart]), charts)
            return [item for item in found if item]

    def _newer(self, chart: LockedChart, reference: str) -> dict[str, Any] | None:
        mine = semver.parse(chart.version)
        if mine is None:
            return None
        wants = chart.devel or "-" in chart.version
        parsed = [(semver.parse(version), version) for version in self.versions(reference)]
        later = [(item.key, version) for item, version in parsed if item and item.key > mine.key]
        newer = [version for _order, version in sorted(later) if wants or "-" not in version]
        if not newer:
            return None
        told = {"chart": chart.chart, "asked": chart.asked or None, "version": chart.version}
        return {**told, "newest": newer[-1], "newer": newer}

    def _wanted(self) -> dict[_Key, list[Release]]:
        """The charts that are not on this disk, each with the releases that want it, in the order of the stack."""
        wanted: dict[_Key, list[Release]] = {}
        for stack in self.stacks:
            for release in stack.releases:
                if not release.ignore and not os.path.isabs(release.chart):
                    asked = Wanted(release.chart, release.version, release.options.devel)
                    wanted.setdefault(_key(asked), []).append(release)
        return wanted

    def _locked(self, key: _Key, release: Release) -> LockedChart:
        origin = self.fetch(release).origin
        if origin is None:
            raise AssertionError(f"the chart {key[0]} lacks its origin")
        chart, asked, devel = key
        return LockedChart(
            chart, asked, devel, origin.version, origin.digest, origin.commit, without_credentials(origin.source)
        )


def _names(key: _Key, releases: Iterable[Release]) -> set[str]:
    return {key[0], *(release.name for release in releases), *(release.id for release in releases)}


def _named(key: _Key, releases: Sequence[Release], patterns: Iterable[str]) -> bool:
    names = _names(key, releases)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _fits(chart: LockedChart) -> bool:
    """Whether the version still fits the range, in case somebody has changed it by hand."""
    if not chart.asked or chart.version.removeprefix("v") == chart.asked.removeprefix("v"):
        return True
    try:
        return semver.satisfies(chart.version, chart.asked)
    except ValueError:
        return False


def _key(wanted: Wanted) -> _Key:
    return without_credentials(wanted.reference), wanted.version or "", wanted.devel


def _key_of(chart: LockedChart) -> _Key:
    return chart.chart, chart.asked, chart.devel


def as_data(charts: Iterable[LockedChart]) -> list[Mapping[str, Any]]:
    """The locked charts in a result."""
    return [
        {
            "chart": item.chart,
            "asked": item.asked or None,
            "version": item.version,
            "digest": item.digest or None,
            "commit": item.commit or None,
            "source": item.source,
        }
        for item in charts
    ]

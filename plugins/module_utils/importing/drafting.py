# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what clusters hold to a stack that can be written: where charts come from, what was sprayed, what is secret."""

from __future__ import annotations

import base64
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.importing import spraying
from ansible_collections.helmstack.core.plugins.module_utils.importing.export import Exported, export
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import Findings, FoundRelease, StoredChart
from ansible_collections.helmstack.core.plugins.module_utils.importing.integers import set_integers
from ansible_collections.helmstack.core.plugins.module_utils.importing.merging import together
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftRelease,
    DraftRepository,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.searching import Searcher, Source
from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import secret_leaves, strings_of

_FOLDER = "charts"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
MISSING = "missing"
EXPORTED = "exported"


@dataclass(frozen=True)
class _Place:
    """Where a chart comes from; ``why``: from nowhere, and why."""

    source: Source | None = None
    exported: Exported | None = None
    told: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class _Wanted:
    """A release of the stack before its chart has a name."""

    draft: DraftRelease
    chart: StoredChart
    digest: str  # of the place


class Drafting:
    """Makes the draft.

    :arg searcher: looks for charts.
    :arg load: the chart in a folder on this disk, its sub-charts fetched.
    :arg workdir: a private folder of the run.
    :arg helm: gives the major version of the helm that will read the values.
    """

    def __init__(self, searcher: Searcher, load: Callable[[str], Chart], workdir: str, helm: Callable[[], int]) -> None:
        self._searcher = searcher
        self._load = load
        self._workdir = workdir
        self._helm = helm
        self._places: dict[str, _Place] = {}
        self._charts: dict[str, StoredChart] = {}

    def draft(self, name: str, clusters: Sequence[Findings], repositories: Iterable[DraftRepository]) -> Draft:
        """The stack of one cluster, or of several with an environment each.

        :raises HelmstackError: a repository does not answer.
        """
        repositories = tuple(repositories)
        wanted = {findings.name: self._wanted(findings.releases) for findings in clusters}
        leaking = self._leaking(item for items in wanted.values() for item in items)
        folders = self._folders({item.digest for items in wanted.values() for item in items} - leaking.keys())
        releases = {
            cluster: [self._named(item, folders, leaking) for item in items] for cluster, items in wanted.items()
        }
        several = len(clusters) > 1 or bool(clusters[0].name)
        merged, environments = together(releases) if several else (tuple(releases[""]), ())
        used = {change.chart for each in environments for change in each.releases.values()}
        used |= {release.chart for release in merged}
        files = {
            f"{folder}/{path}": content
            for digest, folder in folders.items()
            if f"./{folder}" in used
            for path, content in self._exported(digest).files.items()
        }
        return Draft(
            name=name,
            releases=merged,
            repositories=repositories,
            environments=environments,
            files=files,
            notes=(
                *self._notes(clusters, merged, {key: path for key, path in folders.items() if f"./{path}" in used}),
                *_of_passwords(repositories),
            ),
            left_out=tuple(text for findings in clusters for text in findings.left_out),
        )

    def _wanted(self, releases: Sequence[FoundRelease]) -> list[_Wanted]:
        found = []
        taken: set[str] = set()
        for group in spraying.groups(releases):
            item = self._spray(group, {release.id for release in releases})
            if item:
                found.append(item)
                taken |= {release.id for release in group.releases}
        found += [self._plain(release) for release in releases if release.id not in taken]
        return sorted(found, key=lambda item: (item.draft.namespace, item.draft.name))

    def _plain(self, release: FoundRelease) -> _Wanted:
        draft = DraftRelease(
            name=release.name,
            namespace=release.namespace,
            chart="",
            values=release.config,
            set=set_integers(release.config, release.manifest),
            labels=release.labels,
            origin=f"revision {release.revision}",
        )
        return _Wanted(draft, release.chart, self._place(release.chart))

    def _spray(self, group: spraying.Group, names: set[str]) -> _Wanted | None:
        """The umbrella of a group; None: the group is none, so each release is drafted alone."""
        chart = group.releases[0].chart
        digest = self._place(_whole(group))
        place = self._places[digest]
        try:
            path = place.source.path if place.source else self._on_disk(digest)
        except HelmstackError:
            return None
        umbrella = spraying.umbrella(group, path, self._helm()) if path else None
        if umbrella is None:
            return None
        name = chart.name if f"{group.namespace}/{chart.name}" not in names else f"{chart.name}-spray"
        draft = DraftRelease(
            name=name,
            namespace=group.namespace,
            chart="",
            values=umbrella.values,
            spray=umbrella.options,
            labels={
                key: text
                for key, text in group.releases[0].labels.items()
                if all(release.labels.get(key) == text for release in group.releases)
            },
            parts=tuple(sorted(release.id for release in group.releases)),
        )
        return _Wanted(draft, chart, digest)

    def _place(self, chart: StoredChart) -> str:
        """Finds out where a chart comes from, once; returns the key under which that is kept."""
        if chart.digest not in self._places:
            self._charts[chart.digest] = chart
            self._places[chart.digest] = self._find(chart)
        return chart.digest

    def _find(self, chart: StoredChart) -> _Place:
        found = self._searcher.search(chart)
        if found.source:
            return _Place(found.source)
        try:
            if not _NAME.fullmatch(chart.name) or not _NAME.fullmatch(chart.version):
                raise ChartError(f"its chart is called '{chart.name}' '{chart.version}', as no chart may be")
            return _Place(exported=export(chart, self._searcher.sub_chart), told=found.told)
        except ChartError as error:
            told = f" ({', '.join(found.told)})" if found.told else ""
            return _Place(why=f"{error.what}{told}" + (f". {error.hint}" if error.hint else ""))

    def _exported(self, digest: str) -> Exported:
        return self._places[digest].exported or Exported({})

    def _on_disk(self, digest: str) -> str:
        """An exported chart as a folder with its sub-charts; "": there is none."""
        if self._places[digest].exported is None:
            return ""
        folder = os.path.join(self._workdir, f"exported-{digest[:16]}")
        for name, content in self._exported(digest).files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "wb") as stream:
                stream.write(content)
        return self._load(folder).path

    def _folders(self, used: Collection[str]) -> dict[str, str]:
        """The folders of exported charts, by their name, version and content."""
        exported = [digest for digest, place in self._places.items() if place.exported and digest in used]
        by_name: dict[str, list[str]] = defaultdict(list)
        by_version: dict[str, list[str]] = defaultdict(list)
        for digest in exported:
            chart = self._charts[digest]
            by_name[chart.name].append(digest)
            by_version[f"{chart.name}-{chart.version}"].append(digest)
        folders = {}
        for digest in exported:
            chart = self._charts[digest]
            full = f"{chart.name}-{chart.version}"
            short = chart.name if len(by_name[chart.name]) == 1 else full
            folders[digest] = f"{_FOLDER}/{short if len(by_version[full]) == 1 else f'{full}-{digest[:8]}'}"
        return folders

    def _named(self, item: _Wanted, folders: Mapping[str, str], leaking: Mapping[str, str]) -> DraftRelease:
        place = self._places[item.digest]
        if place.source:
            source = place.source
            return replace(item.draft, chart=source.chart, version=source.version, source=source.kind)
        if item.digest in folders:
            said = "the chart is exported from the release, as it was found in no repository"
            return replace(item.draft, chart=f"./{folders[item.digest]}", source=EXPORTED, comments=(said,))
        why = leaking.get(item.digest) or place.why
        said = f"to be managed once its chart is named here: {why}"
        chart = f"./{_FOLDER}/{item.chart.name}"
        return replace(item.draft, chart=chart, ignore=True, source=MISSING, comments=(said,))

    def _leaking(self, items: Iterable[_Wanted]) -> dict[str, str]:
        """The exported charts that hold a secret of the values in plain text, with a note on each."""
        secrets = {text for item in items for text in strings_of(secret_leaves(item.draft.values)) if _distinct(text)}
        written = {text: (text.encode(), base64.b64encode(text.encode())) for text in secrets}
        found = {}
        for digest, place in self._places.items():
            files = place.exported.files if place.exported else {}
            whole = b"\0".join(files.values())
            if any(form in whole for forms in written.values() for form in forms):
                every = [form for forms in written.values() for form in forms]
                name = next(name for name, content in files.items() if any(form in content for form in every))
                chart = self._charts[digest]
                found[digest] = (
                    f"the file {name} of its chart {chart.name} {chart.version} holds a secret of the values in plain "
                    "text, so that the chart is not exported. Name the repository of the chart with repositories"
                )
        return found

    def _notes(
        self,
        clusters: Sequence[Findings],
        releases: Sequence[DraftRelease],
        folders: Mapping[str, str],
    ) -> tuple[str, ...]:
        notes = [text for findings in clusters for text in findings.notes]
        for digest, folder in sorted(folders.items(), key=lambda item: item[1]):
            notes += self._of_exported(digest, folder)
        for release in releases:
            if release.source == MISSING:
                notes.append(f"release {release.id} is in the stack with ignore: true, {release.comments[0]}")
            if release.spray is not None:
                notes.append(
                    f"the releases {', '.join(release.parts)} are one spray of the umbrella {release.chart}: "
                    f"'{release.name}'"
                )
        if len(releases) > 1:
            notes.append(
                "no cluster knows which release must be ready before another starts: add needs where it matters"
            )
        return tuple(notes)

    def _of_exported(self, digest: str, folder: str) -> list[str]:
        place, chart = self._places[digest], self._charts[digest]
        told = f" ({', '.join(place.told)})" if place.told else ""
        notes = [f"chart {chart.name} {chart.version} was found in no repository{told}, and is exported to {folder}"]
        fetched = self._exported(digest).fetched
        if fetched:
            notes[0] += f"; its sub-charts {', '.join(fetched)} come from their own repositories"
        secret = sorted({".".join(map(str, path)) for path, _value in secret_leaves(chart.values)})
        if secret:
            notes.append(
                f"the values.yaml of the exported chart {chart.name} {chart.version} has defaults that look like "
                f"secrets, in plain text as in the chart itself: {', '.join(secret)}"
            )
        return notes


def _of_passwords(repositories: Iterable[DraftRepository]) -> Iterator[str]:
    for repository in repositories:
        if "password" in repository.options:
            yield (
                f"the password of the repository '{repository.name}' is not written: set the variable "
                f"{repository.name}_password, with the option variables or in a vaulted overlay"
            )


def _whole(group: spraying.Group) -> StoredChart:
    """The umbrella with the sub-charts of all its releases, each of which lists but its own."""
    data = group.releases[0].chart.data
    every: dict[str, Mapping[str, Any]] = {}
    for release in group.releases:
        for each in release.chart.metadata.get("dependencies") or ():
            every.setdefault(str(each.get("alias") or each.get("name")), each)
    return StoredChart({**data, "metadata": {**data["metadata"], "dependencies": list(every.values())}})


def _distinct(text: str) -> bool:
    """Whether a text in a chart can only be the secret, and no ordinary word."""
    return len(text) >= (16 if text.isalpha() else 8)

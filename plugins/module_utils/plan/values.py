# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of releases as private files for helm, and merged for comparisons."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import plain_json
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, ValuesSource
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


@dataclass(frozen=True)
class Values:
    """The merged values of a release, and their files when helm needs them."""

    sources: tuple[ValuesSource, ...] = field(repr=False)
    folder: str
    merged: Mapping[str, Any] = field(repr=False)
    mentions: Mentions  # what templates in them do, which are for tpl
    warnings: tuple[str, ...] = ()
    guard: Guard | None = field(default=None, repr=False, compare=False)

    def write(self) -> tuple[str, ...]:
        """Writes the values files for helm, mode 0600, the first time; returns their paths."""
        return self._written

    @cached_property
    def _written(self) -> tuple[str, ...]:
        if self.guard:
            self.guard.watch()
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for path, source in zip(self._paths, self.sources):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(source.text)
        return self._paths

    @property
    def names(self) -> Mapping[str, str]:
        """What the user calls the files."""
        return {path: source.label for path, source in zip(self._paths, self.sources)}

    @property
    def _paths(self) -> tuple[str, ...]:
        return tuple(os.path.join(self.folder, f"{number}.yaml") for number in range(len(self.sources)))


class ValuesFiles:
    """Each release's values; their files are below the run's private folder.

    :arg helm: the program for a release, as Helm 3 and 4 differ in what they read.
    :arg guard: looks after that folder.
    """

    def __init__(self, workdir: str, helm: Callable[[Release], Helm], guard: Guard | None = None) -> None:
        self._guard = guard
        self._folder = os.path.join(workdir, "values")
        self._helm = helm
        self._known: dict[str, Values] = {}
        self._lock = threading.Lock()
        # many releases share values files: each text is read once
        self._load = lru_cache(maxsize=None)(_documents)
        self._mentions = lru_cache(maxsize=None)(lambda text: Mentions.of((text,)))

    def of(self, release: Release) -> Values:
        with self._lock:
            known = self._known.get(release.id)
            if known is None:
                known = self._known[release.id] = self._read(release)
        return known

    def _read(self, release: Release) -> Values:
        major = self._helm(release).version().major
        parts = [
            self._load(source.text, source.label, major) if source.parsed is None else source.parsed
            for source in release.values
        ]
        return Values(
            sources=release.values,
            folder=os.path.join(self._folder, release.namespace, release.name),
            merged=merge(document for part in parts for document in part),
            mentions=Mentions.any(self._mentions(source.text) for source in release.values),
            guard=self._guard,
            warnings=tuple(self._divided(source, major) for source in release.values if helmyaml.divided(source.text)),
        )

    def _divided(self, source: ValuesSource, major: int) -> str:
        if major < 4:
            try:
                self._load(source.text, source.label, 4)
            except InputError as error:
                return f"Helm 4 will not take values as Helm 3 does: {error}"
        takes = "all, of which the later ones win" if major >= 4 else "the first"
        return (
            f"{source.label} holds several YAML documents, of which Helm {major} takes {takes}. Helm 3 and Helm 4 "
            "differ there: make it one document"
        )


def _documents(text: str, label: str, major: int) -> list[dict[str, Any]]:
    plain = plain_json.mapping(text)
    if plain is None:
        return helmyaml.load_values(text, label, major)
    return [plain] if plain else []


def visible(release: Release, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that can shape the release: what a sprayed umbrella says of other sub-charts cannot."""
    return {key: value for key, value in values.items() if key not in release.hidden_values}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack from the output of ``helmfile build``: one output, or one of each environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import plain
from ansible_collections.helmstack.core.plugins.module_utils.importing import helmfile_hooks, merging
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_release import (
    Ground,
    ReleaseReader,
    options,
    untold,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_state import Build, states_of
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_words import (
    REPOSITORY,
    REPOSITORY_INSTEAD,
    STATE_INSTEAD,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftRelease,
    DraftRepository,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import (
    mask_of,
    secret_leaves,
    strings_of,
)
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options
from ansible_collections.helmstack.core.plugins.module_utils.stack.schema import OPTIONS


def read(builds: Mapping[str, Build], name: str, dest: str) -> Draft:
    """The stack of one output, or of one for each environment with an overlay for each.

    :arg builds: by environment; "": the output is of no environment in particular.
    :arg name: of the stack.
    :arg dest: the folder that it is written to, absolute.
    :raises InputError: what was given is no output of ``helmfile build``, or names files that are not there.
    """
    drafts = {
        environment: _Reader(environment, build, dest, alone=len(builds) == 1).draft(name)
        for environment, build in builds.items()
    }
    if list(drafts) == [""]:
        return drafts[""]
    return _together(name, drafts)


def _together(name: str, drafts: Mapping[str, Draft]) -> Draft:
    """One stack: what differs between the environments is in their overlays."""
    defaults = merging.agreed([draft.defaults for draft in drafts.values()])
    active = {release.id for draft in drafts.values() for release in draft.releases if not release.ignore}
    repositories: dict[str, DraftRepository] = {}
    held: dict[str, tuple[DraftRelease, ...]] = {}
    files: dict[str, bytes] = {}
    for environment, draft in drafts.items():
        names = dict(_declared(repositories, draft, environment))
        own = {key: item for key, item in draft.defaults.items() if key not in defaults}
        found = (release for release in draft.releases if not release.ignore or release.id not in active)
        held[environment] = tuple(_adapted(release, names, own) for release in found)
        files |= draft.files
    releases, environments = merging.together(held)
    notes = tuple(dict.fromkeys(note for draft in drafts.values() for note in draft.notes))
    return Draft(name, releases, tuple(repositories.values()), environments, defaults, files, notes)


def _declared(repositories: dict[str, DraftRepository], draft: Draft, environment: str) -> Iterator[tuple[str, str]]:
    """Puts an environment's repositories to the others; yields those names that mean another one there."""
    for repository in draft.repositories:
        known = repositories.setdefault(repository.name, repository)
        if known != repository:
            name = f"{repository.name}-{environment}"
            repositories[name] = replace(repository, name=name)
            yield repository.name, name


def _adapted(release: DraftRelease, repositories: Mapping[str, str], defaults: Mapping[str, Any]) -> DraftRelease:
    name, slash, chart = release.chart.partition("/")
    named = f"{repositories[name]}/{chart}" if slash and name in repositories else release.chart
    return replace(release, chart=named, options={**defaults, **release.options})


class _Reader:
    """Reads one output.

    :arg environment: whose it is; "": no one's in particular.
    :arg alone: it is the only one, so that values files may stay what they are.
    """

    def __init__(self, environment: str, build: Build, dest: str, *, alone: bool) -> None:
        self._states = states_of(build)
        secrets = f"env/{environment}/secrets" if environment else "secrets"
        declared = {str(plain(entry["name"])) for state in self._states for entry in state.entries("repositories")}
        root = os.path.commonpath([state.folder for state in self._states])
        self._grounds = [Ground(state, dest, secrets, alone, frozenset(declared), root) for state in self._states]
        self._notes: list[str] = []
        self._files: dict[str, bytes] = {}

    def draft(self, name: str) -> Draft:
        working = [ground for ground in self._grounds if ground.state.entries("releases")]
        defaults = {id(ground): self._defaults(ground) for ground in working}
        agreed = merging.agreed([*defaults.values()])
        readers: list[ReleaseReader] = []
        releases: list[DraftRelease] = []
        for number, ground in enumerate(working):
            own = {key: item for key, item in defaults[id(ground)].items() if key not in agreed}
            for members in ground.state.entries("releases"):
                weight = number if len(working) > 1 else None
                readers.append(ReleaseReader(ground, members, weight, self._notes, self._files))
                releases.append(_adapted(readers[-1].release(), {}, own))
        self._check(readers)
        repositories = self._repositories()
        self._tell(readers, weighed=len(working) > 1)
        mask = self._mask(releases)
        return Draft(
            name,
            tuple(_masked(release, mask) for release in _without_idle_needs(releases)),
            repositories,
            defaults=agreed,
            files=self._files,
            notes=tuple(dict.fromkeys(mask.text(note) for note in self._notes)),
        )

    def _defaults(self, ground: Ground) -> dict[str, Any]:
        """``helmDefaults``, with those of helmfile's defaults that are others here."""
        said = ground.state.data("helmDefaults") or {}
        for key, instead in untold(said):
            self._notes.append(f"helmDefaults: '{key}' is not carried over: {instead}")
        found = {"createNamespace": True, "wait": False, **options(said, ground.place)}
        usual = Options()
        return {key: item for key, item in found.items() if getattr(usual, OPTIONS[key][0]) != item}

    def _repositories(self) -> tuple[DraftRepository, ...]:
        found: dict[str, DraftRepository] = {}
        for ground in self._grounds:
            for entry in ground.state.entries("repositories"):
                repository = self._repository(ground, {key: plain(node) for key, node in entry.items()})
                known = found.setdefault(repository.name, repository)
                if known != repository:
                    what = f"the repository '{repository.name}' is another one than in a helmfile before"
                    raise InputError(what, where=entry["name"].where, hint="Give one of them another name")
        return tuple(found.values())

    def _repository(self, ground: Ground, data: Mapping[str, Any]) -> DraftRepository:
        name, further = str(data.get("name") or ""), dict[str, Any]()
        for key, ours in REPOSITORY.items():
            if data.get(key):
                further[ours] = ground.place(data[key]) if ours.endswith("_file") else data[key]
        if data.get("oci"):
            further["oci"] = True
        if data.get("password"):
            variable = re.sub(r"\W", "_", name) + "_password"
            further["password"] = f"${{{variable}}}"
            self._notes.append(
                f"the password of the repository '{name}' is not carried over: "
                f"give it as the variable {variable}, from a vault or the environment"
            )
        for key, instead in REPOSITORY_INSTEAD.items():
            if data.get(key):
                self._notes.append(f"repository '{name}': '{key}' is not carried over: {instead}")
        return DraftRepository(name, str(data.get("url") or ""), further)

    def _check(self, readers: Sequence[ReleaseReader]) -> None:
        """A stack is of one cluster, and no release is in it twice."""
        found: dict[str, ReleaseReader] = {}
        for reader in readers:
            first = found.setdefault(reader.id, reader)
            if first is not reader:
                what = f"the release {reader.id} is there twice, first at {first.where}"
                raise InputError(what, where=reader.where)
            other = next(iter(found.values()))
            if reader.context != other.context:
                raise InputError(
                    f"{reader.id} goes to {_cluster(reader)}, and {other.id} to {_cluster(other)}",
                    where=reader.where,
                    hint="A stack is of one cluster: give the output of helmfile build --selector for one of them",
                )

    def _tell(self, readers: Sequence[ReleaseReader], *, weighed: bool) -> None:
        contexts = {reader.context for reader in readers} | {
            str((state.data("helmDefaults") or {}).get("kubeContext") or "") for state in self._states
        }
        for context in sorted(contexts - {""}):
            self._notes.append(f"helmfile names the cluster: set context: {context} for the task, or for the host")
        if weighed:
            self._notes.append("one helmfile is worked on after the other, which weight says here")
        for reader in readers:
            if not reader.says_namespace:
                self._notes.append(f"{reader.id}: helmfile takes the kubeconfig's namespace; here it is 'default'")
        for state in self._states:
            for key, instead in STATE_INSTEAD.items():
                if state.data(key):
                    self._notes.append(f"'{key}' is not carried over: {instead}")
            self._notes += helmfile_hooks.told(state.data("hooks"), {})

    def _mask(self, releases: Sequence[DraftRelease]) -> Mask:
        """What is secret in the output shows in no note and no comment; a release's own names always do."""
        found: set[str] = set()
        for state in self._states:
            found |= strings_of(secret_leaves([state.data("repositories"), state.data("renderedvalues")]))
        for release in releases:
            found |= strings_of(secret_leaves([release.values, release.set]))
        return mask_of(found - {text for release in releases for text in (release.name, release.namespace)})


def _cluster(reader: ReleaseReader) -> str:
    return f"the cluster '{reader.context}'" if reader.context else "the kubeconfig's cluster"


def _without_idle_needs(releases: Sequence[DraftRelease]) -> Iterator[DraftRelease]:
    """What is ignored is not awaited."""
    ignored = {release.id for release in releases if release.ignore}
    for release in releases:
        yield replace(release, needs=tuple(need for need in release.needs if need not in ignored))


def _masked(release: DraftRelease, mask: Mask) -> DraftRelease:
    return replace(release, comments=tuple(mask.text(text) for text in release.comments))

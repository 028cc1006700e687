# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a chart's reference to a chart on disk: each one fetched once a run, whatever number of releases want it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.chart.local import LocalCharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import Cache
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.every import sources as all_sources
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import (
    Found,
    Pins,
    Source,
    Surroundings,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.once import Once
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    HelmstackError,
    InputError,
    Location,
)
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


class ChartStore:
    """The charts of one run; several threads may use it at once.

    :arg workdir: a private folder of the run; the charts' paths stay valid as long as it exists.
    :arg cache: a folder that outlives the run, for what is exact; None: nothing is kept.
    :arg registry_config: a registry login file that the task names.
    :arg pins: what makes references exact, a lock file.
    :arg sources: where charts come from, in place of all that there are: a bundle.
    :arg guard: looks after the processes if this one is killed.
    :arg shared: what other processes have found in charts.
    """

    def __init__(
        self,
        helm: Helm,
        workdir: str,
        repositories: Iterable[Repository],
        cache: str | None = None,
        *,
        registry_config: str | None = None,
        pins: Pins | None = None,
        sources: tuple[Source, ...] | None = None,
        guard: Guard | None = None,
        shared: SharedTexts | None = None,
    ) -> None:
        repositories = tuple(repositories)
        if guard and any(_tells_secrets(repository) for repository in repositories):  # to a file for helm
            guard.watch()
        os.makedirs(workdir, mode=0o700, exist_ok=True)
        declared = Repositories(helm, repositories)
        local = LocalCharts(declared, workdir, self._bring, guard)
        kept = Cache(cache)
        self._git = GitRepositories(os.path.join(workdir, "git"), repositories, kept.folder("git"), guard)
        around = Surroundings(
            helm, workdir, declared, kept, self._git, registry_config, local.complete, os.environ, guard=guard
        )
        self._sources = all_sources(around) if sources is None else sources
        self._pins = pins
        self._fetched: Once[Wanted, Chart] = Once()
        self._brought: Once[Wanted, Found] = Once()
        self._helm = helm
        self._workdir = workdir
        self._shared = shared

    def fetch(
        self,
        reference: str,
        version: str | None = None,
        *,
        devel: bool = False,
        digest: str | None = None,
        verify: bool = False,
        keyring: str | None = None,
        where: Location | None = None,
    ) -> Chart:
        """The chart that a reference names (docs/stack_files.md), fetched or found.

        :arg version: exact or a range; None: the newest, pre-releases only with ``devel``.
        :arg digest: of the archive, or of the manifest in a registry; another one is an error.
        :raises InputError: the reference is of no known kind, or its repository is not declared.
        :raises ChartError: the chart or the version does not exist, or cannot be fetched or read.
        """
        wanted = Wanted(reference, version or None, devel, digest, None, verify, keyring)
        try:
            return self._fetched.of(wanted, lambda: self._get(wanted))
        except HelmstackError as error:
            raise _at(error, where) from None

    def versions(self, reference: str) -> tuple[str, ...]:
        """All versions that there are of a chart, newest first; () where there can be but one."""
        return self._source(reference).versions(Wanted(reference))

    def terminate_all(self) -> None:
        """Ends what is being fetched."""
        self._git.terminate_all()

    def _get(self, wanted: Wanted) -> Chart:
        pinned = self._pins.pin(wanted) if self._pins else wanted
        found = self._bring(pinned)
        _check_digest(found, pinned)
        chart = load(found.path, wanted.reference, self._shared)
        if pinned.verify:
            self._verify(chart, found, pinned)
        _check_version(chart, found, pinned)
        return replace(chart, origin=replace(found.origin, version=found.origin.version or chart.version))

    def _bring(self, wanted: Wanted) -> Found:
        """A chart on this disk, be it a release's or one that others depend on."""
        return self._brought.of(wanted, lambda: self._source(wanted.reference).find(wanted))

    def _verify(self, chart: Chart, found: Found, wanted: Wanted) -> None:
        """Holds if the chart is signed by one of the keys of the keyring.

        :raises ChartError: it is not.
        """
        told = f"chart '{without_credentials(wanted.reference)}' {chart.version}"
        if os.path.isdir(found.path):
            raise ChartError(f"verify is set, but {told} is a folder, which cannot be signed", hint="Leave verify out")
        if not found.origin.provenance:
            hint = "Sign it with helm package --sign, and publish the .prov file too, or leave verify out"
            raise ChartError(f"verify is set, but {told} is not signed: it has no provenance file", hint=hint)
        # Helm looks for the archive's own name in the provenance file
        folder = tempfile.mkdtemp(prefix="verify-", dir=self._workdir)
        archive = os.path.join(folder, f"{chart.name}-{chart.version}.tgz")
        shutil.copyfile(found.path, archive)
        shutil.copyfile(found.origin.provenance, f"{archive}.prov")
        try:
            self._helm.verify(archive, wanted.keyring)
        except HelmFailure as failure:
            said = failure.words.replace(folder + os.sep, "")
            keys = f"the keyring {wanted.keyring}" if wanted.keyring else "Helm's default keyring"
            raise ChartError(
                f"{told} is not as one of the keys of {keys} has signed it: {said}",
                hint="Find out who made it before you go on; the option keyring names the keys that you trust",
            ) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _source(self, reference: str) -> Source:
        for source in self._sources:
            if source.takes(reference):
                return source
        raise InputError(f"charts of the kind '{reference.partition('://')[0]}://' are not supported")


def _tells_secrets(repository: Repository) -> bool:
    return bool(repository.username or repository.password or "@" in repository.url)


def _check_digest(found: Found, wanted: Wanted) -> None:
    if not wanted.digest or wanted.digest == found.origin.digest:
        return
    chart = f"chart '{wanted.reference}' {found.origin.version}".rstrip()
    if not found.origin.digest:
        raise ChartError(
            f"digest says {wanted.digest}, but {chart} is a folder, which has none",
            hint="Leave digest out, or name a commit" if found.origin.commit else "Leave digest out",
        )
    raise ChartError(
        f"{chart} has another digest than it should: {found.origin.digest}, not {wanted.digest}",
        hint="It was replaced where it comes from, or is not the one that was meant. Find out which before you go on",
    )


def _check_version(chart: Chart, found: Found, wanted: Wanted) -> None:
    """Helm does not look at --version for what has but one version; a stack that says one means it."""
    version = wanted.version
    if not version or (found.origin.kind in ("repository", "oci") and "@" not in wanted.reference):
        return
    try:
        fits = chart.version.removeprefix("v") == version.strip().removeprefix("v") or (
            not semver.is_exact(version) and semver.satisfies(chart.version, version)
        )
    except ValueError as error:
        raise InputError(f"the wanted version of chart '{chart.reference}' cannot be read: {error}") from None
    if not fits:
        raise ChartError(f"chart '{chart.reference}' is version {chart.version}, but the stack wants {version}")


def _at(error: HelmstackError, where: Location | None) -> HelmstackError:
    """The error again, with the place of the release that wants the chart."""
    told = type(error).__new__(type(error))
    told.__dict__.update(error.__dict__)
    told.args = error.args
    told.where = error.where or where
    return told

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a chart's reference to a chart on disk: each one fetched once a run, whatever number of releases want it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.chart.local import LocalCharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    HelmstackError,
    InputError,
    Location,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm import Helm, HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

_Key = tuple[str, str, bool]


class ChartStore:
    """The charts of one run; may be asked from several threads at once.

    :arg workdir: a private folder of the run; the charts' paths stay valid as long as it exists.
    :arg cache: a folder that outlives the run, for archives of exact versions; None: nothing is kept.
    """

    def __init__(self, helm: Helm, workdir: str, repositories: Iterable[Repository], cache: str | None = None) -> None:
        self._helm = helm
        self._workdir = workdir
        self._cache = cache
        os.makedirs(workdir, mode=0o700, exist_ok=True)
        self._repositories = Repositories(helm, repositories)
        self._local = LocalCharts(helm, self._repositories, workdir)
        self._lock = threading.Lock()
        self._fetched: dict[_Key, Future[Chart]] = {}

    def fetch(
        self, reference: str, version: str | None, *, devel: bool = False, where: Location | None = None
    ) -> Chart:
        """The chart that a reference names (interface.md section 4), fetched or found.

        :arg version: exact or a range; None: the newest, pre-releases only with ``devel``.
        :raises InputError: the reference is of no known kind, or its repository is not declared.
        :raises ChartError: the chart or the version does not exist, or cannot be fetched or read.
        """
        key = (reference, version or "", devel)
        with self._lock:
            future = self._fetched.get(key)
            mine = future is None
            if future is None:
                future = self._fetched[key] = Future()
        if mine:
            try:
                future.set_result(self._get(reference, version, devel))
            except BaseException as error:
                future.set_exception(error)
        try:
            return future.result()
        except HelmstackError as error:
            raise _at(error, where) from None

    def _get(self, reference: str, version: str | None, devel: bool) -> Chart:
        if os.path.isabs(reference):
            chart = load(self._local.complete(reference), reference)
            _check_version(chart, version)
            return chart
        if "://" in reference:
            raise InputError(f"charts of the kind '{reference.partition('://')[0]}://' are not supported yet")
        repository, slash, name = reference.partition("/")
        if not slash or "/" in name or not name:
            raise InputError(
                f"'{reference}' is no chart reference",
                hint="A chart is repository/name, or a path that begins with './', '../' or '/'",
            )
        return self._from_repository(self._repositories.declared(repository), name, version, devel, reference)

    def _from_repository(
        self, repository: Repository, name: str, version: str | None, devel: bool, reference: str
    ) -> Chart:
        exact = version if version and semver.is_exact(version) else None
        cached = self._cached(repository, name, exact) if exact else None
        if cached:
            chart = _load_cached(cached, reference)
            if chart:
                return chart
        chart = load(self._pull(repository, name, version, devel), reference)
        self._keep(chart, repository, name, {exact or chart.version, chart.version})
        return chart

    def _pull(self, repository: Repository, name: str, version: str | None, devel: bool) -> str:
        self._repositories.update(repository)
        folder = tempfile.mkdtemp(prefix="pull-", dir=self._workdir)
        try:
            self._helm.pull(f"{repository.name}/{name}", folder, version, devel=devel, insecure=repository.insecure)
        except HelmFailure as failure:
            raise self._repositories.explain(repository, name, version, failure) from None
        archives = [entry for entry in os.listdir(folder) if entry.endswith(".tgz")]
        if len(archives) != 1:
            raise ChartError(f"helm pull of chart {repository.name}/{name} left no archive")
        return os.path.join(folder, archives[0])

    def _cached(self, repository: Repository, name: str, version: str) -> str | None:
        if self._cache is None:
            return None
        # A chart that needs a user to be fetched must not be found by another.
        source = "\n".join([repository.url.rstrip("/"), repository.username or "", name, version.removeprefix("v")])
        folder = hashlib.sha256(source.encode()).hexdigest()
        return os.path.join(self._cache, folder, f"{_file_name(name)}-{_file_name(version.removeprefix('v'))}.tgz")

    def _keep(self, chart: Chart, repository: Repository, name: str, versions: set[str]) -> None:
        for version in versions:
            target = self._cached(repository, name, version)
            if target is None:
                continue
            # A cache that cannot be written makes the next run slower, not this one wrong.
            try:
                os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
                handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target))
                os.close(handle)
                shutil.copyfile(chart.path, temporary)
                os.replace(temporary, target)
            except OSError:
                return


def _load_cached(path: str, reference: str) -> Chart | None:
    if not os.path.isfile(path):
        return None
    try:
        return load(path, reference)
    except ChartError:
        return None


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+-]", "_", text)


def _check_version(chart: Chart, version: str | None) -> None:
    """Helm does not look at --version for a path; a stack that says one means it."""
    if not version:
        return
    try:
        fits = chart.version.removeprefix("v") == version.strip().removeprefix("v") or (
            not semver.is_exact(version) and semver.satisfies(chart.version, version)
        )
    except ValueError as error:
        raise InputError(f"the version asked of chart '{chart.reference}' cannot be read: {error}") from None
    if not fits:
        raise ChartError(f"chart '{chart.reference}' is version {chart.version}, but {version} is asked for")


def _at(error: HelmstackError, where: Location | None) -> HelmstackError:
    """The error again, told at the place of one of those who asked."""
    told = type(error).__new__(type(error))
    told.__dict__.update(error.__dict__)
    told.args = error.args
    told.where = error.where or where
    return told

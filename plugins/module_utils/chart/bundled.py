# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle: the charts of a stack in one archive or folder, to deploy from without any other source.

It holds ``bundle.yaml``, which says what each reference leads to, the archives in ``charts/``, the lock file, and
``images.txt``.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import sha256
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    HelmstackError,
    InputError,
    Location,
    did_you_mean,
)
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

VERSION = 1
ARCHIVES = (".tgz", ".tar.gz")
_INDEX, _LOCK, _IMAGES = "bundle.yaml", "helmstack.lock", "images.txt"
_LARGEST = 4 << 30  # bytes that a bundle may unpack to
_MEND = "Make the bundle anew with the module helmstack_bundle"


@dataclass(frozen=True)
class Bundled:
    """A chart of a bundle, and the reference that leads to it."""

    chart: str  # the reference as the stack has it, without logins; local paths relative to the stack's folder
    asked: str  # the version or range; "": the newest
    devel: bool
    version: str
    digest: str  # of the archive that was fetched, or of the manifest in a registry; "": it was a folder
    commit: str
    source: str
    file: str  # in the bundle
    sha256: str  # of that file
    kind: str
    provenance: bool = False

    @property
    def line(self) -> str:
        """The chart in a diff."""
        exact = self.commit or self.digest or f"sha256:{self.sha256}"
        return f"{self.chart} ({self.asked or 'newest'}): {self.version} {exact}\n"


class BundleSource:
    """All charts come from a bundle, and from nowhere else.

    :arg path: of the archive or folder.
    :arg workdir: where an archive may be unpacked.
    :raises InputError: there is no bundle, or it is damaged.
    """

    def __init__(self, path: str, workdir: str) -> None:
        self._path = path
        self._folder = _unpacked(path, workdir)
        self._charts = {(item.chart, item.asked, item.devel): item for item in _read_index(self._folder, path)}

    def takes(self, reference: str) -> bool:
        return True

    def find(self, wanted: Wanted) -> Found:
        name = without_credentials(wanted.reference)
        item = self._charts.get((name, wanted.version or "", wanted.devel))
        if item is None:
            raise self._missing(name, wanted.version or "")
        path = os.path.join(self._folder, item.file)
        if not os.path.isfile(path) or sha256(path) != item.sha256:
            raise ChartError(f"the bundle {self._path} is damaged: {item.file} is not as it was made", hint=_MEND)
        provenance = f"{path}.prov" if item.provenance else ""
        origin = Origin(item.kind, name, item.source, item.version, item.digest, item.commit, provenance)
        return Found(path, origin)

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        return ()

    def _missing(self, name: str, asked: str) -> ChartError:
        others = [item.asked or "the newest version" for item in self._charts.values() if item.chart == name]
        if others:
            what = f"the bundle {self._path} holds chart {name} for {' and '.join(others)}"
            return ChartError(f"{what}, not for {asked or 'the newest version'}", hint=_MEND)
        near = did_you_mean(name, {item.chart for item in self._charts.values()})
        return ChartError(f"the bundle {self._path} does not hold chart {name}", hint=near or _MEND)


@dataclass
class Bundling:
    """Makes a bundle of the charts of stacks in a private folder.

    :arg fetch: brings a release's chart.
    """

    folder: str
    fetch: Callable[[Release], Chart]
    charts: dict[tuple[str, str, bool], Bundled] = field(default_factory=dict)

    def take(self, stacks: Iterable[Stack]) -> None:
        """Fetches all charts and puts them into the folder.

        :raises HelmstackError: a chart cannot be had.
        """
        os.makedirs(os.path.join(self.folder, "charts"), exist_ok=True)
        for stack in stacks:
            for release in stack.releases:
                key = (named(release), release.version or "", release.options.devel)
                if not release.ignore and key not in self.charts:
                    self.charts[key] = self._taken(key, self.fetch(release))

    def write(self, lock: str, images: Sequence[str]) -> None:
        """Writes the files beside the charts."""
        index = {"bundle_version": VERSION, "charts": [asdict(item) for item in self.ordered]}
        for name, text in (
            (_INDEX, helmyaml.to_json(index) + "\n"),
            (_LOCK, lock),
            (_IMAGES, "".join(f"{image}\n" for image in images)),
        ):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as stream:
                stream.write(text)

    @property
    def ordered(self) -> list[Bundled]:
        return [self.charts[key] for key in sorted(self.charts)]

    def _taken(self, key: tuple[str, str, bool], chart: Chart) -> Bundled:
        origin = chart.origin
        if origin is None:
            raise AssertionError(f"the chart {key[0]} lacks its origin")
        temporary = os.path.join(self.folder, "charts", "new")
        if os.path.isdir(chart.path):
            chart_files.write_archive(chart_files.read(chart.path), temporary, chart.name)
        else:
            shutil.copyfile(chart.path, temporary)
        content = sha256(temporary)
        file = os.path.join("charts", f"{chart.name}-{chart.version}-{content[:12]}.tgz")
        os.replace(temporary, os.path.join(self.folder, file))
        if origin.provenance:
            shutil.copyfile(origin.provenance, os.path.join(self.folder, f"{file}.prov"))
        name, asked, devel = key
        source = name if origin.kind == "local" else without_credentials(origin.source)
        return Bundled(
            name,
            asked,
            devel,
            origin.version or chart.version,
            origin.digest,
            origin.commit,
            source,
            file,
            content,
            origin.kind,
            bool(origin.provenance),
        )


def named(release: Release) -> str:
    """A release's chart as bundles know it."""
    return without_credentials(release.chart_name or release.chart)


def summary(path: str) -> str:
    """What a bundle holds, a line a chart and an image; "" if there is none, or what is there is none."""
    if not os.path.exists(path):
        return ""
    try:
        texts = _texts(path, (_INDEX, _IMAGES))
        charts = _index(texts[_INDEX], path)
    except (HelmstackError, OSError, KeyError, tarfile.TarError, EOFError):
        return "(not a bundle)\n"
    return "".join(item.line for item in charts) + texts.get(_IMAGES, "")


def publish(folder: str, dest: str) -> None:
    """Puts a finished bundle into its place, instead of an older one; the same content makes the same bytes.

    :raises HelmstackError: it cannot be written, or what is there is something else.
    """
    try:
        if dest.endswith(ARCHIVES):
            content = {name: _bytes(os.path.join(folder, name)) for name in _names(folder)}
            chart_files.write_archive(content, f"{dest}.new", "bundle")
            os.replace(f"{dest}.new", dest)
            return
        if os.path.isdir(dest) and os.listdir(dest) and not os.path.isfile(os.path.join(dest, _INDEX)):
            raise InputError(f"the folder {dest} holds something else than a bundle", hint="Name an empty folder")
        shutil.rmtree(dest, ignore_errors=True)
        shutil.copytree(folder, dest)
    except OSError as error:
        raise HelmstackError(f"the bundle {dest} cannot be written: {error.strerror}") from None


def _unpacked(path: str, workdir: str) -> str:
    if os.path.isdir(path):
        return path
    if not os.path.isfile(path):
        raise InputError(f"there is no bundle {path}", hint="The module helmstack_bundle makes it")
    target = os.path.join(workdir, "bundle")
    with open(path, "rb") as stream:
        content = chart_files.read_archive(stream, f"the bundle {path}", limit=_LARGEST)
    for name, data in content.items():
        file = os.path.join(target, name)
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        with open(file, "wb") as written:
            written.write(data)
    return target


def _read_index(folder: str, path: str) -> list[Bundled]:
    try:
        with open(os.path.join(folder, _INDEX), encoding="utf-8") as stream:
            return _index(stream.read(), path)
    except OSError:
        raise InputError(f"{path} is no bundle: it has no {_INDEX}", hint=_MEND) from None


def _index(text: str, path: str) -> list[Bundled]:
    try:
        data = helmyaml.load(text, f"{path}: {_INDEX}")
        version = data["bundle_version"]
        if version > VERSION:
            what = f"the bundle {path} is of version {version}, and this helmstack.core knows versions up to {VERSION}"
            raise InputError(what, hint="Use a newer helmstack.core, or make the bundle anew with this one")
        found = [Bundled(**item) for item in data["charts"]]
    except (KeyError, TypeError, AttributeError):
        raise InputError(
            f"the bundle is damaged: {_INDEX} is not as it was made", where=Location(path), hint=_MEND
        ) from None
    for item in found:
        if os.path.isabs(item.file) or ".." in item.file.split("/"):
            raise InputError(f"the bundle is damaged: '{item.file}' leaves it", where=Location(path), hint=_MEND)
    return found


def _texts(path: str, names: Iterable[str]) -> Mapping[str, str]:
    if os.path.isdir(path):
        there = [name for name in names if os.path.isfile(os.path.join(path, name))]
        return {name: _bytes(os.path.join(path, name)).decode(errors="replace") for name in there}
    with open(path, "rb") as stream:
        content = chart_files.read_archive(stream, f"the bundle {path}", limit=_LARGEST)
    return {name: content[name].decode(errors="replace") for name in names if name in content}


def _names(folder: str) -> list[str]:
    found = [os.path.join(root, name) for root, _folders, names in os.walk(folder) for name in names]
    return sorted(os.path.relpath(path, folder) for path in found)


def _bytes(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()

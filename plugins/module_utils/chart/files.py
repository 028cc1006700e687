# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart's files in memory, from a folder or an archive, with what must not be in an archive refused."""

from __future__ import annotations

import gzip
import io
import os
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

from ansible_collections.helmstack.core.plugins.module_utils.chart.helmignore import IgnoreRules
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, did_you_mean

MAX_BYTES = 100 * 1024 * 1024  # Helm's own limit for an unpacked chart
_BOM = b"\xef\xbb\xbf"

Files = dict[str, bytes]  # path within the chart, with "/", in the order in which Helm reads them


def read(path: str) -> Files:
    """The files of the chart at a path, as Helm would load them.

    :raises ChartError: there is no chart, the archive is damaged, or it holds paths that leave its folder.
    """
    try:
        files = _read(path)
    except OSError as error:
        raise ChartError(f"the chart '{path}' cannot be read ({error})") from None
    if "Chart.yaml" not in files:
        raise ChartError(f"'{path}' is not a chart: it has no Chart.yaml", hint=_hint_charts_inside(path))
    return files


def _read(path: str) -> Files:
    if os.path.isdir(path):
        return _read_folder(path)
    if not os.path.isfile(path):
        raise _missing(path)
    with open(path, "rb") as stream:
        return read_archive(stream, f"the chart archive '{path}'")


def _missing(path: str) -> ChartError:
    folder = os.path.dirname(path.rstrip("/"))
    if not os.path.isdir(folder):
        return ChartError(f"there is no chart '{path}': the folder '{folder}' does not exist")
    charts = [name for name in os.listdir(folder) if name.endswith(".tgz") or os.path.isdir(os.path.join(folder, name))]
    return ChartError(f"there is no chart '{path}'", hint=did_you_mean(os.path.basename(path.rstrip("/")), charts))


def _hint_charts_inside(path: str) -> str:
    if not os.path.isdir(path):
        return ""
    inside = sorted(name for name in os.listdir(path) if os.path.isfile(os.path.join(path, name, "Chart.yaml")))
    return f"Charts in this folder: {', '.join(inside[:12])}" if inside else ""


def _read_folder(folder: str) -> Files:
    rules = _ignore_rules(folder)
    files: Files = {}
    for name, path in sorted(_walk(folder, rules, "", ()), key=lambda found: found[0].split("/")):
        with open(path, "rb") as stream:
            files[name] = stream.read().removeprefix(_BOM)
    return files


def _walk(folder: str, rules: IgnoreRules, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    # Helm follows symbolic links; a link to a folder above would never end.
    real = os.path.realpath(folder)
    if real in above:
        raise ChartError(f"the chart's folder '{folder}' is a symbolic link to a folder that holds it")
    for entry in os.scandir(folder):
        name = prefix + entry.name
        if rules.ignores(name, is_folder=entry.is_dir()):
            continue
        if entry.is_dir():
            yield from _walk(entry.path, rules, name + "/", (*above, real))
        elif entry.is_file():
            yield name, entry.path


def read_archive(stream: IO[bytes], what: str, limit: int | None = None) -> Files:
    """The files of a ``.tgz`` chart without the archive's top folder.

    :arg limit: how many bytes it may unpack to; None: as many as Helm takes.
    :raises ChartError: ``what`` is damaged, unsafe or too large.
    """
    files: Files = {}
    size = 0
    try:
        with tarfile.open(fileobj=stream, mode="r:gz") as archive:
            for member in archive:
                if member.isdir():
                    continue
                size += member.size
                if size > (limit or MAX_BYTES):
                    told = "" if limit else ", which Helm refuses"
                    raise ChartError(f"{what} unpacks to more than {(limit or MAX_BYTES) >> 20} MiB{told}")
                name = _inner_name(member, what)
                content = archive.extractfile(member)
                files[name] = content.read().removeprefix(_BOM) if content else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ChartError(f"{what} is damaged or no .tgz archive ({error})", hint="Fetch or package it anew") from None
    return files


def write_archive(files: Files, path: str, top: str = "chart") -> None:
    """Makes files an archive as Helm packages charts; the same files make the same bytes.

    :arg top: the folder in the archive, which Helm takes for the chart's name nowhere.
    """
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def _inner_name(member: tarfile.TarInfo, what: str) -> str:
    name = member.name.replace("\\", "/")
    if member.issym() or member.islnk() or not member.isreg():
        raise ChartError(f"{what} holds '{member.name}', which is a link or a device, not a file")
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise ChartError(f"{what} holds '{member.name}', a path that leaves the chart's folder")
    inner = posixpath.normpath("/".join(parts[1:])) if len(parts) > 1 else "."
    if inner in (".", "") or inner.startswith("/"):
        raise ChartError(f"{what} holds '{member.name}' outside the chart's folder")
    return inner


def subcharts(files: Files) -> list[Files]:
    """The charts under ``charts/``, folders and archives alike; what Helm skips there is skipped."""
    inner: dict[str, Files] = {}
    for name, content in files.items():
        if not name.startswith("charts/") or name.endswith(".prov"):
            continue
        top, dummy, rest = name[len("charts/") :].partition("/")
        if not top.startswith(("_", ".")):
            inner.setdefault(top, {})[rest] = content
    return [_subchart(top, content) for top, content in sorted(inner.items())]


def _subchart(top: str, content: Files) -> Files:
    if top.endswith(".tgz") and "" in content:
        content = read_archive(io.BytesIO(content[""]), f"sub-chart archive 'charts/{top}'")
    if "Chart.yaml" not in content:
        raise ChartError(f"'charts/{top}' is not a chart: it has no Chart.yaml")
    return content


def _ignore_rules(folder: str) -> IgnoreRules:
    path = os.path.join(folder, ".helmignore")
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as stream:
            return IgnoreRules.of(stream.read(), path)
    except FileNotFoundError:
        return IgnoreRules.of("")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository's index file, of which only the charts are read that somebody wants.

Index files of many megabytes are common, and reading one as YAML takes seconds. So it is cut into the sections of its
charts as text; what is read of a section is kept in a small file, for as long as the server says that the index is the
same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.web import Access

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

_LIMIT = 1 << 30  # bytes
_ENTRIES = re.compile(rb"^entries:[ \t]*\r?$", re.MULTILINE)
_FIRST = re.compile(rb"\n([ ]+)[^\s#-]")
_TOP = re.compile(rb"^[^\s#]", re.MULTILINE)


class NotAnIndex(Exception):
    """The server has answered with something else."""


@dataclass(frozen=True)
class Entry:
    """One version of a chart."""

    version: str
    urls: tuple[str, ...]
    digest: str


class Index:
    """The index file of one repository, fetched once.

    :arg url: of the index file.
    :arg folder: where it is kept.
    """

    def __init__(self, url: str, access: Access, folder: str) -> None:
        self._url = url
        self._access = access
        self._folder = folder
        self._lock = threading.Lock()
        self._file = ""  # the sha256 of the index, once it is there
        self._failed: Exception | None = None
        self._charts: dict[str, tuple[Entry, ...]] = {}
        self._spans: Mapping[str, Sequence[int]] | None = None

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The versions of a chart, newest first; () if there is no such chart.

        :raises WebError: the server gives no index. NotAnIndex: what it gives is none.
        """
        with self._lock:
            self._load()
            if name not in self._charts:
                self._charts[name] = self._kept(name)
            return self._charts[name]

    def names(self) -> tuple[str, ...]:
        """The charts that there are."""
        with self._lock:
            self._load()
            return tuple(self._sections())

    def _load(self) -> None:
        if self._failed:
            raise self._failed
        if self._file:
            return
        try:
            self._file = self._asked()
        except Exception as error:
            self._failed = error
            raise

    def _asked(self) -> str:
        """The name of the index that the server has now, downloaded if it is another one than before."""
        known = self._read("head.json") or {}
        headers = {}
        if known and os.path.exists(self._path(f"{known.get('file')}.yaml")):
            names = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
            headers = {header: str(known[key]) for header, key in names if known.get(key)}
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "w+b") as stream:
                authorization = self._access.authorization
                answer = web.get(self._url, self._access, headers, authorization=authorization, to=stream, limit=_LIMIT)
                if answer.status == 304:
                    return str(known["file"])
                stream.flush()
                stream.seek(0)
                digest = hashlib.sha256()
                while block := stream.read(1 << 20):
                    digest.update(block)
            name = digest.hexdigest()
            os.replace(temporary, self._path(f"{name}.yaml"))
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        self._forget_others(name)
        about = {"etag": answer.headers.get("etag"), "last_modified": answer.headers.get("last-modified")}
        self._write("head.json", {**about, "file": name})
        return name

    def _kept(self, name: str) -> tuple[Entry, ...]:
        note = f"{self._file}.{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
        noted = self._read(note)
        if noted is None:
            noted = [[each.version, each.urls, each.digest] for each in self._section(name)]
            self._write(note, noted)
        return tuple(Entry(version, tuple(urls), digest) for version, urls, digest in noted)

    def _section(self, name: str) -> list[Entry]:
        """What the index says of a chart."""
        span = self._sections().get(name)
        if span is None:
            return []
        if not span:
            return _entries(self._whole().get(name))
        with open(self._path(f"{self._file}.yaml"), "rb") as stream:
            stream.seek(span[0])
            text = stream.read(span[1] - span[0])
        try:
            found = yaml.load(text, Loader=_loader())
        except yaml.YAMLError:
            found = None
        if not isinstance(found, dict) or list(found) != [name]:
            found = self._whole()
        return _entries(found.get(name))

    def _sections(self) -> Mapping[str, Sequence[int]]:
        """Where the section of each chart begins and ends; nothing if it cannot be cut."""
        if self._spans is None:
            self._spans = self._read(f"{self._file}.json")
        if self._spans is None:
            with open(self._path(f"{self._file}.yaml"), "rb") as stream:
                spans = cut(stream.read())
            self._spans = dict.fromkeys(self._whole(), ()) if spans is None else spans
            self._write(f"{self._file}.json", self._spans)
        return self._spans

    def _whole(self) -> Mapping[str, Any]:
        """All entries, read the slow way."""
        with open(self._path(f"{self._file}.yaml"), "rb") as stream:
            text = stream.read()
        try:
            content = json.loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, Loader=_loader())
        except (ValueError, yaml.YAMLError) as error:
            raise NotAnIndex(str(error).partition("\n")[0]) from None
        if not isinstance(content, dict) or not content.get("apiVersion"):
            raise NotAnIndex("it has no apiVersion")
        entries = content.get("entries")
        return entries if isinstance(entries, dict) else {}

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _read(self, name: str) -> Any:
        try:
            with open(self._path(name), encoding="utf-8") as stream:
                return json.load(stream)
        except (OSError, ValueError):
            return None

    def _write(self, name: str, content: Any) -> None:
        with contextlib.suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(content, stream)
            os.replace(temporary, self._path(name))

    def _forget_others(self, name: str) -> None:
        for each in os.listdir(self._folder):
            if re.match(r"[0-9a-f]{64}\.", each) and not each.startswith(f"{name}."):
                with contextlib.suppress(OSError):
                    os.unlink(self._path(each))


def cut(text: bytes) -> dict[str, tuple[int, int]] | None:
    """The places of the sections of an index file's charts; None if it is not written in the usual way."""
    start = _ENTRIES.search(text)
    if not start or not re.search(rb"^apiVersion:", text, re.MULTILINE) or b"\t" in text[: start.end()]:
        return None
    first = _FIRST.match(text, start.end())
    if not first:
        return None
    after = _TOP.search(text, start.end() + 1)
    end = after.start() if after else len(text)
    key = re.compile(rb"^" + first[1] + rb"(\"[^\"\\\n]+\"|'[^'\n]+'|[^\s#'\"-][^\n:#]*):[ ]*\r?$", re.MULTILINE)
    found = [
        (match[1].strip(b"\"'").decode(errors="replace"), match.start())
        for match in key.finditer(text, start.end(), end)
    ]
    if len({name for name, _place in found}) != len(found) or not found:
        return None
    places = [place for _name, place in found] + [end]
    return {name: (place, places[number + 1]) for number, (name, place) in enumerate(found)}


def choose(entries: Sequence[Entry], wanted: str | None, *, devel: bool) -> Entry | None:
    """What Helm takes: the version as it is written, else the newest in the range.

    :raises ValueError: ``wanted`` is no version and no range.
    """
    for entry in entries:
        if wanted and entry.version == wanted:
            return entry
    wanted = (wanted or "").strip() or (">0.0.0-0" if devel else "*")
    return next((entry for entry in entries if semver.satisfies(entry.version, wanted)), None)


def _entries(listed: Any) -> list[Entry]:
    """Those that are versions, newest first."""
    found = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and (parsed := semver.parse(str(item.get("version") or ""))):
            urls = item.get("urls")
            taken = tuple(map(str, urls)) if isinstance(urls, list) else ()
            found.append((parsed.key, Entry(str(item["version"]), taken, str(item.get("digest") or ""))))
    return [entry for _key, entry in sorted(found, key=lambda each: each[0], reverse=True)]


def _loader() -> Any:
    """All scalars are text: a version such as 1.10 is no number."""
    return getattr(yaml, "CBaseLoader", yaml.BaseLoader)

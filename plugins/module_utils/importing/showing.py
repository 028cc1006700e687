# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an import is shown: the result's table, and a diff for each file without what is secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import load
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import Draft
from ansible_collections.helmstack.core.plugins.module_utils.importing.writing import FileChange, Written
from ansible_collections.helmstack.core.plugins.module_utils.importing.yamltext import to_yaml
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask

_CHARTS = "charts/"


def result(draft: Draft, written: Written, changes: Sequence[FileChange]) -> dict[str, Any]:
    """The result as users see it; without the folder."""
    changed = {change.file.path: "created" if change.before is None else "changed" for change in changes}
    return {
        "changed": bool(changes),
        "releases": [*_releases(draft, written)],
        "environments": [environment.name for environment in draft.environments],
        "files": [
            {"path": file.path, "state": changed.get(file.path, "unchanged"), "encrypted": file.secret}
            for file in written.files
        ],
        "notes": list(draft.notes),
        "left_out": list(draft.left_out),
    }


def _releases(draft: Draft, written: Written) -> Iterator[dict[str, Any]]:
    for release in draft.releases:
        yield {
            "namespace": release.namespace,
            "name": release.name,
            "chart": release.chart,
            "version": release.version,
            "source": release.source,
            "ignore": release.ignore,
            "spray": list(release.parts),
            "secrets": list(written.secret_paths.get(release.id, ())),
        }


def told(result: Mapping[str, Any], dest: str, *, check_mode: bool) -> Iterator[str]:
    """The lines that are shown beside the task."""
    releases, files = result["releases"], result["files"]
    sources: dict[str, int] = {}
    for release in releases:
        sources[release["source"]] = sources.get(release["source"], 0) + 1
    counted = ", ".join(f"{number} {_SOURCES.get(source, source)}" for source, number in sources.items() if source)
    yield f"{_number(len(releases), 'release')}" + (f": {counted}" if counted else "")
    new = sum(file["state"] != "unchanged" for file in files)
    encrypted = sum(file["encrypted"] for file in files)
    done = "would be written" if check_mode else "written"
    secret = f", {encrypted} of all encrypted" if encrypted else ""
    yield f"{_number(new, 'file')} of {len(files)} {done} to {dest}{secret}"
    yield from (f"note: {text}" for text in result["notes"])


_SOURCES = {
    "repository": "with charts of a repository",
    "oci": "with charts of a registry",
    "git": "with charts of a git repository",
    "exported": "with charts exported from the cluster",
    "missing": "whose chart is missing",
}


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def diffs(folder: str, changes: Iterable[FileChange], secrets: Iterable[str]) -> list[dict[str, str]]:
    """A diff a file, and one for each exported chart, whose files are only named."""
    mask = Mask(secrets)
    found = []
    charts: dict[str, list[FileChange]] = {}
    for change in changes:
        path = change.file.path
        if path.startswith(_CHARTS):
            charts.setdefault("/".join(path.split("/")[:2]), []).append(change)
        else:
            before, after = _sides(change)
            found.append(_entry(folder, path, mask.text(before), mask.text(after), new=change.before is None))
    for path, members in charts.items():
        names = [(each.file.path[len(path) + 1 :], each.before is None) for each in members]
        listed = "".join(f"{name}\n" for name, new in names if not new)
        after = "".join(f"{name}{'' if new else ' (other content)'}\n" for name, new in names)
        found.append(_entry(folder, path, listed, after, new=not listed))
    return found


def _entry(folder: str, path: str, before: str, after: str, *, new: bool) -> dict[str, str]:
    name = f"{folder.rstrip('/')}/{path}"
    return {"before_header": "/dev/null" if new else name, "after_header": name, "before": before, "after": after}


def _sides(change: FileChange) -> tuple[str, str]:
    after = change.file.content
    if not change.file.secret:
        return _text(change.before), _text(after)
    old, new = _data(change.before), _data(after)
    return _hidden(old, new, "before"), _hidden(new, old, "after")


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")


def _data(content: bytes | None) -> Any:
    try:
        return None if content is None else load(_text(content), "")
    except InputError:
        return MASK


def _hidden(value: Any, other: Any, side: str) -> str:
    return "" if value is None else to_yaml(_masked(value, other, side))


def _masked(value: Any, other: Any, side: str) -> Any:
    """Data without its scalars, but with a word on those that differ."""
    if isinstance(value, Mapping):
        twin = other if isinstance(other, Mapping) else {}
        return {key: _masked(item, twin.get(key), side) for key, item in value.items()}
    return MASK if other is None or value == other else f"{MASK} ({side})"

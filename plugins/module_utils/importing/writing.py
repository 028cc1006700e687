# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A draft as the files of a stack: the stack file, overlays, values, and apart from them the files to be encrypted."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftChange,
    DraftFile,
    DraftRelease,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import (
    divided,
    leaves_with,
    mask_of,
    secret_leaves,
    strings_of,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.yamltext import to_yaml
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask

STACK_FILE = "helmstack.yaml"
_WIDTH = 110  # of comments
_Paths = set[tuple[Any, ...]]
_Sets = TypeVar("_Sets", DraftRelease, DraftChange)


@dataclass(frozen=True)
class Written:
    """The files of a draft, and what of the values went to encrypted ones."""

    files: tuple[DraftFile, ...]
    secrets: frozenset[str] = field(repr=False)  # to be masked wherever they would show
    secret_paths: Mapping[str, tuple[str, ...]]  # of each release, by identity: dotted


def files_of(draft: Draft) -> Written:
    """The files of a draft; the same draft makes the same files."""
    return _Writer(draft).written()


class _Writer:
    def __init__(self, draft: Draft) -> None:
        names = [release.name for release in draft.releases]
        # files that the stack names and that are there already
        self._there = {file for release in draft.releases for file in release.values_files} | set(draft.files)
        self._several = {name for name in names if names.count(name) > 1}
        told = {text for tree in _trees(draft) for text in strings_of(secret_leaves(tree))}
        self._secrets, self._mask = frozenset(told), mask_of(told)
        mask = self._mask
        self._draft = draft = _with_set_secrets_in_values(draft, mask)
        self._paths: dict[str, _Paths] = {release.id: set() for release in draft.releases}
        for identity, values in _values_of(draft):
            found = (*secret_leaves(values), *leaves_with(values, mask))
            self._paths.setdefault(identity, set()).update(path for path, _value in found)

    def written(self) -> Written:
        files = [*self._values(), *self._overlays()]
        files.append(DraftFile(STACK_FILE, self._stack().encode()))
        files += [DraftFile(path, content) for path, content in self._draft.files.items()]
        shown = {
            identity: tuple(sorted(".".join(map(str, path)) for path in paths))
            for identity, paths in self._paths.items()
            if paths
        }
        return Written(tuple(sorted(files, key=lambda file: file.path)), self._secrets, shown)

    def _stack(self) -> str:
        draft = self._draft
        head: dict[str, Any] = {"name": _literal(draft.name)}
        if draft.repositories:  # whose passwords are variables
            head["repositories"] = [{"name": one.name, "url": one.url, **one.options} for one in draft.repositories]
        if draft.defaults:
            head["helmDefaults"] = _literal(draft.defaults)
        parts = [to_yaml(head)]
        releases = [self._commented(release) for release in draft.releases]
        parts.append("releases:\n" + "".join(releases) if releases else "releases: []\n")
        if draft.environments:
            environments = {one.name: {"overlays": [_overlay(one.name)]} for one in draft.environments}
            parts.append(to_yaml({"environments": environments}))
        return "\n".join(parts)

    def _commented(self, release: DraftRelease) -> str:
        texts = [self._mask.text(text) for text in release.comments]
        lines = [line for text in texts for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False)]
        comments = "".join(f"  # {line}\n" for line in lines)
        lines = to_yaml([_literal(self._release(release))]).splitlines(keepends=True)
        return comments + "".join(f"  {line}" if line.strip() else line for line in lines)

    def _release(self, release: DraftRelease) -> dict[str, Any]:
        said = {
            "name": release.name,
            "namespace": release.namespace,
            "chart": release.chart,
            "version": release.version,
            "values": [*release.values_files, *self._names("", release.id, release.values)],
            "set": dict(release.set),
            "needs": list(release.needs),
            "labels": dict(release.labels),
            "ignore": release.ignore or None,
        }
        spray = {} if release.spray is None else {"spray": dict(release.spray) or True}
        return {**{key: value for key, value in said.items() if value}, **spray, **release.options}

    def _overlays(self) -> Iterator[DraftFile]:
        for environment in self._draft.environments:
            releases = {
                self._short(identity): said
                for identity, change in environment.releases.items()
                if (said := self._change(environment.name, identity, change))
            }
            head = {"variables": dict(environment.variables)} if environment.variables else {}
            content = {**head, "releases": releases} if releases else head
            text = to_yaml(_literal(content)) if content else "# nothing differs from the stack\n"
            yield DraftFile(_overlay(environment.name), text.encode())

    def _change(self, environment: str, identity: str, change: DraftChange) -> dict[str, Any]:
        said: dict[str, Any] = {
            "chart": change.chart,
            "version": change.version,
            "values": [*change.values_files, *self._names(f"env/{environment}/", identity, change.values)],
            "set": dict(change.set),
            "labels": dict(change.labels),
        }
        ignore = {} if change.ignore is None else {"ignore": change.ignore}
        return {**{key: value for key, value in said.items() if value}, **ignore, **change.options}

    def _values(self) -> Iterator[DraftFile]:
        for release in self._draft.releases:
            yield from self._values_files("", release.id, release.values)
        for environment in self._draft.environments:
            for identity, change in environment.releases.items():
                yield from self._values_files(f"env/{environment.name}/", identity, change.values)

    def _values_files(self, folder: str, identity: str, values: Mapping[str, Any]) -> Iterator[DraftFile]:
        for path, part, secret in self._parts(folder, identity, values):
            yield DraftFile(path, to_yaml(part).encode(), secret)

    def _parts(
        self, folder: str, identity: str, values: Mapping[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any], bool]]:
        for part, secret in zip(divided(values, self._paths[identity]), (False, True)):
            if part:
                yield self._path(folder, identity, secret=secret), part, secret

    def _names(self, folder: str, identity: str, values: Mapping[str, Any]) -> list[str]:
        return [path for path, _part, _secret in self._parts(folder, identity, values)]

    def _path(self, folder: str, identity: str, *, secret: bool) -> str:
        path = f"{folder}{'secrets' if secret else 'values'}/{self._short(identity)}"
        return f"{path}.yaml" if f"{path}.yaml" not in self._there else f"{path}.more.yaml"

    def _short(self, identity: str) -> str:
        """The name alone where it is the only one."""
        name = identity.partition("/")[2]
        return identity if name in self._several else name


def _values_of(draft: Draft) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((release.id, release.values) for release in draft.releases)
    for environment in draft.environments:
        yield from ((identity, change.values) for identity, change in environment.releases.items())


def _trees(draft: Draft) -> Iterator[Mapping[str, Any]]:
    """All that may hold secrets."""
    yield from (values for _identity, values in _values_of(draft))
    yield from (release.set for release in draft.releases)
    yield from (change.set for environment in draft.environments for change in environment.releases.values())


def _with_set_secrets_in_values(draft: Draft, mask: Mask) -> Draft:
    """The draft with the secrets of `set`, which is in the stack file, moved into the values."""
    environments = [
        replace(one, releases={key: _in_values(change, mask) for key, change in one.releases.items()})
        for one in draft.environments
    ]
    releases = [_in_values(release, mask) for release in draft.releases]
    return replace(draft, releases=tuple(releases), environments=tuple(environments))


def _in_values(one: _Sets, mask: Mask) -> _Sets:
    secret = {key for key, item in one.set.items() if any(secret_leaves({key: item})) or any(leaves_with(item, mask))}
    if not secret:
        return one
    moved = {key: item for key, item in one.set.items() if key in secret}
    return replace(
        one,
        values=merge((one.values, moved)),
        set={key: item for key, item in one.set.items() if key not in secret},
    )


def _overlay(environment: str) -> str:
    return f"env/{environment}.yaml"


def _literal(value: Any) -> Any:
    """What a stack file must say so that no text in it is taken for a variable."""
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


@dataclass(frozen=True)
class FileChange:
    """What becomes of a file; before is None where there is none."""

    file: DraftFile
    before: bytes | None = field(repr=False)
    locked: bool = False  # it is encrypted with a password that is not known


def changes(
    folder: str, files: Iterable[DraftFile], *, force: bool, decrypt: Callable[[bytes], bytes | None]
) -> tuple[FileChange, ...]:
    """The files that do not exist yet with their new content.

    :arg decrypt: of a file that is encrypted; None where it cannot.
    :raises InputError: a file is there with another content, and may not be overwritten.
    """
    files = tuple(files)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"'{folder}' is a file, no folder", hint="Name a folder with dest")
    for file in files:
        _check_place(file.path)
    found = [change for file in files if (change := _compared(folder, file, decrypt)).before != file.content]
    taken = [change for change in found if change.before is not None]
    if taken and not force:
        raise _taken(folder, taken)
    return tuple(found)


def _taken(folder: str, taken: Sequence[FileChange]) -> InputError:
    """The error for files that are there; the password is the trouble only if nothing else is."""
    others = " is" if len(taken) == 1 else f" and {len(taken) - 1} more are"
    there = f"'{os.path.join(folder, taken[0].file.path)}'{others} there already"
    if all(change.locked for change in taken):
        what = f"{there}, encrypted with a vault password that is not given here"
        return InputError(what, hint="Give it, too (--vault-id), or set force: true to encrypt with the new one")
    hint = "Name another folder with dest, or set force: true to overwrite"
    return InputError(f"{there}, with another content", hint=hint)


def _check_place(path: str) -> None:
    """Holds if a file is one of the folder; what is written was read elsewhere.

    :raises InputError: it is none.
    """
    parts = path.split("/")
    if os.path.isabs(path) or "\0" in path or not parts[-1] or {"", ".", ".."} & set(parts):
        raise InputError(f"'{path}' is no file that an import writes")


def _compared(folder: str, file: DraftFile, decrypt: Callable[[bytes], bytes | None]) -> FileChange:
    path = os.path.join(folder, file.path)
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return FileChange(file, None)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=Location(path)) from None
    if not file.secret or not content.startswith(b"$ANSIBLE_VAULT;"):
        return FileChange(file, content)
    plain = decrypt(content)
    return FileChange(file, b"", locked=True) if plain is None else FileChange(file, plain)


def write(folder: str, contents: Sequence[tuple[DraftFile, bytes]]) -> None:
    """Puts files in their places, each whole or not at all, the stack file last.

    :arg contents: each file with its new bytes: of a secret one the ciphertext.
    :raises InputError: one cannot be written.
    """
    for file, content in sorted(contents, key=lambda item: item[0].path == STACK_FILE):
        path = os.path.join(folder, *file.path.split("/"))
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _replace(path, content, 0o600 if file.secret else None)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=Location(path)) from None


def _replace(path: str, content: bytes, mode: int | None) -> None:
    handle, new = tempfile.mkstemp(prefix=".helmstack-", dir=os.path.dirname(path))
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        if mode is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        os.chmod(new, mode)
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a helmfile's release: files, mappings, ``set``, and what is not in the clear in them."""

from __future__ import annotations

import copy
import glob
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import strvals
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, load, plain
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_state import HINT
from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import divided, secret_leaves
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import is_remote

Path = tuple[Any, ...]
_LENIENT = ("Warn", "Info", "Debug")  # of missingFileHandler: a file that is not there is passed over


@dataclass(frozen=True)
class Values:
    """A release's values.

    :arg files: files that are there, by their absolute paths; they come before ``merged``.
    :arg encrypted: of each of ``secrets`` the values that sops has encrypted, by their paths.
    :arg fetched: values that vals fetches from elsewhere, by their paths.
    """

    merged: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    set: Mapping[str, Any] = field(default_factory=dict, repr=False)
    encrypted: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    fetched: Mapping[Path, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValuesReader:
    """Reads the values of one release.

    :arg folder: where its helmfile lies.
    :arg stays: whether a file with these values may stay a file, where that means the same; None: none may.
    """

    folder: str
    members: Mapping[str, Node]
    handler: str = ""  # the helmfile's missingFileHandler
    stays: Callable[[str, Mapping[str, Any]], bool] | None = None

    def values(self) -> Values:
        """All of them.

        :raises InputError: a file is not there, or is a template of helmfile's.
        """
        missing: list[str] = []
        entries = [*self._entries("values", missing)]
        secrets = [*self._entries("secrets", missing)]
        encrypted: dict[str, tuple[Path, ...]] = {}
        plain_secrets = []
        for name, data in secrets:
            found = [path for path, value in _leaves(data) if _is_encrypted(value)]
            encrypted |= {name: tuple(found)} if found else {}
            plain_secrets.append(_without({key: item for key, item in data.items() if key != "sops"}, found))
        everything: dict[str, Any] = {}
        for data in (*(data for _name, data in entries), *plain_secrets):
            strvals.merge(everything, copy.deepcopy(data))
        laid = self._set(everything)
        fetched = {path: value for tree in (everything, laid) for path, value in _leaves(tree) if _is_fetched(value)}
        files = self._kept(entries)
        merged: dict[str, Any] = {}
        for data in (*(data for name, data in entries if name not in files), *plain_secrets):
            strvals.merge(merged, copy.deepcopy(data))
        merged, laid = _without(merged, fetched), _without(laid, fetched)
        secret = [path for path, _value in secret_leaves(laid)]
        laid, hidden = divided(laid, secret)
        strvals.merge(merged, hidden)
        return Values(merged, files, laid, encrypted, fetched, tuple(missing))

    def _kept(self, entries: list[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
        """The files that stay: if all come before the mappings, and helm can read them as they are."""
        files = {name: data for name, data in entries if name}
        first = [name for name, _data in entries[: len(files)]]
        if self.stays is None or not all(first) or len(files) < sum(bool(name) for name, _data in entries):
            return {}
        same = all(
            self.stays(name, data) and not any(_is_fetched(value) for _path, value in _leaves(data))
            for name, data in files.items()
        )
        return files if same else {}

    def _entries(self, key: str, missing: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each document with the file that holds it; "": none, it is in the output."""
        node = self.members.get(key)
        for item in schema.items(node, key) if node else ():
            if isinstance(item.value, str):
                yield from self._files(item, key, missing)
            else:
                yield "", {**plain(Node(schema.mapping(item, f"an entry of {key}"), item.where))}

    def _files(self, node: Node, key: str, missing: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        name = self._text("valuesPathPrefix") + node.value
        if "://" in name or is_remote(name):
            what = f"the values file '{_shown(name)}' is fetched by helmfile from elsewhere"
            raise InputError(what, where=node.where, hint=HINT)
        if name.endswith(".gotmpl") and key == "values":
            what = f"the values file '{name}' is a template with helmfile's functions"
            raise InputError(what, where=node.where, hint=HINT)
        path = os.path.normpath(os.path.join(self.folder, name))
        found = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
        if not found or not all(map(os.path.isfile, found)):
            if (self._text("missingFileHandler") or self.handler) in _LENIENT:
                missing.append(name)
                return
            raise InputError(f"the values file '{name}' is not in {self.folder}", where=node.where, hint=HINT)
        for each in found:
            yield each, _read(each)

    def _text(self, key: str) -> str:
        node = self.members.get(key)
        return str(node.value) if node and node.value is not None else ""

    def _set(self, everything: dict[str, Any]) -> dict[str, Any]:
        """``set`` and ``setString`` as a mapping; lists, which --set changes item by item, as a whole."""
        items = [*self._set_items("set", "raw"), *self._set_items("setString", "string")]
        after = copy.deepcopy(everything)
        self._lay(after, items)
        result: dict[str, Any] = {}
        for item in items:
            said: dict[str, Any] = {}
            self._lay(said, [item])
            _take(result, said, after)
        return dict(_plain(result))

    def _lay(self, values: dict[str, Any], items: list[strvals.SetValue]) -> None:
        try:
            strvals.apply(values, tuple(items), self._set_file)
        except InputError as error:
            node = self.members.get("set") or self.members.get("setString")
            what = error.what.replace("set_values", "set")
            raise InputError(what, where=node.where if node else None) from None

    def _set_items(self, key: str, kind: str) -> Iterator[strvals.SetValue]:
        """As helmfile makes arguments of them (setFlags): braces and commas escaped, and none without a value."""
        node = self.members.get(key)
        for item in schema.items(node, key) if node else ():
            members = schema.mapping(item, f"an entry of {key}")
            name = _escaped(str(members["name"].value)) if "name" in members else ""
            value = members["value"].value if "value" in members else None
            several = plain(members["values"]) if "values" in members else None
            if value not in (None, ""):
                yield strvals.SetValue(f"{name}={_escaped(_argument(value))}", kind)
            elif "file" in members and key == "set":
                yield strvals.SetValue(f"{name}={members['file'].value}", "file")
            elif several:
                yield strvals.SetValue(f"{name}={{{','.join(_escaped(_argument(each)) for each in several)}}}", kind)

    def _set_file(self, name: str) -> str:
        path = os.path.join(self.folder, name)
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeDecodeError):
            node = self.members["set"]
            raise InputError(f"the file '{name}' of set cannot be read in {self.folder}", where=node.where) from None


def _plain(value: Any) -> Any:
    """Without the marks of what came with --set."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, strvals.SetInt) else value


def _argument(value: Any) -> str:
    """What helmfile reads as a string, whatever its type in the output."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(text: str) -> str:
    return text.replace("{", "\\{").replace("}", "\\}").replace(",", "\\,")


def _take(result: dict[str, Any], said: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Puts what ``said`` says into ``result``, lists as ``after`` has them."""
    for key, item in said.items():
        if isinstance(item, Mapping) and item:
            inner = result.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = result[key] = {}
            _take(inner, item, after.get(key) or {})
        else:
            result[key] = after.get(key, item) if isinstance(item, list) else item


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            data = load(file.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"the values file cannot be read: {reason}", where=Location(path)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError("values must be a mapping", where=Location(path))
    return data


def _shown(name: str) -> str:
    """An address without what may be a login."""
    scheme, _sep, rest = name.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2] if '@' in rest.partition('/')[0] else rest}".partition("?")[0]


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("ENC[") and value.endswith("]")


def _is_fetched(value: Any) -> bool:
    return isinstance(value, str) and ("ref+" in value and "://" in value)


def _without(values: Mapping[str, Any], paths: Any) -> dict[str, Any]:
    """Values less those at the paths; a list with one of them goes as a whole."""
    return divided(values, paths)[0] if paths else dict(values)

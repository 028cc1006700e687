# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's own kinds of values: to plain ones, and which of them came out of a vault."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import number_text

try:
    from ansible.parsing.vault import VaultHelper
except ImportError:  # ansible-core 2.18 and older
    VaultHelper = None

# Views of other variables, of other hosts, or of the run; walking them costs much and finds nothing new.
_VIEWS = frozenset(("hostvars", "vars", "groups", "ansible_facts", "ansible_search_path", "omit"))


_VAULT = b"$ANSIBLE_VAULT"
_MOST_FILES = 1000  # of a folder: 10 ms
_IN_CACHE = frozenset(("group_vars", "host_vars"))


def plain(value: Any) -> Any:
    """``value`` without tags, lazy containers and vaults, as JSON knows it; a date is the text that Helm reads."""
    if value is None or type(value) in (str, int, bool):  # most are
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    text = value.isoformat() if isinstance(value, date) else str(value)
    return str.__str__(text)  # of a subclass, too, this makes an ordinary string


def vaulted_strings(variables: Mapping[str, Any]) -> Iterator[str]:
    """The texts of all ``!vault`` values among a host's variables, as far as they can be decrypted."""
    for name, value in variables.items():
        if name not in _VIEWS:
            yield from _vaulted(value)


def strings_of_vaults(loader: DataLoader, folders: Iterable[str]) -> Iterator[str]:
    """The texts and long numbers in files that are encrypted as a whole, and other variables files' ``!vault`` values.

    The values of the former bear no mark. The loader's cache holds the files that inventories, plays and -e have
    loaded, those of other hosts among them; what include_vars and lookups read is looked for below ``folders``.
    """
    cache: Mapping[str, Any] = getattr(loader, "_FILE_CACHE", {})
    for path in {*cache, *_files_below(folders)}:
        try:
            if _is_vault(path):
                yield from _strings(cache[path] if path in cache else _opened(loader, path))
            elif path in cache:
                yield from _vaulted(cache[path])
        except (AnsibleError, OSError):
            continue  # Nobody could have used it either.


def strings_of_inventory(hostvars: Any) -> Iterator[str]:
    """The texts of ``!vault`` values in an inventory file itself, of all hosts and groups.

    :arg hostvars: Ansible's variable of this name.
    """
    inventory = getattr(hostvars, "_inventory", None)
    for place in (*getattr(inventory, "hosts", {}).values(), *getattr(inventory, "groups", {}).values()):
        yield from _vaulted(getattr(place, "vars", {}))


def _vaulted(value: Any) -> Iterator[str]:
    if value is None or type(value) in (str, int, bool):
        return
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _vaulted(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _vaulted(item)
    elif _is_vaulted(value):
        try:
            yield plain(value)
        except AnsibleError:
            return


def _is_vaulted(value: Any) -> bool:
    if VaultHelper:
        return VaultHelper.get_ciphertext(value, with_tags=False) is not None
    return bool(getattr(value, "__ENCRYPTED__", False))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str) or _is_vaulted(value):
        yield plain(value)
    elif number_text(value):
        yield number_text(value)


def _opened(loader: DataLoader, path: str) -> Any:
    """The data of an encrypted file, or its text if it is but a password or a key."""
    with open(path, "rb") as file:
        text = loader._vault.decrypt(file.read()).decode(errors="replace")
    try:
        data = loader.load(text)
    except AnsibleError:
        return text
    return data if isinstance(data, (Mapping, list)) else text


def _files_below(folders: Iterable[str]) -> Iterator[str]:
    """The files of folders, those of their ``vars`` first, then the nearest, as far as looking at them takes no time.

    The loader knows the files of group_vars and host_vars that are in use, and to open others takes 10 ms each.
    """
    for folder in dict.fromkeys(folders):
        waiting = deque((os.path.join(folder, "vars"), folder))
        seen = 0
        while waiting and seen < _MOST_FILES:
            for entry in _entries(waiting.popleft()):
                seen += 1
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.path
                elif not entry.name.startswith(".") and entry.name not in _IN_CACHE:
                    waiting.append(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_vault(path: str) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # open() takes three times as long
    except OSError:
        return False
    try:
        return os.read(file, len(_VAULT)) == _VAULT
    except OSError:
        return False
    finally:
        os.close(file)

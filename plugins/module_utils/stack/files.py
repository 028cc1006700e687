# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the stack room reads files, and what it can read without Ansible."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location

_NEEDS_CONTROLLER = "Leave remote_src at false, so that the controller reads the files"


@dataclass(frozen=True)
class Text:
    """A file's text, decrypted and templated."""

    text: str
    secrets: tuple[str, ...] = ()  # scalars that came out of a vault in it
    secret: bool = False  # the whole file was vaulted


class Files(Protocol):
    """Where stack, overlay and values files come from."""

    def read(self, path: str) -> Text:
        """The file of an absolute path, decrypted and templated.

        :raises InputError: the file cannot be read, decrypted or templated.
        """

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""

    def decrypt(self, ciphertext: str) -> str:
        """The plain text of a ``!vault`` scalar.

        :raises InputError: there is no way to decrypt it.
        """


class PlainFiles:
    """The plain files of this machine: neither templates nor vaults."""

    def read(self, path: str) -> Text:
        if path.endswith(".j2"):
            raise InputError("a Jinja template needs the controller", where=Location(path), hint=_NEEDS_CONTROLLER)
        try:
            with open(path, encoding="utf-8-sig") as file:
                text = file.read()
        except OSError as exc:
            raise InputError(f"cannot be read: {exc.strerror}", where=Location(path)) from exc
        except UnicodeDecodeError as exc:
            raise InputError("is not UTF-8 text", where=Location(path)) from exc
        if text.startswith("$ANSIBLE_VAULT;"):
            raise InputError(
                "a file of ansible-vault needs the controller", where=Location(path), hint=_NEEDS_CONTROLLER
            )
        return Text(text)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def decrypt(self, ciphertext: str) -> str:
        raise InputError("a !vault value needs the controller", hint=_NEEDS_CONTROLLER)

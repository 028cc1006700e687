# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an imported stack on the controller: what is secret is encrypted with the play's vault password first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, match_encrypt_secret

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.importing import showing
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import Draft
from ansible_collections.helmstack.core.plugins.module_utils.importing.writing import (
    Written,
    changes,
    files_of,
    write,
)

_GIVE = "Give its password with --ask-vault-pass, --vault-password-file or --vault-id"
_SHOWN = 3


def put(
    draft: Draft, folder: str, loader: DataLoader, *, force: bool, vault_id: str | None, check_mode: bool, diff: bool
) -> dict[str, Any]:
    """Writes the stack, and gives the task's result.

    :raises InputError: something secret cannot be encrypted, or a file is there that may not be overwritten.
    """
    written = files_of(draft)
    encrypt = _Encryption(loader, vault_id)
    if any(file.secret for file in written.files):
        encrypt.check(written)
    found = changes(folder, written.files, force=force, decrypt=encrypt.decrypt)
    if not check_mode:
        write(
            folder,
            [(item.file, encrypt(item.file.content) if item.file.secret else item.file.content) for item in found],
        )
    result = {**showing.result(draft, written, found), "dest": folder}
    if draft.left_out:
        result["warnings"] = list(draft.left_out)
    return {**result, "diff": showing.diffs(folder, found, written.secrets)} if diff else result


class _Encryption:
    """The vault with which secret files are encrypted."""

    def __init__(self, loader: DataLoader, vault_id: str | None) -> None:
        self._vault: Any = loader._vault
        self._id = vault_id

    def check(self, written: Written) -> None:
        """Holds if there is a password to encrypt with.

        :raises InputError: there is none.
        """
        if not self._vault.secrets:
            raise InputError(
                f"values that look secret ({_named(written.secret_paths)}) are written only encrypted, and no vault "
                "password is known",
                hint=_GIVE,
            )
        self._secret()

    def __call__(self, content: bytes) -> bytes:
        name, secret = self._secret()
        vault_id = name if name and name != C.DEFAULT_VAULT_IDENTITY else None
        return bytes(VaultLib(self._vault.secrets).encrypt(content, secret, vault_id=vault_id))

    def decrypt(self, content: bytes) -> bytes | None:
        try:
            return bytes(self._vault.decrypt(content))
        except AnsibleError:
            return None

    def _secret(self) -> tuple[str | None, Any]:
        wanted = self._id or C.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY")
        try:
            name, secret = match_encrypt_secret(self._vault.secrets, encrypt_vault_id=wanted)
        except AnsibleError:
            known = ", ".join(sorted({str(name) for name, _secret in self._vault.secrets}))
            raise InputError(
                f"no vault password is known for vault_id '{wanted}'", hint=f"Known are: {known}"
            ) from None
        return name, secret


def _named(paths: Mapping[str, tuple[str, ...]]) -> str:
    named = [f"{path} of {identity}" for identity, found in sorted(paths.items()) for path in found]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return ", ".join(named[:_SHOWN]) + more

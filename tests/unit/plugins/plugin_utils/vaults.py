# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A loader with a vault password, for tests."""

from __future__ import annotations

import pytest
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

SECRET = VaultSecret(b"password")


def loader(*secrets: VaultSecret) -> DataLoader:
    result = DataLoader()
    result.set_vault_secrets([("default", secret) for secret in secrets])
    return result


def encrypted(text: str, secret: VaultSecret = SECRET) -> str:
    return str(VaultLib([("default", secret)]).encrypt(text.encode(), secret).decode())


def scalar(name: str, text: str) -> str:
    """A line of YAML with a ``!vault`` value."""
    return f"{name}: !vault |\n" + "".join(f"  {line}\n" for line in encrypted(text).splitlines())


def known(monkeypatch: pytest.MonkeyPatch, *secrets: VaultSecret) -> DataLoader:
    """A loader as in a run: since ansible-core 2.19 values decrypt themselves with the run's passwords."""
    context = getattr(vault, "VaultSecretsContext", None)
    if context:
        monkeypatch.setattr(context, "_current", context(secrets=[("default", secret) for secret in secrets]))
    return loader(*secrets)

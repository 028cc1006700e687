# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries: how they are planted in vaults, and how they may be written where they must not show."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from urllib.parse import quote

from ansible.parsing.vault import VaultLib, VaultSecret
from harness import Workspace


@cache
def forms(canary: str) -> frozenset[str]:
    """What must be found nowhere: the secret, also quoted or coded, its hashes, and each half of it."""
    text = canary.strip()
    coded = base64.b64encode(text.encode()).decode()
    half = len(text) // 2
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = {text, text[:half], text[half:], coded, json.dumps(text)[1:-1], quote(text, safe=""), digest, digest[:12]}
    return frozenset(found | {line for line in text.splitlines() if not line.startswith("---")})


def vaulted(workspace: Workspace, text: str) -> str:
    """An encrypted text as ansible-vault writes it; the password lies in the file vault-password."""
    return str(_vault(workspace).encrypt(text).decode())


def opened(workspace: Workspace, path: str) -> str:
    """What ansible-vault shows of a file."""
    return str(_vault(workspace).decrypt((workspace.root / path).read_bytes()).decode())


def _vault(workspace: Workspace) -> VaultLib:
    return VaultLib([("default", VaultSecret((workspace.root / "vault-password").read_bytes().strip()))])


def scalar(workspace: Workspace, text: str, indent: int) -> str:
    """The same as a value in a YAML file."""
    lines = vaulted(workspace, text).strip().splitlines()
    return "!vault |\n" + "\n".join(" " * indent + line for line in lines)

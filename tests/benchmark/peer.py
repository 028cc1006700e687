# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection that ours is compared with: kubernetes.core, from PyPI's package `ansible`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ANSIBLE = "14.5.0"
PREFIX = "ansible_collections/kubernetes/core/"


def add_kubernetes_core(folder: Path, collections: Path) -> str:
    """Puts kubernetes.core among the collections; the first time this downloads some 50 MB into ``folder``.

    Only the collection is unpacked, so that both run on the same ansible-core.

    :returns: why it is not there, or nothing.
    """
    wheel = folder / f"ansible-{ANSIBLE}-py3-none-any.whl"
    if not wheel.exists():
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        done = subprocess.run([*words, f"ansible=={ANSIBLE}"], capture_output=True, text=True, check=False)
        if done.returncode:
            return f"pip cannot download ansible {ANSIBLE}: {done.stderr.strip().splitlines()[-1:]}"
    if not (collections / PREFIX / "MANIFEST.json").exists():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(collections, [name for name in archive.namelist() if name.startswith(PREFIX)])
    return ""

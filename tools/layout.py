# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie in the checkout, and the environment that keeps Ansible inside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
REQUIREMENTS = ROOT / "tests" / "requirements"
COLLECTIONS = WORK / "collections"
COLLECTION_PATH = Path("ansible_collections", "helmstack", "core")
LOGS = WORK / "logs"
RESULTS = WORK / "results"
COPIES = WORK / "copies"
HOME = WORK / "home"
CLUSTERS = WORK / "clusters"
DEV_VENV = WORK / "venv"
DEMO_VENV = WORK / "demo" / "venv"

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def link_collection() -> None:
    """Make the checkout importable as ansible_collections.helmstack.core."""
    link = COLLECTIONS / COLLECTION_PATH
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(ROOT, link.parent))


def environment(*bins: Path, **extra: str) -> dict[str, str]:
    """The process environment with `bins` first on PATH and Ansible's own files under .work."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "VIRTUAL_ENV"))}
    env.pop("PYTHONPATH", None)
    env.pop("PYENV_VERSION", None)
    # Compiled files are kept: each ansible-playbook would compile the collection anew, which is a third of its time.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    # make hands its job server and variables down, which a make started by a test must not see
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
        env.pop(name, None)
    path = [str(folder) for folder in bins] + [env.get("PATH", SYSTEM_PATH)]
    env.update(
        PATH=os.pathsep.join(path),
        ANSIBLE_HOME=str(WORK / "ansible"),
        ANSIBLE_REMOTE_TEMP=str(WORK / "ansible" / "tmp"),
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
        ANSIBLE_NOCOLOR="1",
        PYTHONUNBUFFERED="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )
    env.update(extra)
    return env

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This collection's own Python files, loaded as Python loads any: compiled once, and from ``__pycache__`` after that.

Ansible's loader of collections compiles each file anew at each start, which took half of the time of a run that changes
nothing. An action imports this file before all others of the collection.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

_OURS = f"{__name__.rpartition('.plugins.')[0]}.plugins."


class _Files:
    """Finds what is a file of its own; packages stay with Ansible, which knows the folders that have no file."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not path or not name.startswith(_OURS):
            return None
        file = os.path.join(path[0], f"{name.rpartition('.')[2]}.py")
        return (
            spec_from_file_location(name, file, loader=SourceFileLoader(name, file)) if os.path.isfile(file) else None
        )


def _use() -> None:
    if not any(isinstance(finder, _Files) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Files())


_use()

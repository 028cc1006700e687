# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This collection's own Python files, loaded as Python loads any: compiled once, and from ``__pycache__`` after that.

Ansible's loader of collections compiles each file anew at each start, which took half of the time of a run that changes
nothing. An action imports all others of the collection within ``compiled()``, which leaves ``sys.meta_path`` as it was:
ansible-test lets no import change it. What is imported later, while a task runs, is found by ``stay_compiled()``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


@contextmanager
def compiled() -> Iterator[None]:
    """Imports within it find the collection's files compiled."""
    finder = _Files()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def stay_compiled() -> None:
    """All imports from here on find them so; for a running task, whose process ends with it."""
    if not any(isinstance(finder, _Files) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Files())

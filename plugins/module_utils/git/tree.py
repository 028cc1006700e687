# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was checked out of a repository, before anything uses it: whole, and without a way out."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError


def complete(root: str, path: str, put: Callable[[str], bool]) -> None:
    """Checks out, beside a path, what its links and charts lead to.

    :arg put: checks a further path out; False: the commit has none.
    :raises ChartError: something leads out of the repository.
    """
    whole = [path]
    waiting = [path]
    while waiting:
        current = waiting.pop()
        for target in (*_links(root, current), *_dependencies(root, current)):
            if not any(_covers(each, target) for each in whole) and put(target):
                whole.append(target)
                waiting.append(target)
    _check(root)


def _covers(path: str, other: str) -> bool:
    return not path or other == path or other.startswith(f"{path}/")


def _all_links(root: str, path: str) -> Iterator[str]:
    """The paths, in the repository, of all symbolic links below a path, itself included."""
    start = os.path.join(root, path) if path else root
    if os.path.islink(start):
        yield path
        return
    for folder, folders, names in os.walk(start):
        for name in (*folders, *names):
            if os.path.islink(os.path.join(folder, name)):
                yield os.path.relpath(os.path.join(folder, name), root)


def _links(root: str, path: str) -> Iterator[str]:
    """What links below a path lead to, as they say it."""
    for link in _all_links(root, path):
        yield _inside(posixpath.dirname(link), os.readlink(os.path.join(root, link)), f"the symbolic link '{link}'")


def _dependencies(root: str, path: str) -> Iterator[str]:
    """The folders that a chart's dependencies name with ``file://``."""
    for name in ("Chart.yaml", "requirements.yaml"):
        file = os.path.join(root, path, name)
        if os.path.isfile(file) and not os.path.islink(file):
            for repository in _file_references(file):
                yield _inside(path, repository, f"a dependency of the chart in '{path or '.'}'")


def _file_references(file: str) -> Iterator[str]:
    try:
        with open(file, encoding="utf-8") as stream:
            content = helmyaml.load(stream.read(), file)
    except Exception:  # the reader of the chart reports what is wrong with it
        return
    declared = content.get("dependencies") if isinstance(content, dict) else None
    for item in declared if isinstance(declared, list) else ():
        repository = item.get("repository") if isinstance(item, dict) else None
        if isinstance(repository, str) and repository.startswith("file://"):
            yield repository[len("file://") :]


def _inside(folder: str, target: str, what: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, target))
    if posixpath.isabs(target) or path == ".." or path.startswith("../"):
        raise ChartError(f"{what} leads out of the repository, to '{target}'")
    return "" if path == "." else path


def _check(root: str) -> None:
    """No link, by whatever way over others, leads out."""
    real = os.path.realpath(root)
    for link in _all_links(root, ""):
        target = os.path.realpath(os.path.join(root, link))
        if os.path.commonpath([real, target]) != real:
            raise ChartError(f"the symbolic link '{link}' leads out of the repository")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where nested stacks are: on this disk, or in git; and how messages name those in git."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.helpers import Helpers
from ansible_collections.helmstack.core.plugins.module_utils.stack.lockfile import MEND
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Repository
from ansible_collections.helmstack.core.plugins.module_utils.stack.paths import Ground, common_roots, is_within
from ansible_collections.helmstack.core.plugins.module_utils.stack.places import relative
from ansible_collections.helmstack.core.plugins.module_utils.stack.unit import Unit

_NAME = "a stack's name (letters, digits, '-', '_' and '.')"


@dataclass(frozen=True)
class Fetched:
    """A checkout that a stack was taken from, and what people know it as."""

    root: str
    url: str

    def told(self, text: str) -> str:
        """A text with the repository's address in place of the folder in the cache."""
        return text.replace(self.root + os.sep, f"git+{self.url}//").replace(self.root, f"git+{self.url}")


@dataclass(frozen=True)
class Place:
    """A stack's place: its files, and the stacks around it."""

    files: tuple[str, ...]
    ground: Ground
    name: str | None = None
    chain: tuple[str, ...] = ()  # real paths of the stack files around it
    extra_overlays: tuple[str, ...] = ()
    fetched: Fetched | None = None  # from git
    usual_name: str = ""  # if neither the entry nor the stack says one; "": the folder's

    @property
    def folder(self) -> str:
        return self.ground.folder


def nested_place(
    entry: Node, unit: Unit, chain: tuple[str, ...], repositories: Mapping[str, Repository], helpers: Helpers | None
) -> Place:
    """The place of a stack that an entry of ``stacks`` names.

    :raises HelmstackError: there is none, it is not to be used, or it nests itself.
    """
    members = schema.mapping(entry, "stacks", schema.NESTED_KEYS)
    if ("path" in members) == ("url" in members):
        what = "names both a path and a url" if "path" in members else "lacks a path or a url"
        raise InputError(f"an entry of stacks {what}", where=entry.where)
    name = schema.matching(members["name"], "name", schema.SIMPLE_NAME, 63, _NAME) if "name" in members else None
    if "url" in members:
        reference = unit.git_reference(schema.string(members["url"], "url"), members["url"].where)
        found = _from_git(reference, members["url"].where, unit, tuple(repositories.values()), helpers)
    else:
        found = _from_disk(schema.string(members["path"], "path"), members["path"].where, unit, chain)
    _refuse_cycle(os.path.realpath(found.files[0]), entry.where, chain)
    return replace(found, name=name, chain=chain)


def _from_disk(text: str, where: Location, unit: Unit, chain: tuple[str, ...]) -> Place:
    # a nested stack may use its own folder, and what all that are nested share
    roots = unit.ground.roots or common_roots(unit.ground.folder)
    _refuse_cycle(os.path.realpath(Ground(unit.ground.folder).locate(text, where)), where, chain)
    path = unit.reader.find_stack(unit.locate(text, where), where)
    folder = os.path.dirname(path)
    own = () if any(is_within(folder, root) for root in roots) else (folder,)
    return Place((path,), Ground(folder, (*roots, *own)))


def _from_git(
    reference: GitReference,
    where: Location,
    unit: Unit,
    repositories: tuple[Repository, ...],
    helpers: Helpers | None,
) -> Place:
    """The whole commit comes, as a stack's paths may lead anywhere in its repository; and nowhere else."""
    if helpers is None:
        raise InputError("stacks from git cannot be fetched here", where=where)
    try:
        known = _locked(reference, unit, where)
        checkout = helpers.checkout(replace(reference, path=""), repositories, known)
    except HelmstackError as error:
        error.where = error.where or where
        raise
    root = checkout.root
    unit.reader.fetched[str(reference)] = checkout.commit
    fetched = Fetched(root, reference.url)
    with told_as(fetched):
        path = unit.reader.find_stack(os.path.join(root, reference.path) if reference.path else root, where)
    last = (reference.path or reference.url).rstrip("/").rpartition("/")[2]
    usual = os.path.basename(os.path.dirname(path)) if reference.path else last.removesuffix(".git")
    return Place((path,), Ground(os.path.dirname(path), (root,)), fetched=fetched, usual_name=usual)


def _locked(reference: GitReference, unit: Unit, where: Location) -> str:
    """The commit that the lock file has; "" if none counts.

    :raises InputError: it does not hold the stack.
    """
    if unit.outer.commits is None or reference.commit:
        return ""
    commit = unit.outer.commits.get(str(reference))
    if commit is None and not unit.outer.locking:
        raise InputError(f"{unit.outer.lock_file} does not hold the stack {reference}", where=where, hint=MEND)
    return commit or ""


@contextmanager
def told_as(fetched: Fetched | None) -> Iterator[None]:
    """Errors name the repository, not the folder in the cache."""
    try:
        yield
    except HelmstackError as error:
        if fetched:
            error.reword(fetched.told)
            error.where = error.where and replace(error.where, file=fetched.told(error.where.file))
        raise


def renamed(release: Release, fetched: Fetched, root: str) -> Release:
    """A release of a stack from git; its places name the repository's address.

    :arg root: the outermost stack's folder, to which places are relative.
    """
    shown = replace(fetched, root=relative(fetched.root, root))

    def told(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(told(item) for item in value)
        if not isinstance(value, str):
            return value
        text = fetched.told(value)
        return shown.told(value) if text == value else text

    values = tuple(
        replace(
            source,
            label=told(source.label),
            file=told(source.file),
            places=told(source.places),
            template=source.template and replace(source.template, name=told(source.template.name)),
        )
        for source in release.values
    )
    return replace(release, values=values, where=replace(release.where, file=fetched.told(release.where.file)))


def _refuse_cycle(path: str, where: Location, chain: tuple[str, ...]) -> None:
    """Refuse a stack file that is being read, or the folder of a nested one."""
    around = [*chain, *(os.path.dirname(file) for file in chain[:-1])]
    if path in around:
        first = around.index(path) % len(chain)
        told = " -> ".join((*chain[first:], chain[first]))
        raise InputError(f"the stacks nest each other in a cycle: {told}", where=where)

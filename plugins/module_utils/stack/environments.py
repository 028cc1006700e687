# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which environment a run is for, and the overlay that an environment has by convention."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import SUFFIXES, StackReader

_NAME = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_.]*")
_NOTHING = Node(None, Location("task options"))


def chosen_environment(
    asked: str | None, groups: Sequence[str], folder: str, members: Mapping[str, Node], reader: StackReader
) -> str | None:
    """The one environment of this run.

    :arg groups: of the host: one of them is the environment, if none is named.
    :raises InputError: the named one does not exist, or two of the host's groups are environments.
    """
    declared = list(schema.mapping(members.get("environments", _NOTHING), "environments"))

    def is_there(name: str) -> bool:
        return name in declared or overlay_of(folder, name, reader) is not None

    if asked:
        if not is_there(asked):
            what = f"the stack has nothing for the environment '{asked}'"
            names = list(dict.fromkeys([*declared, *_names_of_overlays(folder)]))
            near = did_you_mean(asked, names)
            known = f"Declared are: {', '.join(names)}" if names else "It declares no environments"
            raise InputError(what, where=Location(folder), hint=f"{near} {known}" if near.startswith("Did") else known)
        return asked
    found = [group for group in dict.fromkeys(groups) if is_there(group)]
    if len(found) > 1:
        what = f"the host's groups {' and '.join(repr(name) for name in found)} are environments of the stack"
        raise InputError(what, hint="Set environment to the one that is meant")
    return found[0] if found else None


def environments_of(paths: Sequence[str], reader: StackReader) -> tuple[str, ...]:
    """All environments of a stack: those that it declares, and those that have an overlay by convention.

    A stack file that is a Go template declares what it makes of an environment, so that only the overlays count there.

    :raises InputError: a stack file cannot be read.
    """
    found = [reader.find_stack(os.path.normpath(path)) for path in paths]
    plain = [path for path in found if not path.endswith(".gotmpl")]
    documents = [reader.document(path, "stack file", schema.STACK_KEYS) for path in plain]
    declared = [
        name
        for document in documents
        for name in schema.mapping(document.get("environments", _NOTHING), "environments")
    ]
    return tuple(dict.fromkeys([*declared, *_names_of_overlays(os.path.dirname(found[0]))]))


def likely(asked: str | None, groups: Sequence[str], folder: str, reader: StackReader) -> str | None:
    """The environment, as far as it is known before the stack's files are read."""
    found = [group for group in dict.fromkeys(groups) if overlay_of(folder, group, reader)]
    return asked or (found[0] if len(found) == 1 else None)


def overlay_of(folder: str, environment: str, reader: StackReader) -> str | None:
    """The file ``env/<environment>.yaml``, or a template of it."""
    if not _NAME.fullmatch(environment):
        return None
    return reader.find_suffixed(f"{folder}/env/{environment}.yaml")


def _names_of_overlays(folder: str) -> list[str]:
    """The environments for which ``env/<environment>.yaml`` exists, for a message."""
    try:
        found = sorted(os.listdir(os.path.join(folder, "env")))
    except OSError:
        return []
    endings = [f".yaml{suffix}" for suffix in SUFFIXES]
    return [name.removesuffix(ending) for name in found for ending in endings if name.endswith(ending)]

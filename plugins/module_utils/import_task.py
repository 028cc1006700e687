# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module helmstack_import that need checks: repositories and clusters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository, Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack_tools import StackTools

_TASK = Location("task options")
_OF_CLUSTERS = ("clusters", "namespaces", "label_selectors", "names", "repositories")


def stack_of(given: Mapping[str, Any], find: Callable[[str], str], secrets: Iterable[str] = ()) -> Stack:
    """The repositories that are searched, as those of a stack that has nothing else yet.

    :arg find: the absolute path of a file that an option names.
    :arg secrets: what among the options came out of a vault.
    :raises InputError: options that contradict each other or are no names.
    """
    check(given)
    repositories = tuple(_repository(item, find) for item in given.get("repositories") or ())
    hidden = [secret for each in repositories for secret in (each.password, *secrets_in(each.url)) if secret]
    hidden += [item["api_key"] for item in given.get("clusters") or () if item.get("api_key")]
    return Stack("import", None, (), repositories, secrets=tuple(dict.fromkeys((*secrets, *hidden))))


def repositories_of(given: Mapping[str, Any], secrets: tuple[str, ...], tools: StackTools) -> Stack:
    """As :func:`stack_of`, if all files are on this machine."""
    return stack_of(given, lambda path: os.path.abspath(os.path.expanduser(path)), secrets)


def check(given: Mapping[str, Any]) -> None:
    """Holds if the options fit together.

    :raises InputError: they do not.
    """
    if given.get("dest") == "":
        raise InputError("dest is empty", hint="Name the folder of the stack")
    names = [item["name"] for item in given.get("clusters") or ()]
    for name in names:
        schema.matching(helmyaml.place(name, _TASK), "name", schema.SIMPLE_NAME, 63, "a name for an environment")
        if names.count(name) > 1:
            raise InputError(f"clusters names '{name}' twice", hint="Each becomes an environment of its own")
    for namespace in given.get("namespaces") or ():
        schema.namespace(helmyaml.place(namespace, _TASK))
    check_helmfile(given)
    for item in given.get("repositories") or ():
        if [each["name"] for each in given["repositories"]].count(item["name"]) > 1:
            raise InputError(f"repositories names '{item['name']}' twice", hint="Give one of them another name")


def check_helmfile(given: Mapping[str, Any]) -> None:
    """Holds if a helmfile is all that is read, each output for an environment of its own.

    :raises InputError: it is not.
    """
    builds = given.get("helmfile") or ()
    if given.get("helmfile") == []:
        raise InputError("helmfile names no file", hint="Leave it out to read a cluster")
    others = [name for name in _OF_CLUSTERS if given.get(name)]
    if builds and others:
        what = f"helmfile and {others[0]} cannot be used together"
        raise InputError(what, hint="Read the helmfile into one folder, and the cluster into another one")
    names = [item.get("environment") for item in builds]
    for name in names:
        if name is None and len(names) > 1:
            raise InputError("each of several outputs of helmfile build needs its environment")
        if names.count(name) > 1:
            raise InputError(f"helmfile names the environment '{name}' twice")
        if name is not None:
            schema.matching(helmyaml.place(name, _TASK), "environment", schema.SIMPLE_NAME, 63, "an environment's name")


def _repository(item: Mapping[str, Any], find: Callable[[str], str]) -> Repository:
    values = {key: value for key, value in item.items() if value is not None}
    name = helmyaml.place(item["name"], _TASK)
    schema.matching(name, "name", schema.SIMPLE_NAME, 63, "a repository's name")
    for key in schema.REPOSITORY_FILES.intersection(values):
        values[key] = find(values[key])
    return Repository(**values)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files with the suffix ``.gotmpl``: what their templates see. Rendering is Helm's (go_templates.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain
from ansible_collections.helmstack.core.plugins.module_utils.stack.variables import VariableScope

SUFFIX = ".gotmpl"


@dataclass(frozen=True)
class GoContext:
    """What a template sees by its names, but for ``.Files``."""

    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    undefined: Mapping[str, InputError] = field(default_factory=dict, repr=False)  # variables that cannot be had

    def for_release(self, **keys: Any) -> GoContext:
        """The same with ``.Release``."""
        return GoContext({**self.data, "Release": keys}, self.undefined)

    def check(self, text: str) -> None:
        """Holds if a template names no variable that cannot be had.

        :raises InputError: it does.
        """
        for name, error in self.undefined.items():
            if re.search(rf"\.Variables\.{re.escape(name)}\b|\"{re.escape(name)}\"", text):
                raise error


def no_context() -> GoContext:
    """Where nothing is known yet."""
    return GoContext({"Environment": {"Name": ""}, "Variables": {}, "Env": {}})


@dataclass(frozen=True)
class GoTemplate:
    """A file to be rendered."""

    path: str
    text: str = field(repr=False)
    context: GoContext
    roots: tuple[str, ...] = ()  # of a nested stack: the folders of the files that it may read; none: anywhere
    name: str = ""  # what people know the file as; "": its path
    secret: bool = False  # the file came out of a vault


def go_context(
    environment: str | None, scope: VariableScope, env: Mapping[str, str], remember: Callable[[Node], None]
) -> GoContext:
    """The context of a stack's templates.

    :arg remember: gets each variable, as it may be secret.
    """
    known, undefined = scope.everything()
    for node in known.values():
        remember(node)
    variables = {name: plain(node) for name, node in known.items()}
    return GoContext({"Environment": {"Name": environment or ""}, "Variables": variables, "Env": dict(env)}, undefined)


def environment_variables(
    fallback: Iterable[Mapping[str, Node]], declared: Iterable[str], scope: VariableScope
) -> dict[str, str]:
    """``.Env``: what ``.env`` files name, and of the process environment what the stack declares."""
    names = dict.fromkeys((*(name for layer in fallback for name in layer), *declared))
    found = {name: scope.environment_variable(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}

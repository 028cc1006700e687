# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables as a task's options: to template only those that are set takes a third of the time of a task."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils import rollout

try:
    from ansible.errors import AnsibleValueOmittedError as Omitted
except ImportError:  # ansible-core 2.18 and older, where it is a text

    class Omitted(Exception):  # type: ignore[no-redef]
        """Is never raised."""


PREFIX = "helmstack_"
# Variables with the prefix that are no options of the module: settings of the role and the playbooks, …
_SETTINGS = frozenset((rollout.HOSTS, *rollout.VARIABLES, "helmstack_sprays", "helmstack_told_together"))
# … and what tasks leave behind, in hosts or as artifacts of AWX. Users' own may be as near to these as they like.
_RESULTS = frozenset(
    f"{PREFIX}{name}"
    for name in "result changed spray spray_result spray_results taken_back plans stack_plans reviews reports outcome "
    "standing".split()
)
_NEAR = 0.83  # of difflib; helmstack_target is near, and users' own variables seldom are


def misspelt(variables: Iterable[str], options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Sentences on variables that look like those of the role and are none, so that nobody reads them.

    :arg options: the module's, as in its argument_spec.
    """
    known = {f"{PREFIX}{name}" for name in options if not name.startswith("_")} | _SETTINGS
    unknown = [name for name in variables if name.startswith(PREFIX) and name not in known and name not in _RESULTS]
    if not unknown:
        return
    aliases = {f"{PREFIX}{alias}": name for name, option in options.items() for alias in option.get("aliases", ())}
    parts = {name[len(PREFIX) :]: name for name in known}
    for name in sorted(unknown):
        near = difflib.get_close_matches(name[len(PREFIX) :], parts, n=1, cutoff=_NEAR)
        meant = f"{PREFIX}{aliases[name]}" if name in aliases else parts[near[0]] if near else ""
        if meant:
            yield f"{name} is no variable of the role, so it has no effect. Did you mean '{meant}'?"


def options_of(prefix: str, names: Iterable[str], templar: Any, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The options for which a variable of the prefix and their name is defined, and is not to be left out."""
    omit = task_vars.get("omit")
    found: dict[str, Any] = {}
    for name in names:
        variable = f"{prefix}{name}"
        if variable not in task_vars:
            continue
        try:
            value = templar.template(task_vars[variable])
        except Omitted:
            continue
        if not (isinstance(value, str) and value == omit) and value is not omit:
            found[name] = value
    return found

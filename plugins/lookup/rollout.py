# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks know of a rollout before they have hosts, as keywords of a play see no inventory variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
short_description: Hosts, batches and tasks of the playbook helmstack.core.deploy
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Reads C(helmstack_hosts), C(helmstack_serial), C(helmstack_canary), C(helmstack_max_fail_percentage),
    C(helmstack_pause) and C(helmstack_gate_tasks) where the keywords of a play can see them, which is in extra
    variables and in C(vars) of C(ansible.builtin.import_playbook), and says what is wrong with them before anything
    is done.
options:
  _terms:
    description:
      - C(hosts) gives the patterns of the play's hosts, the canaries first; C(serial) the sizes of its batches, which
        are shown as well; C(tasks) the file of its tasks; C(gate) the file of the gate's tasks, or one that does
        nothing; C(back) the same for what takes a batch back; C(canary) the names of the canaries.
    type: list
    elements: str
    required: true
  review:
    description: Only tell the batches, and take all hosts at once. So does check mode.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Deploy in batches of one's own making
  hosts: "{{ lookup('helmstack.core.rollout', 'hosts', wantlist=true) }}"
  gather_facts: false
  serial: "{{ lookup('helmstack.core.rollout', 'serial', wantlist=true) }}"
  roles:
    - helmstack.core.helmstack
"""

RETURN = r"""
_raw:
  description: What was asked for.
  type: list
  elements: raw
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
    from ansible_collections.helmstack.core.plugins.plugin_utils import rollout
    from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain

_PLAIN = "tasks/deploy.yml"
_ROLLING = "tasks/rollout.yml"
_NONE = "none.yml"


class LookupModule(LookupBase):
    def run(self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        known = dict(variables or {})
        names = (*rollout.VARIABLES, rollout.HOSTS, "helmstack_on_failure")
        given = {name: plain(self._templar.template(known[name])) for name in names if name in known}
        try:
            asked = _Asked(given, known, review=bool(kwargs.get("review") or known.get("ansible_check_mode")))
            if len((known.get("groups") or {}).get("all") or ()) > 1:
                _import_ahead(deploys="tasks" in terms and not asked.review)
            return [item for term in terms for item in getattr(asked, f"its_{term}")()]
        except HelmstackError as error:
            raise AnsibleLookupError(str(error)) from error


def _import_ahead(*, deploys: bool) -> None:
    """Imports what a host needs on which something changes: here once for all, and not in the worker of each."""
    with compiled():
        from ansible_collections.helmstack.core.plugins.module_utils.plan import comparison as _comparison  # noqa: F401

        if deploys:
            from ansible_collections.helmstack.core.plugins.module_utils.apply import apply as _apply  # noqa: F401
            from ansible_collections.helmstack.core.plugins.module_utils.apply import readiness as _readiness  # noqa: F401
            from ansible_collections.helmstack.core.plugins.module_utils.cluster import lock as _lock  # noqa: F401


class _Asked:
    """What is asked of a rollout, and the inventory."""

    def __init__(self, given: Mapping[str, Any], variables: Mapping[str, Any], *, review: bool) -> None:
        self.given = given
        self.variables = variables
        self.review = review
        self.among = rollout.patterns(given.get(rollout.HOSTS) or "all", rollout.HOSTS)
        limit = variables.get("ansible_limit")
        if limit and "@" not in limit:  # else a part of it is in a file
            rollout.patterns(limit, "--limit")
        self.fleet = rollout.Fleet(variables.get("groups") or {}, limit)

    def its_hosts(self) -> list[str]:
        canaries = self.its_canary()
        if not canaries:
            return self.among
        rest = [host for host in self.fleet.hosts(self.among, limited=False) if host not in canaries]
        return [*canaries, *rest]

    def its_canary(self) -> list[str]:
        return self.fleet.canaries(self.given.get(rollout.CANARY), self.among)

    def its_serial(self) -> list[Any]:
        if not rollout.active(self.given):
            return ["100%"]
        for line in self._rollout.told(check=self.review, gate=self._gate):
            Display().display(f"  helmstack: {line}")
        sizes = [len(batch.hosts) for batch in self._rollout.batches]
        return ["100%"] if self.review or not sizes else sizes

    def its_tasks(self) -> list[str]:
        """Is asked first, when the playbook is read."""
        if not rollout.active(self.given):
            return [_PLAIN]
        found, _gate = self._rollout, self._gate
        if self.review:
            return [_PLAIN]
        rollout.check_terminal(found.pause)
        return [_ROLLING]

    def its_back(self) -> list[str]:
        on_failure = self.given.get("helmstack_on_failure")
        return ["take_back.yml" if on_failure == "rollback" else _NONE]

    def its_gate(self) -> list[str]:
        return [self._gate or _NONE]

    @cached_property
    def _rollout(self) -> rollout.Rollout:
        canaries = self.its_canary()
        names = self.fleet.hosts(self.its_hosts())
        serial, tolerance, pause = map(self.given.get, (rollout.SERIAL, rollout.TOLERANCE, rollout.PAUSE))
        return rollout.rollout(names, canaries, serial, tolerance, pause)

    @cached_property
    def _gate(self) -> str | None:
        path = self.given.get(rollout.GATE)
        return rollout.gate_file(path, self._folders()) if path else None

    def _folders(self) -> Iterator[str]:
        """Where the gate's file may be: beside the inventory, in the current folder, beside the playbook."""
        for source in self.variables.get("ansible_inventory_sources") or ():
            yield source if os.path.isdir(source) else os.path.dirname(source)
        yield os.getcwd()
        yield str(self.variables.get("playbook_dir") or ".")

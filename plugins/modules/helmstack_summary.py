#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells at the end of a play what became of all its hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_summary
short_description: Tells at the end of a play which clusters changed, failed, or stayed as they are
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Looks at what the role P(helmstack.core.helmstack#role) has registered for each host of the play, tells plans that
    are the same once, with the number of hosts, and ends with the sum. The playbooks C(helmstack.core.review) and
    C(helmstack.core.deploy) end with it.
  - It runs on the controller and needs no connection. Give it C(run_once).
options:
  diff_lines:
    description: How many lines of diff are shown of each group of hosts. V(0) shows all.
    type: int
    default: 1000
  serial:
    description:
      - The C(serial) of the play, a number of hosts, a percentage, or a list of them. With this or one of the following
        options the module ends a batch. It tells what became of it, and fails if the next is not to begin, which stops
        the play for all hosts.
      - The end over all hosts comes after the last batch, or after the one that stops the rest.
      - Check mode tells the end only.
    type: raw
  canary:
    description: Patterns of the hosts that are a batch of their own, the first. They must be the play's first hosts.
    type: raw
  max_fail_percentage:
    description:
      - How many percent of a batch may fail or be unreachable before the rest does not begin. It is V(0) if it is not
        given.
      - Unlike Ansible's own keyword it counts the hosts that cannot be reached, too.
    type: raw
  pause:
    description:
      - What comes between two batches. V(true) asks in the terminal, and goes on only if the answer is V(yes). A
        duration such as V(10m) or a number of seconds waits.
    type: raw
attributes:
  action:
    description: It is an action plugin.
    support: full
  check_mode:
    description: It tells what would change.
    support: full
  diff_mode:
    description: It changes nothing itself.
    support: none
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: Deploy to all clusters
  hosts: all
  gather_facts: false
  tasks:
    - name: Deploy, and tell what became of all hosts
      block:
        - name: Deploy
          ansible.builtin.import_role:
            name: helmstack.core.helmstack
      always:
        - name: Tell what became of all hosts
          helmstack.core.helmstack_summary:
          run_once: true

- name: Deploy to one cluster, then to a quarter, then to all
  hosts: all
  gather_facts: false
  serial: &serial [1, 25%, 100%]
  tasks:
    - name: Deploy, and tell what became of the batch
      block:
        - name: Deploy
          ansible.builtin.import_role:
            name: helmstack.core.helmstack
      always:
        - name: End the batch
          helmstack.core.helmstack_summary:
            serial: *serial
            pause: 10m
          run_once: true
"""

RETURN = r"""
hosts:
  description:
    - The names of the hosts, by what became of them, C(changed), C(unchanged), C(failed), C(unreachable), C(skipped)
      or C(not_begun). AWX gets the same as the artifact C(helmstack_outcome).
  returned: always
  type: dict
  sample: {changed: [eu], unchanged: [us], failed: [], unreachable: [], skipped: [], not_begun: []}
standing:
  description:
    - The names of the hosts, by what they are on, C(new), C(old), C(half) if some of the releases are on either, or
      C(unknown) if they could not be reached. AWX gets the same as the artifact C(helmstack_standing).
  returned: if not in check mode
  type: dict
  sample: {new: [eu], old: [us], half: [], unknown: []}
"""

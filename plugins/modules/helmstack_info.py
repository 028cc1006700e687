#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a stack's releases are in the cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_info
short_description: Reads what the releases of a stack are in the cluster
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Reports whether and how each release of a stack is deployed. It changes nothing.
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.attributes.read_only
  - helmstack.core.stack
  - helmstack.core.helm
  - helmstack.core.cluster
options:
  include:
    description:
      - What to return of each release besides. Values of Secrets, and what came out of a vault, are masked.
      - V(values) are those that the release was given, V(computed_values) are these over the chart's own.
    type: list
    elements: str
    choices: [values, computed_values, manifest, hooks, notes]
    default: []
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: What is deployed of the stack beside the playbook?
  helmstack.core.helmstack_info:
    environment: dev
    context: dev
  register: shop

- name: Stop unless all of it is deployed
  ansible.builtin.assert:
    that: shop.releases | rejectattr('ignored') | map(attribute='status') | unique == ['deployed']

- name: Which values does the front end have?
  helmstack.core.helmstack_info:
    targets: [web/web-app]
    include: [values]
    context: dev
"""

RETURN = r"""
releases:
  description:
    - The releases of the stack in its order, and after them those that carry its label but are no longer in it.
    - If O(include) has V(values), each has a key C(values) as well, the values that it was given. In templates write
      C(release['values']).
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The namespace of the release.
      returned: success
      type: str
      sample: web
    name:
      description: The name of the release.
      returned: success
      type: str
      sample: web-app
    status:
      description: What Helm says of the release.
      returned: success
      type: str
      sample: deployed
    revision:
      description: The newest revision.
      returned: success
      type: int
      sample: 4
    chart:
      description: The name of the chart.
      returned: success
      type: str
      sample: web-app
    version:
      description: The version of the chart.
      returned: success
      type: str
      sample: 1.7.0
    app_version:
      description: The version of the application, as the chart names it.
      returned: success
      type: str
      sample: "2.4"
    updated:
      description: When the newest revision was made.
      returned: success
      type: str
      sample: "2026-01-31T12:00:00Z"
    in_stack:
      description: Whether the stack still holds the release.
      returned: success
      type: bool
      sample: true
    ignored:
      description: Whether the environment ignores the release.
      returned: success
      type: bool
      sample: false
    verified:
      description:
        - Whether the release is what this stack deployed, unchanged since it was ready.
        - It is V(false) too if it was deployed with options that stood in the task and not in the stack, and that count
          for M(helmstack.core.helmstack), such as C(wait) or C(diff_ignore).
      returned: success
      type: bool
      sample: true
    computed_values:
      description: The values that the release was given over the chart's own.
      returned: if O(include) has V(computed_values)
      type: dict
    manifest:
      description: The manifest of the release.
      returned: if O(include) has V(manifest)
      type: str
    hooks:
      description: The manifests of the release's hooks.
      returned: if O(include) has V(hooks)
      type: str
    notes:
      description: The chart's notes.
      returned: if O(include) has V(notes)
      type: str
"""

from ansible_collections.helmstack.core.plugins.module_utils.module import run
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import INFO


def main() -> None:
    run(INFO)


if __name__ == "__main__":
    main()

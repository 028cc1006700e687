#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explains the values of a stack's releases, and compares two environments."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_values
short_description: Explains where the values of a stack's releases come from, and compares two environments
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Merges the values of each release as Helm does, and names for every value the file, the line and the variable that
    set it, and what it overrides. It needs no cluster and changes nothing.
  - With O(compare_to) it reports what differs between two environments of the stack instead.
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.attributes.read_only
  - helmstack.core.stack
  - helmstack.core.helm
  - helmstack.core.cluster
options:
  compare_to:
    description:
      - Another environment of the stack. The result then holds only the releases that differ, with their versions,
        charts, namespaces and values; in diff mode also as a diff.
      - It needs the stack's files on the controller, that is O(remote_src=false).
    type: str
  chart_defaults:
    description:
      - Fetch the charts, and explain their own default values too, those of sub-charts included.
    type: bool
    default: false
  report_file:
    description:
      - Files on the controller to write a report into, for people and for programs, masked as the result is.
      - The name says which kind it is, V(.html) a web page, V(.md) Markdown, for example for a merge request, and
        V(.json) the result as a whole.
      - A relative path counts from where C(ansible-playbook) was started. The folder must be there.
      - Tasks of one run, also of several hosts, that name the same file write one report; hosts with the same changes
        are listed together. Check mode writes it, too, and so does a task that fails.
      - Cannot be used with C(async) or C(no_log).
    type: list
    elements: path
  report_limit:
    description:
      - How many characters a report in Markdown may have. GitHub takes 65,536 in a comment.
      - If it is longer, the largest diffs are cut first.
    type: int
    default: 60000
seealso:
  - module: helmstack.core.helmstack
  - module: helmstack.core.helmstack_info
"""

EXAMPLES = r"""
- name: Which file sets what?
  helmstack.core.helmstack_values:
    environment: prod
    targets: [web/web-app]
  register: explained

- name: What differs between test and prod?
  helmstack.core.helmstack_values:
    environment: test
    compare_to: prod
  diff: true
"""

RETURN = r"""
stack:
  description: The name of the stack.
  returned: success
  type: str
  sample: shop
report:
  description: The reports that were written.
  returned: if O(report_file) is set
  type: list
  elements: str
environment:
  description: The environment of the values.
  returned: success
  type: str
  sample: test
compare_to:
  description: The environment that they are compared with.
  returned: if O(compare_to) is set
  type: str
  sample: prod
releases:
  description:
    - The releases in the order of the stack. What came out of a vault, and what its name says is secret, is masked.
    - With O(compare_to) only those that differ, each with RV(releases[].before) and RV(releases[].after).
    - Each has a key C(values), the merged values. In templates write C(release['values']). With O(compare_to) it is the
      list of those that differ, each with C(path), C(before), C(after), C(from) and C(to), where the last two are the
      places that set it.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The namespace of the release, with O(compare_to) that in the environment to compare with.
      returned: success
      type: str
      sample: web
    name:
      description: The name of the release.
      returned: success
      type: str
      sample: web-app
    chart:
      description: The reference of the chart.
      returned: without O(compare_to)
      type: str
      sample: ./charts/web-app
    version:
      description: The version or the range in the stack.
      returned: without O(compare_to)
      type: str
      sample: 1.6.0
    ignored:
      description: Whether the environment does not manage the release. Then it has no values here.
      returned: without O(compare_to)
      type: bool
    origins:
      description: Each value that is no map, by its path.
      returned: without O(compare_to)
      type: list
      elements: dict
      contains:
        path:
          description: The keys that lead to the value, joined by dots.
          returned: success
          type: str
          sample: image.tag
        value:
          description: The value.
          returned: success
          type: raw
        file:
          description: The file that sets it, relative to the folder of the stack, or the chart's own.
          returned: success
          type: str
          sample: env/prod.yaml
        line:
          description: The line in that file. A rendered template has none.
          returned: success
          type: int
          sample: 12
        how:
          description:
            - V(values file), V(values), V(set) or V(chart default), and the variables or the vault it came through.
          returned: success
          type: str
          sample: set, variable domain (helmstack.yaml:3)
        overrides:
          description:
            - The weaker settings of the same value, the strongest first.
            - Each has C(value), C(file), C(line) and C(how).
          returned: success
          type: list
          elements: dict
    before:
      description: What the release is in O(environment) as far as it differs. It is null if it is not there.
      returned: with O(compare_to)
      type: dict
    after:
      description: The same for O(compare_to).
      returned: with O(compare_to)
      type: dict
diff:
  description: One entry for each release that differs, with a line for each value and the place that sets it.
  returned: in diff mode, with O(compare_to)
  type: list
  elements: dict
  contains:
    before_header:
      description: The release and the environment.
      returned: success
      type: str
    after_header:
      description: The release and the environment to compare with.
      returned: success
      type: str
    before:
      description: What differs, in the environment.
      returned: success
      type: str
    after:
      description: What differs, in the environment to compare with.
      returned: success
      type: str
"""

from ansible_collections.helmstack.core.plugins.module_utils.module import run
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import VALUES


def main() -> None:
    run(VALUES)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the charts of a stack into a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_bundle
short_description: Writes the charts of a stack into one archive, to deploy from without any other source
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Writes one archive, or a folder, with the charts of all or some environments of a stack, local ones included, their
    lock file and the list of their images.
  - With the option C(bundle), M(helmstack.core.helmstack) and M(helmstack.core.helm_spray) deploy from it, and use no
    other source of charts.
  - It needs the stack's files on the controller, that is O(remote_src=false). It needs no cluster.
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.stack
  - helmstack.core.helm
  - helmstack.core.cluster
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  dest:
    description:
      - The archive to write, whose name ends with C(.tgz) or C(.tar.gz), or else a folder. It is on the target.
    type: path
    required: true
  environments:
    description:
      - The environments whose charts are wanted. By default all of the stack.
    type: list
    elements: str
  images:
    description:
      - Render the charts, and list the images that they name in C(images.txt) and RV(images).
    type: bool
    default: true
  kube_version:
    description:
      - The Kubernetes version that charts see while they are rendered for O(images).
    type: str
  api_versions:
    description:
      - The API versions that charts see besides helm's own.
    type: list
    elements: str
    default: []
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: Take the charts of production to where there is no network
  helmstack.core.helmstack_bundle:
    dest: "{{ playbook_dir }}/shop.tgz"
    environments: [prod]

- name: Deploy from it
  helmstack.core.helmstack:
    environment: prod
    context: prod
    bundle: shop.tgz
"""

RETURN = r"""
dest:
  description: The path of the bundle.
  returned: success
  type: str
environments:
  description: The environments that it serves.
  returned: success
  type: list
  elements: str
charts:
  description: The charts in it.
  returned: success
  type: list
  elements: dict
  contains:
    chart:
      description: The reference of the chart; local paths are relative to the folder of the stack.
      returned: success
      type: str
    asked:
      description: The version or range in the stack; null is the newest.
      returned: success
      type: str
    version:
      description: The version of the chart.
      returned: success
      type: str
    file:
      description: The archive in the bundle.
      returned: success
      type: str
images:
  description: The images that the charts name.
  returned: success
  type: list
  elements: str
diff:
  description: The charts and images of the bundle before and after, a line each.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path.
      returned: success
      type: str
    after_header:
      description: The path.
      returned: success
      type: str
    before:
      description: What it is.
      returned: success
      type: str
    after:
      description: The new content.
      returned: success
      type: str
"""

from ansible_collections.helmstack.core.plugins.module_utils.module import run
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import BUNDLE


def main() -> None:
    run(BUNDLE)


if __name__ == "__main__":
    main()

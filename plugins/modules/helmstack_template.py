#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders a stack's releases to manifests without a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_template
short_description: Renders the releases of a stack to manifests, without a cluster
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Renders every release of a stack as C(helm template) does, and returns the manifests or writes them to files.
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
    details:
      - One entry for each file of O(output_dir) that changes.
options:
  kube_version:
    description:
      - The Kubernetes version that charts see as C(.Capabilities.KubeVersion). By default it is helm's own.
    type: str
  api_versions:
    description:
      - What charts see in C(.Capabilities.APIVersions) besides helm's own, for example V(monitoring.coreos.com/v1).
    type: list
    elements: str
    default: []
  include_crds:
    description:
      - Include the definitions in the C(crds/) folders of the charts.
    type: bool
    default: false
  include_hooks:
    description:
      - Include the hooks of the charts.
    type: bool
    default: true
  output_dir:
    description:
      - A folder on the target that gets one file a release, C(<namespace>/<name>.yaml). What no longer belongs there
        is removed. A file that holds a Secret, or what came out of a vault, can be read by its owner
        alone.
    type: path
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: Render the stack beside the playbook
  helmstack.core.helmstack_template:
    environment: dev
  register: rendered

- name: Keep the manifests of production in a folder
  helmstack.core.helmstack_template:
    stack_file: shop
    environment: prod
    kube_version: v1.36.3
    include_crds: true
    output_dir: "{{ playbook_dir }}/manifests/prod"
"""

RETURN = r"""
releases:
  description: The releases, in the order of the stack.
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
    manifest:
      description:
        - What helm has rendered. Values of Secrets, and what came out of a vault, are masked here;
          the files in O(output_dir) hold them.
      returned: success
      type: str
images:
  description:
    - The container images that the manifests name, by name; of containers, init containers, ephemeral containers and
      image volumes, in custom resources as well where they describe pods.
  returned: success
  type: list
  elements: dict
  sample: [{image: "nginx:1.29", releases: [web/web-app]}]
  contains:
    image:
      description: The image, as the manifest names it.
      returned: success
      type: str
    releases:
      description: The releases that use it, as C(namespace/name).
      returned: success
      type: list
      elements: str
diff:
  description: One entry for each file of O(output_dir) that changes.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path of the file, before.
      returned: success
      type: str
    after_header:
      description: The path of the file, after.
      returned: success
      type: str
    before:
      description: The content before.
      returned: success
      type: str
    after:
      description: The content after.
      returned: success
      type: str
"""

from ansible_collections.helmstack.core.plugins.module_utils.module import run
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import TEMPLATE


def main() -> None:
    run(TEMPLATE)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the lock file of a stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_lock
short_description: Makes the lock file of a stack, and reports outdated charts
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Writes C(helmstack.lock) beside the stack file. For each chart of all environments that is not a local one, it holds
    the version, the digest and, for git, the commit. Where the file exists, the other modules use what it says.
  - Entries of the file that still fit stay. O(update) names those to resolve anew.
  - It works on all environments, so O(environment), O(targets) and O(selector) have no effect on what is locked. It
    needs the stack's files on the controller, that is O(remote_src=false). It needs no cluster.
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
  update:
    description:
      - Names or globs of releases, references of charts, or URLs of nested stacks from git, that are to be
        resolved anew. V(*) is all of them.
    type: list
    elements: str
    default: []
  outdated:
    description:
      - Ask the repositories and registries for newer versions, and return them as RV(outdated).
    type: bool
    default: true
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: Lock the charts of the stack beside the playbook
  helmstack.core.helmstack_lock:

- name: Take the newest version of one chart that its range allows
  helmstack.core.helmstack_lock:
    update: [web]
  diff: true
  check_mode: true
"""

RETURN = r"""
path:
  description: The path of the lock file.
  returned: success
  type: str
  sample: /stacks/shop/helmstack.lock
stacks:
  description: The nested stacks from git that the lock file holds.
  returned: success
  type: list
  elements: dict
  sample:
    - {stack: "git+https://git.example.org/stacks.git//logging?ref=v3", commit: "0123456789abcdef…"}
  contains:
    stack:
      description: The url of the stack.
      returned: success
      type: str
    commit:
      description: The commit that counts.
      returned: success
      type: str
charts:
  description: What the lock file holds.
  returned: success
  type: list
  elements: dict
  sample:
    - {chart: shop/web, asked: ~1.7, version: 1.7.3, digest: "sha256:…", commit: null, source: "https://charts.example.org"}
  contains:
    chart:
      description: The reference of the chart.
      returned: success
      type: str
    asked:
      description: The version or range in the stack; null is the newest.
      returned: success
      type: str
    version:
      description: The version that counts.
      returned: success
      type: str
    digest:
      description: The digest of the archive, or of the manifest in a registry.
      returned: success
      type: str
    commit:
      description: The commit, for git.
      returned: success
      type: str
    source:
      description: Where the chart comes from.
      returned: success
      type: str
outdated:
  description: The charts of which there are newer versions than the locked one.
  returned: success
  type: list
  elements: dict
  contains:
    chart:
      description: The reference of the chart.
      returned: success
      type: str
    asked:
      description: The version or range in the stack.
      returned: success
      type: str
    version:
      description: The locked version.
      returned: success
      type: str
    newest:
      description: The newest version.
      returned: success
      type: str
    newer:
      description: All newer versions, oldest first.
      returned: success
      type: list
      elements: str
diff:
  description: The lock file before and after.
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
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import LOCK


def main() -> None:
    run(LOCK)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say which stack, and which of its releases."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  stack_files:
    description:
      - The stack files, or folders that hold one of C(helmstack.yaml), C(helmstack.yml), C(stackfile.yaml) or
        C(stackfile.yml). Several are merged in order.
      - They are searched on the controller, as the O(ansible.builtin.copy#module:src) option of
        M(ansible.builtin.copy) is (in C(files/) folders and beside the playbook), then in the folder of the host's
        inventory, then in the current folder.
      - If there is none in the task, the first of these folders that holds a stack file is taken.
      - Stack, overlay and values files may be Ansible templates (with the suffix C(.j2)) or Go templates, which helm
        renders on the controller (C(.gotmpl)), may be encrypted with ansible-vault, and may hold C(!vault) values.
    type: list
    elements: path
    aliases: [stack_file, file]
  environment:
    description:
      - The environment, whose overlays and variables are laid over the stack.
      - If it is not given, it is the only one of the stack's environments that is also a group of the host.
        If there is no such group, the stack is taken as it is.
    type: str
  overlays:
    description:
      - Overlay files that are laid over the stack last.
      - Relative paths are searched in the stack's folder, then as those of O(stack_files).
    type: list
    elements: path
  variables:
    description:
      - Values for V(${name}) in stack and overlay files. They win over the variables of the files, and over the process
        environment.
    type: dict
  targets:
    description:
      - Limit the run to these releases, each a name, a C(namespace/name), or a pattern with C(*), C(?) or C([…]).
      - Of a sprayed umbrella, C(umbrella/sub-chart) or C(namespace/umbrella/sub-chart) is one sub-chart, or some by a
        pattern.
      - A name that matches no release is an error.
    type: list
    elements: str
  selector:
    description:
      - Limit the run to the releases that match this JMESPath filter, for example V([?labels.tier=='front']).
    type: str
  include_needs:
    description:
      - With O(targets) or O(selector), also take the releases that the chosen ones need.
    type: bool
    default: false
  lock_file:
    description:
      - The lock file of the stack, which makes references and ranges of charts exact. M(helmstack.core.helmstack_lock)
        makes it. Relative paths begin at the folder of the stack.
      - By default it is C(helmstack.lock) beside the stack file. If there is none, nothing is locked.
    type: path
  remote_src:
    description:
      - The stack and all its files are on the target instead of the controller.
      - Such files cannot use Ansible's templates and vaults, and the host's groups do not choose the O(environment).
    type: bool
    default: false
  _bundle:
    description:
      - The archive that the action plugin hands over to the module. A task that sets it fails.
    type: path
  _variables:
    description:
      - What the names of the variables begin with that the action plugin takes as options. The role uses it.
    type: str
  _take_back:
    description:
      - The batch, as options of M(helmstack.core.helmstack_summary), with which goes back what the role has done. The
        playbook C(helmstack.core.deploy) uses it.
    type: dict
requirements:
  - python >= 3.10
  - PyYAML
  - kubernetes (Python library)
  - jmespath (on the controller as well, if O(selector) is used)
  - helm 3 or 4 (https://github.com/helm/helm/releases)
notes:
  - A file C(.helmstack) beside the stack file holds defaults for the options that the task leaves unset, for example
    C(environment). Options that come from a C(K8S_AUTH_*) environment variable are not unset.
  - Text that came out of an ansible-vault is masked in the result wherever it occurs.
"""

#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a stack of the releases that are in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack_import
short_description: Writes a stack from the releases that are in a cluster, or from a helmfile
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Reads the Helm releases of a cluster, whoever installed them, and writes a stack file, values files and, for several
    clusters, an overlay for each of them. M(helmstack.core.helmstack) in check mode then tells that nothing would
    change.
  - The cluster is only read. The files are written on the controller, and never over what is there with another
    content, unless O(force) says so.
  - Values are kept as they are stored. Those that are secret by their name or their shape, and all that hold one of
    these, are written to files that are encrypted with the play's vault password. Without such a password nothing is
    written. No secret is shown, in the diff neither.
  - A cluster does not tell where a chart came from. The chart is looked for in O(repositories), and counts as found if
    name, version and content are those of the release. What is not found is exported from the release to C(charts/).
  - Releases that helm-spray made of an umbrella chart become one release with C(spray).
  - What is left out, and what a reader should know, is told in RV(left_out) and RV(notes).
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.helm
  - helmstack.core.cluster
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of encrypted files, the keys are shown, and which values differ. Of exported charts, the files are named.
  async:
    support: none
options:
  dest:
    description:
      - The folder on the controller that the stack is written to. A relative path begins beside the playbook.
    type: path
    required: true
  force:
    description:
      - Overwrite files that are there with another content. Other files in O(dest) stay in any case.
    type: bool
    default: false
  stack_name:
    description:
      - The name of the stack. By default, that of the folder.
    type: str
  namespaces:
    description:
      - The namespaces whose releases are read. By default, all; that takes the right to list in the whole cluster.
    type: list
    elements: str
  label_selectors:
    description:
      - Label selectors that a release's labels must fit, as C(helm list --selector) takes them.
    type: list
    elements: str
  names:
    description:
      - Names of releases, or globs of them, one of which a release must fit. With a slash, they are of
        C(namespace/name).
    type: list
    elements: str
  clusters:
    description:
      - Clusters that become one stack, with an environment for each. What all have is written to the stack file, what
        differs to C(env/<name>.yaml). Releases that a cluster does not have are ignored in its environment.
      - What an entry does not say, the task's options of the same names say for all. An entry with
        O(clusters[].kubeconfig) or O(clusters[].host) takes no other way to log in from them.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the environment.
        type: str
        required: true
      kubeconfig:
        description: The path of a kubeconfig, on the target or, if it is not there, on the controller.
        type: path
      context:
        description: The context of the kubeconfig.
        type: str
      host:
        description: The URL of the API server.
        type: str
      api_key:
        description: A token to log in with.
        type: str
      ca_cert:
        description: The path of CA certificates to check the API server against.
        type: path
      expected_cluster:
        description: As O(expected_cluster), for this cluster.
        type: str
  helmfile:
    description:
      - What C(helmfile build) prints, read in place of a cluster, which is not asked then. With several outputs, one of
        each environment, what differs between them is in C(env/<environment>.yaml).
      - Best made by C(helmfile -e ENVIRONMENT build --embed-values > FILE), which has helmfile render its templates.
        Without C(--embed-values), values files that are no templates stay files, or are copied to C(helmfile/).
      - It may hold secrets in the clear. It is read as it is if it is encrypted with ansible-vault.
      - What is not carried over is told in RV(notes), with what does it instead.
    type: list
    elements: dict
    suboptions:
      file:
        description: The path of the output, on the controller.
        type: path
        required: true
      environment:
        description: The environment that it is of. Required if there are several.
        type: str
  repositories:
    description:
      - The chart repositories that are searched, in this order, and that the stack file declares. In a git repository,
        charts are looked for in all folders, at its HEAD and at the tags C(v<version>), C(<version>) and
        C(<chart>-<version>).
      - Passwords are not written. In their place stands the variable C(<name>_password).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name that the stack file gives it.
        type: str
        required: true
      url:
        description: The URL.
        type: str
        required: true
      username:
        description: A user name.
        type: str
      password:
        description: The password to O(repositories[].username).
        type: str
      ca_file:
        description: The path of CA certificates to check the server against.
        type: path
      cert_file:
        description: The path of a client certificate.
        type: path
      key_file:
        description: The path of the key to O(repositories[].cert_file).
        type: path
      insecure:
        description: Do not check the server's certificate.
        type: bool
        default: false
      oci:
        description: The URL is one of an OCI registry. One that begins with C(oci://) says so by itself.
        type: bool
        default: false
      plain_http:
        description: Ask the registry over HTTP, without encryption.
        type: bool
        default: false
      type:
        description: What is behind the URL, an index file, a registry or git.
        type: str
        default: helm
        choices: [helm, oci, git]
      known_hosts:
        description: The path of a file with the keys of the hosts that git asks over ssh.
        type: path
  vault_id:
    description:
      - The vault ID whose password encrypts, where the play has several. By default, that of Ansible's setting
        C(DEFAULT_VAULT_ENCRYPT_IDENTITY), else the first.
    type: str
  _bundle:
    description:
      - The archive that the action plugin hands over to the module. A task that sets it fails.
    type: path
notes:
  - Helm does not store sub-charts. Those of an exported chart are fetched from the repositories that its C(Chart.yaml)
    names, or from O(repositories). If a sub-chart is in none of them, the release is written with C(ignore=true).
  - Releases must be stored in Secrets or ConfigMaps. For ConfigMaps, set C(HELM_DRIVER=configmap) in the task's
    environment, for this and for later tasks.
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: A stack of all that is in the cluster
  helmstack.core.helmstack_import:
    kubeconfig: ~/.kube/config
    context: prod
    dest: stacks/prod

- name: A stack of some namespaces, their charts from where they are published
  helmstack.core.helmstack_import:
    context: prod
    namespaces: [shop, data]
    repositories:
      - {name: company, url: "https://charts.example.org"}
      - {name: registry, url: "oci://registry.example.org/charts"}
    dest: stacks/shop

- name: One stack of two clusters, with an environment for each
  helmstack.core.helmstack_import:
    clusters:
      - {name: dev, context: dev}
      - {name: prod, context: prod}
    names: ["shop-*"]
    dest: stacks/shop

- name: A stack of a helmfile, from what 'helmfile -e dev build --embed-values > dev.yaml' and so on have written
  helmstack.core.helmstack_import:
    helmfile:
      - {file: dev.yaml, environment: dev}
      - {file: prod.yaml, environment: prod}
    dest: stacks/shop

- name: Nothing would change
  helmstack.core.helmstack:
    stack_file: stacks/shop
    environment: dev
    context: dev
  check_mode: true
"""

RETURN = r"""
dest:
  description: The folder.
  returned: success
  type: str
  sample: /srv/stacks/shop
releases:
  description: The releases of the stack file.
  returned: success
  type: list
  elements: dict
  sample:
    - {namespace: shop, name: web, chart: company/web, version: 1.7.0, source: repository, ignore: false, spray: [],
       secrets: [database.password]}
  contains:
    namespace:
      description: The namespace.
      returned: success
      type: str
    name:
      description: The name.
      returned: success
      type: str
    chart:
      description: The chart, as the stack file names it.
      returned: success
      type: str
    version:
      description: The version that the stack file asks for; null for charts that have but one.
      returned: success
      type: str
    source:
      description:
        - Where the chart comes from, V(repository), V(oci), V(git), or V(exported) from the release. V(missing) if it
          cannot be had; such a release is ignored until its chart is named.
      returned: success
      type: str
    ignore:
      description: Whether the stack file ignores it.
      returned: success
      type: bool
    spray:
      description: The releases that a sprayed umbrella stands for.
      returned: success
      type: list
      elements: str
    secrets:
      description: The keys whose values are encrypted.
      returned: success
      type: list
      elements: str
environments:
  description: The environments of the stack.
  returned: success
  type: list
  elements: str
  sample: [dev, prod]
files:
  description: The files of the stack.
  returned: success
  type: list
  elements: dict
  sample:
    - {path: helmstack.yaml, state: created, encrypted: false}
  contains:
    path:
      description: The path in RV(dest).
      returned: success
      type: str
    state:
      description: V(created), V(changed) or V(unchanged).
      returned: success
      type: str
    encrypted:
      description: Whether it is encrypted with ansible-vault.
      returned: success
      type: bool
notes:
  description: What a reader of the stack should know, each in a sentence.
  returned: success
  type: list
  elements: str
left_out:
  description: What is not in the stack, and why, each in a sentence.
  returned: success
  type: list
  elements: str
diff:
  description: The files before and after.
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
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import IMPORT


def main() -> None:
    run(IMPORT)


if __name__ == "__main__":
    main()

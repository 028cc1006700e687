#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs or upgrades the sub-charts of an umbrella chart as one release each."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_spray
short_description: Installs or upgrades an umbrella chart's sub-charts as one Helm release each, in order of weight
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Makes one release of each sub-chart of an umbrella chart, as the Helm plugin helm-spray does. A sub-chart of weight
    n+1 starts when all of weight n are ready.
  - Only releases that differ from what is deployed get a new revision.
  - Check mode makes the same plan as a run, from the cluster's own state, and stops there.
  - The digest of the plan is returned as C(ansible_stats) as well, so that a workflow of AWX can hand it from a node
    that checks to a node that runs.
  - To have umbrella charts among other releases, with overlays and needs, set C(spray) for a release of a stack; see
    M(helmstack.core.helmstack).
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.change
  - helmstack.core.release
  - helmstack.core.helm
  - helmstack.core.cluster
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - One entry for each object that changes. Values of Secrets are masked.
options:
  chart_ref:
    description:
      - The umbrella chart, as C(repository/name) of one of O(repositories), or as the path of a folder or an archive.
      - A path is searched on the controller, as the O(ansible.builtin.copy#module:src) option of
        M(ansible.builtin.copy) is (in C(files/) folders and beside the playbook), then in the folder of the host's
        inventory, then in the current folder.
      - Dependencies that a folder's C(charts/) lacks are fetched.
      - Each dependency must have the condition C(<name or alias>.enabled), or none. Library charts are fine.
    type: str
    required: true
    aliases: [chart]
  chart_version:
    description:
      - The version of the chart, exact or a range. Not given, it is the newest.
      - It must not be given with a folder or an archive.
    type: str
  release_namespace:
    description:
      - The namespace of all releases.
    type: str
    required: true
    aliases: [namespace]
  values_files:
    description:
      - Values files that are laid over the umbrella's values, in this order.
      - They are searched as O(chart_ref) is, or fetched by the controller if they are C(http) or C(https) URLs.
      - Files may be Ansible templates (with the suffix C(.j2)) or Go templates, which helm renders on the controller
        (C(.gotmpl)), may be encrypted with ansible-vault, and may hold C(!vault) values.
    type: list
    elements: str
  release_values:
    description:
      - Values that are laid over O(values_files).
    type: dict
    aliases: [values]
  set_values:
    description:
      - Values in the form of helm's C(--set), laid over O(release_values).
    type: list
    elements: dict
    suboptions:
      value:
        description:
          - One or more pairs C(key=value), joined with commas.
        type: str
        required: true
      value_type:
        description:
          - V(raw) is helm's C(--set), V(string) C(--set-string), V(json) C(--set-json), V(literal) C(--set-literal).
          - V(file) is C(--set-file). The files are looked for as O(chart_ref) is, and may be encrypted with
            ansible-vault.
        type: str
        choices: [raw, string, file, json, literal]
        default: raw
  targets:
    description:
      - Only these sub-charts, by alias if they have one, else by name. An unknown one is an error.
      - Cannot be combined with O(exclude).
    type: list
    elements: str
  exclude:
    description:
      - All sub-charts but these, by alias if they have one, else by name. An unknown one is an error.
    type: list
    elements: str
  prefix_releases:
    description:
      - Name the releases C(<prefix>-<name or alias>). Not given, a release has the name or alias of its sub-chart.
    type: str
  prefix_releases_with_namespace:
    description:
      - Take the namespace as the prefix of the releases' names. Cannot be combined with O(prefix_releases).
    type: bool
    default: false
  default_weight:
    description:
      - The weight of sub-charts for which the values have none at C(<name or alias>.weight). Not given, that is an
        error.
    type: int
  repositories:
    description:
      - The chart repositories that O(chart_ref) and the umbrella's dependencies come from.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name that O(chart_ref) uses.
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
        description: The path of CA certificates to check the server against, searched as O(chart_ref) is.
        type: path
      cert_file:
        description: The path of a client certificate, searched as O(chart_ref) is.
        type: path
      key_file:
        description: The path of the key to O(repositories[].cert_file), searched as O(chart_ref) is.
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
  remote_src:
    description:
      - The chart and all files are on the target instead of the controller.
      - Such files cannot use Ansible's templates and vaults.
    type: bool
    default: false
  state:
    description:
      - V(present) installs and upgrades releases.
      - V(absent) uninstalls them in reverse order; either those of O(targets), or O(all) of them.
    type: str
    choices: [present, absent]
    default: present
  all:
    description:
      - With O(state=absent), uninstall the releases of all sub-charts.
    type: bool
    default: false
  prune:
    description:
      - Uninstall the releases of sub-charts that the umbrella no longer has, or that its tags now leave out. They are
        those that this module deployed earlier from the same umbrella with the same prefix in the same namespace.
      - Cannot be combined with O(targets) or O(exclude).
    type: bool
    default: false
  _bundle:
    description:
      - The archive that the action plugin hands over to the module. A task that sets it fails.
    type: path
requirements:
  - python >= 3.10
  - PyYAML
  - kubernetes (Python library)
  - jmespath
  - helm 3 or 4 (https://github.com/helm/helm/releases)
notes:
  - Text that came out of an ansible-vault is masked in the result wherever it occurs.
  - After a run, the sub-charts are listed as a table, unless O(progress=false). The result has it as RV(sub_charts).
seealso:
  - module: helmstack.core.helmstack
"""

EXAMPLES = r"""
- name: Install or upgrade all micro-services of the shop
  helmstack.core.helm_spray:
    chart: charts/shop
    namespace: shop
    create_namespace: true
    values_files: [shop/prod.yaml]
    context: prod

- name: Upgrade two of them to what version 2.4 of the umbrella holds
  helmstack.core.helm_spray:
    repositories:
      - name: shop
        url: https://charts.example.org
        username: deployer
        password: "{{ charts_password }}"
    chart: shop/shop
    chart_version: ~2.4
    namespace: shop
    targets: [orders, basket]
    values:
      orders:
        replicas: 3
    set_values:
      - value: global.domain=shop.example.org
      - value: global.logo=files/logo.svg
        value_type: file
    context: prod

- name: A second shop beside the first
  helmstack.core.helm_spray:
    chart: charts/shop
    namespace: shop
    prefix_releases: blue
    context: prod

- name: Uninstall what the umbrella no longer has
  helmstack.core.helm_spray:
    chart: charts/shop
    namespace: shop
    prune: true
    context: prod

- name: Uninstall all of it
  helmstack.core.helm_spray:
    chart: charts/shop
    namespace: shop
    state: absent
    all: true
    context: prod

- name: Carry out what an earlier node of an AWX workflow has shown in check mode, or nothing
  helmstack.core.helm_spray:
    chart: charts/shop
    namespace: shop
    expected_plan: "{{ helmstack_plans[inventory_hostname] }}"
"""

RETURN = r"""
cluster:
  description: The cluster that was read and changed.
  returned: once the cluster has been reached
  type: dict
  sample:
    server: https://dev.example.org:6443
    uid: 0c4dd4bb-9cf1-4c4b-a0a2-0e2a4c0f2b51
    version: v1.36.3
    context: dev
  contains:
    server:
      description: The URL of the API server.
      returned: success
      type: str
    uid:
      description: The UID of the namespace C(kube-system).
      returned: success
      type: str
    version:
      description: The version of the API server.
      returned: success
      type: str
    context:
      description: The context of the kubeconfig, if there is one.
      returned: success
      type: str
plan:
  description:
    - What was to be done and, after a run, what came of it.
    - The plan of check mode and of the run that follows are equal but for RV(plan.releases[].status),
      RV(plan.releases[].duration) and RV(plan.releases[].error).
  returned: once the plan has been made
  type: dict
  contains:
    digest:
      description: The fingerprint of the plan, for O(expected_plan).
      returned: success
      type: str
      sample: sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
    stack:
      description: The name of the umbrella with its namespace and prefix, by which O(prune) knows its releases.
      returned: success
      type: str
      sample: shop_blue_shop
    risks:
      description:
        - What to look at first, the worst kind first. The collection's C(docs/risks.md) lists the rules.
      returned: success
      type: list
      elements: dict
      sample:
        - risk: data-loss
          release: web/db
          object: {kind: PersistentVolumeClaim, namespace: web, name: data}
          why: the volume is deleted, and its data may be lost
      contains:
        risk:
          description: One of V(data-loss), V(outage), V(access), V(downgrade) and V(secret).
          returned: success
          type: str
        release:
          description: The release, as C(namespace/name).
          returned: success
          type: str
        object:
          description: Kind, namespace and name of the object; null if it is about the release.
          returned: success
          type: dict
        why:
          description: What happens.
          returned: success
          type: str
    releases:
      description: The releases, in order of weight.
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
        action:
          description:
            - One of V(install), V(upgrade), V(unchanged), V(adopt), V(recover), V(uninstall) and V(skip).
            - V(adopt) marks a release as verified that is as wanted, but that something else deployed.
            - V(recover) takes back what an earlier run left unfinished, see O(recover), and then upgrades.
          returned: success
          type: str
          sample: upgrade
        reason:
          description:
            - Why, any of V(new), V(version), V(chart), V(values), V(options), V(drift), V(failed), V(pending),
              V(readiness), V(labels) and V(removed).
            - V(labels) is the reason to V(adopt) a release that somebody else has deployed, or that this stack has
              deployed from other input that gives the same objects. V(readiness) is that of one that was never found
              ready.
          returned: success
          type: list
          elements: str
          sample: [version]
        note:
          description:
            - Why a release is skipped, or what of its history a reader would wonder about, such as that somebody else
              has made its newest revision. Mostly empty.
          returned: success
          type: str
          sample: revision 5 is a rollback to 3
        chart:
          description: The name of the chart.
          returned: success
          type: str
          sample: web-app
        version:
          description: The version of the chart, before (C(from)) and after (C(to)).
          returned: success
          type: dict
          sample: {from: 1.6.0, to: 1.7.0}
        app_version:
          description: The version of the app that the chart names, before (C(from)) and after (C(to)).
          returned: success
          type: dict
          sample: {from: "2.3", to: "2.4"}
        revision:
          description: The revision of the release, before (C(from)) and after (C(to)).
          returned: success
          type: dict
          sample: {from: 3, to: 4}
        wave:
          description: How many releases have to be ready one after another before this one.
          returned: success
          type: int
          sample: 1
        needs:
          description: The releases that have to be ready before this one, as C(namespace/name).
          returned: success
          type: list
          elements: str
          sample: [web/db]
        tests:
          description: The test hooks that run once the release is ready.
          returned: if there are any
          type: list
          elements: str
        parts:
          description: By this O(expected_plan) finds which of chart, values, options, order and state differ.
          returned: success
          type: str
        objects:
          description:
            - The objects that change.
            - Beside them a release has a key C(values) if values of it change, each with C(path), C(before), C(after),
              and C(from) and C(to), the places (C(file), C(line), C(how)) that set both. An unknown place is
              null. What came out of a vault, and what its name says is secret, is masked.
          returned: success
          type: list
          elements: dict
          sample: [{kind: Deployment, namespace: web, name: web-app, op: change}]
          contains:
            kind:
              description: The kind of the object.
              returned: success
              type: str
            namespace:
              description: The namespace of the object; empty for one of the cluster.
              returned: success
              type: str
            name:
              description: The name of the object.
              returned: success
              type: str
            op:
              description: One of V(add), V(change), V(remove) and V(replace), which is deleted and made anew.
              returned: success
              type: str
        status:
          description: What Helm says of the release; after a run, what it says then.
          returned: success
          type: str
          sample: deployed
        duration:
          description: How many seconds the release took.
          returned: success
          type: float
          sample: 2.1
        error:
          description: What failed, if anything did.
          returned: success
          type: str
        outcome:
          description:
            - What became of it as C(state), C(done), C(failed), C(rolled back) or C(not started), and the C(revision)
              at which it is now. A rollback makes a revision of its own.
          returned: in a run, of what was to be done
          type: dict
          sample: {state: done, revision: 4}
    images:
      description:
        - The container images that the releases name, of containers, init containers, ephemeral containers and image
          volumes, in custom resources as well where they describe pods.
        - Those of releases that stay as they are count only with O(forbid) or O(report_file), as that takes a request
          for each.
      returned: success
      type: list
      elements: dict
      sample: [{image: "nginx:1.29", state: comes, releases: [web/web-app]}]
      contains:
        image:
          description: The image, as the manifest names it.
          returned: success
          type: str
        state:
          description: V(comes) if nothing used it before, V(goes) if nothing uses it any more, else V(stays).
          returned: success
          type: str
        releases:
          description: The releases that use it before or after, as C(namespace/name).
          returned: success
          type: list
          elements: str
    left_behind:
      description:
        - The releases, as C(namespace/name), that this stack has deployed and no longer has. O(prune=true) uninstalls
          them.
        - Without O(prune) only those in namespaces that the stack still uses are looked at.
      returned: success
      type: list
      elements: str
    summary:
      description: How many releases there are of each RV(plan.releases[].action).
      returned: success
      type: dict
      sample: {install: 0, upgrade: 1, unchanged: 11, uninstall: 0}
sub_charts:
  description: The sub-charts of the umbrella, as helm-spray lists them.
  returned: once the plan has been made
  type: list
  elements: dict
  sample:
    - umbrella: web/shop
      sub_chart: backend
      alias: orders
      targeted: true
      why: targeted
      weight: 1
      release: orders
      action: upgrade
      revision: {from: 3, to: 4}
      status: deployed
  contains:
    umbrella:
      description: The umbrella, as C(namespace/name).
      returned: success
      type: str
    sub_chart:
      description: The name of the sub-chart.
      returned: success
      type: str
    alias:
      description: The alias by which the umbrella knows it, if it has one.
      returned: success
      type: str
    targeted:
      description: Whether it is part of the run.
      returned: success
      type: bool
    why:
      description: Why it is part of the run or not, for example that it is excluded or that no tag of it is true.
      returned: success
      type: str
    weight:
      description: Its weight.
      returned: success
      type: int
    release:
      description: The name of its release.
      returned: success
      type: str
    action:
      description: As RV(plan.releases[].action); V(skip) if it is not part of the run.
      returned: success
      type: str
    revision:
      description: The revision of its release, before (C(from)) and after (C(to)).
      returned: success
      type: dict
    status:
      description: What Helm says of its release; after a run, what it says then.
      returned: success
      type: str
report:
  description: The paths of the reports on the controller.
  returned: with O(report_file)
  type: list
  elements: str
diff:
  description: One entry for each object that changes.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The release and the object, before.
      returned: success
      type: str
    after_header:
      description: The release and the object, after.
      returned: success
      type: str
    before:
      description: The object before, as YAML.
      returned: success
      type: str
    after:
      description: The object after, as YAML.
      returned: success
      type: str
"""

from ansible_collections.helmstack.core.plugins.module_utils.module import run
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import SPRAY


def main() -> None:
    run(SPRAY)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a cluster match a stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helmstack
short_description: Makes a cluster match a stack of Helm releases
version_added: 0.1.0
author:
  - The helmstack.core authors (@helmstack)
description:
  - Reads a stack file and its overlays, compares every release with what is deployed, and installs, upgrades or
    uninstalls what differs, in the stack's order.
  - Check mode makes the same plan as a run, from the cluster's own state, and stops there.
  - The digest of the plan is returned as C(ansible_stats) as well, so that a workflow of AWX can hand it from a node
    that checks to a node that runs.
extends_documentation_fragment:
  - helmstack.core.attributes
  - helmstack.core.attributes.action_group
  - helmstack.core.stack
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
  state:
    description:
      - V(present) installs and upgrades releases.
      - V(absent) uninstalls them in reverse order; either those of O(targets) or O(selector), or O(all) of them.
      - Releases with C(protected) set in the stack are never uninstalled.
    type: str
    choices: [present, absent]
    default: present
  all:
    description:
      - With O(state=absent), uninstall the whole stack.
    type: bool
    default: false
  prune:
    description:
      - Uninstall the releases that this stack deployed earlier, and that it no longer holds or now ignores.
      - These are known by the stack's name and environment. If the stack file is in a git repository, nothing is
        uninstalled that was deployed from another path in it, unless this stack still holds releases from there.
      - Cannot be combined with O(targets) or O(selector).
    type: bool
    default: false
seealso:
  - module: helmstack.core.helm_spray
  - module: helmstack.core.helmstack_info
  - module: helmstack.core.helmstack_template
"""

EXAMPLES = r"""
- name: Make the cluster match the stack beside the playbook
  helmstack.core.helmstack:
    kubeconfig: ~/.kube/config
    context: dev

- name: Deploy version 1.7 of the shop to production
  helmstack.core.helmstack:
    stack_file: shop/helmstack.yaml
    environment: prod
    variables:
      domain: shop.example.org
      tag: "1.7.0"
    context: prod
    expected_cluster: https://prod.example.org:6443
    wait: true
    timeout: 10m

- name: Upgrade the front end, and what it needs
  helmstack.core.helmstack:
    selector: "[?labels.tier=='front']"
    include_needs: true
    context: dev

- name: Uninstall what has been taken out of the stack, but never more than two releases
  helmstack.core.helmstack:
    prune: true
    prune_max: 2
    context: dev

- name: Uninstall one release
  helmstack.core.helmstack:
    state: absent
    targets: [web/web-app]
    context: dev

- name: Look at the plan
  helmstack.core.helmstack:
    context: prod
  check_mode: true
  diff: true
  register: review

- name: Apply exactly that plan
  helmstack.core.helmstack:
    context: prod
    expected_plan: "{{ review.plan.digest }}"

- name: Carry out what an earlier node of an AWX workflow has shown in check mode, or nothing
  helmstack.core.helmstack:
    environment: prod
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
      description: The fingerprint of the plan, for O(expected_plan). No secret can be guessed from it.
      returned: success
      type: str
      sample: sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
    stack:
      description: The name of the stack.
      returned: success
      type: str
      sample: shop
    environment:
      description: The environment.
      returned: success
      type: str
      sample: dev
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
      description: The releases, in the order of their waves, and in a wave as the stack has them.
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
            - V(adopt) marks a release as verified that is as wanted, but that something else deployed, or that was not
              ready.
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
        drift:
          description:
            - With O(drift=report), the objects that are not as they were deployed, with C(kind), C(namespace), C(name)
              and the C(fields) that differ. No fields, the object is gone.
          returned: if objects have drifted and stay so
          type: list
          elements: dict
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
          description: >-
            What Helm says of the release; after a run, what it says then, and V(uninstalled) if there is no such
            release, even if Helm has refused to install it.
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
  description: The sub-charts of the umbrella charts that the stack sprays, as helm-spray lists them.
  returned: if a release of the stack has C(spray)
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
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY


def main() -> None:
    run(DEPLOY)


if __name__ == "__main__":
    main()

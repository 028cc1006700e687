# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that tell helm how to treat the releases."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Wait until everything in a release is ready before the releases that need it start.
      - In a stack, this and the options below it apply to releases for which neither the stack file's C(helmDefaults)
        nor the release itself sets them.
      - Set nowhere, it is V(true).
    type: bool
  wait_for_jobs:
    description:
      - Wait for the completion of Jobs as well.
      - Set nowhere, it is V(false).
    type: bool
  timeout:
    description:
      - How long one release may take, as a Go duration like V(5m30s) or a number of seconds.
      - Set nowhere, it is V(5m).
    type: str
  force:
    description:
      - Delete and make anew objects that Kubernetes refuses to change, as for another template of a Job, another
        selector, or another C(clusterIP). The plan lists them as V(replace); without this option the check warns that
        the run will fail at them.
      - The pods of a StatefulSet stay, and the new one adopts them; its claims stay. Objects with
        C(helm.sh/resource-policy=keep), claims, volumes, namespaces and definitions are never deleted so.
      - With Helm 4 it also takes back what others have changed in the objects that are applied (C(--force-conflicts)).
      - Set nowhere, it is V(false).
    type: bool
  atomic:
    description:
      - Let helm roll a release back that fails to upgrade, and remove one that fails to install.
      - Set nowhere, it is V(false).
    type: bool
  history_max:
    description:
      - How many revisions of a release are kept; V(0) keeps all.
      - Set nowhere, it is V(10).
    type: int
  create_namespace:
    description:
      - Create the release's namespace if it does not exist.
      - Set nowhere, it is V(false).
    type: bool
  disable_hook:
    description:
      - Do not run the hooks of the charts.
      - Set nowhere, it is V(false).
    type: bool
  skip_crds:
    description:
      - Do not install the custom resource definitions in the C(crds/) folders of the charts.
      - Set nowhere, it is V(false).
    type: bool
  upgrade_crds:
    description:
      - Bring the custom resource definitions in the C(crds/) folders of the charts to what the charts say, also those
        that are there already; helm only makes those that are missing, at the first installation of a release.
      - They are applied on the server before the release is, and listed with their diff. None is ever deleted, and none
        goes back with O(on_failure=rollback). With O(skip_crds) nothing is done.
      - Set nowhere, it is V(false).
    type: bool
  test:
    description:
      - Run the chart's test hooks once the release is ready, as C(helm test) does. One that fails fails the release,
        with the last lines of its log. O(run_tests) says when.
      - Set nowhere, it is V(false).
    type: bool
  skip_schema_validation:
    description:
      - Do not check the values against the C(values.schema.json) of the charts, as where a schema refers to others that
        cannot be reached. It needs Helm 3.16 or later.
      - Set nowhere, it is V(false).
    type: bool
  reuse_values:
    description:
      - When upgrading, lay the values over those of the last revision.
      - Set nowhere, it is V(false).
    type: bool
  reset_values:
    description:
      - When upgrading, start from the chart's own values.
      - Set nowhere, it is V(true).
    type: bool
  post_renderer:
    description:
      - The path of an executable on the target (helm 3), or the name of a plugin (helm 4), that gets the rendered
        manifests before they are applied.
    type: str
"""

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rendering: `helm template` with the cluster's version and APIs, or a server-side dry run where that is not enough."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs, UpgradeArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import Values
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

# From here on helm leaves validation to the server (kubectl's paramVerifyingSchema), but still downloads the schemas.
_SERVER_VALIDATES = 27


@dataclass(frozen=True)
class Capabilities:
    """The part of a cluster that templates see."""

    kube_version: str
    api_versions: tuple[str, ...]


def upgrade_args(
    release: Release,
    chart: Chart,
    values: Values,
    labels: dict[str, str],
    cluster: ClusterInfo,
    *,
    force_conflicts: bool = False,
) -> UpgradeArgs:
    """The one description of ``helm upgrade --install``, for the dry run and for the run."""
    options = release.options
    return UpgradeArgs(
        release=release.name,
        namespace=release.namespace,
        chart=chart.path,
        values=values.write(),
        sets=release.set_args,
        names=values.names,
        wait=options.wait,
        wait_for_jobs=options.wait_for_jobs,
        timeout=options.timeout,
        atomic=options.atomic,
        create_namespace=options.create_namespace,
        history_max=options.history_max,
        disable_hooks=options.disable_hooks,
        skip_crds=True,  # they are not left to helm: see plan/crds.py
        skip_schema_validation=options.skip_schema_validation,
        reuse_values=options.reuse_values,
        reset_values=options.reset_values and not options.reuse_values,
        post_renderer=options.post_renderer,
        description=release.description,
        labels={**release.labels, **labels},
        force_conflicts=force_conflicts,
        disable_openapi_validation=cluster.minor >= _SERVER_VALIDATES,
    )


def reuses_values(release: Release, values: Mapping[str, Any]) -> bool:
    """Whether an upgrade keeps the values of the last revision (pkg/action/upgrade.go, reuseValues)."""
    options = release.options
    return options.reuse_values or not (options.reset_values or values or release.set_args)


def template(
    helm: Helm,
    release: Release,
    chart: Chart,
    values: Values,
    capabilities: Capabilities,
    *,
    is_upgrade: bool,
    look_up: bool,
    time_zone: str | None = None,
    renders: SharedTexts | None = None,
) -> Manifests:
    """The release as ``helm template`` makes it.

    :arg renders: renders of other processes; one of the same binary, chart, values and options is taken.
    """
    args = TemplateArgs(
        release=release.name,
        namespace=release.namespace,
        chart=chart.path,
        values=values.write(),
        sets=release.set_args,
        names=values.names,
        kube_version=capabilities.kube_version,
        api_versions=capabilities.api_versions,
        is_upgrade=is_upgrade,
        look_up=look_up,
        skip_schema_validation=release.options.skip_schema_validation,
        disable_hooks=False,
        post_renderer=release.options.post_renderer,
        time_zone=time_zone,
    )
    text = renders.get(_key(helm, args, chart, values), lambda: helm.template(args)) if renders else helm.template(args)
    return replace(manifest.split(text, release.id), text=text)


def _key(helm: Helm, args: TemplateArgs, chart: Chart, values: Values) -> str:
    """All that a render follows from, by content where the arguments name files."""
    contents = [chart.name, chart.version, chart.digest, [source.text for source in values.sources]]
    given = {**vars(args), "chart": "", "values": (), "names": {}}
    return json.dumps([helm.binary, helm.version().text, contents, given])


def dry_run(
    helm: Helm,
    release: Release,
    chart: Chart,
    values: Values,
    cluster: ClusterInfo,
    *,
    time_zone: str | None = None,
    last: Mapping[str, Any] | None = None,
) -> Manifests:
    """The release as a server-side dry run makes it: templates see live objects and the revision.

    :arg last: the release that counts as the last revision, as Helm writes it; None: the cluster's.
    """
    values.write()  # first, as from then on somebody looks after what is written
    history = _history(helm, release, last) if last else None
    args = replace(upgrade_args(release, chart, values, {}, cluster), time_zone=time_zone, history=history)
    record = helm.dry_run(args)
    hooks = [str(hook.get("manifest") or "") for hook in record.get("hooks") or ()]
    text = str(record.get("manifest") or "")
    return replace(manifest.recorded(text, hooks, release.id), text="".join((text, *hooks)))


def _history(helm: Helm, release: Release, last: Mapping[str, Any]) -> str:
    """A file for UpgradeArgs.history."""
    path = os.path.join(helm.home, f"history-{release.namespace}-{release.name}.yaml")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump([last], file)
    return path

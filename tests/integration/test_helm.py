# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real helm (the environment variable HELMSTACK_HELM) does on the local control plane."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    UninstallArgs,
    UpgradeArgs,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from cluster import Cluster

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
LIVE = (
    CONFIG_MAP
    + 'data: {found: \'{{ (lookup "v1" "ConfigMap" .Release.Namespace "x").kind }}\', r: \'{{ .Release.Revision }}\'}\n'
)
NEVER_READY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}], nodeSelector: {no: where}}}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster") / "one").start() as started:
        yield started


@pytest.fixture
def helm(cluster: Cluster, tmp_path: Path) -> Helm:
    return Helm(HELM, str(tmp_path / "helm"), str(cluster.kubeconfig))


@pytest.fixture
def release(request: pytest.FixtureRequest, tmp_path: Path) -> UpgradeArgs:
    """A release of its own namespace whose chart holds one ConfigMap."""
    number = abs(hash(request.node.name)) % 10**8
    args = UpgradeArgs("web", f"n{number}", str(tmp_path / "web"), create_namespace=True)
    return with_template(args, CONFIG_MAP)


def with_template(args: UpgradeArgs, template: str) -> UpgradeArgs:
    path = Path(args.chart)
    (path / "templates").mkdir(parents=True, exist_ok=True)
    (path / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (path / "templates" / "x.yaml").write_text(template)
    return args


def history(cluster: Cluster, args: UpgradeArgs) -> list[dict[str, Any]]:
    argv = [HELM, "history", args.release, "-n", args.namespace, "-o", "json"]
    environ = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return list(json.loads(subprocess.run(argv, check=True, capture_output=True, env=environ).stdout))


def test_each_upgrade_is_a_revision(helm: Helm, release: UpgradeArgs, cluster: Cluster) -> None:
    everything = replace(
        release,
        wait=True,
        wait_for_jobs=True,
        disable_hooks=True,
        skip_crds=True,
        reset_values=True,
        disable_openapi_validation=True,
        description='why, "this"',
        labels={"helmstack.io/stack": "shop"},
    )
    runs = [release, everything, replace(everything, atomic=True, reuse_values=True)]
    assert [helm.upgrade(args).revision for args in runs] == [1, 2, 3]
    assert history(cluster, release)[-1]["description"] == 'why, "this"'
    helm.rollback(RollbackArgs("web", release.namespace, 1, wait=True, wait_for_jobs=True, disable_hooks=True))
    helm.rollback(RollbackArgs("web", release.namespace, 2, history_max=3))
    assert [item["revision"] for item in history(cluster, release)] == [3, 4, 5]
    helm.uninstall(UninstallArgs("web", release.namespace, wait=True))
    helm.uninstall(UninstallArgs("web", release.namespace))
    with pytest.raises(HelmFailure, match="cannot be rolled back to revision 1: release: not found"):
        helm.rollback(RollbackArgs("web", release.namespace, 1))


def test_a_dry_run_knows_revision_and_live_objects_and_changes_nothing(
    helm: Helm, release: UpgradeArgs, cluster: Cluster
) -> None:
    with_template(release, LIVE)
    assert "found: '', r: '1'" in helm.dry_run(release)["manifest"]
    helm.upgrade(release)
    record = helm.dry_run(release)
    assert "found: 'ConfigMap', r: '2'" in record["manifest"]
    assert (record["version"], "chart" in record) == (2, False)
    assert len(history(cluster, release)) == 1


def test_what_helm_stores_as_config_is_our_merge(helm: Helm, release: UpgradeArgs, tmp_path: Path) -> None:
    documents = [
        {"a": {"b": 1, "c": None, "d": {"e": [1]}}, "x": None, "web": {"y": {"z": None}}, "big": 12345678901},
        {"a": {"b": None, "d": {"e": []}}, "x": {"new": None}, "web": {"y": None}, "t": "12:30:45"},
    ]
    (Path(release.chart) / "values.yaml").write_text("a: {b: 5, c: 6}\nx: 1\nweb: {y: {z: 1}}\n")
    files = tuple(str(tmp_path / f"{number}.yaml") for number in range(2))
    for file, document in zip(files, documents, strict=True):
        Path(file).write_text(json.dumps(document))
    assert helm.dry_run(replace(release, values=files))["config"] == merge(documents)


def test_a_refused_object_is_told(helm: Helm, release: UpgradeArgs) -> None:
    with_template(release, "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: []}\n")
    with pytest.raises(HelmFailure) as caught:
        helm.upgrade(release)
    start = f"release {release.namespace}/web (chart web) cannot be applied: "
    assert str(caught.value).startswith(start)
    assert "spec.containers: Required value" in str(caught.value)


def test_an_atomic_failure_goes_back(helm: Helm, release: UpgradeArgs, cluster: Cluster) -> None:
    helm.upgrade(release)
    with_template(release, NEVER_READY)
    with pytest.raises(HelmFailure, match="release web failed, and has been rolled back due to"):
        helm.upgrade(replace(release, atomic=True, timeout=2))
    assert [item["status"] for item in history(cluster, release)] == ["superseded", "failed", "deployed"]


def test_an_interrupted_upgrade_is_recorded_as_failed(helm: Helm, release: UpgradeArgs, cluster: Cluster) -> None:
    helm.upgrade(release)
    with_template(release, NEVER_READY)
    failures: list[HelmFailure] = []

    def upgrade() -> None:
        try:
            helm.upgrade(replace(release, wait=True, timeout=60))
        except HelmFailure as failure:
            failures.append(failure)

    thread = threading.Thread(target=upgrade)
    thread.start()
    while len(history(cluster, release)) < 2:
        time.sleep(0.1)
    helm.terminate_all()
    thread.join(30)
    assert [failure.words for failure in failures] == ["context canceled"]
    assert history(cluster, release)[-1]["status"] == "failed"


def test_a_post_renderer_is_a_program_or_a_plugin(
    cluster: Cluster, release: UpgradeArgs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins" / "upper"
    folder.mkdir(parents=True)
    (folder / "run.sh").write_text("#!/bin/sh\nsed 's/name: x/name: changed/'\n")
    (folder / "run.sh").chmod(0o755)
    monkeypatch.setenv("HELM_PLUGINS", str(tmp_path / "plugins"))
    helm = Helm(HELM, str(tmp_path / "helm"), str(cluster.kubeconfig))
    renderer = str(folder / "run.sh")
    if helm.version().major > 3:
        renderer = "upper"
        (folder / "plugin.yaml").write_text(
            "apiVersion: v1\ntype: postrenderer/v1\nname: upper\nversion: 0.1.0\nruntime: subprocess\n"
            "runtimeConfig: {platformCommand: [{command: '${HELM_PLUGIN_DIR}/run.sh'}]}\n"
        )
    args = TemplateArgs("web", release.namespace, release.chart, post_renderer=renderer)
    assert "name: changed" in helm.template(args)
    assert "name: changed" in helm.dry_run(replace(release, post_renderer=renderer))["manifest"]

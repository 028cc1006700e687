# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a chart's crds/ is to be made or changed, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import Scope
from ansible_collections.helmstack.core.plugins.module_utils.plan.crds import Due, due, listed_once
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

SCOPE = Scope("shop", lambda _version, kind: kind != "CustomResourceDefinition")


def definition(name: str, **spec: Any) -> dict[str, Any]:
    about = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}}
    return {**about, "spec": spec}


@dataclass(frozen=True)
class Cluster:
    """A cluster that holds some definitions, and that answers dry runs or does not."""

    held: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    unsure: str = ""

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        return name in self.held

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        live = self.held.get(manifest["metadata"]["name"])
        return Foreseen(live, manifest, self.unsure if live else "")


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    (tmp_path / "crds").mkdir()
    (tmp_path / "Chart.yaml").write_text("name: app\nversion: 1.0.0\n")
    texts = [json.dumps(definition(name, of="chart")) for name in ("a", "b", "b")]
    (tmp_path / "crds" / "all.yaml").write_text("---\n".join(f"{text}\n" for text in texts))
    return load(str(tmp_path))


def told(chart: Chart, cluster: Cluster, *, install: bool, **options: bool) -> Due:
    release = Release("app", "shop", "./app", options=Options(**options))  # type: ignore[arg-type]
    return due(release, chart, {}, cluster, SCOPE, helm=(4, 3), install=install)


def ops(found: Due) -> dict[str, str]:
    return {item.change.name: item.change.op for item in found.definitions}


HELD = Cluster({"a": definition("a", of="another")})


@pytest.mark.parametrize(
    ("install", "options", "expected"),
    [
        (True, {}, {"b": "add"}),
        (False, {}, {}),
        (True, {"upgrade_crds": True}, {"a": "change", "b": "add"}),
        (False, {"upgrade_crds": True}, {"a": "change", "b": "add"}),
        (True, {"skip_crds": True}, {}),
        (True, {"skip_crds": True, "upgrade_crds": True}, {}),
    ],
)
def test_what_is_there_is_changed_only_where_asked(
    chart: Chart, install: bool, options: dict[str, bool], expected: dict[str, str]
) -> None:
    assert ops(told(chart, HELD, install=install, **options)) == expected


def test_what_is_as_it_should_be_is_left_alone(chart: Chart) -> None:
    same = Cluster({name: definition(name, of="chart") for name in "ab"})
    assert told(chart, same, install=False, upgrade_crds=True) == Due()


def test_that_the_server_was_not_asked_is_said_once_even_if_nothing_seems_to_change(chart: Chart) -> None:
    same = Cluster({name: definition(name, of="chart") for name in "ab"}, unsure="no right to patch")
    found = told(chart, same, install=False, upgrade_crds=True)
    assert found == Due((), ("what becomes of its crds/ is computed without the server's dry run: no right to patch",))


def test_what_several_releases_bring_is_shown_once_and_applied_by_each(chart: Chart) -> None:
    found = told(chart, HELD, install=True).definitions
    one, two = (
        Change(name, "shop", "install", objects=tuple(item.change for item in found), definitions=found)
        for name in ("one", "two")
    )
    first, second = listed_once([one, two])
    assert ([item.name for item in first.objects], second.objects) == (["b"], ())
    assert second.definitions == found

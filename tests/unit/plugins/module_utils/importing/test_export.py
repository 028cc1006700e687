# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart out of a release."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.importing.export import export
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import StoredChart

URL = "https://charts.example.org"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def stored(*dependencies: Any, lock: Any = None, files: dict[str, str] | None = None, **more: Any) -> StoredChart:
    metadata = {"apiVersion": "v2", "name": "web", "version": "1.2.0", "dependencies": list(dependencies)}
    listed = [{"name": name, "data": coded(text)} for name, text in (files or {}).items()]
    parts = {"templates": [{"name": "templates/a.yaml", "data": coded("a: 1")}], "files": listed}
    return StoredChart({"metadata": metadata, "values": {"port": 80}, "schema": None, "lock": lock, **parts, **more})


def declared(name: str, find: Any = lambda name, version, said: said, **more: Any) -> Any:
    found = export(stored({"name": name, "version": "~1.0", "repository": URL, "enabled": True, **more}), find)
    return yaml.safe_load(found.files["Chart.yaml"])["dependencies"]


def test_all_that_is_stored_is_written() -> None:
    chart = stored(files={"crds/x.yaml": "kind: X", ".helmignore": "*.md"}, schema=coded('{"type": "object"}'))
    found = export(chart, lambda name, version, said: "").files
    assert set(found) == {
        *("Chart.yaml", "values.yaml", "values.schema.json", "templates/a.yaml", "crds/x.yaml", ".helmignore")
    }
    assert yaml.safe_load(found["Chart.yaml"]) == {"apiVersion": "v2", "name": "web", "version": "1.2.0"}
    assert found["values.yaml"] == b"port: 80\n"


def test_sub_charts_come_from_their_repositories() -> None:
    assert declared("db") == [{"name": "db", "version": "~1.0", "repository": URL}]


def test_the_lock_file_makes_a_sub_chart_exact_and_knows_its_name_behind_an_alias() -> None:
    lock = {"dependencies": [{"name": "redis", "version": "1.0.7", "repository": URL}]}
    said = {"name": "cache", "alias": "cache", "version": "~1.0", "repository": URL}
    found = export(stored(said, lock=lock), lambda name, version, repository: repository)
    assert yaml.safe_load(found.files["Chart.yaml"])["dependencies"] == [
        {"name": "redis", "alias": "cache", "version": "1.0.7", "repository": URL}
    ]
    assert found.fetched == ("redis 1.0.7",)


@pytest.mark.parametrize(
    "said", [{"name": "db", "repository": "file://../db"}, {"name": "x", "alias": "x", "repository": URL}]
)
def test_a_sub_chart_that_cannot_be_had_is_told(said: dict[str, str]) -> None:
    with pytest.raises(ChartError, match="Helm does not store sub-charts, and the sub-chart"):
        export(stored({"version": "1.0.0", **said}), lambda name, version, repository: "")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../b", "Chart.yaml", "charts/x/Chart.yaml", "C:/x", "a\\b", "./a", "a//b"]
)
def test_a_file_that_would_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ChartError, match="which no chart may have"):
        export(stored(files={name: "x"}), lambda name, version, said: "")


def test_helm_3_and_4_store_the_same_chart_differently() -> None:
    """Helm 4 keeps times of files."""
    one = stored(files={"a.txt": "x"})
    other = StoredChart({**one.data, "modtime": "0001-01-01T00:00:00Z", "schema": "", "schemamodtime": "x"})
    assert one.digest == other.digest
    assert one.digest != stored(files={"a.txt": "y"}).digest

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where charts come from, and which releases were one spray."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.importing.drafting import Drafting
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import Findings, FoundRelease, StoredChart
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import Draft
from ansible_collections.helmstack.core.plugins.module_utils.importing.searching import Searcher
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

TEMPLATE = "kind: ConfigMap"


class FakeStore:
    """Repositories as folders of charts: <root>/<repository>/<chart>/<version>."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self, reference: str) -> tuple[str, ...]:
        folder = self.root / reference
        if not (self.root / reference.partition("/")[0]).is_dir():
            raise ChartError("the repository does not answer")
        if not folder.is_dir():
            raise ChartError(f"the repository has no chart '{folder.name}'")
        return tuple(path.name for path in folder.iterdir())

    def fetch(self, reference: str, version: str | None = None) -> Chart:
        path = Path(reference) if version is None else self.root / reference / version
        if not path.is_dir():
            raise ChartError("it is not there")
        return load(str(path))


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    (tmp_path / "charts").mkdir()
    return FakeStore(tmp_path)


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def published(store: FakeStore, name: str = "web", template: str = TEMPLATE, values: str = "port: 80\n") -> None:
    head = {"apiVersion": "v2", "name": name, "version": "1.0.0"}
    files = {"Chart.yaml": json.dumps(head), "values.yaml": values, "templates/a.yaml": template}
    write(store.root / "charts" / name / "1.0.0", files)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def chart(name: str = "web", *dependencies: Any, values: Any = None, **files: str) -> StoredChart:
    metadata = {"apiVersion": "v2", "name": name, "version": "1.0.0", "dependencies": list(dependencies)}
    listed = [{"name": key, "data": coded(text)} for key, text in files.items()]
    templates = [{"name": "templates/a.yaml", "data": coded(TEMPLATE)}]
    return StoredChart(
        {
            "metadata": metadata,
            "templates": templates,
            "files": listed,
            "values": {"port": 80} if values is None else values,
        }
    )


def release(name: str, of: StoredChart, namespace: str = "n", **config: Any) -> FoundRelease:
    return FoundRelease(namespace, name, 1, {}, config, of)


def drafted(store: Any, *releases: FoundRelease, **clusters: tuple[FoundRelease, ...]) -> Draft:
    searcher = Searcher(store, (Repository("charts", "https://charts.example.org"),), None)  # type: ignore[arg-type]
    found = [Findings(name, several) for name, several in clusters.items()] or [Findings("", releases)]
    return Drafting(searcher, store.fetch, str(store.root / "work"), lambda: 4).draft("shop", found, ())


def test_a_chart_of_the_same_content_is_found(store: FakeStore) -> None:
    published(store)
    (found,) = drafted(store, release("web", chart())).releases
    assert (found.chart, found.version, found.source) == ("charts/web", "1.0.0", "repository")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"template": "kind: Secret"}, "'charts' has 1.0.0 with another templates/a.yaml"),
        ({"values": "port: 81\n"}, "'charts' has 1.0.0 with another values.yaml"),
        ({"values": "port: '80'\n"}, "'charts' has 1.0.0 with another values.yaml"),
    ],
)
def test_a_chart_that_was_published_anew_is_another_one(store: FakeStore, other: dict[str, str], told: str) -> None:
    published(store, **other)
    draft = drafted(store, release("web", chart()))
    assert (draft.releases[0].chart, draft.releases[0].source) == ("./charts/web", "exported")
    assert told in draft.notes[0]
    assert set(draft.files) == {"charts/web/Chart.yaml", "charts/web/values.yaml", "charts/web/templates/a.yaml"}


def test_a_repository_that_does_not_answer_stops_the_import(store: FakeStore) -> None:
    (store.root / "charts").rmdir()
    with pytest.raises(ChartError, match="does not answer"):
        drafted(store, release("web", chart()))


def test_each_content_of_a_chart_has_its_folder(store: FakeStore) -> None:
    one, other = chart(), chart(**{"a.txt": "x"})
    draft = drafted(store, dev=(release("web", one),), prod=(release("web", other),))
    folders = {path.split("/")[1] for path in draft.files}
    assert folders == {f"web-1.0.0-{each.digest[:8]}" for each in (one, other)}
    change = draft.environments[1].releases["n/web"]
    assert {draft.releases[0].chart, change.chart} == {f"./charts/{folder}" for folder in folders}


def test_without_its_sub_charts_a_release_waits_with_all_that_is_known(store: FakeStore) -> None:
    draft = drafted(store, release("web", chart("web", {"name": "db", "version": "1.x"}), a=1))
    (found,) = draft.releases
    assert (found.ignore, found.source, dict(found.values)) == (True, "missing", {"a": 1})
    assert "the sub-chart 'db' 1.x of its chart web 1.0.0 is in none of the repositories" in found.comments[0]
    assert draft.files == {}


def test_a_chart_that_holds_a_secret_is_not_exported(store: FakeStore) -> None:
    leaky = chart(**{"files/a.sql": "set password kanari-7"})
    draft = drafted(store, release("web", leaky, password="kanari-7"), release("other", chart(), password="web"))
    assert {each.name: each.source for each in draft.releases} == {"web": "missing", "other": "exported"}
    assert b"kanari-7" not in b"".join(draft.files.values())


def umbrella(store: FakeStore) -> None:
    parts = [{"name": name, "version": "1.0.0", "condition": f"{name}.enabled"} for name in ("one", "two")]
    head = {"apiVersion": "v2", "name": "whole", "version": "1.0.0", "dependencies": parts}
    values = "one: {weight: 0, size: 1}\ntwo: {weight: 1}\nport: 80\n"
    files = {"Chart.yaml": json.dumps(head), "values.yaml": values, "templates/a.yaml": TEMPLATE}
    for name in ("one", "two"):
        files[f"charts/{name}/Chart.yaml"] = json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0"})
    write(store.root / "charts" / "whole" / "1.0.0", files)


def sprayed(part: str, prefix: str = "", **config: Any) -> FoundRelease:
    """A release as helm-spray makes it: the umbrella's values, the user's, and the switches."""
    defaults: dict[str, Any] = {"one": {"weight": 0, "size": 1}, "two": {"weight": 1}, "port": 80}
    switches = {name: {"enabled": name == part} for name in ("one", "two")}
    stored = chart(
        "whole", {"name": part, "version": "1.0.0"}, values={**defaults, part: {**defaults[part], "global": {}}}
    )
    return release(prefix + part, stored, **merge((defaults, config, switches)))


@pytest.mark.parametrize(
    ("prefix", "options"),
    [("", {}), ("p-", {"prefix_releases": "p"}), ("n-", {"prefix_releases_with_namespace": True})],
)
def test_what_helm_spray_made_is_one_spray(store: FakeStore, prefix: str, options: dict[str, Any]) -> None:
    umbrella(store)
    user: dict[str, Any] = {"one": {"size": 3}, "global": {"a": "b"}}
    draft = drafted(store, *(sprayed(part, prefix, **user) for part in ("one", "two")), release("web", chart()))
    assert [each.name for each in draft.releases] == ["web", "whole"]
    spray = draft.releases[1]
    assert (spray.chart, spray.spray, spray.values) == ("charts/whole", options, user)
    assert spray.parts == (f"n/{prefix}one", f"n/{prefix}two")


def test_a_part_that_is_not_there_is_no_target(store: FakeStore) -> None:
    umbrella(store)
    both = [sprayed(part) for part in ("one", "two")]
    assert drafted(store, *both).releases[0].spray == {}
    assert [each.spray for each in drafted(store, both[0]).releases] == [None]  # of one nobody can tell


def test_releases_that_contradict_each_other_stand_for_themselves(store: FakeStore) -> None:
    umbrella(store)
    draft = drafted(store, sprayed("one", **{"global": {"a": 1}}), sprayed("two", **{"global": {"a": 2}}))
    assert [(each.name, each.spray, each.chart) for each in draft.releases] == [
        ("one", None, "charts/whole"),
        ("two", None, "charts/whole"),
    ]
    assert draft.releases[0].values["two"] == {"weight": 1, "enabled": False}

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each input of a release alone: it changes the fingerprint, or it does not."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import load
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import Location
from ansible_collections.helmstack.core.plugins.module_utils.helm import post_renderer
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import HelmVersion
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import Changes, verified
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery
from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release, ValuesSource

FILES: Mapping[str, str] = {
    "Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: '2'\n",
    "values.yaml": "a: 1\n",
    ".helmignore": "*.bak\n",
    "templates/cm.yaml": "x: {{ .Values.a }}\n",
    "templates/_helpers.tpl": "{{ define 'x' }}{{ end }}\n",
    "files/conf": "text\n",
    "crds/one.yaml": "kind: CustomResourceDefinition\n",
    "charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
    "charts/db/templates/cm.yaml": "y: 1\n",
}
VALUES = ("a: {x: 1, y: 2}\nb: one\n", "b: two\n")


@dataclass(frozen=True)
class Helm:
    """A helm whose post-renderers are looked for as the real one looks for them."""

    number: HelmVersion = field(default_factory=lambda: HelmVersion(4, 3, 1))
    environ: Mapping[str, str] = field(default_factory=dict)

    def version(self) -> HelmVersion:
        return self.number

    def post_renderer(self, name: str) -> str:
        return post_renderer.digest(name, self.number.major, self.environ)


@dataclass(frozen=True)
class Input:
    """All that goes into a fingerprint."""

    release: Release = field(default_factory=lambda: Release("web", "shop", "./app"))
    files: Mapping[str, str] = field(default_factory=lambda: FILES)
    values: tuple[str, ...] = VALUES
    labels: tuple[str, ...] = ("one.yaml", "two.yaml")  # what the user calls the values
    helm: Helm = field(default_factory=Helm)
    cluster: str = "v1.36.3"
    apis: tuple[str, ...] = ("v1",)
    ignored: tuple[Mapping[str, Any], ...] = ()
    folder: str = "chart"

    def fingerprint(self, root: Path) -> str:
        chart = write(root / self.folder, self.files)
        cluster: Any = SimpleNamespace(info=SimpleNamespace(version=self.cluster), api_versions=lambda: self.apis)
        sources = tuple(ValuesSource(label, text) for label, text in zip(self.labels, self.values, strict=True))
        helm: Any = self.helm
        values = ValuesFiles(str(root / f"values-{self.folder}"), lambda _release: helm).of
        context = Context(cluster, lambda _release: helm, values, self.ignored)
        changes = Changes(context, Recovery("rollback", 600), ("shop", "dev"))
        return changes.fingerprint(replace(self.release, values=sources), load(str(chart)), UpcomingKinds())

    def file(self, name: str, text: str) -> Input:
        return replace(self, files={**self.files, name: text})

    def options(self, **changed: Any) -> Input:
        return replace(self, release=replace(self.release, options=replace(self.release.options, **changed)))

    def of(self, **changed: Any) -> Input:
        return replace(self, release=replace(self.release, **changed))


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def asking(one: Input) -> Input:
    return one.file("templates/cm.yaml", "x: {{ .Capabilities.APIVersions.Has 'a' }}")


def asking_for(one: Input) -> Input:
    return one.file("templates/cm.yaml", 'x: {{ .Capabilities.APIVersions.Has "b/v1" }}')


BASE = Input()
RULE = {"apiVersion": "v1", "kind": "Secret", "name": "a", "when": "data"}
SPRAYED = BASE.of(set_args=("db.port=1", "web.port=1"), hidden_values=("db", "a"))
ASKED = replace(BASE, values=("a: '{{ .Capabilities.APIVersions.Has 1 }}'", ""))
# what changes, the input without it, the input with it
COUNTS: Mapping[str, tuple[Input, Input]] = {
    "name": (BASE, BASE.of(name="other")),
    "namespace": (BASE, BASE.of(namespace="other")),
    "a label": (BASE, BASE.of(labels={"tier": "front"})),
    "description": (BASE, BASE.of(description="for the summer")),
    "chart: a template": (BASE, BASE.file("templates/cm.yaml", "x: {{ .Values.b }}\n")),
    "chart: a helper": (BASE, BASE.file("templates/_helpers.tpl", "{{ define 'y' }}{{ end }}\n")),
    "chart: a default": (BASE, BASE.file("values.yaml", "a: 2\n")),
    "chart: a file": (BASE, BASE.file("files/conf", "other\n")),
    "chart: a definition": (BASE, BASE.file("crds/one.yaml", "kind: Other\n")),
    "chart: one more file": (BASE, BASE.file("files/more", "")),
    "chart: a sub-chart's template": (BASE, BASE.file("charts/db/templates/cm.yaml", "y: 2\n")),
    "chart: a sub-chart's version": (BASE, BASE.file("charts/db/Chart.yaml", "name: db\nversion: 1.0.1\n")),
    "chart: its version": (BASE, BASE.file("Chart.yaml", FILES["Chart.yaml"].replace("1.0.0", "1.0.1"))),
    "chart: its appVersion": (BASE, BASE.file("Chart.yaml", FILES["Chart.yaml"].replace("'2'", "'3'"))),
    "chart: what is no longer left out": (BASE.file("templates/x.bak", "a"), BASE.file("templates/x.bak2", "a")),
    "values: one": (BASE, replace(BASE, values=("a: {x: 1, y: 3}\nb: one\n", "b: two\n"))),
    "values: a type": (BASE, replace(BASE, values=("a: {x: 1, y: '2'}\nb: one\n", "b: two\n"))),
    "values: true is not 1": (BASE, replace(BASE, values=("a: {x: true, y: 2}\nb: one\n", "b: two\n"))),
    "values: a null": (BASE, replace(BASE, values=("a: {x: 1, y: 2, z: null}\nb: one\n", "b: two\n"))),
    "values: the order of files": (BASE, replace(BASE, values=(VALUES[1], VALUES[0]))),
    "values: the order of a list": (
        replace(BASE, values=("l: [1, 2]\n", "")),
        replace(BASE, values=("l: [2, 1]\n", "")),
    ),
    "values: as --set": (BASE, BASE.of(set_args=("a=1",))),
    "spray: a value as --set": (SPRAYED, SPRAYED.of(set_args=("db.port=1", "web.port=2"))),
    "disableHooks": (BASE, BASE.options(disable_hooks=True)),
    "skipCRDs": (BASE, BASE.options(skip_crds=True)),
    "upgradeCRDs": (BASE, BASE.options(upgrade_crds=True)),
    "reuseValues": (BASE, BASE.options(reuse_values=True)),
    "resetValues": (BASE, BASE.options(reset_values=False)),
    "postRenderer": (BASE, BASE.options(post_renderer="one")),
    "postRenderer: another": (BASE.options(post_renderer="one"), BASE.options(post_renderer="two")),
    "wait": (BASE.options(wait=False), BASE),
    "waitForJobs": (BASE, BASE.options(wait_for_jobs=True)),
    "ready": (BASE, BASE.of(ready=(RULE,))),
    "diff_ignore": (BASE, replace(BASE, ignored=({"kind": "Secret"},))),
    "helm's minor version": (BASE, replace(BASE, helm=Helm(HelmVersion(4, 4, 0)))),
    "the cluster's version": (BASE, replace(BASE, cluster="v1.37.0")),
    "an API that a template asks for": (asking(BASE), asking(replace(BASE, apis=("v1", "a/v1")))),
    "an API that a template asks for by its name": (asking_for(BASE), asking_for(replace(BASE, apis=("b/v1", "v1")))),
    "an API that values ask for": (ASKED, replace(ASKED, apis=("v1", "a/v1"))),
}
COUNTS_NOT: Mapping[str, tuple[Input, Input]] = {
    "values: order of keys": (BASE, replace(BASE, values=("b: one\na: {y: 2, x: 1}\n", "b: two\n"))),
    "values: formatting": (BASE, replace(BASE, values=('a:\n    "x": 1\n    y: 2\nb: "one"\n', "b: 'two'\n"))),
    "values: comments": (BASE, replace(BASE, values=("# a\na: {x: 1, y: 2}  # b\nb: one\n", "b: two\n# c\n"))),
    "values: how a number is written": (BASE, replace(BASE, values=("a: {x: 1.0, y: 0x2}\nb: one\n", "b: two\n"))),
    "values: an anchor": (BASE, replace(BASE, values=("a: {x: &n 1, y: 2}\nb: one\n", "b: two\n"))),
    "values: what another file says anyway": (BASE, replace(BASE, values=("a: {x: 1, y: 2}\n", "b: two\n"))),
    "values: what the user calls them": (BASE, replace(BASE, labels=("1.yaml", "inline"))),
    "chart: its folder": (BASE, replace(BASE, folder="elsewhere/deeper")),
    "chart: how Chart.yaml is written": (
        BASE,
        BASE.file("Chart.yaml", "# app\nversion: '1.0.0'\nname: app\nappVersion: 2\napiVersion: v2\n"),
    ),
    "chart: what .helmignore leaves out": (BASE, BASE.file("templates/x.bak", "a: b")),
    "spray: another sub-chart's value": (SPRAYED, SPRAYED.of(set_args=("db.port=2", "web.port=1"))),
    "where the release is written": (BASE, BASE.of(where=Location("other.yaml", 7))),
    "how the chart is asked for": (BASE, BASE.of(chart="charts/app", version="1.x")),
    "needs and weight": (BASE, BASE.of(needs=("a/b",), weight=3)),
    "protected": (BASE, BASE.of(protected=True)),
    "waitForJobs without wait": (BASE.options(wait=False), BASE.options(wait=False, wait_for_jobs=True)),
    "helm's patch level": (BASE, replace(BASE, helm=Helm(HelmVersion(4, 3, 2)))),
    "an API that nobody asks for": (BASE, replace(BASE, apis=("v1", "a/v1"))),
    "another API than that which a template asks for": (
        asking_for(replace(BASE, apis=("b/v1", "v1"))),
        asking_for(replace(BASE, apis=("a/v1", "b/v1", "b/v2", "v1"))),
    ),
    **{
        name: (BASE, BASE.options(**{name: value}))
        for name, value in {
            "timeout": 9,
            "history_max": 3,
            "atomic": True,
            "force": True,
            "recreate_pods": True,
            "create_namespace": True,
            "devel": True,
            "helm_binary": "helm4",
            "verify": True,
            "keyring": "/keys",
            "test": True,
            "skip_schema_validation": True,
        }.items()
    },
}


@pytest.mark.parametrize("pair", COUNTS.values(), ids=COUNTS.keys())
def test_what_can_change_the_result_counts_by_itself(tmp_path: Path, pair: tuple[Input, Input]) -> None:
    one, other = (each.fingerprint(tmp_path / name) for each, name in zip(pair, ("one", "other")))
    assert one != other


@pytest.mark.parametrize("pair", COUNTS_NOT.values(), ids=COUNTS_NOT.keys())
def test_what_cannot_change_it_does_not_count(tmp_path: Path, pair: tuple[Input, Input]) -> None:
    one, other = (each.fingerprint(tmp_path / name) for each, name in zip(pair, ("one", "other")))
    assert one == other


def test_every_option_is_known_to_count_or_not() -> None:
    tested = {
        name
        for pairs in (COUNTS, COUNTS_NOT)
        for one, other in pairs.values()
        for name, value in vars(other.release.options).items()
        if value != getattr(one.release.options, name)
    }
    assert tested == set(vars(Options()))


def test_times_and_packing_do_not_count(tmp_path: Path) -> None:
    expected = BASE.fingerprint(tmp_path)
    os.utime(tmp_path / "chart/values.yaml", (1, 1))
    assert BASE.fingerprint(tmp_path) == expected
    with tarfile.open(tmp_path / "app.tgz", "w:gz") as archive:
        for name in reversed(FILES):
            archive.add(tmp_path / "chart" / name, f"app/{name}")
    packed = load(str(tmp_path / "app.tgz"))
    assert packed.digest == load(str(tmp_path / "chart")).digest


def program(root: Path, text: str) -> tuple[str, dict[str, str]]:
    path = write(root, {"bin/render": text}) / "bin/render"
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path), {}


def plugin(root: Path, text: str) -> tuple[str, dict[str, str]]:
    about = "name: render\nversion: 1.0.0\ntype: postrenderer/v1\n"
    write(root, {"plugins/some-folder/plugin.yaml": about, "plugins/some-folder/bin/run.sh": text})
    write(root, {"plugins/broken/plugin.yaml": "a: [", "plugins/other/plugin.yaml": "name: other"})
    return "render", {"HELM_PLUGINS": os.pathsep.join((str(root / "none"), str(root / "plugins")))}


@pytest.mark.parametrize(("kind", "major"), [(program, 3), (plugin, 4)])
def test_a_post_renderer_counts_by_its_content_and_not_by_its_place(
    tmp_path: Path, kind: Callable[[Path, str], tuple[str, dict[str, str]]], major: int
) -> None:
    found = {}
    for folder, text in (("a", "cat\n"), ("b", "cat\n"), ("c", "sed s/a/b/\n")):
        name, environ = kind(tmp_path / folder, text)
        one = replace(BASE, helm=Helm(HelmVersion(major, 3, 0), environ)).options(post_renderer=name)
        found[folder] = one.fingerprint(tmp_path)
    assert found["a"] == found["b"]
    assert found["a"] != found["c"]


def test_it_fits_into_a_label(tmp_path: Path) -> None:
    assert len(BASE.fingerprint(tmp_path)) <= 63
    assert BASE.fingerprint(tmp_path).isalnum()


STAMP = {f"helmstack.io/{key}": key for key in ("stack", "environment", "fingerprint")} | {"helmstack.io/revision": "3"}


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ({}, True),
        ({"labels": {**STAMP, "tier": "front", "by": "others"}}, True),
        *(({"labels": {**STAMP, "tier": "front", key: "other"}}, False) for key in (*STAMP, "tier")),
        *(({"labels": {k: v for k, v in {**STAMP, "tier": "a"}.items() if k != key}}, False) for key in STAMP),
        ({"revision": 4}, False),
        ({"status": "failed"}, False),
        ({"status": "pending-upgrade"}, False),
    ],
)
def test_a_stamp_holds_for_one_stack_labels_fingerprint_and_revision(observed: dict[str, Any], expected: bool) -> None:
    seen = Deployed("shop", "web", 3, "deployed", "sh.helm.release.v1.web.v3", labels={**STAMP, "tier": "front"})
    release = Release("web", "shop", "./app", labels={"tier": "front"})
    change = Change(
        "web", "shop", "unchanged", release=release, deployed=replace(seen, **observed), fingerprint="fingerprint"
    )
    assert verified(change, ("stack", "environment")) is expected

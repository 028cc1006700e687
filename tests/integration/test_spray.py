# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sprayed umbrellas: their sub-charts as releases of a stack, and through helm_spray."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from chart_repository import ChartRepository
from harness import (
    CONFIG,
    CORE,
    DEPLOYMENT,
    HELM,
    Object,
    Workspace,
    actions_of,
    exact,
    objects_of,
    release_of,
)

OWN = CONFIG.replace('.Release.Name }}"', '.Release.Name }}-{{ .Chart.Name }}"')  # one name a chart, for nesting
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "post-install,post-upgrade"}}
data: {value: "{{ .Values.value }}"}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}"}
spec:
  template:
    metadata: {labels: {helmstack.test/behaviour: slow}, annotations: {helmstack.test/delay: "3s"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}
"""
SLOW = DEPLOYMENT.replace("    spec:", '      annotations: {helmstack.test/delay: "3s"}\n    spec:')


def sub_chart(
    workspace: Workspace, place: str, values: Object | None = None, files: Mapping[str, Any] | None = None, **meta: Any
) -> None:
    """A chart at a path below charts/; without files it has one ConfigMap, named like its release."""
    name = meta.pop("name", Path(place).name)
    everything = {"values.yaml": values or {}, **(files if files is not None else {"templates/config.yaml": CONFIG})}
    workspace.chart(place, files=everything, **meta)
    data = {"apiVersion": "v2", "name": name, "version": "1.0.0", **meta}
    workspace.write(f"charts/{place}/Chart.yaml", data)


def needs(name: str, alias: str | None = None, **more: Any) -> Object:
    """A dependency as Chart.yaml declares it."""
    used = alias or name
    return {
        "name": name,
        "version": "1.x",
        "condition": f"{used}.enabled",
        **({"alias": alias} if alias else {}),
        **more,
    }


def umbrella(
    workspace: Workspace,
    *dependencies: Object,
    values: Object | str | None = None,
    files: Mapping[str, Any] | None = None,
    name: str = "u",
    version: str = "1.0.0",
) -> None:
    """The files of an umbrella of its own; its sub-charts are made by sub_chart."""
    meta = {"apiVersion": "v2", "name": name, "version": version, "dependencies": list(dependencies)}
    workspace.write(f"charts/{name}/Chart.yaml", meta)
    workspace.write(f"charts/{name}/values.yaml", values if values is not None else {})
    for file, content in (files or {}).items():
        workspace.write(f"charts/{name}/{file}", content)


def two_waves(workspace: Workspace, files: Mapping[str, Any] | None = None, **values: Any) -> None:
    """An umbrella of one, two (both the chart app, weight 0) and last (weight 1)."""
    sub_chart(workspace, "u/charts/app", {"data": {"own": "default"}}, files)
    sub_chart(workspace, "u/charts/last", files=files)
    weights = {"one": {"weight": 0}, "two": {"weight": 0}, "last": {"weight": 1}}
    merged = {name: {**weight, **values.get(name, {})} for name, weight in weights.items()}
    more = {name: value for name, value in values.items() if name not in weights}
    umbrella(
        workspace,
        needs("app", "one"),
        needs("app", "two", tags=["extra"]),
        needs("last"),
        values={"tags": {"extra": True}, **merged, **more},
    )


def data(workspace: Workspace, name: str) -> Object:
    """What a ConfigMap holds."""
    path = f"{CORE}/namespaces/{workspace.ns('a')}/configmaps/{name}"
    return dict(workspace.api.get(path).get("data") or {})


def waves_of(result: Object) -> dict[str, int]:
    return {release["name"]: release["wave"] for release in result["plan"]["releases"]}


def rows_of(result: Object) -> dict[str, Object]:
    """The table of sub-charts by release."""
    return {row["release"]: row for row in result["sub_charts"]}


def changed_by(result: Object) -> dict[str, list[str]]:
    """The releases that a run has touched, and why."""
    return {
        release["name"]: release["reason"]
        for release in result["plan"]["releases"]
        if release["action"] not in ("unchanged", "skip")
    }


def rich(workspace: Workspace) -> None:
    """An umbrella with all that an umbrella may have."""
    sub_chart(workspace, "u/charts/app", {"data": {"own": "default"}})
    inner = [{"name": "inner", "version": "1.x"}]
    sub_chart(workspace, "u/charts/nested", files={"templates/config.yaml": OWN}, dependencies=inner)
    sub_chart(workspace, "u/charts/nested/charts/inner", {"data": {"depth": "2"}}, {"templates/config.yaml": OWN})
    sub_chart(workspace, "u/charts/lib", files={"templates/_lib.tpl": '{{ define "lib" }}l{{ end }}'}, type="library")
    sub_chart(workspace, "u/charts/empty", files={})
    sub_chart(workspace, "u/charts/hooked", {"value": "1"}, {"templates/hook.yaml": HOOK})
    sub_chart(workspace, "u/charts/rest")
    umbrella(
        workspace,
        needs("app", "one"),
        needs("app", "two", tags=["front"]),
        needs("nested"),
        {"name": "lib", "version": "1.x"},
        needs("empty"),
        needs("hooked"),
        needs("rest", tags=["back"]),
        files={
            "parts/one.yaml": "data: {included: y, octal: 0o17}\n",
            "parts/all.yaml": "deep:\n  nested: {data: {picked: 2024-01-01}}\n",
        },
        values="""\
            tags: {front: true, back: false}
            one:
              weight: 1
            #! {{ .Files.Get parts/one.yaml | indent 2 }}
            two: {weight: 1, data: {umbrella: two}}
            #! {{ pick (.Files.Get "parts/all.yaml") "deep" }}
            empty: {weight: 2}
            hooked: {weight: 2}
            rest: {weight: 0}
            """,
    )


def test_an_umbrella_becomes_releases_in_its_place(workspace: Workspace) -> None:
    rich(workspace)
    workspace.chart("app")
    overlay = {"releases": {"u": {"set": {"two": {"data": {"overlay": "1"}}}, "values": [{"nested": {"weight": 0}}]}}}
    workspace.write("env/dev.yaml", overlay)
    workspace.stack(
        workspace.release("after", needs=["u"]),
        workspace.release("u", "u", needs=["before"], spray=True),
        workspace.release("before"),
    )
    first = exact(workspace, environment="dev")
    assert actions_of(first) == dict.fromkeys(["before", "nested", "one", "two", "empty", "hooked", "after"], "install")
    assert waves_of(first) == {"before": 0, "nested": 1, "one": 2, "two": 2, "empty": 3, "hooked": 3, "after": 4}
    a = workspace.ns("a")
    assert objects_of(first) == {
        ("Namespace", "", a): "add",
        **{
            ("ConfigMap", a, name): "add"
            for name in ("before", "nested-nested", "nested-inner", "one", "two", "hooked-hook", "after")
        },
    }
    assert data(workspace, "one") == {"own": "default", "included": "true", "octal": "15"}
    assert data(workspace, "two") == {"own": "default", "umbrella": "two", "overlay": "1"}
    assert data(workspace, "nested-nested") == {"picked": "2024-01-01"}
    rows = rows_of(first)
    assert list(rows) == ["nested", "rest", "one", "two", "empty", "hooked"]
    assert rows["two"] == {
        "umbrella": f"{a}/u",
        "sub_chart": "app",
        "alias": "two",
        "targeted": True,
        "why": "tag front is true",
        "weight": 1,
        "release": "two",
        "action": "install",
        "revision": {"from": None, "to": 1},
        "status": "deployed",
    }
    assert (rows["rest"]["targeted"], rows["rest"]["why"]) == (False, "no tag of back is true")
    listed = json.loads(workspace.helm("list", "-n", a, "-o", "json"))
    sprayed = {"nested", "one", "two", "empty", "hooked"}
    assert {item["chart"] for item in listed if item["name"] in sprayed} == {"u-1.0.0"}
    before = workspace.snapshot()
    again = workspace.deploy(environment="dev")
    assert (again["changed"], workspace.snapshot().versions) == (False, before.versions)
    assert {row["status"] for row in again["sub_charts"] if row["targeted"]} == {"deployed"}


def test_only_what_changed_is_upgraded(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.stack(workspace.release("u", "u", spray=True))
    workspace.deploy()
    a = workspace.ns("a")

    two_waves(workspace, two={"data": {"fresh": "1"}})
    result = exact(workspace)
    assert changed_by(result) == {"two": ["values"]}
    assert objects_of(result) == {("ConfigMap", a, "two"): "change"}
    assert rows_of(result)["two"]["revision"] == {"from": 1, "to": 2}

    more = CONFIG.replace('.Release.Name }}"', '.Release.Name }}-more"')
    workspace.write("charts/u/charts/app/templates/more.yaml", more)
    result = exact(workspace)
    assert changed_by(result) == {"one": ["chart"], "two": ["chart"]}
    assert objects_of(result) == {("ConfigMap", a, "one-more"): "add", ("ConfigMap", a, "two-more"): "add"}

    workspace.write("charts/u/templates/shared.yaml", more.replace("-more", "-shared"))
    result, again = workspace.results({}, {})
    # from now on templates see all values, and the last release knows only older ones of the others
    assert changed_by(result) == {"one": ["chart"], "two": ["chart"], "last": ["values"]}
    assert objects_of(result) == {("ConfigMap", a, f"{name}-shared"): "add" for name in ("one", "two", "last")}
    assert again["changed"] is False


def archive(workspace: Workspace, name: str, target: str) -> None:
    """Packs charts/<name> as helm package does."""
    path = workspace.root / target
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as packed:
        packed.add(workspace.root / "charts" / name, arcname=name)


def test_umbrellas_come_as_folder_archive_and_from_a_repository_in_both_api_versions(workspace: Workspace) -> None:
    two_waves(workspace)
    archive(workspace, "u", "packed-1.0.0.tgz")
    archive(workspace, "u", "repository/u-1.0.0.tgz")
    two_waves(workspace, one={"data": {"version": "1.4"}})
    for version in ("1.4.0", "2.0.0"):
        meta = json.loads((workspace.root / "charts/u/Chart.yaml").read_text())
        workspace.write("charts/u/Chart.yaml", {**meta, "version": version})
        archive(workspace, "u", f"repository/u-{version}.tgz")
    workspace.helm("repo", "index", "repository")
    two_waves(workspace)
    shutil.move(workspace.root / "charts/u", workspace.root / "charts/old")
    meta = json.loads((workspace.root / "charts/old/Chart.yaml").read_text())
    workspace.write("charts/old/requirements.yaml", {"dependencies": meta.pop("dependencies")})
    workspace.write("charts/old/Chart.yaml", {**meta, "apiVersion": "v1", "name": "old"})

    def stack(url: str, version: str) -> None:
        workspace.stack(
            workspace.release("p", spray={"prefix_releases": "p"}) | {"chart": "./packed-1.0.0.tgz"},
            workspace.release("r", spray={"prefix_releases": "r"}) | {"chart": "repo/u", "version": version},
            workspace.release("old", "old", namespace="b", spray={"prefix_releases_with_namespace": True}),
            repositories=[{"name": "repo", "url": url}],
        )

    with ChartRepository(workspace.root / "repository") as repository:
        stack(repository.url, "~1.0")
        first = workspace.deploy()
        b = workspace.ns("b")
        names = [f"{prefix}-{name}" for prefix in ("p", "r", b) for name in ("one", "two", "last")]
        assert actions_of(first) == dict.fromkeys(names, "install")
        assert {release["name"]: release["chart"] for release in first["plan"]["releases"]}[f"{b}-one"] == "old"
        stack(repository.url, "^1.0.0")
        second = exact(workspace)
        assert changed_by(second) == {"r-one": ["version", "values"], "r-two": ["version"], "r-last": ["version"]}
        assert release_of(second, "r-one")["version"] == {"from": "1.0.0", "to": "1.4.0"}
        assert objects_of(second) == {("ConfigMap", workspace.ns("a"), "r-one"): "change"}


def test_releases_of_helm_spray_are_taken_over_without_a_change(workspace: Workspace) -> None:
    rich(workspace)
    switched = ["one", "two", "nested", "empty", "hooked", "rest"]
    expanded = """\
        tags: {front: true, back: false}
        one:
          weight: 1
          data: {included: y, octal: 0o17}
        two: {weight: 1, data: {umbrella: two}}
        nested: {data: {picked: "2024-01-01"}}
        empty: {weight: 2}
        hooked: {weight: 2}
        rest: {weight: 0}
        """
    workspace.write("defaults.yaml", expanded)
    workspace.write("mine.yaml", "two: {data: {mine: 1}}\nnested: {weight: 0}\n")
    a = workspace.ns("a")
    for name in switched[:-1]:
        switches = ",".join(f"{other}.enabled={str(other == name).lower()}" for other in switched)
        files = ("-f", "defaults.yaml", "-f", "mine.yaml")
        workspace.helm(
            "upgrade", "--install", name, "charts/u", "-n", a, "--create-namespace", *files, "--set", switches
        )
    workspace.stack(workspace.release("u", "u", spray=True, values=["mine.yaml"]))
    result = exact(workspace)
    assert result["changed"] is False
    assert actions_of(result) == dict.fromkeys(["nested", "one", "two", "empty", "hooked"], "adopt")
    assert objects_of(result) == {}
    assert set(actions_of(workspace.deploy()).values()) == {"unchanged"}


def began(workspace: Workspace, name: str) -> datetime:
    """When helm began to install a release."""
    info = json.loads(workspace.helm("status", name, "-n", workspace.ns("a"), "-o", "json"))["info"]
    return datetime.fromisoformat(info["first_deployed"])


def ready_at(workspace: Workspace, app: str) -> datetime:
    """When the last pod of an app became ready."""
    found = workspace.api.get(f"{CORE}/namespaces/{workspace.ns('a')}/pods")["items"]
    mine = [pod for pod in found if pod["metadata"]["labels"]["app"] == app]
    assert mine
    ready = [c for pod in mine for c in pod["status"]["conditions"] if c["type"] == "Ready"]
    assert {condition["status"] for condition in ready} == {"True"}
    return max(datetime.fromisoformat(condition["lastTransitionTime"].replace("Z", "+00:00")) for condition in ready)


def test_a_wave_starts_when_the_one_before_is_ready(workspace: Workspace) -> None:
    """Weights with a gap; the first wave is slow, of two kinds, and works in parallel."""
    two_waves(
        workspace, {"templates/d.yaml": SLOW}, one={"behaviour": "slow"}, two={"behaviour": "slow"}, last={"weight": 7}
    )
    sub_chart(workspace, "u/charts/last", files={"templates/d.yaml": SLOW})
    workspace.chart("app", files={"templates/d.yaml": DEPLOYMENT})
    workspace.stack(workspace.release("after", needs=["u"]), workspace.release("u", "u", spray=True))
    result = workspace.deploy(concurrency=4)
    assert waves_of(result) == {"one": 0, "two": 0, "last": 1, "after": 2}
    assert abs((began(workspace, "one") - began(workspace, "two")).total_seconds()) < 2.5
    first = max(ready_at(workspace, "one"), ready_at(workspace, "two"))
    assert (first - began(workspace, "one")).total_seconds() > 2
    assert first <= began(workspace, "last")
    assert began(workspace, "last") < began(workspace, "after")


def test_one_graph_of_needs_weights_nested_stacks_and_umbrellas(workspace: Workspace) -> None:
    two_waves(workspace)
    shutil.copytree(workspace.chart("app"), workspace.root / "nested/app")
    deep = {**workspace.release("deep", createNamespace=True), "chart": "./app"}
    workspace.write("nested/helmstack.yaml", {"name": "inner", "releases": [deep]})
    workspace.stack(
        workspace.release("after", needs=["u", "inner:deep"]),
        workspace.release("heavy", weight=2),
        workspace.release("u", "u", spray=True, needs=["first"]),
        workspace.release("first", weight=1),
        stacks=[{"name": "inner", "path": "nested"}],
    )
    needs = {
        "one": ["first"],
        "two": ["first"],
        "last": ["one", "two"],
        "heavy": ["first"],
        "after": ["last", "deep"],
    }
    everything = {"concurrency": 2}
    alone = {**workspace.task({"targets": ["after"], "include_needs": True}), "check_mode": True}
    run = workspace.run(alone, everything, {**everything, "state": "absent", "all": True})
    part, made, gone = run.results
    waves = {"first": 0, "deep": 0, "one": 1, "two": 1, "heavy": 1, "last": 2, "after": 3}
    assert waves_of(made) == waves
    assert waves_of(part) == {name: wave for name, wave in waves.items() if name != "heavy"}
    assert waves_of(gone) == {"after": 0, "heavy": 0, "deep": 1, "last": 1, "one": 2, "two": 2, "first": 3}
    lines = re.findall(r" \S+/(\S+): (\w+ begins|ready|uninstalled)", run.output)
    for begins, ends, turned in (("install begins", "ready", False), ("uninstall begins", "uninstalled", True)):
        order = [line for line in lines if line[1] in (begins, ends)]
        assert len(order) == 2 * len(waves)
        at_once = [sum(1 if how == begins else -1 for _name, how in order[: end + 1]) for end in range(len(order))]
        assert max(at_once) == 2
        for name, before in needs.items():
            for other in before:
                first, then = (name, other) if turned else (other, name)
                assert order.index((first, ends)) < order.index((then, begins)), order


def test_what_ready_names_is_awaited_after_the_last_wave(workspace: Workspace) -> None:
    two_waves(workspace, last={"data": {"state": "good"}})
    workspace.chart("app")
    rule = {"apiVersion": "v1", "kind": "ConfigMap", "name": "last", "when": "data.state == 'good'"}
    workspace.stack(
        workspace.release("u", "u", spray=True, ready=[rule], timeout="15s"), workspace.release("app", needs=["u"])
    )
    assert actions_of(workspace.deploy()) == dict.fromkeys(["one", "two", "last", "app"], "install")


def test_a_wave_that_fails_holds_up_the_next_and_the_run_after_goes_on(workspace: Workspace) -> None:
    files = {"templates/d.yaml": DEPLOYMENT}
    two_waves(workspace, files, one={"behaviour": "never-ready"})
    workspace.chart("app")
    releases = [workspace.release("u", "u", spray=True, timeout="4s"), workspace.release("after", needs=["u"])]
    workspace.stack(*releases)
    failed = workspace.results(code=2)[-1]
    rows = rows_of(failed)
    assert (rows["two"]["status"], rows["last"]["status"]) == ("deployed", None)
    assert "Deployment" in release_of(failed, "one")["error"]
    assert f"{workspace.ns('a')}/one" in failed["msg"]
    assert set(workspace.snapshot().releases) == {f"{workspace.ns('a')}/{name}" for name in ("one", "two")}
    two_waves(workspace, files)
    result = exact(workspace)
    assert actions_of(result) == {"one": "upgrade", "two": "unchanged", "last": "install", "after": "install"}
    assert release_of(result, "one")["reason"] == ["values"]


def test_targets_and_exclude_choose_sub_charts(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.chart("app")
    for file, spray in (
        ("all", True),
        ("without", {"exclude": ["two"]}),
        ("few", {"targets": ["one", "last"]}),
    ):
        workspace.stack(workspace.release("u", "u", spray=spray), workspace.release("plain"), file=f"{file}.yaml")

    def task(file: str, *targets: str, **keys: Any) -> Object:
        options = {"stack_files": [f"{file}.yaml"], "targets": list(targets)}
        return {**workspace.task(options), "check_mode": True, **keys}

    one = exact(workspace, stack_files=["all.yaml"], targets=["u/last"])
    assert actions_of(one) == {"last": "install"}
    assert {name: row["why"] for name, row in rows_of(one).items()} == {
        "one": "not a target",
        "two": "not a target",
        "last": "targeted",
    }
    wrong = {
        "v/last": "Did you mean 'u/last'?",
        "u/lost": "Did you mean 'last'?",
        "u/two": "'u/two' is left out by the spray options",
    }
    tasks = [
        task("all", f"{workspace.ns('a')}/u/two", "plain"),
        task("all", "u/one", "u"),
        task("without"),
        task("few"),
        task("all", "u/*", "pl*"),
        task("without", "u/[tl]*"),
    ]
    tasks += [task("few", target, ignore_errors=True) for target in wrong]
    *right, first, second, third = workspace.results(*tasks)
    assert list(map(actions_of, right)) == [
        {"two": "install", "plain": "install"},
        {"one": "install", "two": "install", "last": "unchanged"},
        {"one": "install", "last": "unchanged", "plain": "install"},
        {"one": "install", "last": "unchanged", "plain": "install"},
        {"one": "install", "two": "install", "last": "unchanged", "plain": "install"},
        {"last": "unchanged"},
    ]
    for says, result in zip(wrong.values(), (first, second, third)):
        assert says in result["msg"]


def test_prune_takes_what_the_umbrella_no_longer_has_and_nothing_else(workspace: Workspace) -> None:
    two_waves(workspace)
    a = workspace.ns("a")
    workspace.stack(workspace.release("u", "u", spray=True))
    workspace.deploy()
    workspace.helm("install", "foreign", str(workspace.chart("app")), "-n", a)
    for number, spray in enumerate(({"exclude": ["two"]}, {"targets": ["two"]})):
        workspace.stack(workspace.release("u", "u", spray=spray), file=f"part{number}.yaml")
    tasks = [workspace.task({"prune": True, "stack_files": [f"part{number}.yaml"]}) for number in range(2)]
    kept = workspace.results(*tasks, check=True)
    assert list(map(actions_of, kept)) == [{"one": "unchanged", "last": "unchanged"}, {"two": "unchanged"}]

    two_waves(workspace, tags={"extra": False})
    assert "two" not in actions_of(workspace.check())
    pruned = exact(workspace, prune=True)
    assert changed_by(pruned) == {"two": ["removed"]}
    assert objects_of(pruned) == {("ConfigMap", a, "two"): "remove"}

    umbrella(workspace, needs("app", "one"), values={"one": {"weight": 0}})
    shutil.rmtree(workspace.root / "charts/u/charts/last")
    assert release_of(exact(workspace, prune=True), "last")["reason"] == ["removed"]
    assert set(workspace.snapshot().releases) == {f"{a}/one", f"{a}/foreign"}


def test_prune_of_umbrellas_that_are_protected_ignored_or_were_none(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.chart("app")
    app = workspace.release("app")
    workspace.stack(workspace.release("u", "u", spray={"prefix_releases": "s"}), workspace.release("v"), app)
    workspace.deploy()
    sub_charts = ["s-one", "s-two", "s-last"]

    def told(file: str, **keys: Any) -> Object:
        """A stack of another form of the umbrella; the task that checks it under prune."""
        workspace.stack(workspace.release("u", "u", spray={"prefix_releases": "s"}, **keys), app, file=f"{file}.yaml")
        return workspace.task({"prune": True, "stack_files": [f"{file}.yaml"]})

    whole = told("whole")
    protected = told("protected", protected=True, ignore=True)
    ignored = told("ignored", ignore=True)
    workspace.stack(workspace.release("v", "u", spray={"prefix_releases": "s"}), app, file="turned.yaml")
    turned = workspace.task({"prune": True, "stack_files": ["turned.yaml"]})
    guarded = workspace.task({"state": "absent", "all": True, "stack_files": ["guarded.yaml"]})
    told("guarded", protected=True)
    results = workspace.results(whole, protected, ignored, turned, guarded, check=True)
    same = dict.fromkeys(sub_charts, "unchanged")
    assert list(map(actions_of, results)) == [
        {**same, "app": "unchanged", "v": "uninstall"},
        {"u": "skip", "app": "unchanged", "v": "uninstall"},
        {"u": "skip", "app": "unchanged", "v": "uninstall", **dict.fromkeys(sub_charts, "uninstall")},
        {**same, "app": "unchanged", "v": "uninstall"},
        {**dict.fromkeys(sub_charts, "skip"), "app": "uninstall"},
    ]
    # a protected umbrella keeps even what it no longer has
    umbrella(workspace, needs("app", "one"), values={"one": {"weight": 0}})
    shutil.rmtree(workspace.root / "charts/u/charts/last")
    told("protected", protected=True)
    results = workspace.results(whole, protected, check=True)
    kept = [{name for name, action in actions_of(result).items() if action == "uninstall"} for result in results]
    assert kept == [{"s-two", "s-last", "v"}, {"v"}]


def test_state_absent_takes_the_last_wave_first(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.chart("app")
    workspace.stack(workspace.release("before"), workspace.release("u", "u", needs=["before"], spray=True))
    workspace.deploy()
    part = workspace.deploy(state="absent", targets=["u/two"])
    assert actions_of(part) == {"two": "uninstall"}
    result = exact(workspace, state="absent", all=True)
    assert actions_of(result) == {"last": "uninstall", "one": "uninstall", "two": "unchanged", "before": "uninstall"}
    assert waves_of(result) == {"last": 0, "one": 1, "two": 1, "before": 2}
    assert workspace.snapshot().releases == {}


def test_values_are_reused_or_reset(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.write("charts/u/part.yaml", "data: {included: first}\n")
    workspace.write(
        "charts/u/values.yaml",
        """\
        tags: {extra: false}
        one:
          weight: 0
        #! {{ .Files.Get part.yaml | indent 2 }}
        two: {weight: 0}
        last: {weight: 1}
        """,
    )

    def stack(**keys: Any) -> None:
        workspace.stack(workspace.release("u", "u", spray=True, **keys))

    stack(set={"one": {"data": {"kept": "1"}}})
    workspace.deploy()
    workspace.write("charts/u/part.yaml", "data: {included: second}\n")
    stack(reuseValues=True, set={"one": {"data": {"more": "1"}}})
    workspace.deploy()
    assert data(workspace, "one") == {"own": "default", "included": "first", "kept": "1", "more": "1"}
    stack(set={"one": {"data": {"more": "2"}}})
    workspace.deploy()
    assert data(workspace, "one") == {"own": "default", "included": "second", "more": "2"}


def test_template_renders_sub_charts(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.stack(workspace.release("u", "u", spray=True))
    task = {"helmstack.core.helmstack_template": {"stack_files": ["helmstack.yaml"], "binary_path": HELM}}
    manifests = {release["name"]: release["manifest"] for release in workspace.results(task)[-1]["releases"]}
    assert set(manifests) == {"one", "two", "last"}
    assert 'name: "one"' in manifests["one"]


def test_info_knows_sub_charts(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.stack(workspace.release("u", "u", spray=True))
    info = {"helmstack.core.helmstack_info": {"stack_files": ["helmstack.yaml"], **workspace.connection}}
    found = workspace.results({}, info)[-1]["releases"]
    assert {release["name"]: (release["in_stack"], release["verified"], release["chart"]) for release in found} == (
        dict.fromkeys(["one", "two", "last"], (True, True, "u"))
    )


# helm_spray


def spray(workspace: Workspace, chart: str = "charts/u", **options: Any) -> Object:
    """A task of helm_spray."""
    return {
        "helmstack.core.helm_spray": {
            "chart_ref": chart,
            "release_namespace": workspace.ns("a"),
            "create_namespace": True,
            **workspace.connection,
            **options,
        }
    }


def test_helm_spray_does_it_all_in_one_task(workspace: Workspace) -> None:
    two_waves(workspace)
    workspace.write(
        "charts/u/values.yaml",
        """\
        tags: {extra: true}
        one: {weight: 0}
        #! {{ .Files.Get more.yaml }}
        last: {weight: 1}
        """,
    )
    workspace.write("charts/u/more.yaml", "global: {included: 1}\n")
    workspace.write("first.yaml", "one: {data: {file: 1, order: file}}\n")
    workspace.write("second.yaml.j2", "one: {data: {templated: '{{ colour }}', order: second}}\n")
    workspace.write("text.txt", "text, with a comma")
    task = spray(
        workspace,
        values_files=["first.yaml", "second.yaml.j2"],
        values={"one": {"data": {"inline": "1", "order": "values"}}},
        set_values=[
            {"value": "one.data.order=set,one.data.int=5"},
            {"value": "one.data.str=5", "value_type": "string"},
            {"value": "one.data.txt=text.txt", "value_type": "file"},
            {"value": 'one.data={"json":[1,2]}', "value_type": "json"},
            {"value": "one.data.lit=a,b", "value_type": "literal"},
        ],
        default_weight=3,
        prefix_releases="p",
    )
    workspace.write("group_vars/all.yaml", "colour: blue\n")
    result = exact(workspace, **task)
    assert actions_of(result) == dict.fromkeys(["p-one", "p-last", "p-two"], "install")
    assert {name: row["weight"] for name, row in rows_of(result).items()} == {"p-one": 0, "p-last": 1, "p-two": 3}
    found = data(workspace, "p-one")
    assert found == {
        "own": "default",
        "file": "1",
        "templated": "blue",
        "inline": "1",
        "order": "set",
        "int": "5",
        "str": "5",
        "txt": "text, with a comma",
        "json": "[1 2]",
        "lit": "a,b",
    }
    run = workspace.run(task)
    assert run.result["changed"] is False
    table = run.output[run.output.index("SUB-CHART") :].splitlines()
    assert table[0].split() == ["SUB-CHART", "ALIAS", "TARGETED", "WEIGHT", "RELEASE", "REVISION", "ACTION", "STATUS"]
    assert table[1].split()[-7:] == ["one", "targeted", "0", "p-one", "1", "unchanged", "deployed"]


def test_helm_spray_waits_for_the_jobs_of_a_wave(workspace: Workspace) -> None:
    """As helm-spray does."""
    sub_chart(workspace, "u/charts/job", files={"templates/job.yaml": JOB})
    sub_chart(workspace, "u/charts/last")
    umbrella(workspace, needs("job"), needs("last"), values={"job": {"weight": 0}, "last": {"weight": 1}})
    workspace.results(spray(workspace))
    status = workspace.api.get(f"/apis/batch/v1/namespaces/{workspace.ns('a')}/jobs/job").get("status", {})
    assert "completionTime" in status
    assert datetime.fromisoformat(status["completionTime"].replace("Z", "+00:00")) <= began(workspace, "last")


def test_helm_spray_from_a_repository_by_namespace_prunes_and_removes(workspace: Workspace) -> None:
    two_waves(workspace)
    archive(workspace, "u", "repository/u-1.0.0.tgz")
    umbrella(workspace, needs("app", "one"), values={"one": {"weight": 0}}, version="1.1.0")
    archive(workspace, "u", "repository/u-1.1.0.tgz")
    workspace.helm("repo", "index", "repository")
    a = workspace.ns("a")
    with ChartRepository(workspace.root / "repository") as repository:
        common = {"repositories": [{"name": "repo", "url": repository.url}], "prefix_releases_with_namespace": True}
        other = spray(workspace, "repository/u-1.0.0.tgz", targets=["one"], prefix_releases="other")
        first, _other = workspace.results(spray(workspace, "repo/u", chart_version="~1.0.0", **common), other)
        assert actions_of(first) == dict.fromkeys([f"{a}-one", f"{a}-two", f"{a}-last"], "install")
        second = exact(workspace, **spray(workspace, "repo/u", chart_version="^1.0.0", prune=True, **common))
        assert actions_of(second) == {f"{a}-one": "upgrade", f"{a}-two": "uninstall", f"{a}-last": "uninstall"}
        gone = exact(workspace, **spray(workspace, "repo/u", state="absent", all=True, **common))
        assert actions_of(gone) == {f"{a}-one": "uninstall"}
    assert set(workspace.snapshot().releases) == {f"{a}/other-one"}


@dataclass(frozen=True)
class Refused:
    """An umbrella, the options, and what the message must say."""

    says: str
    values: Object | str = field(default_factory=lambda: {"one": {"weight": 0}})
    dependencies: tuple[Object, ...] = (needs("app", "one"),)
    options: Mapping[str, Any] = field(default_factory=dict)


def refused(says: str, *dependencies: Object, values: Object | str | None = None, **options: Any) -> Refused:
    given: Object = {} if values is None else {"values": values}
    return Refused(says, dependencies=dependencies or (needs("app", "one"),), options=options, **given)


def weighs(weight: Any) -> Object:
    return {"one": {"weight": weight}}


def includes(clause: str) -> str:
    """Values whose third line is an include."""
    return f"one:\n  weight: 0\n#! {{{{ {clause} }}}}\n"


HINT = "It must be an integer of 0 or more"
WEIGHT = "the weight of sub-chart 'one' (one.weight in the values) is"
REFUSED = {
    "weight-missing": refused(f"{WEIGHT} missing. Set it, or give default_weight", values={"other": 1}),
    "weight-negative": refused(f"{WEIGHT} -1. {HINT}", values=weighs(-1)),
    "weight-fraction": refused(f"{WEIGHT} 1.5, not an integer. {HINT}", values=weighs(1.5)),
    "weight-string": refused(f"{WEIGHT} '1', a string. {HINT}", values=weighs("1")),
    "weight-boolean": refused(f"{WEIGHT} True, a boolean. {HINT}", values=weighs(True)),
    "weight-by-option": refused("default_weight is -1", default_weight=-1),
    "condition": refused(
        "dependency 'two' of umbrella 'condition' has the condition 'app.enabled', by which it cannot be a release of "
        "its own. Its condition must be 'two.enabled'",
        needs("app", "one"),
        {**needs("app", "two"), "condition": "app.enabled"},
    ),
    "same-name": refused(
        "two dependencies of umbrella 'same-name' go by the name 'one'. Give one of them an alias",
        needs("app", "one"),
        needs("app", "one"),
    ),
    "same-name-by-alias": refused(
        "two dependencies of umbrella 'same-name-by-alias' go by the name 'app'",
        needs("app"),
        needs("app", "app"),
        values={"app": {"weight": 0}},
    ),
    "targets-and-exclude": refused("targets and exclude cannot be used together", targets=["one"], exclude=["one"]),
    "target": refused("targets names 'on', which is no sub-chart of the umbrella. Did you mean 'one'?", targets=["on"]),
    "target-by-name": refused("targets names 'app', which is no sub-chart of the umbrella", targets=["app"]),
    "exclude": refused(
        "exclude names 'onee', which is no sub-chart of the umbrella. Did you mean 'one'?", exclude=["onee"]
    ),
    "prefixes": refused(
        "prefix_releases and prefix_releases_with_namespace cannot be used together",
        prefix_releases="p",
        prefix_releases_with_namespace=True,
    ),
    "prefix": refused("prefix_releases 'a_b' holds '_'. Allowed are a-z, A-Z, 0-9 and -", prefix_releases="a_b"),
    "prefix-upper": refused("'Ab-one' is no release name for helm", prefix_releases="Ab"),
    "long-name": refused("has 54 characters, of which helm allows 53", prefix_releases="x" * 50),
    "include-missing": refused(
        "the include '#! {{ .Files.Get none.yaml }}' names 'none.yaml', which is no file of the chart",
        values=includes(".Files.Get none.yaml"),
    ),
    "include-template": refused("which is no file of the chart", values=includes(".Files.Get templates/t.yaml")),
    "include-outside": refused("names a path outside of the chart", values=includes(".Files.Get ../app/Chart.yaml")),
    "include-path": refused(
        "wants 'a.nothing', which 'part.yaml' does not have", values=includes("pick (.Files.Get part.yaml) a.nothing")
    ),
    "include-list": refused(
        "wants 'a.list', which is a list in 'part.yaml'", values=includes("pick (.Files.Get part.yaml) a.list")
    ),
    "include-indent": refused(
        "is not one of the forms of an include", values=includes(".Files.Get part.yaml | indent -1")
    ),
    "include-indented-wrongly": refused(
        "values.yaml, after its includes", values=includes(".Files.Get part.yaml | indent 3")
    ),
    "include-cycle": refused(
        "the includes form a cycle: round.yaml -> trip.yaml -> round.yaml", values=includes(".Files.Get round.yaml")
    ),
    "version": refused("chart_version is 1.0.0, but chart_ref is a folder", chart_version="1.0.0"),
    "url": refused(
        "the values file http://127.0.0.1:9/v.yaml cannot be fetched", values_files=["http://127.0.0.1:9/v.yaml"]
    ),
    "values-file": refused("'none.yaml'", values_files=["none.yaml"]),
    "set-values": refused("has no value", set_values=[{"value": "one.data"}]),
    "lacking": refused(
        "'away'",
        needs("app", "one"),
        needs("away", repository="file://../nowhere"),
        values={"one": {"weight": 0}, "away": {"weight": 0}},
    ),
    "prune": refused("prune works on the whole umbrella", prune=True, targets=["one"]),
    "absent": refused("state: absent needs targets", state="absent"),
}


@pytest.fixture(scope="module")
def refusals(shared: Workspace) -> Mapping[str, Object]:
    """The results of all bad inputs, by name; one more has no dependencies at all, and two no folder."""
    for name, case in REFUSED.items():
        sub_chart(shared, f"{name}/charts/app")
        files = {
            "part.yaml": "a: {list: [1], map: {}}\nb: 1\n",
            "round.yaml": "#! {{ .Files.Get trip.yaml }}\n",
            "trip.yaml": "#! {{ .Files.Get round.yaml }}\n",
        }
        umbrella(shared, *case.dependencies, values=case.values, files=files, name=name)
    umbrella(shared, name="none")
    sub_chart(shared, "only-library/charts/app", type="library")
    umbrella(shared, {"name": "app", "version": "1.x"}, name="only-library")
    umbrella(shared, needs("app", "one"), values=weighs(0), name="bare")
    archive(shared, "bare", "bare-1.0.0.tgz")
    archive(shared, "version", "version-1.0.0.tgz")
    tasks = {name: spray(shared, f"charts/{name}", **case.options) for name, case in REFUSED.items()}
    tasks |= {
        "none": spray(shared, "charts/none"),
        "only-library": spray(shared, "charts/only-library"),
        "archive-lacking": spray(shared, "bare-1.0.0.tgz"),
        "archive-version": spray(shared, "version-1.0.0.tgz", chart_version="1.0.0"),
    }
    hosts = [f"h{number}" for number in range(3)]  # all of them this machine, to be done sooner
    named = [
        {"name": name, "ignore_errors": True, "when": f"inventory_hostname == '{hosts[number % 3]}'", **task}
        for number, (name, task) in enumerate(tasks.items())
    ]
    inventory = "".join(f"{host} ansible_connection=local\n" for host in hosts)
    run = shared.run(*named, inventory=inventory, play={"strategy": "free"})
    assert "Traceback" not in run.output
    assert shared.snapshot().releases == {}
    return {r["task"]: {"how": r["how"], **r["result"]} for r in run.records if r["how"] != "skipped"}


SAYS = {name: case.says for name, case in REFUSED.items()} | {
    "none": "umbrella 'none' has no dependencies, so there is nothing to spray",
    "only-library": "umbrella 'only-library' has no dependencies but library charts, so there is nothing to spray",
    "archive-lacking": "lacks its dependencies: app. Package it anew",
    "archive-version": "chart_version is 1.0.0, but chart_ref is an archive",
}


@pytest.mark.parametrize("name", SAYS)
def test_bad_input_is_refused_with_a_clear_sentence(refusals: Mapping[str, Object], name: str) -> None:
    result = refusals[name]
    assert result["how"] == "failed"
    assert SAYS[name] in result["msg"]
    assert result["changed"] is False

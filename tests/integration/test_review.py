# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reviewer gets: risks, images, plans that are forbidden, and reports."""

from __future__ import annotations

import json

import pytest
from harness import CONFIG, DEPLOYMENT, Object, Workspace, plan_of

CLAIM = """\
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
NO_LOSS = {"when": "risks[?risk=='data-loss']", "message": "Data would be lost"}


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """A release is deployed whose next version has no volume any more, and another one that stays."""
    workspace.chart("app", files={"templates/all.yaml": DEPLOYMENT + CLAIM}, appVersion="2.0")
    workspace.chart("config")
    workspace.stack(workspace.release("app"), workspace.release("config", "config"))
    workspace.deploy()
    workspace.chart("app", "1.1.0", files={"templates/all.yaml": DEPLOYMENT}, appVersion="1.9")
    return workspace


def test_a_plan_tells_risks_and_images_and_a_forbidden_one_is_not_carried_out(shop: Workspace) -> None:
    before = shop.snapshot()
    app, config = (f"{shop.ns('a')}/{name}" for name in ("app", "config"))
    forbidden = {**shop.task({"forbid": [NO_LOSS]}), "ignore_errors": True}
    other = shop.task({"forbid": [{"when": f"releases[?name=='{config}']"}]})
    run = shop.run({**forbidden, "check_mode": True}, forbidden, {**other, "name": "allowed", "check_mode": True})
    found = run.results[:2]
    assert shop.snapshot().versions == before.versions
    assert [record["how"] for record in run.records] == ["failed", "failed", "ok"]
    for result in found:
        told = result["msg"].splitlines()
        assert told[0] == "the plan is forbidden: Data would be lost. Nothing was done"
        assert told[2].endswith("app, PersistentVolumeClaim data: the volume is deleted, and its data may be lost")
        assert result["changed"] is False
    plan = found[0]["plan"]
    assert plan_of(found[0]) == plan_of(found[1])
    assert [(risk["risk"], risk["release"]) for risk in plan["risks"]] == [("data-loss", app), ("downgrade", app)]
    assert plan["risks"][1]["why"] == "the app version goes back from 2.0 to 1.9"
    assert plan["images"] == [
        {"image": "registry.invalid/app:1.0.0", "state": "goes", "releases": [app]},
        {"image": "registry.invalid/app:1.1.0", "state": "comes", "releases": [app]},
    ]
    assert plan["releases"][0]["app_version"] == {"from": "2.0", "to": "1.9"}
    assert f"RISK data-loss: {app}, PersistentVolumeClaim data: the volume is deleted" in run.shown("allowed")


def test_what_no_plan_has_cannot_be_forbidden(shop: Workspace) -> None:
    for expression, words in (("risks[?risk=", "not valid JMESPath"), ("risk", "Did you mean 'risks'?")):
        message = shop.fail(forbid=[{"when": expression}], expected_cluster="https://nowhere.invalid")
        assert words in message  # before the cluster is asked
        assert "^" in message


def test_images_of_what_stays_are_known_where_they_are_asked_for(shop: Workspace) -> None:
    shop.deploy()
    rule = {"when": "images[?!starts_with(image, 'registry.example.org/')]", "message": "Only from our registry"}
    assert shop.check()["plan"]["images"] == []
    assert "registry.invalid/app:1.1.0" in shop.fail(check=True, forbid=[rule])


def read(workspace: Workspace, name: str = "review") -> dict[str, str]:
    return {kind: (workspace.root / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "md", "json")}


def test_check_and_run_write_reports(shop: Workspace) -> None:
    files = ["review.html", "review.md", "review.json"]
    checked = shop.run({"report_file": files}, check=True, diff=False).result
    reports = read(shop)
    assert checked["report"] == [str(shop.root / name) for name in files]
    assert checked["ansible_stats"]["data"]["helmstack_reports"] == {"localhost": checked["report"]}
    assert "diff" not in checked
    told = json.loads(reports["json"])
    assert told["plan"] == checked["plan"]
    assert "image: registry.invalid/app:1.1.0" in json.dumps(told["diff"])
    for kind in ("html", "md"):
        assert f"Review of {shop.prefix}" in reports[kind].replace("\\", "")
        assert "-        image: registry.invalid/app:1.0.0" in reports[kind]
        assert "the volume is deleted, and its data may be lost" in reports[kind]
    shop.run({"report_file": files})
    reports = read(shop)
    assert f"Deployment of {shop.prefix}" in reports["html"]
    assert json.loads(reports["json"])["plan"]["releases"][0]["status"] == "deployed"


def test_a_failure_has_a_report_too(shop: Workspace) -> None:
    files = ["review.html", "review.md", "review.json"]
    message = shop.run({"forbid": [NO_LOSS], "report_file": files}, check=True, code=2).result["msg"]
    reports = read(shop)
    assert json.loads(reports["json"])["msg"] == message
    assert "the plan is forbidden: Data would be lost" in reports["html"]
    assert "the plan is forbidden: Data would be lost" in reports["md"]


@pytest.mark.parametrize(("path", "words"), [("no/review.md", "Make the folder"), ("review.txt", "must end with")])
def test_a_report_that_cannot_be_written_stops_the_task_first(shop: Workspace, path: str, words: str) -> None:
    before = shop.snapshot()
    run = shop.run({"report_file": path}, code=2)
    assert words in run.result["msg"]
    assert "Traceback" not in run.output
    assert shop.snapshot().versions == before.versions


def test_markup_in_a_chart_is_text_in_a_report(workspace: Workspace) -> None:
    evil: Object = {"data": {"a": "</pre><script>alert(1)</script>", "b": "```\n@all\n```"}}
    workspace.chart("app", files={"templates/config.yaml": CONFIG})
    workspace.stack(workspace.release("app", values=[evil]))
    workspace.run({"report_file": ["review.html", "review.md", "review.json"]}, check=True)
    reports = read(workspace)
    assert "<script" not in reports["html"]
    assert "&lt;/pre&gt;&lt;script&gt;alert(1)" in reports["html"]
    assert "````diff" in reports["md"]


def test_the_playbook_review_writes_one_report_over_all_hosts(shop: Workspace) -> None:
    shop.write("other.yaml", {"releases": {"app": {"ignore": True}}})
    connection = {f"helmstack_{key}": value for key, value in shop.connection.items()}
    hosts = {name: {"ansible_connection": "local", **connection} for name in ("one", "two", "three")}
    hosts["three"]["helmstack_overlays"] = ["other.yaml"]
    shop.write("hosts.yml", {"all": {"hosts": hosts, "vars": {"helmstack_report_file": "review.json,review.md"}}})
    shop.run(args=["-i", "hosts.yml", "--limit", "one,two,three"], playbook="helmstack.core.review")
    found = json.loads((shop.root / "review.json").read_text(encoding="utf-8"))["results"]
    assert sorted([host["host"] for host in item["hosts"]] for item in found) == [["one", "two"], ["three"]]
    assert all(host["check"] and host["digest"] for item in found for host in item["hosts"])
    assert "`one, two`" in (shop.root / "review.md").read_text(encoding="utf-8")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that change are told with the file and line that sets them, in check mode and in the run."""

from __future__ import annotations

from harness import Object, Workspace, exact, release_of


def test_values_that_change_have_their_origin(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.write("app.yaml", "data:\n  word: one\n  password: hush-hush-1\n")
    workspace.stack(workspace.release("app", values=["app.yaml"], set={"data": {"number": 1}}))
    workspace.write("env/next.yaml", "releases:\n  app:\n    set:\n      data:\n        word: two\n")
    first = exact(workspace)
    assert "values" not in release_of(first, "app")
    workspace.write("app.yaml", "data:\n  word: one\n  password: hush-hush-2\n  more: true\n")
    # the labels name the environment, so that it is not another one's release
    result = exact(workspace, environment="next", take_over=True)
    values = {item["path"]: item for item in release_of(result, "app")["values"]}
    assert sorted(values) == ["data.more", "data.password", "data.word"]
    assert (values["data.word"]["before"], values["data.word"]["after"]) == ("one", "two")
    assert values["data.word"]["from"] == {"file": "app.yaml", "line": 2, "how": "values file"}
    assert values["data.word"]["to"] == {"file": "env/next.yaml", "line": 5, "how": "set"}
    assert values["data.more"]["to"] == {"file": "app.yaml", "line": 4, "how": "values file"}
    assert values["data.password"]["before"] == values["data.password"]["after"] == "********"
    entry = next(item for item in result["diff"] if item["before_header"].endswith(": values"))
    assert 'values.data.word: "two"  # env/next.yaml:5 (set)\n' in entry["after"]
    assert "data.more" not in entry["before"]


def test_two_environments_are_compared_without_a_cluster(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("app", version="1.0.0", set={"data": {"word": "one"}}))
    workspace.write("env/dev.yaml", "releases: {app: {set: {data: {word: two}}}}\n")
    workspace.write("env/prod.yaml", "releases: {app: {version: '>=1.0.0'}}\n")
    reports = [str(workspace.root / name) for name in ("r.md", "r.html", "r.json")]
    options = {"environment": "dev", "compare_to": "prod", "report_file": reports}
    short = str(workspace.root / "short.md")
    tasks: list[Object] = [options, {"environment": "dev", "report_file": [short]}]
    tasks += [{"environment": "dev", "compare_to": "prd"}]
    steps = [{"helmstack.core.helmstack_values": task} for task in tasks]
    run = workspace.run(*steps, check=True, code=2)
    compared, _short, wrong = run.results
    found = compared["releases"][0]
    assert (found["before"], found["after"]) == ({"version": "1.0.0"}, {"version": ">=1.0.0"})
    assert [(item["path"], item["before"], item["after"]) for item in found["values"]] == [("data.word", "two", "one")]
    assert "helmstack: dev and prod differ in 1 release" in run.output
    assert len(compared["diff"]) == 1
    text = (workspace.root / "r.md").read_text()
    assert "dev compared with prod" in text
    assert "env/dev.yaml:1" in text
    assert "data.word" in (workspace.root / "r.html").read_text()
    assert "has values" in (workspace.root / "short.md").read_text()
    assert "nothing for the environment 'prd'. Did you mean 'prod'?" in wrong["msg"]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stack files and options can say arrives in the cluster: files, overlays, variables, nesting, selection."""

from __future__ import annotations

from harness import (
    CONFIG,
    DEPLOYMENT,
    HELM,
    KUBECONFIG,
    OWN_SECRET,
    Object,
    Workspace,
    actions_of,
    exact,
    objects_of,
    reader,
    release_of,
)


def data(workspace: Workspace, name: str, namespace: str = "a") -> Object:
    """What the release's ConfigMap holds."""
    path = f"/api/v1/namespaces/{workspace.ns(namespace)}/configmaps/{name}"
    return dict(workspace.api.get(path).get("data") or {})


def test_every_source_of_values_and_settings_comes_through(workspace: Workspace) -> None:
    """Several stack files and overlays, a nested stack, variables of all kinds, templates and .helmstack at once."""
    workspace.chart("app")
    workspace.write("plain.yaml", "data: {from_file: yes, date: 2024-01-02, octal: 0o17, time: 12:30:45, y: y}\n")
    workspace.write("host.yaml.j2", "data: {from_host: {{ colour }}, list: '{{ [1, 2] | sum }}'}\n")
    workspace.write(".env", "FROM_DOTENV=dotenv\nBOTH=plain\n")
    workspace.write(".env.dev", "BOTH=dev\n")
    workspace.write(".helmstack", "environment: dev\nvariables: {of_defaults: defaults}\n")
    workspace.write("env/dev.yaml", {"releases": {"app": {"set": {"data": {"convention": "1", "order": "env"}}}}})
    workspace.write("named.yaml", {"releases": {"app": {"set": {"data": {"named": "1", "order": "named"}}}}})
    workspace.write(
        "task.yaml",
        {
            "releases": {
                "app": {"set": {"data": {"task": "1", "order": "task"}}},
                "added": {"namespace": workspace.ns("a"), "chart": "./charts/app"},
            }
        },
    )
    workspace.write("second.yaml", {"releases": [workspace.release("second")]})
    inner = {"namespace": "%NS%", "name": "inner", "chart": "./app", "set": {"data": {"outer": "${outer}"}}}
    inner |= {"namespace": workspace.ns("a"), "createNamespace": True}
    workspace.write("nested/helmstack.yaml", {"name": "nested", "releases": [inner]})
    (workspace.chart("app2")).rename(workspace.root / "nested" / "app")
    variables = {
        key: "${" + key + "}" for key in ("FROM_DOTENV", "BOTH", "of_task", "of_stack", "of_environment", "PROCESS")
    }
    workspace.stack(
        workspace.release(
            "app",
            values=["plain.yaml", "host.yaml.j2", {"data": {"inline": "1"}}],
            set={"data": {**variables, "of_defaults": "${of_defaults}", "literal": "$${x}", "default": "${no:-d}"}},
        ),
        variables={"of_stack": "stack", "of_environment": "stack", "outer": "seen"},
        environments={"dev": {"overlays": ["named.yaml", "env/dev.yaml"], "variables": {"of_environment": "dev"}}},
        stacks=[{"path": "nested"}],
    )
    run = workspace.run(
        {
            "stack_files": ["helmstack.yaml", "second.yaml"],
            "overlays": ["task.yaml"],
            "variables": {"of_task": "{{ colour }}"},
        },
        play={"vars": {"colour": "blue"}},
        env={"PROCESS": "process"},
    )
    assert run.result["plan"]["environment"] == "dev"
    assert set(actions_of(run.result)) == {"app", "second", "inner", "added"}
    assert data(workspace, "inner") == {"outer": "seen"}
    assert data(workspace, "app") == {
        "from_file": "true",
        "date": "2024-01-02",
        "octal": "15",
        "time": "12:30:45",
        "true": "true",
        "from_host": "blue",
        "list": "3",
        "inline": "1",
        "FROM_DOTENV": "dotenv",
        "BOTH": "dev",
        "of_task": "blue",
        "of_stack": "stack",
        "of_environment": "dev",
        "PROCESS": "process",
        "of_defaults": "defaults",
        "literal": "${x}",
        "default": "d",
        "convention": "1",
        "named": "1",
        "task": "1",
        "order": "task",
    }


def test_targets_selectors_and_needs_choose_releases(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(
        workspace.release("db", labels={"tier": "back"}),
        workspace.release("api", needs=["db"], labels={"tier": "back"}),
        workspace.release("web-a", needs=["api"], labels={"tier": "front"}),
        workspace.release("web-b", namespace="b", labels={"tier": "front"}),
    )
    chosen = {
        "glob": {"targets": ["web-*"], "include_needs": True},
        "selector": {"selector": "[?labels.tier=='back']"},
        "namespaced": {"targets": [f"{workspace.ns('b')}/web-b"]},
        "needs": {"targets": ["web-a"], "include_needs": True},
        "lonely": {"targets": ["web-a"]},
    }
    run = {name: workspace.attempt(check=True, **options) for name, options in chosen.items()}
    assert set(actions_of(run["glob"])) == {"db", "api", "web-a", "web-b"}
    assert set(actions_of(run["selector"])) == {"db", "api"}
    assert set(actions_of(run["namespaced"])) == {"web-b"}
    assert set(actions_of(run["needs"])) == {"db", "api", "web-a"}
    assert "include_needs" in run["lonely"]["msg"]


def test_a_plan_holds_only_while_nothing_has_changed(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("app"))
    checked = workspace.check()
    digest, uid = checked["plan"]["digest"], checked["cluster"]["uid"]
    assert workspace.deploy(expected_plan=digest, expected_cluster=uid)["changed"] is True
    message = workspace.fail(expected_plan=digest)
    assert digest in message
    assert workspace.check(expected_cluster=checked["cluster"]["server"])["changed"] is False


def test_a_plan_holds_while_its_objects_become_what_it_says(workspace: Workspace) -> None:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: '1'}\n"
    # the server writes it in another way, which only one who may try it can know
    limited = DEPLOYMENT.replace(
        "        - name: main", "        - name: main\n          resources: {limits: {cpu: 1000m}}"
    )
    moving = other.replace("other", "moving").replace("'1'", '"{{ now | unixEpoch }}-{{ uuidv4 }}"')
    files = {"templates/a.yaml": CONFIG, "templates/b.yaml": f"{other}---\n{limited}---\n{moving}---\n{OWN_SECRET}"}
    workspace.chart("app", files=files)
    workspace.stack(workspace.release("app"))
    workspace.deploy()
    workspace.stack(workspace.release("app", set={"data": {"v": "1"}}))
    read_only = {"kubeconfig": reader(workspace)}
    path = f"/api/v1/namespaces/{workspace.ns('a')}/configmaps/other"

    def reviewed() -> Object:
        """The same plan for all, though they may not know as much of it."""
        task = {**workspace.task({}), "check_mode": True}
        one, other = workspace.results(task, {**workspace.task(read_only), "check_mode": True})
        assert one["plan"]["digest"] == other["plan"]["digest"]
        assert objects_of(other).items() - objects_of(one).items() == {
            (("Deployment", workspace.ns("a"), "app"), "change")
        }
        return dict(one["plan"])

    plan, name = reviewed(), f"{workspace.ns('a')}/app, ConfigMap {workspace.ns('a')}/other"
    workspace.api.patch(path, {"data": {"a": "edited"}})
    assert f"  {name}: change; expected: nothing" in workspace.fail(expected_plan=plan).splitlines()
    plan = reviewed()
    workspace.api.delete(path)
    assert f"  {name}: add; expected: change" in workspace.fail(expected_plan=plan).splitlines()
    plan = reviewed()
    assert workspace.deploy(expected_plan=plan["digest"])["changed"]


def test_what_diff_ignore_names_is_no_change(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("app", set={"data": {"a": "1", "b": "1"}}))
    workspace.deploy()
    workspace.write("charts/app/templates/config.yaml", CONFIG + "  c: new\n")
    rules = {
        "path": [{"kind": "ConfigMap", "path": "data.c"}],
        "pointer": [{"name": "app", "path": "/data/c"}],
        "kind": [{"kind": "ConfigMap"}],
        "other": [{"kind": "Secret", "path": "data.c"}],
    }
    assert {name: workspace.check(diff_ignore=rule)["changed"] for name, rule in rules.items()} == {
        "path": False,
        "pointer": False,
        "kind": False,
        "other": True,
    }


def test_defaults_of_the_group_reach_all_modules_and_files_may_lie_on_the_target(workspace: Workspace) -> None:
    workspace.chart("app", files={"templates/config.yaml": CONFIG, "templates/NOTES.txt": "Notes of the chart\n"})
    workspace.stack(workspace.release("app", set={"data": {"a": "1"}}), workspace.release("other", ignore=True))
    folder = str(workspace.root / "manifests")
    target = {"remote_src": True, "stack_files": [str(workspace.root / "helmstack.yaml")]}
    tasks: list[Object] = [
        {"name": "template", "helmstack.core.helmstack_template": {"output_dir": folder}},
        {"name": "template again", "helmstack.core.helmstack_template": {"output_dir": folder}},
        {"name": "deploy", "helmstack.core.helmstack": target},
        {"name": "again", "helmstack.core.helmstack": {}},
        {
            "name": "info",
            "helmstack.core.helmstack_info": {"include": ["values", "computed_values", "manifest", "hooks", "notes"]},
        },
        {"name": "stray", "ansible.builtin.copy": {"content": "old", "dest": f"{folder}/{workspace.ns('a')}/old.yaml"}},
        {"name": "check template", "check_mode": True, "helmstack.core.helmstack_template": {"output_dir": folder}},
        {"name": "clean", "helmstack.core.helmstack_template": {"output_dir": folder}},
    ]
    defaults = {"group/helmstack.core.helmstack": {"binary_path": HELM}}
    for module in ("helmstack", "helmstack_info"):
        defaults[f"helmstack.core.{module}"] = {"kubeconfig": workspace.kubeconfig}
    run = workspace.run(*tasks, play={"module_defaults": defaults})
    assert run["template"]["changed"] is True
    assert run["template again"]["changed"] is False
    assert run["deploy"]["changed"] is True
    assert run["again"]["changed"] is False
    app, other = run["info"]["releases"]
    assert (app["name"], app["status"], app["revision"], app["verified"]) == ("app", "deployed", 1, True)
    assert app["values"] == {"data": {"a": "1"}}
    assert "kind: ConfigMap" in app["manifest"]
    assert app["notes"].strip() == "Notes of the chart"
    assert (other["name"], other["status"], other["ignored"]) == ("other", None, True)
    assert run["check template"]["changed"] is True
    assert run["clean"]["changed"] is True
    assert [path.name for path in (workspace.root / "manifests").rglob("*.yaml")] == ["app.yaml"]
    manifest = run["clean"]["releases"][0]["manifest"]
    assert manifest == (workspace.root / "manifests" / workspace.ns("a") / "app.yaml").read_text()


def test_the_environment_is_the_one_among_the_hosts_groups(workspace: Workspace) -> None:
    workspace.chart("app")
    environments = {"dev": {"variables": {"e": "d"}}, "prod": {"variables": {"e": "p"}}}
    workspace.stack(workspace.release("app", set={"data": {"e": "${e}"}}), environments=environments)
    hosts = "[dev]\none ansible_connection=local\n[prod]\ntwo ansible_connection=local\n[both]\n"
    run = workspace.run({}, inventory=hosts, check=True)
    found = {record["host"]: record["result"]["plan"]["environment"] for record in run.records}
    assert found == {"one": "dev", "two": "prod"}
    both = "[dev]\none ansible_connection=local\n[prod]\none\n"
    run = workspace.run({}, inventory=both, check=True, code=2)
    assert "'dev' and 'prod'" in run.result["msg"] or "'prod' and 'dev'" in run.result["msg"]


def test_the_review_says_which_hosts_would_change(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack({**workspace.release("app"), "namespace": "${ns}"})
    workspace.deploy(variables={"ns": workspace.ns("a")})
    hosts = {"same": workspace.ns("a"), "new": workspace.ns("b"), "broken": workspace.ns("a")}
    lines = [f"""{name} helmstack_variables='{{"ns": "{namespace}"}}'""" for name, namespace in hosts.items()]
    lines[-1] += " helmstack_kubeconfig=nowhere"
    common = ["ansible_connection=local", f"helmstack_binary_path={HELM}", f"helmstack_kubeconfig={KUBECONFIG}"]
    inventory = "\n".join([*lines, "[all:vars]", *common, ""])
    review = {"inventory": inventory, "playbook": "helmstack.core.review"}
    run = workspace.run(**review, code=2)
    assert (
        "  3 hosts: 1 would change (new), 1 would stay the same (same), 1 could not be reviewed (broken)\n"
        in run.output
    )
    states = {"changed": ["new"], "unchanged": ["same"], "failed": ["broken"]}
    found = run["Say what would change"]["ansible_stats"]["data"]["helmstack_outcome"]
    assert {state: names for state, names in found.items() if names} == states
    assert run.output.count("+++ after: ") == 2
    run = workspace.run(**review, args=["--limit", "same"])
    assert "  same would stay the same\n" in run.output
    run = workspace.run(**{**review, "playbook": "helmstack.core.deploy"}, args=["--limit", "broken"], code=2)
    assert "  broken failed\n" in run.output


def test_a_release_waits_for_the_one_that_makes_its_namespace(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("maker"), workspace.release("guest", createNamespace=False))
    result = workspace.check()
    assert release_of(result, "guest")["wave"] > release_of(result, "maker")["wave"]


def test_a_namespace_that_helm_made_goes_if_that_is_asked_for_and_it_is_empty(workspace: Workspace) -> None:
    """What is left in one, such as the claim of a StatefulSet, keeps it; so does that somebody else has made it."""
    a, b, c = (workspace.ns(name) for name in "abc")
    workspace.chart("app", files={"templates/config.yaml": CONFIG, "templates/d.yaml": DEPLOYMENT})
    workspace.api.create("/api/v1/namespaces", {"metadata": {"name": c}})
    workspace.stack(*(workspace.release(name, namespace=name[0]) for name in ("a1", "a2", "b1", "c1")))
    workspace.deploy()
    workspace.api.create(f"/api/v1/namespaces/{b}/configmaps", {"metadata": {"name": "of-others"}})
    told = "".join(workspace.check(state="absent", targets=["a1"]).get("warnings", ()))
    assert "stays" not in told  # the other release is in it
    absent = {"state": "absent", "all": True}
    told = "\n".join(workspace.check(**absent)["warnings"])
    for namespace in (a, b):
        assert f"namespace {namespace}, which helm has made, stays: 'delete_namespace: true'" in told
    assert c not in told
    result = exact(workspace, **absent, delete_namespace=True)
    assert {key for key in objects_of(result) if key[0] == "Namespace"} == {("Namespace", "", a)}
    [warning] = result["warnings"]
    assert f"namespace {b}, which helm has made, stays: there remain ConfigMap of-others" in warning
    found = {item["metadata"]["name"] for item in workspace.api.get("/api/v1/namespaces")["items"]}
    assert {a, b, c} & found == {b, c}

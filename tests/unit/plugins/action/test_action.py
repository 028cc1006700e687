# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins find, resolve and hand over, with a connection that only takes notes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle, Caller, Handover
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY
from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction
from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.vaults import SECRET, known, scalar

Run = Callable[..., "tuple[dict[str, Any], Bundle | None]"]
STACK = "releases:\n- {name: app, namespace: web, chart: ./chart, values: [v.yaml.j2], set: {d: '${domain:-none}'}}\n"


class Notes(StackAction):
    """Keeps what it would transfer."""

    archive = b""
    result: dict[str, Any]

    def _remote_file_exists(self, path: str) -> bool:
        return path.startswith("/target/")

    def _transfer_data(self, remote_path: str, data: Any) -> str:
        self.archive = data
        return remote_path

    def _remote_chmod(self, paths: Any, mode: str, sudoable: bool = False) -> dict[str, Any]:
        assert mode == "0600"
        return {}

    def _fixup_perms2(self, remote_paths: Any, remote_user: Any = None, execute: bool = True) -> None:
        return None


class Action(Notes):
    definition = DEPLOY


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop" / "chart").mkdir(parents=True)
    (tmp_path / "shop" / "helmstack.yaml").write_text(STACK)
    (tmp_path / "shop" / "chart" / "Chart.yaml").write_text("name: chart\nversion: 1.0.0\n")
    (tmp_path / "shop" / "v.yaml.j2").write_text("pw: {{ pw | default('open') }}\n")
    return tmp_path


@pytest.fixture
def run(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST", "K8S_AUTH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    loader = known(monkeypatch, SECRET)
    loader.set_basedir(str(project))

    def handed_over(
        transport: str = "local", task_vars: dict[str, Any] | None = None, progress: str | None = None, **args: Any
    ) -> tuple[dict[str, Any], Bundle | None]:
        action = action_of(Action, loader, transport, task_vars or {}, args)
        result = action._handed_over(action.spec.typed(args), task_vars or {}, progress)
        if not action.archive:
            return result, None
        (tmp_path / "archive").write_bytes(io.BytesIO(action.archive).getvalue())
        return result, bundle.read(str(tmp_path / "archive"), str(tmp_path / "target"))

    return handed_over


A = TypeVar("A", bound=Notes)


def action_of(kind: type[A], loader: DataLoader, transport: str, variables: dict[str, Any], args: dict[str, Any]) -> A:
    shell = SimpleNamespace(
        tmpdir="/remote/tmp", join_path=lambda *parts: "/".join(parts), env_prefix=lambda **names: ""
    )
    task = SimpleNamespace(
        args=args,
        async_val=0,
        check_mode=False,
        no_log=False,
        environment=None,
        delegate_to=None,
        action="helmstack",
        get_search_path=lambda: [loader.get_basedir()],
    )
    return kind(
        task=task,
        connection=SimpleNamespace(transport=transport, become=None, _shell=shell),
        play_context=SimpleNamespace(),
        loader=loader,
        templar=Templar(loader=loader, variables=variables),
        shared_loader_obj=None,
    )


def test_what_the_controller_has_resolved_is_not_sent_as_arguments(run: Run) -> None:
    args, content = run(stack_file="shop", variables={"domain": "d"}, targets=["app"], overlays=[], prune=True)
    assert args == {"stack_files": "shop", "prune": True, "_bundle": "/remote/tmp/helmstack.tar.gz"}
    assert content is not None
    assert content.stack is not None
    assert [source.text for source in content.stack.releases[0].values] == ["pw: open\n", '{"d": "d"}']


def test_a_shared_disk_needs_no_copies(run: Run, project: Path) -> None:
    _args, content = run(stack_file="shop")
    assert content is not None
    assert content.stack is not None
    assert content.stack.releases[0].chart == str(project / "shop" / "chart")


def test_a_remote_target_gets_the_chart(run: Run, project: Path) -> None:
    _args, content = run("ssh", stack_file="shop")
    assert content is not None
    assert content.stack is not None
    chart = Path(content.stack.releases[0].chart)
    assert (chart / "Chart.yaml").read_text() == "name: chart\nversion: 1.0.0\n"
    assert chart != project / "shop" / "chart"


@pytest.mark.parametrize("name", ["helmstack.yaml", "stackfile.yml.j2"])
def test_without_a_name_the_stack_beside_the_playbook_is_taken(run: Run, project: Path, name: str) -> None:
    (project / name).write_text("releases: [{name: here, namespace: web, chart: oci://x/y}]\n")
    _args, content = run()
    assert content is not None
    assert content.stack is not None
    assert [release.name for release in content.stack.releases] == ["here"]


def test_a_stack_in_the_inventory_folder_is_found(run: Run, project: Path) -> None:
    (project / "inventory").mkdir()
    (project / "shop").rename(project / "inventory" / "shop")
    assert run(stack_file="shop", task_vars={"inventory_dir": str(project / "inventory")})[1] is not None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"stack_file": "none"}, "'none' does not exist on the controller"),
        ({}, "There is no stack file"),
        ({"stack_file": "shop", "overlays": ["none.yaml"]}, "'none.yaml' does not exist on the controller"),
        ({"stack_file": "shop", "_bundle": "/x"}, "'_bundle' is no option"),
    ],
)
def test_wrong_options_are_told_before_anything_is_sent(run: Run, args: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(**args)


def test_vaulted_variables_that_are_used_are_secrets_and_others_do_not_travel(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = known(monkeypatch, SECRET).load(scalar("pw", "hidden text") + scalar("other", "not used"))
    _args, content = run(stack_file="shop", task_vars=variables)
    assert content is not None
    assert content.stack is not None
    assert "pw: hidden text\n" in [source.text for source in content.stack.releases[0].values]
    assert content.stack.secrets == ("hidden text",)


def test_a_vaulted_value_may_come_by_the_environment_of_the_task(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "shop" / "helmstack.yaml").write_text(STACK.replace("values: [v.yaml.j2], ", ""))
    loader = known(monkeypatch, SECRET)
    variables = loader.load(scalar("pw", "hidden text"))
    action = action_of(Action, loader, "local", variables, {})
    vars(action._task).update(environment=[loader.load(scalar("domain", "in the task"))])
    given = {"stack_files": [str(project / "shop")]}
    assert action._stack(given, variables, {"domain": "hidden text"}, FileBundle()).secrets == ("hidden text",)
    assert action._stack(given, variables, {"domain": "in the task"}, FileBundle()).secrets == ("in the task",)


@pytest.mark.parametrize(("text", "refused"), [("hidden text", True), ("shop", False)])
def test_what_stands_among_helms_arguments_cannot_be_a_vaulted_variable(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, text: str, refused: bool
) -> None:
    (project / "shop" / "helmstack.yaml").write_text(STACK.replace("values:", "description: 'the ${pw}', values:"))
    variables = known(monkeypatch, SECRET).load(scalar("pw", text))
    with pytest.raises(InputError, match="holds a value from a vault") if refused else nullcontext():
        run(stack_file="shop", task_vars=variables, variables={"pw": text})


@pytest.mark.parametrize(
    "made",
    [
        "('user:' ~ pw) | b64encode",
        "pw | b64encode | b64encode",
        "{'auths': {'r.io': {'auth': ('u:' ~ pw) | b64encode}}} | to_json | b64encode",
        "pw | hash('sha256')",
        "(pw | hash('sha1'))[:12]",
    ],
)
def test_what_a_template_codes_or_hashes_is_known_as_the_vaulted_value(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    (project / "shop" / "v.yaml.j2").write_text(f"pw: {{{{ {made} }}}}\n")
    variables = known(monkeypatch, SECRET).load(scalar("pw", "hidden text"))
    _args, content = run(stack_file="shop", task_vars=variables)
    assert content is not None
    assert content.stack is not None
    assert content.stack.secrets == ("hidden text",)
    shown = Mask(content.stack.secrets).text(content.stack.releases[0].values[0].text)
    assert shown == f"pw: {MASK}\n"


@pytest.mark.parametrize("template", ["a: {{ undef(hint=pw) }}\n", "a: {{ {}[pw] }}\n"])
def test_a_template_that_fails_is_told_without_what_came_out_of_a_vault(
    project: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    (project / "shop" / "v.yaml.j2").write_text(template)
    loader = known(monkeypatch, SECRET)
    loader.set_basedir(str(project))
    variables = loader.load(scalar("pw", "hidden-text"))
    action = action_of(Action, loader, "local", variables, {"stack_file": str(project / "shop")})
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    result = action.run(None, variables)
    assert result["failed"]
    assert MASK in result["msg"]
    assert "hidden-text" not in result["msg"]


def test_a_vaulted_name_that_everybody_reads_is_not_masked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = known(monkeypatch, SECRET).load(scalar("pw", "shop"))
    _args, content = run(stack_file="shop", task_vars=variables)
    assert content is not None
    assert content.stack is not None
    assert content.stack.secrets == ()


def test_an_inline_kubeconfig_never_stands_among_the_arguments(run: Run) -> None:
    args, content = run(stack_file="shop", kubeconfig={"users": [{"user": {"token": "hidden"}}]})
    assert "kubeconfig" not in args
    assert content is not None
    assert "hidden" in Path(content.params["kubeconfig"]).read_text()


def test_content_of_a_kubeconfig_that_is_no_mapping_never_reaches_the_target(run: Run) -> None:
    with pytest.raises(ClusterError, match="content of a file"):
        run("ssh", stack_file="shop", kubeconfig="apiVersion: v1\nusers: [{user: {token: hidden}}]\n")


@pytest.mark.parametrize("url", ["http://me:hidden@proxy:1", "me:x/hidden@proxy:1", "http://proxy:1?token=hidden"])
def test_a_password_in_a_url_never_stands_among_the_arguments(run: Run, url: str) -> None:
    args, content = run(stack_file="shop", proxy=url)
    assert content is not None
    assert content.params["proxy"] == url
    assert "hidden" not in args["proxy"]


@pytest.mark.parametrize(("path", "shipped"), [("kube.conf", True), ("/target/kube.conf", False)])
def test_a_kubeconfig_comes_along_only_if_the_target_has_none(
    run: Run, project: Path, path: str, shipped: bool
) -> None:
    (project / "kube.conf").write_text("kind: Config\n")
    args, content = run("ssh", stack_file="shop", kubeconfig=path)
    assert content is not None
    assert ("kubeconfig" in content.params) is shipped
    assert args.get("kubeconfig") == (None if shipped else path)


def test_the_controllers_environment_counts_on_a_remote_target(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "from-environment")
    monkeypatch.setenv("K8S_AUTH_HOST", "https://environment")
    args, _content = run("ssh", stack_file="shop", host="https://task")
    assert (args["context"], args["host"]) == ("from-environment", "https://task")


def test_the_helmstack_file_fills_what_the_task_leaves_unset(run: Run, project: Path) -> None:
    (project / "shop" / ".helmstack").write_text("context: from-file\nconcurrency: 2\n")
    args, _content = run(stack_file="shop", concurrency=5)
    assert (args["context"], args["concurrency"]) == ("from-file", 5)


def test_with_remote_src_the_target_resolves_and_vaulted_variables_stay_hidden(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = known(monkeypatch, SECRET).load(scalar("pw", "hidden text"))
    args, content = run(
        "ssh", stack_file="/target/shop", remote_src=True, task_vars=variables, variables={"a": "hidden text"}
    )
    assert args["stack_files"] == "/target/shop"
    assert "variables" not in args
    handover = Handover(Caller(os.getpid(), listens=True))
    assert content == Bundle(None, {"variables": {"a": "hidden text"}}, ("hidden text",), handover)


def test_progress_travels_apart_from_the_arguments(run: Run) -> None:
    args, content = run(stack_file="shop", progress="/private/file")
    assert content is not None
    assert content.handover.progress_file == "/private/file"
    assert set(args) == {"stack_files", "_bundle"}


def test_a_target_of_its_own_disk_hands_its_lines_of_progress_back(run: Run) -> None:
    _args, content = run("ssh", stack_file="shop", progress="/tmp/helmstack-1")
    assert content is not None
    mine = Caller(os.getpid(), listens=True)
    assert content.params == {}
    assert content.handover == Handover(mine, "/tmp/helmstack-1", progress_returned=True)


@pytest.mark.parametrize(
    ("transport", "task", "args", "kind"),
    [
        ("local", {}, {}, "file"),
        ("ssh", {}, {}, "returned"),
        ("local", {"check_mode": True}, {}, "none"),
        ("local", {"async_val": 60}, {}, "none"),
        ("local", {"no_log": True}, {}, "none"),
        ("local", {}, {"progress": "no"}, "none"),
    ],
)
def test_where_progress_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str, task: dict[str, Any], args: Any, kind: str
) -> None:
    loader = known(monkeypatch, SECRET)
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(tmp_path))
    action = action_of(Action, loader, transport, {}, args)
    vars(action._task).update(task)
    handed, shown = _run(action, {"_helmstack_progress": ["12:00:00 web/app: install begins"]}, monkeypatch)
    begins = {"file": str(tmp_path), "returned": "/tmp/helmstack-", "none": "None"}[kind]
    assert str(handed).startswith(begins)
    # what a target hands back is shown at the end, if not before; a file's lines have been
    assert shown == (["  helmstack: 12:00:00 web/app: install begins"] if kind == "returned" else [])
    assert list(tmp_path.iterdir()) == []


def test_lines_name_the_host_where_there_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    action = action_of(Action, known(monkeypatch, SECRET), "ssh", {}, {})
    variables = {"ansible_play_hosts_all": ["a", "b"], "inventory_hostname": "b"}
    _handed, shown = _run(action, {"_helmstack_progress": ["x"]}, monkeypatch, variables)
    assert shown == ["  helmstack: [b] x"]


def test_the_digest_is_handed_on_by_host_and_by_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    action = action_of(Action, known(monkeypatch, SECRET), "ssh", {}, {})
    release = {"namespace": "web", "name": "a", "action": "upgrade", "reason": ["values"], "revision": {"from": 3}}
    release["objects"] = []
    plan = {"digest": "sha256:1", "stack": "shop", "releases": [release, {**release, "action": "unchanged"}]}
    plan["summary"] = {"upgrade": 1, "unchanged": 1}
    _run(action, {"plan": plan}, monkeypatch, {"inventory_hostname": "prod-eu"})
    review = {"digest": "sha256:1", "changes": ["web/a: upgrade from revision 3 (values)"], "objects": []}
    assert action.result["ansible_stats"] == {
        "data": {
            "helmstack_plans": {"prod-eu": "sha256:1"},
            "helmstack_stack_plans": {"prod-eu": {"shop": "sha256:1"}},
            "helmstack_reviews": {"prod-eu": {"shop": review}},
        },
        "per_host": False,
        "aggregate": True,
    }


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ({"failed": True, "msg": "the plan is forbidden"}, ["web/a: uninstall app 1 (removed), objects: none", "plan"]),
        ({}, ["done"]),
    ],
)
def test_a_plan_that_was_stopped_is_not_told_as_done(
    monkeypatch: pytest.MonkeyPatch, module: dict[str, Any], told: list[str]
) -> None:
    action = action_of(Action, known(monkeypatch, SECRET), "ssh", {}, {})
    release = {"namespace": "web", "name": "a", "action": "uninstall", "reason": ["removed"], "revision": {"from": 3}}
    release |= {"chart": "app", "version": {"from": "1", "to": None}, "objects": [], "outcome": None}
    plan = {"digest": "sha256:1", "stack": "shop", "releases": [release], "summary": {"uninstall": 1}}
    _handed, shown = _run(action, {**module, "plan": plan}, monkeypatch)
    assert shown == [f"  helmstack: {line}" for line in [*told[:-1], f"{told[-1]}: 1 uninstall"]]


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_expected_plan_is_no_approval(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    action = action_of(Action, known(monkeypatch, SECRET), "ssh", {}, {"expected_plan": value})
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    result = action.run(None, {})
    assert result["failed"]
    assert "expected_plan is empty" in result["msg"]


def test_without_a_plan_nothing_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    action = action_of(Action, known(monkeypatch, SECRET), "ssh", {}, {})
    _run(action, {"failed": True, "msg": "x"}, monkeypatch)
    assert "ansible_stats" not in action.result


def _run(
    action: Action, module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, task_vars: dict[str, Any] | None = None
) -> tuple[str | None, list[str]]:
    """Runs the action with a module that only answers: which file for progress it got, and what was shown."""
    handed: list[str | None] = []
    shown: list[str] = []
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    monkeypatch.setattr(action, "_handed_over", lambda _given, _vars, progress: handed.append(progress) or {})
    monkeypatch.setattr(action, "_low_level_execute_command", lambda _command: {})
    monkeypatch.setattr(action, "_execute_module", lambda **_kwargs: dict(module))
    monkeypatch.setattr(action, "_display", SimpleNamespace(display=shown.append))
    action.result = action.run(None, task_vars or {})
    return handed[0], shown


HERE = {"ansible_python_interpreter": sys.executable}
ELSEWHERE = {"ansible_python_interpreter": "/usr/bin/other-python"}


@pytest.mark.parametrize(
    ("transport", "variables", "task", "expected"),
    [
        ("local", HERE, {}, True),
        ("ssh", HERE, {}, False),
        ("local", ELSEWHERE, {}, False),
        ("local", {}, {}, False),
        ("local", HERE, {"async_val": 60}, False),
        ("local", HERE, {"environment": [{"HTTPS_PROXY": "proxy:1"}]}, False),
        ("local", HERE, {"environment": [{}]}, True),
        ("local", {**ELSEWHERE, "ansible_delegated_vars": {"localhost": HERE}}, {"delegate_to": "localhost"}, True),
        ("local", {**HERE, "ansible_delegated_vars": {"localhost": ELSEWHERE}}, {"delegate_to": "localhost"}, False),
    ],
)
def test_the_module_is_called_where_it_would_run_in_a_process_like_this_one(
    transport: str, variables: dict[str, Any], task: dict[str, Any], expected: bool
) -> None:
    action = action_of(Action, DataLoader(), transport, variables, {})
    vars(action._task).update(task)
    assert action._is_here(variables) is expected


def test_another_user_needs_another_process() -> None:
    action = action_of(Action, DataLoader(), "local", HERE, {})
    assert action._is_here(HERE)
    action._connection.become = SimpleNamespace(name="sudo")
    assert not action._is_here(HERE)

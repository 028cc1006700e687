# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helm_spray's action finds, decrypts, templates and hands over."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.action.helm_spray import ActionModule
from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle, Caller, Handover
from ansible_collections.helmstack.core.tests.unit.plugins.action.test_action import Notes, action_of
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.vaults import SECRET, known, scalar

Run = Callable[..., "tuple[dict[str, Any], Bundle]"]


class Spray(Notes, ActionModule):
    pass


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("K8S_AUTH_KUBECONFIG", raising=False)
    project = tmp_path / "project"
    (project / "shop").mkdir(parents=True)
    (project / "shop" / "Chart.yaml").write_text("name: shop\nversion: 1.0.0\n")
    (project / "v.yaml.j2").write_text("pw: {{ pw }}\n")
    (project / "logo.txt").write_text("logo")
    loader = known(monkeypatch, SECRET)
    loader.set_basedir(str(project))

    def handed_over(
        transport: str = "local", task_vars: dict[str, Any] | None = None, **args: Any
    ) -> tuple[dict[str, Any], Bundle]:
        args = {"chart": "shop", "namespace": "web", **args}
        action = action_of(Spray, loader, transport, task_vars or {}, args)
        result = action._handed_over(action.spec.typed(args), task_vars or {})
        (tmp_path / "archive").write_bytes(action.archive)
        return result, bundle.read(str(tmp_path / "archive"), str(tmp_path / "target"))

    return handed_over


def test_passwords_in_urls_are_not_sent_as_arguments(run: Run) -> None:
    url = "https://me:hidden@h/u-1.0.0.tgz?sig=hidden"
    args, content = run("ssh", chart=url, values_files=[url, "v.yaml"], remote_src=True)
    assert "hidden" not in str(args)
    assert (content.params["chart_ref"], content.params["values_files"]) == (url, [url, "v.yaml"])


def test_values_are_not_sent_as_arguments(run: Run) -> None:
    args, content = run(
        values={"a": 1}, set_values=[{"value": "b=2"}], targets=["api"], repositories=[], exclude=[], wait=False
    )
    assert args == {
        "chart_ref": "shop",
        "release_namespace": "web",
        "wait": False,
        "_bundle": "/remote/tmp/helmstack.tar.gz",
    }
    assert content.stack is not None
    assert [source.text for source in content.stack.releases[0].values] == ['{"a": 1}']


def test_vaulted_values_are_secrets_wherever_they_come_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = known(monkeypatch, SECRET).load(scalar("pw", "hidden text") + scalar("key", "other secret"))
    _args, content = run(
        task_vars=variables, values_files=["v.yaml.j2"], set_values=[{"value": f"key={variables['key']}"}]
    )
    assert content.stack is not None
    release = content.stack.releases[0]
    assert [source.text for source in release.values] == ["pw: hidden text\n"]
    assert release.spray is not None
    assert [item["secret"] for item in release.spray["set_values"]] == [True]
    assert set(content.stack.secrets) == {"hidden text", "other secret"}


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_chart_and_files_of_set_values_are_where_the_module_looks(run: Run, transport: str, tmp_path: Path) -> None:
    _args, content = run(transport, set_values=[{"value": "logo=logo.txt", "value_type": "file"}])
    assert content.stack is not None
    release = content.stack.releases[0]
    assert release.spray is not None
    file = Path(release.spray["set_values"][0]["value"].removeprefix("logo="))
    assert file.read_text() == "logo"
    assert (Path(release.chart) / "Chart.yaml").exists()
    assert file.is_relative_to(tmp_path / ("target" if transport == "ssh" else "project"))


def test_with_remote_src_the_target_finds_the_files_and_secrets_stay_hidden(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = known(monkeypatch, SECRET).load(scalar("pw", "hidden text"))
    args, content = run(
        "ssh", task_vars=variables, chart="/target/shop", remote_src=True, values={"pw": "hidden text"}, targets=["a"]
    )
    assert args["chart_ref"] == "/target/shop"
    assert args["targets"] == ["a"]
    assert "release_values" not in args
    handover = Handover(Caller(os.getpid(), listens=True))
    assert content == Bundle(None, {"release_values": {"pw": "hidden text"}}, ("hidden text",), handover)

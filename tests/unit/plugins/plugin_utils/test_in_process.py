# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module called in this process answers as one that was started."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import CLUSTER, STACK
from ansible_collections.helmstack.core.plugins.module_utils.errors import ApplyError
from ansible_collections.helmstack.core.plugins.module_utils.module import Call, ModuleDefinition
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import private_file, run_in_process, same_python


@pytest.fixture
def stack(tmp_path: Path) -> str:
    file = tmp_path / "shop" / "helmstack.yaml"
    file.parent.mkdir()
    file.write_text("releases:\n- {name: app, namespace: web, chart: ./chart}\n")
    return str(file)


def done(body: Any, folder: Path, args: dict[str, Any]) -> dict[str, Any]:
    return run_in_process(
        ModuleDefinition(STACK + CLUSTER, body), args, folder=str(folder), check_mode=True, diff=False
    )


def test_options_have_their_types_and_defaults_and_the_stack_is_resolved(tmp_path: Path, stack: str) -> None:
    calls: list[Call] = []

    def body(call: Call) -> dict[str, Any]:
        calls.append(call)
        assert os.stat(call.workdir).st_mode & 0o777 == 0o700
        return {"changed": False, "pair": ("a", "b")}

    result = done(body, tmp_path, {"stack_file": stack, "verify_ssl": "no"})
    assert result["pair"] == ["a", "b"]
    assert result["invocation"]["module_args"]["validate_certs"] is False
    (call,) = calls
    assert [release.name for release in call.stack.releases] == ["app"]
    assert (call.params["in_cluster"], call.check_mode, call.diff) == (False, True, False)
    assert os.listdir(tmp_path) == ["shop"]


def test_what_an_option_keeps_secret_is_in_no_result(tmp_path: Path, stack: str) -> None:
    args = {"stack_files": [stack], "api_key": "canary-key", "password": "true"}
    result = done(lambda call: {"changed": True, "note": "with canary-key"}, tmp_path, args)
    assert "canary-key" not in str(result)
    assert result["changed"] is True
    assert result["invocation"]["module_args"]["api_key"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_a_selector_that_chooses_nothing_is_a_warning(tmp_path: Path, stack: str) -> None:
    def body(call: Call) -> dict[str, Any]:
        return {"changed": False, "warnings": ["first"]}

    found = done(body, tmp_path, {"stack_files": [stack], "selector": "[?labels.tier=='front']"})
    note = "the selector chooses none of the stack's releases (1), so there is nothing to do"
    assert found["warnings"] == ["first", note]
    assert done(body, tmp_path, {"stack_files": [stack], "selector": "[?name=='app']"})["warnings"] == ["first"]


def test_bad_options_and_failures_are_results(tmp_path: Path, stack: str) -> None:
    def failing(call: Call) -> dict[str, Any]:
        raise ApplyError("it broke", result={"changed": True})

    result = done(failing, tmp_path, {"stack_files": [stack]})
    assert (result["failed"], result["msg"], result["changed"]) == (True, "it broke", True)
    result = done(failing, tmp_path, {"validate_certs": "maybe"})
    assert result["failed"]
    assert "maybe" in result["msg"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_and_leaves_nothing(tmp_path: Path, stack: str, number: signal.Signals) -> None:
    def told_to_end(call: Call) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        signal.pause()
        raise AssertionError("nothing came")

    before = signal.getsignal(number)
    result = done(told_to_end, tmp_path, {"stack_files": [stack]})
    assert result["failed"]
    assert result["msg"].startswith(f"Stopped by {number.name}")
    assert signal.getsignal(number) is before
    assert os.listdir(tmp_path) == ["shop"]


def test_a_private_file_is_for_this_user_and_gone_when_writing_fails(tmp_path: Path) -> None:
    path = private_file(str(tmp_path), lambda file: None)
    assert os.stat(path).st_mode & 0o777 == 0o600

    def broken(file: Any) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        private_file(str(tmp_path), broken)
    assert os.listdir(tmp_path) == [os.path.basename(path)]


def test_an_environment_has_one_interpreter_under_several_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "usr" / "python3.13"
    names = {}
    for folder in ("usr", "one/bin", "two/bin"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for folder in ("one", "two"):
        python3 = tmp_path / folder / "bin" / "python3"
        python3.symlink_to(program)
        (python3.parent / "python").symlink_to("python3")
        names[folder] = python3
    (tmp_path / "link").symlink_to("one")
    monkeypatch.setattr(sys, "executable", str(names["one"]))
    monkeypatch.setenv("PATH", str(names["one"].parent))
    for same in (names["one"], names["one"].parent / "python", tmp_path / "link/bin/python", "python3"):
        assert same_python(str(same)), same
    for other in (names["two"], program, tmp_path / "nothing", "None", "auto"):
        assert not same_python(str(other)), other

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which helm processes are spared kubectl's English texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.helm import language
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm

FEWEST = {"LC_MESSAGES": "zh_TW.UTF-8"}
USER = "users: [{name: me, user: {%s}}]\n"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, FEWEST),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, FEWEST),
        ({"LC_ALL": ""}, FEWEST),
        ({"LC_ALL": "C.UTF-8"}, FEWEST | {"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C.UTF-8"}),
    ],
)
def test_the_other_categories_stay(environ: Mapping[str, str], expected: Mapping[str, str]) -> None:
    assert language.spared(environ, ["template", "--", "web", "/c"], None) == expected


@pytest.mark.parametrize("command", ["install", "upgrade", "rollback", "uninstall", "test"])
def test_what_starts_no_program_is_spared_them(command: str) -> None:
    assert language.spared({}, [command, "--", "web"], "/nowhere/config") == FEWEST


@pytest.mark.parametrize(
    ("argv", "user"),
    [
        (["template", "--post-renderer", "/p", "--", "web", "/c"], "token: x"),
        (["upgrade", "--", "web", "/c"], "exec: {command: login}"),
        (["pull", "--", "s3://charts/web"], "token: x"),
        (["repo", "update"], "token: x"),
        (["version"], "token: x"),
    ],
)
def test_programs_that_helm_starts_keep_the_users_language(tmp_path: Path, argv: list[str], user: str) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(USER % user)
    assert language.spared({"LC_ALL": "C.UTF-8"}, argv, str(kubeconfig)) == {}


@pytest.mark.parametrize(("script", "expected"), [(False, " zh_TW.UTF-8 C.UTF-8\n"), (True, "C.UTF-8  \n")])
def test_helm_is_started_so_and_a_script_around_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: bool, expected: str
) -> None:
    if not script:
        monkeypatch.setattr(language, "_is_script", lambda _binary: False)
    helm = tmp_path / "helm"
    seen = tmp_path / "seen"
    helm.write_text(f'#!/bin/sh\necho "$LC_ALL $LC_MESSAGES $LANG" > {seen}\n')
    helm.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    Helm(str(helm), str(tmp_path / "home"), None, environ=environ).template(TemplateArgs("web", "shop", "/c"))
    assert seen.read_text() == expected

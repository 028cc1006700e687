# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which helm processes do without Go's garbage collector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.helm import collector
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    TestArgs,
    UninstallArgs,
    UpgradeArgs,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm

BRIEF = "off 256MiB"
AS_EVER = "unset unset"

CALLS: list[tuple[str, Callable[[Helm], object], str]] = [
    ("template", lambda helm: helm.template(TemplateArgs("web", "shop", "/c")), BRIEF),
    ("upgrade", lambda helm: helm.upgrade(UpgradeArgs("web", "shop", "/c")), BRIEF),
    ("upgrade that waits", lambda helm: helm.upgrade(UpgradeArgs("web", "shop", "/c", wait=True)), AS_EVER),
    ("dry run", lambda helm: helm.dry_run(UpgradeArgs("web", "shop", "/c", wait=True)), BRIEF),
    ("rollback", lambda helm: helm.rollback(RollbackArgs("web", "shop", 3)), BRIEF),
    ("rollback that waits", lambda helm: helm.rollback(RollbackArgs("web", "shop", 3, wait=True)), AS_EVER),
    ("uninstall", lambda helm: helm.uninstall(UninstallArgs("web", "shop")), BRIEF),
    ("uninstall that waits", lambda helm: helm.uninstall(UninstallArgs("web", "shop", wait=True)), AS_EVER),
    ("test", lambda helm: helm.test(TestArgs("web", "shop")), AS_EVER),
    ("download", lambda helm: helm.pull("http://c/a.tgz", "/f"), AS_EVER),
]


@pytest.mark.parametrize(("call", "expected"), [call[1:] for call in CALLS], ids=[call[0] for call in CALLS])
def test_only_brief_processes_do_without_it(tmp_path: Path, call: Callable[[Helm], object], expected: str) -> None:
    helm = tmp_path / "helm"
    told = tmp_path / "told"
    helm.write_text(
        '#!/bin/sh\n[ "$1" = version ] && { echo v4.3.1; exit; }\n'
        f'echo "${{GOGC-unset}} ${{GOMEMLIMIT-unset}}" > {told}\necho \'{{"version": 1}}\'\n'
    )
    helm.chmod(0o755)
    call(Helm(str(helm), str(tmp_path / "home"), None, environ={"PATH": "/usr/bin:/bin"}))
    assert told.read_text().strip() == expected


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({}, {"GOGC": "off", "GOMEMLIMIT": "256MiB"}),
        ({"GOGC": "", "GOMEMLIMIT": ""}, {"GOGC": "off", "GOMEMLIMIT": "256MiB"}),
        ({"GOMEMLIMIT": "1GiB"}, {"GOGC": "off", "GOMEMLIMIT": "1GiB"}),
        ({"GOMEMLIMIT": "off"}, {}),
        ({"GOGC": "50"}, {}),
        ({"GOGC": "50", "GOMEMLIMIT": "1GiB"}, {}),
    ],
)
def test_what_the_user_has_set_stays(users: Mapping[str, str], expected: dict[str, str]) -> None:
    assert collector.spared(users) == expected

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two environments of a stack, or two stacks, on one cluster: neither takes the other's releases unasked."""

from __future__ import annotations

import pytest
from harness import Workspace, actions_of
from victim import here

ENVIRONMENTS = {"dev": {}, "prod": {}}


def refused(workspace: Workspace, **options: object) -> str:
    before = workspace.snapshot()
    messages = []
    for check in (True, False):
        with pytest.raises(AssertionError) as caught:
            here(workspace, check=check, **options)
        messages.append(str(caught.value).partition("\nassert")[0])
    assert workspace.snapshot() == before
    assert messages[0] == messages[1]
    return messages[0]


def test_an_environment_does_not_take_the_releases_of_another(workspace: Workspace) -> None:
    workspace.chart("app")
    releases = [workspace.release(name) for name in ("a", "b")]
    workspace.stack(*releases)
    here(workspace)
    workspace.stack(*releases, environments=ENVIRONMENTS)
    names = {"a", "b"}
    assert actions_of(here(workspace, environment="dev")) == dict.fromkeys(names, "adopt")
    a = workspace.ns("a")
    for options in ({"environment": "prod"}, {}, {"environment": "prod", "state": "absent", "all": True}):
        message = refused(workspace, **options)
        assert f"{a}/a, {a}/b to environment dev of stack {workspace.prefix}" in message
        assert "take_over" in message
    checked = here(workspace, check=True, environment="prod", take_over=True)
    assert actions_of(checked) == dict.fromkeys(names, "adopt")
    here(workspace, environment="prod", take_over=True)
    assert here(workspace, environment="prod")["changed"] is False
    assert "to environment prod" in refused(workspace, environment="dev")
    workspace.stack(*releases, environments=ENVIRONMENTS, name="another")
    assert f"to stack {workspace.prefix} (environment prod)" in refused(workspace, environment="prod")


def test_namespaces_may_name_the_environment_and_the_stack(workspace: Workspace) -> None:
    workspace.chart("app")
    release = {"name": "a", "chart": "./charts/app", "namespace": "${stack}-${environment}"}
    workspace.stack(release, environments=ENVIRONMENTS)
    for environment in ENVIRONMENTS:
        assert actions_of(here(workspace, environment=environment)) == {"a": "install"}
    assert set(workspace.snapshot().releases) == {f"{workspace.ns(name)}/a" for name in ENVIRONMENTS}

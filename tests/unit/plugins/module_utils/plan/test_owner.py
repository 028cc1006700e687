# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a release is: another stack's and another environment's are refused, nobody's are not."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import owner
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release


def deployed(name: str, stack: str | None, environment: str = "", status: str = "deployed") -> Deployed:
    labels = {stamp.STACK: stack, stamp.ENVIRONMENT: environment} if stack is not None else {}
    return Deployed("web", name, 1, status, "", labels=labels)


@pytest.mark.parametrize(
    ("found", "environment", "told"),
    [
        (None, "dev", ""),
        (deployed("a", None), "dev", ""),
        (deployed("a", "shop", "dev"), "dev", ""),
        (deployed("a", "shop", ""), "dev", ""),
        (deployed("a", "shop", "dev"), "prod", "environment dev of stack shop"),
        (deployed("a", "shop", "dev"), None, "environment dev of stack shop"),
        (deployed("a", "other", "dev"), "dev", "stack other (environment dev)"),
        (deployed("a", "other", "", "failed"), None, "stack other"),
        (deployed("a", "other", "", "uninstalled"), None, ""),
    ],
)
def test_another_owner_is_told(found: Deployed | None, environment: str | None, told: str) -> None:
    assert owner.other(found, "shop", environment) == told


def test_the_message_names_releases_and_owners() -> None:
    names = [f"r{number}" for number in range(7)]
    observed = {f"web/{name}": deployed(name, "shop", "dev") for name in names}
    observed["web/x"] = deployed("x", "other")
    releases = [Release(name, "web", "./c") for name in (*names, "x", "new")]
    with pytest.raises(InputError) as caught:
        owner.check(releases, observed, "shop", "prod")
    for words in (
        "this run is for environment prod of stack shop",
        "web/r0, web/r1, web/r2, web/r3, web/r4 and 2 more to environment dev of stack shop; web/x to stack other",
        "'take_over: true'",
    ):
        assert words in str(caught.value)
    owner.check(releases[-1:], observed, "shop", "prod")

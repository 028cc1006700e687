# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helmstack_info shows of a release's values and manifests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK
from ansible_collections.helmstack.core.plugins.module_utils.report.info import InfoReader
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack

MANIFEST = """\
kind: Secret
apiVersion: v1
metadata: {name: app-login}
stringData: {pin: q7k, url: "postgres://me:part-5517@h/x", hash: 0a1b}
"""


def test_values_are_masked_that_secrets_hold_or_whose_name_tells() -> None:
    config = {"short": "q7k", "db": {"word": "part-5517"}, "dbPassword": "hashed-5518", "existingSecret": "app-login"}
    body: Any = SimpleNamespace(
        name="app", namespace="web", manifest=MANIFEST, hooks=(), config=config, chart_values={"port": "80"}, notes=""
    )
    cluster: Any = None
    helm = SimpleNamespace(version=lambda: SimpleNamespace(major=4, minor=3))
    planner: Any = SimpleNamespace(changes=SimpleNamespace(context=SimpleNamespace(helm=lambda _release: helm)))
    shown = InfoReader(Stack("shop", None, ()), cluster, planner, ("computed_values", "manifest"))._included(None, body)
    assert shown["computed_values"] == {
        "port": "80",
        "short": MASK,
        "db": {"word": MASK},
        "dbPassword": MASK,
        "existingSecret": "app-login",
    }
    assert "name: app-login" in shown["manifest"]

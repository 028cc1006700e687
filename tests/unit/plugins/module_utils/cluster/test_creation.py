# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster import creation
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    refused,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

ITEM = {"kind": "ConfigMap", "metadata": {"name": "c"}}


class Client:
    """Answers with what it was told to, and notes what it was asked."""

    def __init__(self, answer: Exception | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def impatient(self, seconds: float) -> Client:
        return self

    def _ask(self, method: str, path: str, query: dict[str, Any]) -> None:
        self.asked.append((method, path, query))
        if self.answer:
            raise self.answer

    def create(self, path: str, body: Any, **query: Any) -> None:
        self._ask("POST", path, query)

    def patch(self, path: str, body: Any, content_type: str, **query: Any) -> None:
        self._ask("PATCH", path, query)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (None, "ConfigMap", ""),
        (Conflict("exists"), "ConfigMap", ""),
        (NotFound("namespace"), "ConfigMap", ""),
        (Invalid("port 0"), "ConfigMap", "helm will fail at it: port 0"),
        (Denied("exceeded quota"), "ConfigMap", "helm will fail at it: exceeded quota"),
        (Denied("service account x not found"), "ConfigMap", "helm will fail"),
        (Denied("service account x not found"), "Pod", ""),  # it may be of the same release
        (ClusterError("failed calling webhook"), "ConfigMap", "unless this is over by then"),
    ],
)
def test_what_a_dry_run_says(answer: Exception | None, kind: str, words: str) -> None:
    for applies in (False, True):
        client = Client(answer)
        told = creation.refusal(client, "/c", {**ITEM, "kind": kind}, applies=applies)  # type: ignore[arg-type]
        assert words in told
        assert bool(told) is bool(words)
        [(method, path, query)] = client.asked
        assert (method, path) == (("PATCH", "/c/c") if applies else ("POST", "/c"))
        assert query["dryRun"] == "All"


def test_a_lacking_right_is_no_answer() -> None:
    with pytest.raises(Forbidden):
        creation.refusal(Client(Forbidden("no")), "/c", ITEM, applies=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "message", "denied"),
    [
        (
            403,
            'secrets is forbidden: User "x" cannot create resource "secrets" in API group "" in the namespace "a"',
            False,
        ),
        (403, 'pods "p" is forbidden: exceeded quota: few', True),
        (400, "admission webhook w does not support dry run", False),
    ],
)
def test_a_quota_is_no_lacking_right(status: int, message: str, denied: bool) -> None:
    found = refused(status, json.dumps({"message": message}).encode(), "POST", "/x", "s")
    assert isinstance(found, Forbidden)
    assert isinstance(found, Denied) is denied

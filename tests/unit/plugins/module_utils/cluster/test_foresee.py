# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import lost_versions, overlaid


def definition(*versions: str, stored: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    served = [{"name": name, "schema": {"type": "object"}} for name in versions]
    return {"spec": {"versions": served, **spec}, "status": {"storedVersions": list(stored)}}


LIVE = {"metadata": {"name": "a", "labels": {"by": "hand"}}, **definition("v1", conversion={"strategy": "None"})}


@pytest.mark.parametrize(
    "sent",
    [
        {"metadata": {"name": "a"}, **definition("v1")},
        {"metadata": {"name": "a", "annotations": {}}, **definition("v1", preserveUnknownFields=False)},
        definition("v1", conversion={"strategy": "None"}),
    ],
    ids=["what the server adds", "what it leaves out", "a part"],
)
def test_what_the_server_makes_of_it_is_no_difference(sent: dict[str, Any]) -> None:
    assert overlaid(LIVE, sent) == LIVE


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (definition("v1", "v2"), {"versions": definition("v1", "v2")["spec"]["versions"]}),
        (definition("v2"), {"versions": definition("v2")["spec"]["versions"]}),
        (definition("v1", conversion={"strategy": "Webhook"}), {"conversion": {"strategy": "Webhook"}}),
        (definition("v1", scope="Cluster"), {"scope": "Cluster"}),
    ],
)
def test_what_is_said_otherwise_is_told(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    found = overlaid(LIVE, sent)
    assert found["spec"] == {**LIVE["spec"], **expected}
    assert found["metadata"] == LIVE["metadata"]


def test_a_field_that_leaves_a_schema_is_told() -> None:
    live, sent = definition("v1"), definition("v1")
    live["spec"]["versions"][0]["schema"]["properties"] = {"old": {"type": "string"}}
    assert overlaid(live, sent)["spec"] == sent["spec"]


@pytest.mark.parametrize(
    ("stored", "versions", "lost"),
    [(("v1",), ("v1", "v2"), []), (("v1",), ("v2",), ["v1"]), (("v1", "v2"), ("v3",), ["v1", "v2"]), (("v1",), (), [])],
)
def test_a_version_that_may_be_stored_is_not_given_up(
    stored: tuple[str, ...], versions: tuple[str, ...], lost: list[str]
) -> None:
    assert lost_versions(definition("v1", stored=stored), definition(*versions)) == lost

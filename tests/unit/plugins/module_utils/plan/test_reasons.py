# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why something happens to a release: each reason for itself."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import reasons

LABELS = {"helmstack.io/stack": "s", "helmstack.io/environment": "dev", "helmstack.io/revision": "4"}
DEPLOYED = Deployed("n", "r", 4, "deployed", "", labels=LABELS)
BODY = ReleaseBody("r", "n", 1, "deployed", "", "c", "1", "", {}, {}, "", (), "", {}, "")


@pytest.mark.parametrize(
    ("given", "stored", "reuses", "differ"),
    [
        ({"a": 1}, {"a": 1}, False, False),
        ({"a": 1}, {"a": 1, "b": 2}, False, True),
        ({"a": 1}, {"a": 1, "b": 2}, True, False),
        ({"a": {"x": 2}}, {"a": {"x": 1, "y": 1}}, True, True),
        ({"a": {"x": None}}, {"a": {"x": 1, "y": 1}}, True, True),
        ({"a": {"x": None}}, {"a": {"y": 1}}, True, False),  # what it takes away has gone
        ({}, {"a": 1}, True, False),
    ],
)
def test_values(given: Any, stored: Any, reuses: bool, differ: bool) -> None:
    assert reasons.other_values(given, stored, reuses=reuses) is differ


def test_templates_are_the_charts_own(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (tmp_path / "templates/a.yaml").write_text("a: 1\n")
    same = replace(BODY, templates={"templates/a.yaml": base64.b64encode(b"a: 1\n").decode()})
    assert not reasons.other_templates(same, str(tmp_path))
    (tmp_path / "README.md").write_text("text")
    assert not reasons.other_templates(same, str(tmp_path))
    (tmp_path / "templates/b.yaml").write_text("b: 1\n")
    assert reasons.other_templates(same, str(tmp_path))
    assert not reasons.other_templates(BODY, str(tmp_path))  # nothing is known of the deployed ones
    assert not reasons.other_templates(same, str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({}, "labels"),
        ({**LABELS, "helmstack.io/stack": "other"}, "labels"),
        ({**LABELS, "helmstack.io/environment": "prod"}, "labels"),
        (LABELS, "labels"),  # it was ready: what has changed is what went in
        ({**LABELS, "helmstack.io/revision": "3"}, "readiness"),
    ],
)
def test_a_release_that_is_only_marked(labels: dict[str, str], reason: str) -> None:
    assert reasons.of_adoption(replace(DEPLOYED, labels=labels), ("s", "dev")) == reason


@pytest.mark.parametrize(
    ("made", "description", "note"),
    [
        ({}, "Upgrade complete", ""),
        ({"helmstack.io/made": "4"}, "Upgrade complete", ""),
        ({"helmstack.io/made": "3"}, "Upgrade complete", "revision 4 was not made by this collection, which made 3"),
        ({"helmstack.io/made": "3"}, "Rollback to 2", "revision 4 is a rollback to 2"),
    ],
)
def test_who_has_made_the_newest_revision(made: dict[str, str], description: str, note: str) -> None:
    assert reasons.note(replace(DEPLOYED, labels={**LABELS, **made}), description) == note


@pytest.mark.parametrize(
    ("held", "wanted", "other"),
    [
        ({}, {"tier": "front"}, False),
        ({"tier": "front"}, {"tier": "front"}, False),
        ({"tier": "front"}, {}, False),
        ({"tier": "back"}, {"tier": "front"}, True),
        ({stamp.STACK: "s"}, {"tier": "front"}, True),
        ({stamp.STACK: "s", "tier": "front"}, {"tier": "front"}, False),
    ],
)
def test_labels_that_a_release_of_others_lacks_need_no_revision(
    held: dict[str, str], wanted: dict[str, str], other: bool
) -> None:
    assert reasons.other_labels(held, wanted) is other

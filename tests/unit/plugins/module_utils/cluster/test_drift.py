# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    as_applied,
    as_read,
    compare,
    covers,
    goes_by_itself,
    less,
)


def deployment(replicas: int, *managers: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "d", "managedFields": list(managers), **metadata},
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas},
    }


def manager(name: str, operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"manager": name, "operation": operation, "fieldsV1": {"f:spec": {"f:replicas": {}}}, **more}


def test_what_the_server_keeps_is_no_drift() -> None:
    assert compare(deployment(1, uid="a", generation=3), deployment(1, uid="b", generation=4)) is None


def test_a_merge_takes_away_what_only_the_manifest_before_said() -> None:
    former = {"data": {"a": "1", "b": "1"}, "list": [1, 2], "gone": {"c": 1}}
    manifest = {"data": {"a": "1"}, "list": [1]}
    live = {"data": {"a": "1", "b": "1", "by-hand": "1"}, "list": [1, 2], "gone": {"c": 1}, "status": 1}
    assert less(live, former, manifest) == {"data": {"a": "1", "by-hand": "1"}, "list": [1, 2], "status": 1}


@pytest.mark.parametrize("by", [manager("kubectl-edit"), manager("kubectl", "Apply"), manager("someone")])
def test_a_change_by_hand_is_drift(by: dict[str, Any]) -> None:
    found = compare(deployment(7, by), deployment(1))
    assert found is not None
    assert found.live is not None
    assert (found.live["spec"], found.restored["spec"]) == ({"replicas": 7}, {"replicas": 1})


@pytest.mark.parametrize(
    "by", [manager("kube-controller-manager", subresource="scale"), manager("some-operator", "Apply")]
)
def test_what_another_manager_owns_on_purpose_is_none(by: dict[str, Any]) -> None:
    assert compare(deployment(7, by), deployment(1)) is None


def test_the_owner_of_an_item_of_a_list_owns_no_other() -> None:
    def pod(*containers: dict[str, str]) -> dict[str, Any]:
        return {"metadata": {"managedFields": [owner]}, "spec": {"containers": list(containers)}}

    main = 'k:{"name":"main"}'
    owner = manager("operator", "Apply", fieldsV1={"f:spec": {"f:containers": {main: {".": {}, "f:image": {}}}}})
    live = pod({"name": "side", "image": "by-hand"}, {"name": "main", "image": "by-operator", "tty": "by-hand"})
    found = compare(live, pod({"name": "side", "image": "a"}, {"name": "main", "image": "b", "tty": "c"}))
    assert found is not None
    assert found.restored["spec"]["containers"] == [
        {"name": "side", "image": "a"},
        {"name": "main", "image": "by-operator", "tty": "c"},
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Job", {"ttlSecondsAfterFinished": 0}, True),
        ("Job", {}, False),
        ("Deployment", {"ttlSecondsAfterFinished": 1}, False),
    ],
)
def test_a_job_with_a_time_to_live_goes_by_itself(kind: str, spec: dict[str, int], expected: bool) -> None:
    assert goes_by_itself({"kind": kind, "spec": spec}) is expected


def test_an_object_is_applied_with_helms_marks() -> None:
    found = as_applied({"metadata": {"name": "a", "annotations": {"x": "y"}}}, "web", "shop")
    assert found["metadata"]["annotations"] == {
        "x": "y",
        "meta.helm.sh/release-name": "web",
        "meta.helm.sh/release-namespace": "shop",
    }
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {"a": True}, False),
        ({}, {"a": None}, True),
        ({"a": 1}, {"a": None}, False),
        ({}, {"a": {}}, True),
        ({}, {"a": {"b": 1}}, False),
        ({"l": [{"a": 1, "b": 2}]}, {"l": [{"a": 1}]}, True),
        ({"l": [1, 2]}, {"l": [1]}, False),
        ({}, {"l": []}, True),
    ],
)
def test_an_object_with_all_that_its_manifest_says_needs_no_dry_run(live: Any, wanted: Any, expected: bool) -> None:
    assert covers(live, wanted) is expected


def test_a_secret_is_compared_as_the_server_keeps_it() -> None:
    wanted = {"kind": "Secret", "data": {"b": "Yg=="}, "stringData": {"a": "a"}}
    assert as_read(wanted) == {"kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="}}
    assert as_read({"kind": "ConfigMap", "stringData": 1}) == {"kind": "ConfigMap", "stringData": 1}

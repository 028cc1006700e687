# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery documents of all ages, and whether a cluster is the expected one."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import (
    Api,
    check_expected,
    cluster_info,
    discover,
    normalised,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ClusterInfo, Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, Unreachable
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

UID = "938a347e-301a-4dff-a60b-9aa11f736ca6"
INFO = ClusterInfo("https://10.0.0.1:6443", "dev", UID, "v1.36.3", 36)


class FakeClient:
    """Answers GETs from a table; an exception in it is raised."""

    server = "https://api.example"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.paths: list[str] = []

    def get(self, path: str, accept: str = "") -> Any:
        self.paths.append(path)
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer

    get_or_none = get


def kind(name: str) -> dict[str, str]:
    return {"group": "", "version": "v1", "kind": name}


def entry(plural: str, name: str, scope: str = "Namespaced", *below: str) -> dict[str, Any]:
    subresources = [{"subresource": item.lower(), "responseKind": kind(item)} for item in below]
    return {
        "resource": plural,
        "responseKind": kind(name),
        "scope": scope,
        "verbs": ["delete", "get", "list"],
        "subresources": subresources,
    }


AGGREGATED = {
    "/api": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {},
                "versions": [
                    {
                        "version": "v1",
                        "freshness": "Current",
                        "resources": [
                            entry("pods", "Pod", "Namespaced", "Eviction"),
                            entry("namespaces", "Namespace", "Cluster"),
                        ],
                    }
                ],
            }
        ],
    },
    "/apis": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": "apps"},
                "versions": [
                    {
                        "version": "v1",
                        "freshness": "Current",
                        "resources": [
                            entry("deployments", "Deployment", "Namespaced", "Scale"),
                            {
                                "resource": "odd",
                                "scope": "Cluster",
                                "subresources": [
                                    {"subresource": "x", "responseKind": kind("Odd")},
                                    {"subresource": "y"},
                                ],
                            },
                            entry("deploymentcopies", "Deployment"),
                        ],
                    }
                ],
            },
            {
                "metadata": {"name": "down.example"},
                "versions": [{"version": "v1", "freshness": "Stale", "resources": [entry("x", "X")]}],
            },
            {"metadata": {"name": "bare.example"}, "versions": [{"version": "v1"}]},
        ],
    },
}
PLAIN = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {"name": "apps", "versions": [{"groupVersion": "apps/v1"}]},
            {"name": "down.example", "versions": [{"groupVersion": "down.example/v1"}]},
        ],
    },
    "/api/v1": {
        "resources": [
            {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
            {"name": "pods/eviction", "kind": "Eviction", "namespaced": True, "verbs": ["create"]},
        ]
    },
    "/apis/apps/v1": {
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get"]}]
    },
    "/apis/down.example/v1": ClusterError("503"),
}


def read(answers: dict[str, Any]) -> tuple[Api, list[str]]:
    client: Any = FakeClient(answers)
    return discover(client), client.paths


def test_aggregated_documents_take_two_requests() -> None:
    api, paths = read(AGGREGATED)
    assert paths == ["/api", "/apis"]
    assert api.api_versions() == (
        "apps/v1",
        "apps/v1/Deployment",
        "apps/v1/Odd",
        "apps/v1/Scale",
        "bare.example/v1",
        "v1",
        "v1/Eviction",
        "v1/Namespace",
        "v1/Pod",
    )
    assert api.find("apps/v1", "Deployment") == Resource("apps/v1", "Deployment", "deployments", True, stored=True)
    assert api.find("apps/v1", "Scale") is None


def test_older_servers_are_asked_for_each_group_version() -> None:
    api, paths = read(PLAIN)
    assert paths == ["/api", "/api/v1", "/apis", "/apis/apps/v1", "/apis/down.example/v1"]
    assert api.api_versions() == ("apps/v1", "apps/v1/Deployment", "down.example/v1", "v1", "v1/Eviction", "v1/Pod")
    assert api.find("v1", "Pod") == Resource("v1", "Pod", "pods", True, stored=False)
    assert api.find("v1", "Eviction") is None


def test_a_server_that_stops_answering_ends_the_discovery() -> None:
    with pytest.raises(Unreachable):
        read({**PLAIN, "/apis/apps/v1": Unreachable("gone")})


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("v1", "Pod", "web", "x"), "/api/v1/namespaces/web/pods/x"),
        (("v1", "Pod", "web"), "/api/v1/namespaces/web/pods"),
        (("v1", "Pod"), "/api/v1/pods"),
        (("v1", "Namespace", "ignored", "x"), "/api/v1/namespaces/x"),
        (("apps/v1", "Deployment", "web", "x"), "/apis/apps/v1/namespaces/web/deployments/x"),
    ],
)
def test_the_path_of_an_object(arguments: tuple[str, ...], path: str) -> None:
    assert read(AGGREGATED)[0].path(*arguments) == path


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("extensions/v1beta1", "Deployment"),
            r"kind Deployment in apiVersion extensions/v1beta1\. It has it in apps/v1$",
        ),
        (("apps/v1", "Deploymnt"), r"kind Deploymnt in apiVersion apps/v1\. Did you mean 'Deployment'\?$"),
    ],
)
def test_an_unknown_kind_is_told(arguments: tuple[str, str], sentence: str) -> None:
    with pytest.raises(ClusterError, match=sentence):
        read(AGGREGATED)[0].path(*arguments)


@pytest.mark.parametrize(
    ("version", "minor"), [("v1.36.3", 36), ("v1.29.4-gke.1043002", 29), ("v1.31.0+k3s1", 31), ("1.30.1", 30)]
)
def test_the_minor_version_is_read_from_the_whole(version: str, minor: int) -> None:
    client: Any = FakeClient({"/version": {"gitVersion": version}, "/api/v1/namespaces/kube-system": Forbidden("no")})
    assert cluster_info(client, "dev") == ClusterInfo("https://api.example", "dev", None, version, minor)


@pytest.mark.parametrize("answer", [{}, {"gitVersion": "unknown"}])
def test_a_server_without_a_version_is_told(answer: dict[str, str]) -> None:
    client: Any = FakeClient({"/version": answer})
    with pytest.raises(ClusterError, match="reports no Kubernetes version"):
        cluster_info(client, "dev")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://a.example", "https://a.example/", True),
        ("https://A.example", "HTTPS://a.EXAMPLE:443", True),
        ("a.example:6443", "https://a.example:6443", True),
        ("http://a.example:80", "http://a.example", True),
        ("https://[FD00::1]:6443/", "https://[fd00::1]:6443", True),
        ("https://rancher.example/k8s/clusters/c-1/", "https://rancher.example/k8s/clusters/c-1", True),
        ("https://rancher.example/k8s/clusters/c-1", "https://rancher.example/k8s/clusters/c-2", False),
        ("https://a.example", "https://a.example:6443", False),
        ("http://a.example", "https://a.example", False),
        ("https://a.example:x", "https://a.example", False),
    ],
)
def test_equal_servers_have_equal_urls(left: str, right: str, same: bool) -> None:
    assert (normalised(left) == normalised(right)) is same


@pytest.mark.parametrize(
    "expected", [None, "", "https://10.0.0.1:6443/", "10.0.0.1:6443", UID, UID.upper(), f" {UID} "]
)
def test_the_expected_cluster_passes(expected: str | None) -> None:
    check_expected(INFO, expected)


@pytest.mark.parametrize("expected", ["https://10.0.0.2:6443", "https://10.0.0.1", UID.replace("9", "8")])
def test_another_cluster_is_told_with_both_names(expected: str) -> None:
    with pytest.raises(ClusterError, match="the wrong cluster") as caught:
        check_expected(INFO, expected)
    assert expected in str(caught.value)
    assert INFO.server in str(caught.value)


def test_a_uid_that_may_not_be_read_stops_a_run_that_expects_one() -> None:
    hidden = ClusterInfo(INFO.server, "dev", None, "v1.36.3", 36)
    check_expected(hidden, INFO.server)
    with pytest.raises(ClusterError, match="the UID of namespace kube-system is not readable"):
        check_expected(hidden, UID)

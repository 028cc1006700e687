# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases of a cluster are taken, and what is said of the others."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.importing.reading import Choice, read


def item(name: str, namespace: str = "a", revision: int = 1, status: str = "deployed", **more: Any) -> dict[str, Any]:
    body = {"name": name, "namespace": namespace, "version": revision, "config": {"r": revision}, "manifest": ""}
    body |= more.pop("body", {})
    body["chart"] = {"metadata": {"name": "c", "version": "1"}, "templates": [], "values": {}}
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
    labels = {"owner": "helm", "name": name, "status": status, "version": str(revision), **more.pop("labels", {})}
    return {
        "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace, "labels": labels},
        "data": {"release": more.get("data") or base64.b64encode(packed).decode()},
    }


class FakeClient:
    """Answers as the API does to these selectors."""

    def __init__(self, *items: dict[str, Any], forbidden: bool = False) -> None:
        self.items = items
        self.forbidden = forbidden
        self.requests: list[str] = []

    def list(self, path: str, *, metadata_only: bool = False, label_selector: str) -> list[dict[str, Any]]:
        self.requests.append(path)
        if self.forbidden and "/namespaces/" not in path:
            raise Forbidden("no right to list secrets in the whole cluster", hint="Grant it")
        kind = path.rpartition("/")[2]
        space = path.split("/")[4] if "/namespaces/" in path else ""
        return [
            one
            for one in self.items
            if kind == "secrets" and space in ("", one["metadata"]["namespace"]) and self._fits(one, label_selector)
        ]

    def get_or_none(self, path: str, *, accept: str = "") -> dict[str, Any] | None:
        self.requests.append(path)
        if "metadata" in accept.lower():
            return {} if path == "/api/v1/namespaces/empty" else None
        places = {"/{namespace}/secrets/{name}".format(**one["metadata"]): one for one in self.items}
        return next((one for place, one in places.items() if path.endswith(place)), None)

    @staticmethod
    def _fits(one: dict[str, Any], selector: str) -> bool:
        labels = one["metadata"]["labels"]
        for part in selector.replace("name in (", "names=").split(","):
            key, sign, value = part.partition("!=") if "!=" in part else part.partition("=")
            if key == "names":
                return labels["name"] in selector.partition("name in (")[2].rstrip(")").split(",")
            if sign == "!=" and labels.get(key) == value:
                return False
            if sign == "=" and labels.get(key) != value:
                return False
        return True


def found(*items: dict[str, Any], **choice: Any) -> Any:
    client: Any = FakeClient(*items)
    return read(client, Choice(**choice))


def test_many_bodies_come_in_one_request() -> None:
    client: Any = FakeClient(*(item(f"r{number}") for number in range(9)))
    assert len(read(client, Choice()).releases) == 9
    assert len(client.requests) == 2


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({}, ["a/web", "b/db", "b/web"]),
        ({"namespaces": ("b",)}, ["b/db", "b/web"]),
        ({"names": ("w*",)}, ["a/web", "b/web"]),
        ({"names": ("b/*d*",)}, ["b/db"]),
        ({"label_selectors": ("tier=back",)}, ["b/db"]),
    ],
)
def test_releases_are_chosen(choice: dict[str, Any], names: list[str]) -> None:
    items = item("web"), item("web", "b"), item("db", "b", labels={"tier": "back"})
    assert [release.id for release in found(*items, **choice).releases] == names


def test_namespaces_without_a_release_are_named() -> None:
    items = item("web"), item("db", "b")
    result = found(*items, namespaces=("nope", "a", "empty"), names=("w*",))
    assert result.left_out == ("the namespace empty of the cluster has no release", "the cluster has no namespace nope")
    assert found(*items, namespaces=("a", "b"), names=("w*",)).left_out == ()


def test_the_names_are_those_that_the_api_server_knows() -> None:
    """A path in what is stored would lead out of the folder."""
    stored = item("../../x")
    stored["metadata"]["name"] = "sh.helm.release.v1.web.v1"
    assert [release.id for release in found(stored).releases] == ["a/web"]


def test_the_users_labels_are_kept() -> None:
    items = [item("web", labels={"tier": "front", "helmstack.io/stack": "shop", "modifiedAt": "1"})]
    result = found(*items)
    assert result.releases[0].labels == {"tier": "front"}
    assert "belongs to the stack 'shop' already" in result.notes[0]


@pytest.mark.parametrize(
    ("items", "revision", "told"),
    [
        ([item("web", status="pending-install")], None, "its first installation is at work still, or was killed"),
        ([item("web", status="uninstalled")], None, "it is uninstalled"),
        ([item("web", data="AAAA")], None, "is damaged"),
        ([item("web", body={"namespace": "b"})], None, "move Helm's Secrets of it to b"),
        ([item("web"), item("web", revision=2, status="failed")], 1, "revision 2 is failed"),
        ([item("web"), item("web", revision=2, status="pending-upgrade")], 1, "revision 2 is pending-upgrade"),
        ([item("web", status="superseded"), item("web", revision=2, status="failed")], 2, "to go by, 2, is failed"),
        ([item("web", status="failed")], 1, "its only revision to go by, 1, is failed"),
    ],
)
def test_what_is_not_simply_deployed_is_told(items: list[Any], revision: int | None, told: str) -> None:
    result = found(*items)
    assert [release.revision for release in result.releases] == ([revision] if revision else [])
    assert told in "\n".join((*result.notes, *result.left_out))


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"names": ("wep",)}, "none of the 1 releases that may be read is called wep. Did you mean 'web'?"),
        ({"label_selectors": ("a=b",)}, "none of the 1 releases has such labels: a=b"),
        ({"namespaces": ("c",)}, "there is no release in namespace c. Check the cluster and the namespaces"),
    ],
)
def test_no_such_release_is_an_error(choice: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        found(item("web"), **choice)
    assert str(caught.value) == told


def test_who_may_not_list_is_told_of_namespaces() -> None:
    client: Any = FakeClient(forbidden=True)
    with pytest.raises(Forbidden, match=r"Grant it\. Or name the namespaces that may be read with namespaces"):
        read(client, Choice())


def test_a_driver_outside_of_the_cluster_is_refused() -> None:
    client: Any = FakeClient()
    with pytest.raises(ClusterError, match="HELM_DRIVER is 'sql'"):
        read(client, Choice(), "sql")

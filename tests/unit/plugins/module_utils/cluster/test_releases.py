# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases out of Helm's storage; the storage objects are recorded from Helm 3.22 and 4.3."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.cluster import releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return data


def stored(name: str, revision: int, status: str, namespace: str = "web", **labels: str) -> dict[str, Any]:
    own = {"owner": "helm", "name": name, "status": status, "version": str(revision), "createdAt": "100"}
    metadata = {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace, "labels": {**own, **labels}}
    return {"metadata": metadata}


class FakeClient:
    """Answers LISTs from a list of metadata, as the API does with these selectors."""

    def __init__(self, items: list[dict[str, Any]], everywhere: bool = True) -> None:
        self.items = items
        self.everywhere = everywhere
        self.calls: list[tuple[str, str]] = []

    def list(self, path: str, *, metadata_only: bool, label_selector: str) -> list[dict[str, Any]]:
        assert metadata_only
        self.calls.append((path, label_selector))
        if path.startswith("/api/v1/namespaces/"):
            namespace = path.split("/")[4]
        elif not self.everywhere:
            raise Forbidden("no")
        else:
            namespace = ""
        return [item for item in self.items if self.fits(item["metadata"], namespace, label_selector)]

    @staticmethod
    def fits(metadata: Mapping[str, Any], namespace: str, selector: str) -> bool:
        status = metadata["labels"]["status"]
        if "status!=superseded" in selector:
            right = status != "superseded"
        else:
            names = selector.partition("name in (")[2].rstrip(")").split(",")
            right = status == "superseded" and metadata["labels"]["name"] in names
        return right and namespace in ("", metadata["namespace"])


def observe(items: list[dict[str, Any]], *arguments: Any, **how: Any) -> dict[str, tuple[int, str, int | None]]:
    client: Any = FakeClient(items)
    found = releases.observe(client, *arguments, **how)
    return {key: (item.revision, item.status, item.current_revision) for key, item in found.items()}


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
@pytest.mark.parametrize("driver", ["secret", "configmap"])
def test_a_recorded_body_is_decoded(helm: str, driver: str) -> None:
    body = releases.decode(recorded(f"{helm}-{driver}"))
    name = f"rec{helm[-1]}{driver}"
    assert (body.namespace, body.name, body.revision, body.status) == ("rec", name, 1, "deployed")
    assert (body.chart_name, body.chart_version, body.app_version) == ("web-app", "1.6.0", "2.0")
    assert (body.config, body.chart_values) == ({"colour": "blue", "n": 1}, {"colour": "red"})
    assert (body.description, body.notes, body.labels) == ("recorded", "Welcome\n", {"tier": "front"})
    assert "data: {colour: blue}" in body.manifest
    hook = body.hooks[0]
    assert (len(body.hooks), hook.events) == (1, ("pre-upgrade",))
    assert f"name: {name}-hook" in hook.manifest
    assert body.last_deployed.startswith("2026-")
    assert body.apply_method == ("ssa" if helm == "helm4" else "")


def test_a_body_from_before_helm_compressed_is_decoded() -> None:
    item = recorded("helm3-configmap")
    plain = gzip.decompress(base64.b64decode(item["data"]["release"]))
    item["data"]["release"] = base64.b64encode(plain).decode()
    assert releases.decode(item).chart_name == "web-app"


def packed(data: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"release": "*"},
        {"release": "abc"},
        {"release": base64.b64encode(b"\x1f\x8b\x08cut").decode()},
        {"release": base64.b64encode(gzip.compress(b"{}" * 500)[:20]).decode()},
        {"release": base64.b64encode(b"not json").decode()},
        {"release": packed([])},
        {"release": packed({"name": "x"})},
        {"release": packed({"name": "x", "namespace": "y", "version": 1, "info": {}, "chart": None})},
        None,
    ],
)
def test_damaged_data_is_told_with_its_object(data: Any) -> None:
    item = {**recorded("helm3-configmap"), "data": data}
    with pytest.raises(
        ClusterError, match=r"release sh\.helm\.release\.v1\.rec3configmap\.v1 in namespace rec is damaged"
    ):
        releases.decode(item)


def test_the_latest_revision_counts_and_the_last_deployed_is_known() -> None:
    items = [
        stored("a", 9, "failed"),
        stored("a", 10, "failed"),
        stored("a", 2, "deployed"),
        stored("a", 8, "deployed"),
        stored("b.c", 1, "pending-install", "data"),
        {"metadata": {"name": "foreign", "namespace": "web", "labels": {"owner": "helm", "status": "x"}}},
    ]
    assert observe(items, None) == {"web/a": (10, "failed", 8), "data/b.c": (1, "pending-install", None)}


def test_labels_are_the_users_alone_and_the_time_is_the_latest() -> None:
    client: Any = FakeClient([stored("a", 1, "deployed", modifiedAt="200", tier="x", **{"helmstack.io/stack": "s"})])
    found = releases.observe(client, None)["web/a"]
    assert (found.labels, found.modified) == ({"tier": "x", "helmstack.io/stack": "s"}, 200)
    assert (found.id, found.storage_name) == ("web/a", "sh.helm.release.v1.a.v1")


def test_without_helms_times_the_objects_own_counts() -> None:
    item = stored("a", 1, "deployed", createdAt="")
    item["metadata"]["creationTimestamp"] = "1970-01-01T00:01:00Z"
    client: Any = FakeClient([item])
    assert releases.observe(client, None)["web/a"].modified == 60


def test_a_new_revision_is_not_as_old_as_the_labels_that_helm_copies_from_the_last() -> None:
    item = stored("a", 2, "pending-upgrade", modifiedAt="50")
    item["metadata"]["creationTimestamp"] = "1970-01-01T00:05:00Z"
    client: Any = FakeClient([item])
    assert releases.observe(client, None)["web/a"].modified == 300


def test_a_release_that_was_superseded_but_not_yet_deployed_anew_knows_what_it_was() -> None:
    items = [
        stored("a", 1, "superseded"),
        stored("a", 2, "superseded"),
        stored("a", 3, "pending-upgrade"),
        stored("b", 1, "deployed"),
        stored("b", 2, "pending-rollback"),
        stored("c", 1, "superseded"),
        stored("c", 2, "uninstalling"),
    ]
    assert observe(items, None) == {
        "web/a": (3, "pending-upgrade", 2),
        "web/b": (2, "pending-rollback", 1),
        "web/c": (2, "uninstalling", None),
    }


@pytest.mark.parametrize(
    ("namespaces", "paths"),
    [
        (None, ["/api/v1/secrets"]),
        (set(), []),
        ({"web"}, ["/api/v1/namespaces/web/secrets"]),
        ({"a", "b", "web"}, [f"/api/v1/namespaces/{name}/secrets" for name in ("a", "b", "web")]),
        ({"a", "b", "c", "web"}, ["/api/v1/secrets"]),
    ],
)
def test_few_namespaces_are_asked_one_by_one(namespaces: set[str] | None, paths: list[str]) -> None:
    client: Any = FakeClient([stored("x", 1, "deployed"), stored("y", 1, "deployed", "elsewhere")])
    found = releases.observe(client, namespaces)
    assert sorted(path for path, _selector in client.calls) == paths
    assert set(found) == (
        {"web/x", "elsewhere/y"} if namespaces is None else {"web/x"} & {f"{n}/x" for n in namespaces}
    )


def test_many_namespaces_are_asked_one_by_one_if_the_whole_cluster_is_forbidden() -> None:
    client: Any = FakeClient([stored("x", 1, "deployed")], everywhere=False)
    assert set(releases.observe(client, {"a", "b", "c", "web"})) == {"web/x"}
    assert len(client.calls) == 5
    with pytest.raises(Forbidden):
        releases.observe(client, None)


def test_superseded_revisions_are_read_only_of_what_is_wanted_and_was_not_found() -> None:
    items = [stored("a", 1, "deployed"), stored("b", 1, "superseded"), stored("b", 2, "superseded")]
    assert observe(items, None) == {"web/a": (1, "deployed", 1)}
    assert observe(items, None, wanted=["web/a", "web/b", "web/c", "data/b"]) == {
        "web/a": (1, "deployed", 1),
        "web/b": (2, "superseded", None),
    }
    items.append(stored("b", 1, "superseded", "data"))  # not asked for, though its name and its namespace are
    assert set(observe(items, None, wanted=["web/b", "data/c"])) == {"web/a", "web/b"}
    client: Any = FakeClient(items)
    releases.observe(client, None, wanted=["web/a"])
    assert len(client.calls) == 1


def test_a_lost_revision_leaves_the_newest_of_what_failed_and_what_was_superseded() -> None:
    failed = [stored("a", 1, "superseded"), stored("a", 2, "failed"), stored("a", 3, "superseded")]
    assert observe(failed, {"web"}) == {"web/a": (3, "superseded", None)}
    assert observe([*failed, stored("a", 4, "failed")], {"web"}) == {"web/a": (4, "failed", None)}


@pytest.mark.parametrize(
    ("driver", "resource"),
    [("", "secrets"), ("secret", "secrets"), ("secrets", "secrets"), ("configmap", "configmaps"), ("configmaps",) * 2],
)
def test_the_driver_names_the_kind_of_storage(driver: str, resource: str) -> None:
    assert releases.resource_of(driver) == resource


@pytest.mark.parametrize("driver", ["sql", "memory", "Secret"])
def test_other_drivers_are_told(driver: str) -> None:
    with pytest.raises(ClusterError, match=f"HELM_DRIVER is '{driver}', but .* Set it to secret or configmap"):
        releases.resource_of(driver)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster room against a real control plane and a real helm.

HELMSTACK_KUBECONFIG names a kubeconfig whose user is cluster admin, HELMSTACK_HELM a helm binary of version 3 or 4.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils.cluster import releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import (
    check_expected,
    cluster_info,
    discover,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.objects import existing_namespaces
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Forbidden,
    NotFound,
    Unauthorized,
    Unreachable,
    Untrusted,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.session import Session
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

KUBECONFIG = os.environ.get("HELMSTACK_KUBECONFIG", "")
HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not KUBECONFIG or not HELM, reason="needs HELMSTACK_KUBECONFIG and HELMSTACK_HELM")

CHART = """apiVersion: v2
name: web-app
version: 1.6.0
appVersion: "2.0"
"""
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {colour: {{ .Values.colour | quote }}}
"""
HOOK = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "3",
    "helm.sh/hook-delete-policy": before-hook-creation}
"""
CAPABILITIES = """apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {versions: {{ .Capabilities.APIVersions | toJson | quote }}}
"""


def connect(folder: Path, **options: Any) -> Client:
    folder.mkdir(parents=True, exist_ok=True)
    return Client(write_kubeconfig(ConnectionOptions.of({"kubeconfig": KUBECONFIG, **options}), {}, folder).path)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return connect(tmp_path / "admin")


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "web-app"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text("colour: red\nsize: 1\n")
    (folder / "templates" / "settings.yaml").write_text(TEMPLATE)
    (folder / "templates" / "hook.yaml").write_text(HOOK)
    (folder / "templates" / "NOTES.txt").write_text("Welcome to {{ .Release.Name }}")
    return folder


@pytest.fixture
def namespace(client: Client) -> Iterator[str]:
    name = f"room-{time.time_ns()}"
    client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    client.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def helm(tmp_path: Path, namespace: str) -> Callable[..., str]:
    def run(*arguments: str, ok: bool = True, driver: str = "secret") -> str:
        environ = {**os.environ, "HELM_DRIVER": driver, "HELM_CACHE_HOME": str(tmp_path / "cache")}
        command = [HELM, *arguments, "--kubeconfig", str(tmp_path / "admin" / "kubeconfig"), "--namespace", namespace]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        assert (done.returncode == 0) is ok, done.stderr
        return done.stdout

    return run


def observed(client: Client, namespace: str, **how: Any) -> Deployed:
    return releases.observe(client, {namespace}, **how)[f"{namespace}/app"]


@pytest.mark.parametrize("driver", ["secret", "configmap"])
def test_observes_a_release_through_its_whole_life(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str], driver: str
) -> None:
    started = int(time.time())

    def state() -> tuple[int, str, int | None]:
        found = observed(client, namespace, driver=driver)
        return found.revision, found.status, found.current_revision

    helm("install", "app", str(chart), driver=driver)
    assert state() == (1, "deployed", 1)
    assert started - 1 <= observed(client, namespace, driver=driver).modified <= time.time() + 1
    helm("upgrade", "app", str(chart), "--set", "colour=blue", driver=driver)
    assert state() == (2, "deployed", 2)
    helm("rollback", "app", "1", driver=driver)
    assert state() == (3, "deployed", 3)
    (chart / "templates" / "broken.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Valid}\n")
    helm("upgrade", "app", str(chart), driver=driver, ok=False)
    assert state() == (4, "failed", 3)
    helm("uninstall", "app", "--keep-history", driver=driver)
    assert state()[:2] == (4, "uninstalled")
    helm("uninstall", "app", driver=driver)
    assert releases.observe(client, {namespace}, driver) == {}


def test_a_failed_first_install_has_no_current_revision(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str]
) -> None:
    (chart / "templates" / "broken.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Valid}\n")
    helm("install", "app", str(chart), ok=False)
    found = observed(client, namespace)
    assert (found.revision, found.status, found.current_revision) == (1, "failed", None)


def test_reads_the_body_of_the_latest_and_of_an_earlier_revision(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str]
) -> None:
    helm("install", "app", str(chart), "--set", "colour=green", "--description", "first")
    helm("upgrade", "app", str(chart), "--set", "colour=blue")
    found = observed(client, namespace)
    latest, first = releases.body(client, found), releases.body(client, found, revision=1)
    assert (latest.revision, latest.status, latest.config) == (2, "deployed", {"colour": "blue"})
    assert (first.revision, first.status, first.description) == (1, "superseded", "first")
    assert (latest.name, latest.namespace, latest.chart_name) == ("app", namespace, "web-app")
    assert (latest.chart_version, latest.app_version) == ("1.6.0", "2.0")
    assert latest.chart_values == {"colour": "red", "size": 1}
    assert "app-settings" in latest.manifest
    assert "app-hook" not in latest.manifest
    [hook] = latest.hooks
    assert "name: app-hook" in hook.manifest
    assert hook.events == ("pre-install", "pre-upgrade")
    assert latest.notes == "Welcome to app"
    assert latest.last_deployed
    with pytest.raises(NotFound, match="has no revision 9"):
        releases.body(client, found, revision=9)


def test_a_stamp_is_one_request_and_helm_copies_it_to_later_revisions(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str]
) -> None:
    helm("install", "app", str(chart), "--labels", "tier=front")
    before = client.requests
    stamp = {"helmstack.io/stack": "shop", "helmstack.io/fingerprint": "abc123"}
    releases.stamp(client, namespace, "app", 1, stamp)
    assert client.requests == before + 1
    assert observed(client, namespace).labels == {"tier": "front", **stamp}
    helm("upgrade", "app", str(chart), "--set", "colour=blue")
    upgraded = observed(client, namespace)
    assert (upgraded.revision, upgraded.labels) == (2, {"tier": "front", **stamp})
    helm("rollback", "app", "1")
    rolled_back = observed(client, namespace)
    assert (rolled_back.revision, rolled_back.labels) == (3, {"tier": "front", **stamp})
    releases.stamp(client, namespace, "app", 3, {"helmstack.io/fingerprint": None})
    assert observed(client, namespace).labels == {"tier": "front", "helmstack.io/stack": "shop"}
    assert releases.body(client, rolled_back).status == "deployed"


def test_a_release_of_which_only_superseded_revisions_are_left_is_found_if_wanted(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str], tmp_path: Path
) -> None:
    helm("install", "app", str(chart))
    helm("upgrade", "app", str(chart))
    client.delete(f"/api/v1/namespaces/{namespace}/secrets/sh.helm.release.v1.app.v2")
    found = observed(client, namespace, wanted=[f"{namespace}/app", f"{namespace}/absent"])
    assert (found.revision, found.status, found.current_revision) == (1, "superseded", None)
    session = Session(write_kubeconfig(ConnectionOptions(kubeconfig=KUBECONFIG), {}, tmp_path), {namespace}, [], "")
    assert session.releases() == {}
    session.want([f"{namespace}/app", f"{namespace}/absent"])  # an umbrella's sub-charts are known only later
    assert session.releases() == {f"{namespace}/app": found}


def test_observes_all_namespaces_with_one_request(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str]
) -> None:
    helm("install", "app", str(chart))
    before = client.requests
    assert set(releases.observe(client, {namespace, "a", "b", "c", "d"})) == {f"{namespace}/app"}
    assert client.requests == before + 1
    everything = releases.observe(client, None)
    assert f"{namespace}/app" in everything
    # of what other tests have left failed or unfinished the revisions before are asked for
    unfinished = any(item.status != "deployed" for item in everything.values())
    assert client.requests <= before + 2 + unfinished


def test_without_the_right_to_list_everywhere_each_namespace_is_asked(
    client: Client, chart: Path, namespace: str, helm: Callable[..., str], tmp_path: Path
) -> None:
    helm("install", "app", str(chart))
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    client.create(f"{rbac}/roles", {"metadata": {"name": "read"}, "rules": rules})
    subject = {"kind": "User", "name": namespace, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": "read", "apiGroup": "rbac.authorization.k8s.io"}
    client.create(f"{rbac}/rolebindings", {"metadata": {"name": "read"}, "roleRef": role, "subjects": [subject]})
    weak = connect(tmp_path / "weak", impersonate_user=namespace)
    assert set(releases.observe(weak, {namespace})) == {f"{namespace}/app"}
    with pytest.raises(Forbidden, match="no right to list secrets in the whole cluster"):
        releases.observe(weak, None)
    expected = f"no right to list secrets in namespace (a|b|c|d|e): user '{namespace}' may not"
    with pytest.raises(Forbidden, match=expected):
        releases.observe(weak, {namespace, "a", "b", "c", "d", "e"})


def test_the_version_set_is_what_helm_itself_finds(client: Client, chart: Path, helm: Callable[..., str]) -> None:
    (chart / "templates" / "settings.yaml").write_text(CAPABILITIES)
    (chart / "templates" / "hook.yaml").unlink()
    before = client.requests
    api = discover(client)
    assert client.requests == before + 2
    output = json.loads(helm("install", "app", str(chart), "--dry-run=server", "-o", "json"))
    line = next(line for line in output["manifest"].splitlines() if line.startswith("data: "))
    versions = json.loads(json.loads(line.partition("versions: ")[2].rstrip("}")))
    assert list(api.api_versions()) == sorted(set(versions))
    assert "apps/v1/Scale" in versions


def test_paths_lead_to_the_objects(client: Client, namespace: str) -> None:
    api = discover(client)
    client.create(api.path("v1", "ServiceAccount", namespace), {"metadata": {"name": "made"}})
    assert client.get(api.path("v1", "ServiceAccount", namespace, "made"))["metadata"]["name"] == "made"
    assert client.get(api.path("v1", "Namespace", None, namespace))["metadata"]["name"] == namespace
    with pytest.raises(ClusterError, match=r"does not know kind Deployment in apiVersion apps/v1beta1.*apps/v1"):
        api.path("apps/v1beta1", "Deployment", namespace, "x")


def test_namespaces_are_found_with_and_without_the_right_to_list_them(
    client: Client, namespace: str, tmp_path: Path
) -> None:
    assert existing_namespaces(client, {namespace, "absent"}) == {namespace}
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    subject = {"kind": "User", "name": namespace, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": namespace, "apiGroup": "rbac.authorization.k8s.io"}
    client.create(f"{rbac}/clusterroles", {"metadata": {"name": namespace}, "rules": rules})
    binding = {"metadata": {"name": namespace}, "roleRef": role, "subjects": [subject]}
    client.create(f"{rbac}/clusterrolebindings", binding)
    try:
        weak = connect(tmp_path / "weak", impersonate_user=namespace)
        assert existing_namespaces(weak, {namespace, "absent"}) == {namespace}
    finally:
        client.delete(f"{rbac}/clusterroles/{namespace}")
        client.delete(f"{rbac}/clusterrolebindings/{namespace}")


def test_lists_are_paged(client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(5):
        client.create(path, {"metadata": {"name": f"n{number}", "labels": {"odd": str(number % 2)}}})
    monkeypatch.setattr("ansible_collections.helmstack.core.plugins.module_utils.cluster.client.PAGE", 2)
    before = client.requests
    names = [item["metadata"]["name"] for item in client.list(path, label_selector="odd")]
    assert names == [f"n{number}" for number in range(5)]
    assert client.requests == before + 3
    metadata = client.list(path, metadata_only=True, field_selector="metadata.name=n3")
    assert [(item["kind"], item["metadata"]["name"]) for item in metadata] == [("PartialObjectMetadata", "n3")]


def test_the_cluster_tells_who_it_is(client: Client) -> None:
    info = cluster_info(client, "local")
    uid = client.get("/api/v1/namespaces/kube-system", accept=METADATA)["metadata"]["uid"]
    assert (info.server, info.context, info.uid) == (client.server, "local", uid)
    assert info.version.startswith("v1.")
    assert info.minor == int(info.version.split(".")[1])
    check_expected(info, uid)
    check_expected(info, client.server + "/")
    with pytest.raises(ClusterError, match="expected_cluster is"):
        check_expected(info, "https://other.example")


def test_a_user_without_rights_learns_the_version_but_not_the_uid(tmp_path: Path) -> None:
    info = cluster_info(connect(tmp_path, impersonate_user="nobody"), "local")
    assert (info.uid, info.version[:3]) == (None, "v1.")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda client: client.list("/api/v1/namespaces/web/secrets"),
            "no right to list secrets in namespace web: user 'nobody' may not. "
            "Grant 'nobody' a Role in namespace web that allows list on secrets",
        ),
        (
            lambda client: client.list("/api/v1/secrets"),
            "no right to list secrets in the whole cluster: user 'nobody' may not. "
            "Grant 'nobody' a ClusterRole that allows list on secrets",
        ),
        (
            lambda client: client.patch("/apis/apps/v1/namespaces/web/deployments/x/scale", {}),
            "no right to patch deployments/scale.apps in namespace web: user 'nobody' may not. "
            "Grant 'nobody' a Role in namespace web that allows patch on deployments/scale.apps",
        ),
        (
            lambda client: client.text("/metrics"),
            "no right to get /metrics: user 'nobody' may not. Grant 'nobody' a ClusterRole that allows get on /metrics",
        ),
    ],
)
def test_a_missing_right_is_named(tmp_path: Path, call: Callable[[Client], Any], sentence: str) -> None:
    with pytest.raises(Forbidden) as caught:
        call(connect(tmp_path, impersonate_user="nobody", impersonate_groups=["system:authenticated", "b"]))
    assert str(caught.value) == sentence


def test_all_impersonated_groups_reach_the_server(tmp_path: Path) -> None:
    client = connect(tmp_path, impersonate_user="eve", impersonate_groups=["system:authenticated", "b", "c"])
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = client.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]
    assert (user["username"], user["groups"]) == ("eve", ["system:authenticated", "b", "c"])


def test_a_wrong_token_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="does not accept the credentials"):
        connect(tmp_path, api_key="wrong").get("/version/")


def test_an_exec_plugin_logs_in(client: Client, tmp_path: Path) -> None:
    config = json.loads((tmp_path / "admin" / "kubeconfig").read_text())
    token = config["users"][0]["user"].get("token")
    if not token:
        pytest.skip("the admin has no token")
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    plugin = tmp_path / "login"
    plugin.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(credential)}\nEND\n")
    plugin.chmod(0o700)
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": login}
    (tmp_path / "config").write_text(json.dumps(config))
    assert connect(tmp_path / "x", kubeconfig=str(tmp_path / "config")).get("/version")["major"] == "1"
    plugin.write_text("#!/bin/sh\necho no login here >&2; exit 3\n")
    with pytest.raises(ClusterError, match=r"plugin '.*/login' gave no credentials\n(.|\n)*no login here"):
        connect(tmp_path / "x", kubeconfig=str(tmp_path / "config"))


def test_an_untrusted_certificate_is_told_at_once(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    stranger = Client(write_kubeconfig(ConnectionOptions(host=client.server, api_key="x"), {}, folder).path)
    started = time.monotonic()
    with pytest.raises(Untrusted, match=r"is not trusted: .*Set ca_cert"):
        stranger.get("/version")
    assert time.monotonic() - started < 1


def test_a_certificate_for_another_name_is_not_trusted(tmp_path: Path) -> None:
    config = yaml.safe_load(Path(KUBECONFIG).read_text())
    for item in config["clusters"]:
        item["cluster"]["tls-server-name"] = "other.example"
    with pytest.raises(Untrusted, match=r"is not trusted: .*other\.example"):
        connect(tmp_path, kubeconfig=config).get("/version")
    unchecked = connect(tmp_path, kubeconfig=config, validate_certs=False)
    assert unchecked.get("/version")["major"] == "1"


def test_a_refused_port_is_reported_within_ten_seconds(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{free.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(Unreachable, match=f"{server} is not answering: connection refused"):
        connect(tmp_path, host=server).get("/version")
    assert time.monotonic() - started < 10


def test_a_silent_server_is_reported_within_ten_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"https://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(Unreachable, match=f"{server} is not answering: timed out"):
            connect(tmp_path, host=server).get("/version")
    assert time.monotonic() - started < 10


def test_an_unknown_context_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"no context 'nowhere' in .*Known contexts: "):
        connect(tmp_path, context="nowhere")

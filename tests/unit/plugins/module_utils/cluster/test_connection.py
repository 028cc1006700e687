# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One kubeconfig out of options, files and environment."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster import connection
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts

CONFIG: dict[str, Any] = {
    "current-context": "dev",
    "contexts": [
        {"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "web"}},
        {"name": "prod", "context": {"cluster": "p", "user": "u"}},
        {"name": "broken", "context": {"cluster": "none", "user": "u"}},
        {"name": "nobody", "context": {"cluster": "c", "user": "none"}},
        {"name": "anonymous", "context": {"cluster": "c"}},
        {"name": "empty", "context": {"cluster": "empty", "user": "u"}},
    ],
    "clusters": [
        {"name": "c", "cluster": {"server": "https://dev.example:6443/", "certificate-authority": "ca.crt"}},
        {"name": "p", "cluster": {"server": "https://prod.example", "insecure-skip-tls-verify": True}},
        {"name": "empty", "cluster": None},
    ],
    "users": [{"name": "u", "user": {"token": "t", "as": "admin", "client-key-data": "a2V5"}}],
}


def write(tmp_path: Path, config: Any, name: str = "config") -> str:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return str(path)


def read(tmp_path: Path, options: dict[str, Any], environ: dict[str, str] | None = None) -> dict[str, Any]:
    """Context, server, cluster and user of what is written."""
    out = tmp_path / "run"
    out.mkdir(exist_ok=True)
    environ = {"HOME": str(tmp_path / "home"), **(environ or {})}
    written = write_kubeconfig(ConnectionOptions.of(options), environ, out, tmp_path / "account")
    data = json.loads(written.path.read_text())
    assert [len(data[part]) for part in ("contexts", "clusters", "users")] == [1, 1, 1]
    context = data["contexts"][0]
    assert data["current-context"] == context["name"]
    assert data["clusters"][0]["name"] == context["context"]["cluster"]
    assert data["users"][0]["name"] == context["context"]["user"]
    cluster = data["clusters"][0]["cluster"]
    assert cluster["server"] == written.server
    return {"context": written.context, "cluster": cluster, "user": data["users"][0]["user"], "in": context["context"]}


def with_cluster(**fields: Any) -> dict[str, Any]:
    cluster = {"server": "https://dev.example", **fields}
    return {**CONFIG, "clusters": [{"name": "c", "cluster": cluster}]}


def with_user(**fields: Any) -> dict[str, Any]:
    return {**CONFIG, "users": [{"name": "u", "user": fields}]}


def test_the_file_is_private_even_if_another_stood_there(tmp_path: Path) -> None:
    old = tmp_path / "kubeconfig"
    old.write_text("old")
    old.chmod(0o644)
    written = write_kubeconfig(ConnectionOptions(host="https://a", api_key="x"), {}, tmp_path)
    assert (written.path, stat.S_IMODE(written.path.stat().st_mode)) == (old, 0o600)


def test_holds_the_chosen_context_alone(tmp_path: Path) -> None:
    config = write(tmp_path, CONFIG)
    default, prod = read(tmp_path, {"kubeconfig": config}), read(tmp_path, {"kubeconfig": config, "context": "prod"})
    assert (default["context"], default["cluster"]["server"]) == ("dev", "https://dev.example:6443")
    assert default["in"]["namespace"] == "web"
    assert (prod["context"], prod["cluster"]) == (
        "prod",
        {"server": "https://prod.example", "insecure-skip-tls-verify": True},
    )
    assert prod["user"] == CONFIG["users"][0]["user"]
    assert read(tmp_path, {"kubeconfig": config, "kube_context": "prod"})["context"] == "prod"
    assert read(tmp_path, {"kubeconfig": config, "context": "anonymous"})["user"] == {}


def test_a_kubeconfig_may_stand_inline(tmp_path: Path) -> None:
    assert read(tmp_path, {"kubeconfig": CONFIG})["cluster"]["server"] == "https://dev.example:6443"


@pytest.mark.parametrize(
    "text", ["apiVersion: v1\nusers: [{user: {token: canary}}]\n", ' {"users": "canary"}', "canary" * 1000]
)
def test_content_that_is_no_mapping_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(ClusterError, match="content of a file") as caught:
        read(tmp_path, {"kubeconfig": text})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://me:[canary@h", "http://me:x/canary@h", "me:canary\u2100@h"])
@pytest.mark.parametrize("option", ["host", "proxy"])
def test_a_url_that_cannot_be_read_is_refused_and_not_quoted(tmp_path: Path, option: str, url: str) -> None:
    with pytest.raises(ClusterError, match="cannot be read") as caught:
        read(tmp_path, {"host": "https://a", "api_key": "x", option: url, "proxy_headers": {"proxy_basic_auth": "a:b"}})
    assert "canary" not in str(caught.value)


def test_relative_paths_stay_valid(tmp_path: Path) -> None:
    config = with_user(**{"client-certificate": "tls/a.crt", "client-key": "/abs/a.key", "tokenFile": "token"})
    config["clusters"] = CONFIG["clusters"]
    found = read(tmp_path, {"kubeconfig": write(tmp_path, config, "etc/config")})
    assert found["cluster"]["certificate-authority"] == str(tmp_path / "etc/ca.crt")
    assert found["user"] == {
        "client-certificate": str(tmp_path / "etc/tls/a.crt"),
        "client-key": "/abs/a.key",
        "tokenFile": str(tmp_path / "etc/token"),
    }


@pytest.mark.parametrize(
    ("command", "expected"), [("aws", "aws"), ("./bin/login", "{}/./bin/login"), ("/usr/bin/x", "/usr/bin/x")]
)
def test_an_exec_plugin_is_kept_and_its_command_found(tmp_path: Path, command: str, expected: str) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["a"], "env": None}
    found = read(tmp_path, {"kubeconfig": write(tmp_path, with_user(exec=plugin))})
    assert found["user"]["exec"] == {**plugin, "command": expected.format(tmp_path)}


@pytest.mark.parametrize(
    "fields",
    [
        {"tls-server-name": "x"},
        {"proxy-url": "http://proxy:3128"},
        {"insecure-skip-tls-verify": True},
        {"certificate-authority-data": "Y2E="},
        {"extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"a": 1}}]},
    ],
)
def test_cluster_fields_are_kept(tmp_path: Path, fields: dict[str, Any]) -> None:
    found = read(tmp_path, {"kubeconfig": write(tmp_path, with_cluster(**fields))})
    assert found["cluster"] == {"server": "https://dev.example", **fields}


def test_an_auth_provider_is_kept(tmp_path: Path) -> None:
    provider = {"name": "oidc", "config": {"id-token": "x", "refresh-token": "y"}}
    found = read(tmp_path, {"kubeconfig": write(tmp_path, with_user(**{"auth-provider": provider}))})
    assert found["user"] == {"auth-provider": provider}


# -- where the cluster comes from


def test_the_option_wins_over_the_environment_and_that_over_the_home_folder(tmp_path: Path) -> None:
    servers = {name: with_cluster(server=f"https://{name}") for name in ("option", "env", "home")}
    option = write(tmp_path, servers["option"], "option")
    environ = {"KUBECONFIG": write(tmp_path, servers["env"], "env")}
    write(tmp_path, servers["home"], "home/.kube/config")
    assert read(tmp_path, {"kubeconfig": option}, environ)["cluster"]["server"] == "https://option"
    assert read(tmp_path, {}, environ)["cluster"]["server"] == "https://env"
    assert read(tmp_path, {"kubeconfig": "", "context": None})["cluster"]["server"] == "https://home"
    assert read(tmp_path, {}, {"KUBECONFIG": ""})["cluster"]["server"] == "https://home"
    explicit = read(tmp_path, {"host": "https://explicit", "api_key": "k"}, environ)
    assert explicit == {
        "context": "",
        "cluster": {"server": "https://explicit"},
        "user": {"token": "k"},
        "in": {"cluster": "cluster", "user": "user"},
    }


def test_a_host_alone_never_gets_credentials_meant_for_another_cluster(tmp_path: Path) -> None:
    write(tmp_path, CONFIG, "home/.kube/config")
    assert read(tmp_path, {"host": "https://other"})["user"] == {}
    assert read(tmp_path, {"host": "https://other", "context": "dev"})["user"]["token"] == "t"


def test_several_files_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    first = {
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "clusters": None,
        "users": [{"name": "u", "user": {"tokenFile": "t"}}],
    }
    second = {**CONFIG, "current-context": "dev"}
    third = {**with_cluster(server="https://third"), "current-context": "prod"}
    paths = [write(tmp_path, item, f"{n}/config") for n, item in enumerate((first, second, third))]
    paths.insert(1, str(tmp_path / "missing"))
    found = read(tmp_path, {}, {"KUBECONFIG": ":".join(paths)})
    assert (found["context"], found["cluster"]["server"]) == ("dev", "https://dev.example:6443")
    assert found["user"] == {"tokenFile": str(tmp_path / "0/t")}
    assert found["cluster"]["certificate-authority"] == str(tmp_path / "1/ca.crt")


def test_a_pods_own_account_is_used_only_if_asked_for(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    write(tmp_path, "secret", "account/token")
    with pytest.raises(ClusterError, match=r"^no cluster"):
        read(tmp_path, {}, environ)
    found = read(tmp_path, {"in_cluster": True}, environ)
    assert found["cluster"] == {
        "server": "https://[fd00::1]:6443",
        "certificate-authority": str(tmp_path / "account/ca.crt"),
    }
    assert found["user"] == {"tokenFile": str(tmp_path / "account/token")}
    with pytest.raises(ClusterError, match="not a pod with a service account"):
        read(tmp_path, {"in_cluster": True})


# -- options beside a kubeconfig


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"host": "https://other/"}, {"server": "https://other", "certificate-authority-data": "Y2E="}),
        ({"host": "other:6443"}, {"server": "https://other:6443", "certificate-authority-data": "Y2E="}),
        ({"ca_cert": "{}"}, {"server": "https://dev.example", "certificate-authority": "{}"}),
        ({"validate_certs": False}, {"server": "https://dev.example", "insecure-skip-tls-verify": True}),
        ({"validate_certs": True}, {"server": "https://dev.example", "certificate-authority-data": "Y2E="}),
        (
            {"ca_cert": "{}", "validate_certs": False},
            {"server": "https://dev.example", "insecure-skip-tls-verify": True},
        ),
        (
            {"proxy": "proxy:8080"},
            {
                "server": "https://dev.example",
                "certificate-authority-data": "Y2E=",
                "proxy-url": "http://proxy:8080",
            },
        ),
    ],
)
def test_options_override_the_cluster(tmp_path: Path, options: dict[str, Any], expected: dict[str, Any]) -> None:
    authority = write(tmp_path, "ca", "ca.pem")
    config = write(tmp_path, with_cluster(**{"certificate-authority-data": "Y2E="}))
    options = {key: authority if value == "{}" else value for key, value in options.items()}
    expected = {key: authority if value == "{}" else value for key, value in expected.items()}
    assert read(tmp_path, {"kubeconfig": config, **options})["cluster"] == expected


def test_an_own_authority_ends_an_insecure_setting(tmp_path: Path) -> None:
    config = write(tmp_path, with_cluster(**{"insecure-skip-tls-verify": True}))
    authority = write(tmp_path, "ca", "ca.pem")
    found = read(tmp_path, {"kubeconfig": config, "ca_cert": authority})
    assert found["cluster"] == {"server": "https://dev.example", "certificate-authority": authority}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"api_key": "new"}, {"token": "new", "as": "admin"}),
        ({"api_key": "Bearer new"}, {"token": "new", "as": "admin"}),
        ({"username": "me", "password": "p"}, {"username": "me", "password": "p", "as": "admin"}),
        ({"impersonate_user": "eve"}, {"token": "t", "as": "eve", "exec": {"command": "x"}}),
        ({"impersonate_groups": ["a"]}, {"token": "t", "as": "admin", "as-groups": ["a"], "exec": {"command": "x"}}),
        ({"impersonate_groups": "a"}, {"token": "t", "as": "admin", "as-groups": ["a"], "exec": {"command": "x"}}),
    ],
)
def test_options_override_the_user(tmp_path: Path, options: dict[str, Any], expected: dict[str, Any]) -> None:
    config = write(tmp_path, with_user(token="t", exec={"command": "x"}, **{"as": "admin"}))
    assert read(tmp_path, {"kubeconfig": config, **options})["user"] == expected


def test_client_certificates_go_in_by_path(tmp_path: Path) -> None:
    cert, key = write(tmp_path, "c", "c.pem"), write(tmp_path, "k", "k.pem")
    found = read(tmp_path, {"kubeconfig": CONFIG, "client_cert": cert, "client_key": key})
    assert found["user"] == {"as": "admin", "client-certificate": cert, "client-key": key}


# -- proxies


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        ({}, {}, None),
        ({}, {"HTTPS_PROXY": "http://env:1"}, "http://env:1"),
        ({}, {"https_proxy": "env:1"}, "http://env:1"),
        ({}, {"HTTP_PROXY": "http://env:1"}, None),
        ({}, {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "example"}, None),
        ({"proxy": "http://option:1"}, {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"}, "http://option:1"),
        ({"proxy": "http://option:1", "no_proxy": "a.b,dev.example"}, {}, None),
        ({"proxy": "http://option:1", "no_proxy": "dev.example:444"}, {}, "http://option:1"),
        ({"proxy": "http://option:1", "no_proxy": "dev.example:443"}, {}, None),
        ({"proxy": "http://option:1", "no_proxy": "v.example"}, {}, "http://option:1"),
        ({"proxy": "http://p:1", "host": "https://10.1.2.3", "no_proxy": "10.0.0.0/8"}, {}, None),
        ({"proxy": "http://p:1", "host": "https://11.1.2.3", "no_proxy": "10.0.0.0/8"}, {}, "http://p:1"),
        ({"host": "https://127.0.0.1:6443"}, {"HTTPS_PROXY": "http://env:1"}, None),
        (
            {"proxy": "http://p:1", "proxy_headers": {"proxy_basic_auth": "me:p@ss"}},
            {},
            "http://me:p%40ss@p:1",
        ),
    ],
)
def test_the_proxy_is_decided_once(
    tmp_path: Path, options: dict[str, Any], environ: dict[str, str], expected: str | None
) -> None:
    config = write(tmp_path, with_cluster())
    assert read(tmp_path, {"kubeconfig": config, **options}, environ)["cluster"].get("proxy-url") == expected


# -- what is wrong


@pytest.mark.parametrize(
    ("options", "environ", "sentence"),
    [
        (
            {},
            {},
            r"^no cluster: no option, KUBECONFIG or ~/.kube/config names one\. Set kubeconfig .*in_cluster: true$",
        ),
        ({"api_key": "x"}, {}, "^no cluster"),
        ({}, {"KUBECONFIG": "/none/a:/none/b"}, "^no cluster: KUBECONFIG names /none/a, /none/b, which does not exist"),
        ({"kubeconfig": "/none/config"}, {}, "^no cluster: the kubeconfig /none/config does not exist"),
        ({"kubeconfig": "~/config"}, {}, "the kubeconfig .*/home/config does not exist"),
        (
            {"kubeconfig": CONFIG, "context": "prd"},
            {},
            r"^no context 'prd' in the inline kubeconfig\. Did you mean 'prod'\? "
            "Known contexts: anonymous, broken, dev, empty, nobody, prod$",
        ),
        ({"kubeconfig": CONFIG, "context": "zzz"}, {}, r"'zzz' in the inline kubeconfig\. Known contexts: anonymous, "),
        ({"kubeconfig": {"contexts": []}}, {}, "^no cluster: the inline kubeconfig has no current-context"),
        (
            {"kubeconfig": CONFIG, "context": "broken"},
            {},
            "context 'broken' names the cluster 'none', which the inline",
        ),
        ({"kubeconfig": CONFIG, "context": "nobody"}, {}, "context 'nobody' names the user 'none', which the inline"),
        ({"kubeconfig": CONFIG, "context": "empty"}, {}, "the cluster of context 'empty' has no server"),
        ({"host": "https://a", "ca_cert": "/none/ca"}, {}, "^ca_cert: /none/ca does not exist"),
        ({"host": "https://a", "client_cert": "/x"}, {}, "client_cert and client_key go together: client_key is not"),
        ({"host": "https://a", "password": "/x"}, {}, "username and password go together: username is not set"),
    ],
)
def test_what_names_no_cluster_is_told_in_one_sentence(
    tmp_path: Path, options: dict[str, Any], environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ClusterError, match=sentence):
        read(tmp_path, options, environ)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: b\nusers:\n- name: u\n  user: {token: 'TOPSECRET}\n", ":5: the kubeconfig is broken: "),
        ("a: [\nTOPSECRET: @x\n", ":2: the kubeconfig is broken: "),
        ("just text", ":1: the kubeconfig is broken: it is not a mapping"),
        ("apiVersion: v1\nusers: {a: b}\n", ":2: the kubeconfig is broken: 'users' must be a list of entries with a "),
        ("\n\ncontexts: [{context: {}}]\n", ":3: the kubeconfig is broken: 'contexts' must be a list of entries with"),
        ("clusters: [{name: a, cluster: 1}]\n", ":1: the kubeconfig is broken: 'clusters' must be a list of entries "),
        ("", "^no cluster: .* has no current-context. Set context. Known contexts: none"),
        ("\x80", "the kubeconfig cannot be read: not UTF-8 text"),
    ],
)
def test_a_broken_kubeconfig_is_told_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ClusterError, match=sentence) as caught:
        read(tmp_path, {"kubeconfig": str(path)})
    assert str(path) in str(caught.value)
    assert "TOPSECRET" not in str(caught.value)


def test_processes_that_share_read_a_kubeconfig_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, reads = SharedTexts.new(), list[str]()
    if shared is None:
        pytest.skip("this system has no memfd_create or no locks of open files")
    original = connection._read
    monkeypatch.setattr(connection, "_read", lambda text: reads.append(text) or original(text))
    path = write(tmp_path, json.dumps(CONFIG) + "\n# 2026-01-01: a date\n")
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_kubeconfig(ConnectionOptions(kubeconfig=path), {}, folder, shared=shared if number else None)
    texts = {(tmp_path / str(number) / "kubeconfig").read_text() for number in range(3)}
    assert (len(texts), len(reads)) == (1, 2)


@pytest.mark.parametrize("text", ["&a [*a]", "? [", "{2026-01-01: x}"])
def test_a_kubeconfig_that_no_json_can_say_is_broken_for_all_who_share(tmp_path: Path, text: str) -> None:
    for shared in (None, SharedTexts.new()):
        with pytest.raises(ClusterError, match="kubeconfig"):
            write_kubeconfig(ConnectionOptions(kubeconfig=write(tmp_path, text)), {}, tmp_path, shared=shared)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API client shows the server: the run's kubeconfig as a TLS context, a proxy and headers."""

from __future__ import annotations

import base64
import json
import logging
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

# OpenSSL looks up all its algorithms for the first context of a process. Here that is done when ansible-playbook loads
# this file, before it forks a worker for each host.
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NEEDS_KUBERNETES = "the credentials of the kubeconfig's user need the Python library kubernetes"


@dataclass(frozen=True)
class Access:
    """All that a connection needs, read from the kubeconfig that write_kubeconfig() has written."""

    server: str
    context: ssl.SSLContext
    tls_server_name: str | None
    proxy: str | None
    proxy_login: str | None = field(repr=False)  # user:password
    headers: Mapping[str, str | tuple[str, ...]] = field(repr=False)


def load_access(kubeconfig: Path, text: str = "") -> Access:
    """Reads the one cluster and user; runs the user's credential plugin, if there is one.

    :arg text: what is, or will be, in the file; "": it is read.
    """
    config = json.loads(text or kubeconfig.read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    token, cert, key = _credentials(config, user, kubeconfig.parent)
    proxy, login = _split_login(cluster.get("proxy-url"))
    return Access(
        server=cluster["server"],
        context=_tls(cluster, cert, key, kubeconfig.parent),
        tls_server_name=cluster.get("tls-server-name"),
        proxy=proxy,
        proxy_login=login,
        headers={**({"Authorization": token} if token else {}), **_impersonation(user)},
    )


def _tls(cluster: Mapping[str, Any], cert: str | bytes | None, key: str | bytes | None, folder: Path) -> ssl.SSLContext:
    data = _decoded(cluster, "certificate-authority-data", "the cluster's")
    try:
        context = ssl.create_default_context(
            cafile=None if data else cluster.get("certificate-authority"), cadata=data.decode("ascii") if data else None
        )
    except (OSError, UnicodeDecodeError) as error:
        where = "certificate-authority-data" if data else cluster.get("certificate-authority")
        raise ClusterError(f"the cluster's certificate authority cannot be read from {where}: {_why(error)}") from None
    # as client-go: many clusters' authorities lack fields that RFC 5280 and Python 3.13 require
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # urllib3 checks the host's name itself then; its version 1.26 cannot use a context that does, for IP addresses
    context.check_hostname = False
    if cluster.get("insecure-skip-tls-verify"):
        context.verify_mode = ssl.CERT_NONE
    if cert and key:
        with _file(cert, folder) as cert_file, _file(key, folder) as key_file:
            try:
                context.load_cert_chain(cert_file, key_file)
            except OSError as error:
                raise ClusterError(f"the client certificate cannot be used: {_why(error)}") from None
    return context


@contextmanager
def _file(content: str | bytes, folder: Path) -> Iterator[str]:
    """A path for Python's ssl, which loads client certificates from files only."""
    if isinstance(content, str):
        yield content
        return
    handle, path = tempfile.mkstemp(dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        yield path
    finally:
        os.unlink(path)


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _decoded(entry: Mapping[str, Any], key: str, whose: str) -> bytes | None:
    if not entry.get(key):
        return None
    try:
        return base64.b64decode("".join(str(entry[key]).split()), validate=True)
    except ValueError:
        raise ClusterError(f"{whose} {key} in the kubeconfig is not base64") from None


_Credentials: TypeAlias = "tuple[str | None, str | bytes | None, str | bytes | None]"


def _credentials(config: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> _Credentials:
    """Authorization header, client certificate and key (paths or PEM)."""
    if user.get("exec") or user.get("auth-provider"):
        return _plugin_credentials(config, user, folder)
    cert = _decoded(user, "client-certificate-data", "the user's") or user.get("client-certificate")
    key = _decoded(user, "client-key-data", "the user's") or user.get("client-key")
    if user.get("tokenFile"):  # client-go: the file wins over the token
        return f"Bearer {_token_file(user['tokenFile'])}", cert, key
    if user.get("token"):
        return f"Bearer {user['token']}", cert, key
    if user.get("username"):
        login = f"{user['username']}:{user.get('password', '')}"
        return f"Basic {base64.b64encode(login.encode()).decode()}", cert, key
    return None, cert, key


def _token_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ClusterError(f"the token file {path} cannot be read: {_why(error)}") from None


def _plugin_credentials(config: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> _Credentials:
    """Exec plugins and OIDC are the kubernetes library's; it is imported for them only, as that takes 0.2 s."""
    try:
        from kubernetes.config.kube_config import KubeConfigLoader
    except ImportError:
        raise ClusterError(_NEEDS_KUBERNETES, hint="Install it for the Python that runs the module") from None
    result = SimpleNamespace(api_key={}, cert_file=None, key_file=None)
    with _captured_log() as lines:
        try:
            KubeConfigLoader(dict(config), config_base_path=str(folder), temp_file_path=str(folder)).load_and_set(
                result
            )
        except Exception as error:  # whatever a plugin's library raises, it is the login that failed
            lines.append(str(error))
    token = result.api_key.get("BearerToken") or result.api_key.get("authorization")
    if not token and not result.cert_file:
        plugin = user.get("exec") or {}
        name = plugin.get("command") or (user.get("auth-provider") or {}).get("name", "")
        raise ClusterError(f"the kubeconfig's credential plugin '{name}' gave no credentials", detail="\n".join(lines))
    return token, result.cert_file, result.key_file


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """The library only logs why a plugin failed."""
    lines: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def _impersonation(user: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The headers of client-go's transport/round_trippers.go."""
    headers: dict[str, str | tuple[str, ...]] = {}
    if user.get("as"):
        headers["Impersonate-User"] = str(user["as"])
    if user.get("as-uid"):
        headers["Impersonate-Uid"] = str(user["as-uid"])
    if user.get("as-groups"):
        headers["Impersonate-Group"] = tuple(str(group) for group in user["as-groups"])
    for key, values in (user.get("as-user-extra") or {}).items():
        headers[f"Impersonate-Extra-{key}"] = tuple(str(value) for value in values)
    return headers


def _split_login(proxy: str | None) -> tuple[str | None, str | None]:
    """urllib3 wants the proxy's user and password apart from its URL."""
    if not proxy:
        return None, None
    parts = urlsplit(proxy)
    login, _at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=place)), unquote(login) or None

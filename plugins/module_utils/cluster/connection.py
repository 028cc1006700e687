# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster, as whom: options, kubeconfig files and environment become one private kubeconfig."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import KubeconfigFile
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import proper
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.workdir import write_private

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOW_TO = (
    "Set kubeconfig (with context), or host with api_key, or KUBECONFIG; a pod's own account needs in_cluster: true"
)
_CREDENTIALS = ("api_key", "username", "password", "client_cert", "client_key")
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_NEED_FILES = frozenset(("client-certificate-data", "client-key-data", "exec", "auth-provider"))
_LONGEST_PATH = 4096
_Entry = dict[str, Any]


def write_kubeconfig(
    options: ConnectionOptions,
    environ: Mapping[str, str],
    folder: Path,
    service_account: Path = SERVICE_ACCOUNT,
    shared: SharedTexts | None = None,
) -> KubeconfigFile:
    """As :func:`kubeconfig`, and writes the file."""
    made = kubeconfig(options, environ, folder, service_account, shared)
    write_private(str(made.path), made.text)
    return made


def kubeconfig(
    options: ConnectionOptions,
    environ: Mapping[str, str],
    folder: Path,
    service_account: Path = SERVICE_ACCOUNT,
    shared: SharedTexts | None = None,
) -> KubeconfigFile:
    """The kubeconfig that this run uses, with the one cluster and user that the options name; it is not written yet.

    Order: ``host`` with its own credentials, ``kubeconfig``, ``in_cluster``, KUBECONFIG, ~/.kube/config. Options beside
    a kubeconfig win over its content. ``host`` alone never takes credentials from a kubeconfig that is not named,
    as they may belong to another cluster.

    :arg options: kubernetes.core's connection options. As true is the default of ``validate_certs`` there, only false
        overrides a kubeconfig.
    :arg folder: private to the run, mode 0700.
    :arg shared: what other processes have read in kubeconfigs; what is known of the same text is taken.
    :raises ClusterError: no cluster is named, or what names it is broken.
    """
    context, cluster, user, namespace = _source(options, environ, service_account, shared)
    cluster = _override_cluster(cluster, options, environ)
    for name, url, what in (
        ("host", cluster["server"], "the URL of the cluster cannot be read"),
        ("proxy", cluster.get("proxy-url"), "the URL of the proxy cannot be read"),
    ):
        if url and not proper(url):
            hint = f"See the option {name} and the kubeconfig; a password in it must be percent-encoded"
            raise ClusterError(what, hint=hint)
    user = _override_user(user, options)
    return KubeconfigFile(
        path=folder / "kubeconfig",
        context=context,
        server=cluster["server"],
        text=_document(cluster, user, namespace),
        bare=_NEED_FILES.isdisjoint(user),
    )


def _source(
    options: ConnectionOptions, environ: Mapping[str, str], service_account: Path, shared: SharedTexts | None
) -> tuple[str, _Entry, _Entry, str | None]:
    """Context name, cluster, user and namespace before the options are laid over them."""
    if options.kubeconfig:
        return _select(_load_option(options.kubeconfig, environ, shared), options.context)
    if options.host and not options.context:
        return "", {}, {}, None
    if options.in_cluster:
        return "", *_service_account(environ, service_account), None
    return _select(_load_environment(environ, shared), options.context)


def _service_account(environ: Mapping[str, str], folder: Path) -> tuple[_Entry, _Entry]:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (folder / "token").is_file():
        raise ClusterError(
            "in_cluster is true, but this is not a pod with a service account: "
            f"KUBERNETES_SERVICE_HOST and {folder / 'token'} are needed"
        )
    host = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{host}:{port}", "certificate-authority": str(folder / "ca.crt")}
    return cluster, {"tokenFile": str(folder / "token")}


# -- reading kubeconfig files


def _load_option(kubeconfig: Any, environ: Mapping[str, str], shared: SharedTexts | None) -> _Entry:
    if isinstance(kubeconfig, Mapping):
        return _checked(dict(kubeconfig), "the inline kubeconfig", "", Path.cwd())
    check_path(kubeconfig)
    path = _expand(str(kubeconfig), environ)
    if not path.is_file():
        raise ClusterError(f"no cluster: the kubeconfig {path} does not exist")
    return _load_file(path, shared)


def check_path(kubeconfig: Any) -> None:
    """Holds if the option may be a path, or several.

    :raises ClusterError: it is what a kubeconfig holds, and must not be quoted as a path that does not exist.
    """
    text = str(kubeconfig)
    if "\n" in text or text.lstrip().startswith("{") or len(text) > _LONGEST_PATH:
        raise ClusterError(
            "kubeconfig holds the content of a file as a text, and not a path or a mapping",
            hint="Make a mapping of it with the filter from_yaml",
        )


def _load_environment(environ: Mapping[str, str], shared: SharedTexts | None) -> _Entry:
    """KUBECONFIG's files, merged as kubectl does it (missing ones are left out), else ~/.kube/config."""
    named = [item for item in environ.get("KUBECONFIG", "").split(os.pathsep) if item]
    paths = [_expand(item, environ) for item in dict.fromkeys(named or ["~/.kube/config"])]
    present = [path for path in paths if path.is_file()]
    if not present:
        missing = ", ".join(str(path) for path in paths)
        why = (
            f"KUBECONFIG names {missing}, which does not exist"
            if named
            else "no option, KUBECONFIG or ~/.kube/config names one"
        )
        raise ClusterError(f"no cluster: {why}", hint=_HOW_TO)
    return _merge([_load_file(path, shared) for path in present])


def _expand(path: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    if home and (path == "~" or path.startswith("~/")):
        path = home + path[1:]
    return Path(os.path.abspath(os.path.expanduser(path)))


def _load_file(path: Path, shared: SharedTexts | None) -> _Entry:
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(shared.get(f"kubeconfig {text}", lambda: _as_json(text))) if shared else _read(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ClusterError(f"the kubeconfig cannot be read: {reason}", where=Location(str(path))) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        problem = getattr(error, "problem", None) or "it is not valid YAML"
        # never the text itself: the broken line may be the token's
        raise ClusterError(f"the kubeconfig is broken: {problem}", where=Location(str(path), line)) from None
    return _checked(data or {}, str(path), text, path.parent)


def _read(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _as_json(text: str) -> str:
    try:
        return json.dumps(_read(text), default=_plain, skipkeys=True)
    except ValueError:  # it contains itself
        raise yaml.YAMLError from None


def _checked(data: Any, name: str, text: str, folder: Path) -> _Entry:
    """``contexts``, ``clusters`` and ``users`` as maps by name, relative paths made absolute."""
    if not isinstance(data, dict):
        raise ClusterError("the kubeconfig is broken: it is not a mapping", where=Location(name, 1 if text else 0))
    config: _Entry = {"current-context": str(data.get("current-context") or ""), "files": (name,)}
    for part in ("context", "cluster", "user"):
        try:
            entries = {str(item["name"]): dict(item.get(part) or {}) for item in reversed(data.get(f"{part}s") or [])}
        except (TypeError, KeyError, AttributeError, ValueError):
            problem = f"'{part}s' must be a list of entries with a name and a {part}"
            line = _line(text, f"{part}s")
            raise ClusterError(f"the kubeconfig is broken: {problem}", where=Location(name, line)) from None
        config[part] = {key: _absolute(part, entry, folder) for key, entry in reversed(entries.items())}
    return config


def _line(text: str, key: str) -> int:
    return next((n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"[\"']?{key}[\"']?\s*:", line)), 0)


def _absolute(part: str, entry: _Entry, folder: Path) -> _Entry:
    result = dict(entry)
    for key in _FILES.get(part, ()):
        if result.get(key):
            result[key] = os.path.join(folder, str(result[key]))
    plugin = result.get("exec")
    # client-go: a command with a separator is relative to the kubeconfig, one without is looked up in PATH
    if part == "user" and isinstance(plugin, Mapping) and os.sep in str(plugin.get("command", "")):
        result["exec"] = {**plugin, "command": os.path.join(folder, str(plugin["command"]))}
    return result


def _merge(configs: list[_Entry]) -> _Entry:
    """kubectl's rule: the first file to say something wins."""
    merged: _Entry = {"current-context": "", "files": (), "context": {}, "cluster": {}, "user": {}}
    for config in configs:
        merged["current-context"] = merged["current-context"] or config["current-context"]
        merged["files"] += config["files"]
        for part in ("context", "cluster", "user"):
            merged[part] = {**config[part], **merged[part]}
    return merged


def _select(config: _Entry, wanted: str | None) -> tuple[str, _Entry, _Entry, str | None]:
    files, known = ", ".join(config["files"]), sorted(config["context"])
    name = str(wanted or config["current-context"])
    listed = f"Known contexts: {', '.join(known) or 'none'}"
    if not name:
        raise ClusterError(f"no cluster: {files} has no current-context", hint=f"Set context. {listed}")
    if name not in config["context"]:
        hint = did_you_mean(name, known)
        raise ClusterError(f"no context '{name}' in {files}", hint=f"{hint} {listed}" if "mean" in hint else listed)
    context = config["context"][name]
    cluster = _named(config, "cluster", context, name, files)
    if not cluster.get("server"):
        raise ClusterError(f"no cluster: the cluster of context '{name}' has no server in {files}", hint=_HOW_TO)
    user = _named(config, "user", context, name, files) if context.get("user") else {}
    return name, cluster, user, context.get("namespace")


def _named(config: _Entry, part: str, context: _Entry, name: str, files: str) -> _Entry:
    wanted = str(context.get(part) or "")
    if wanted not in config[part]:
        hint = did_you_mean(wanted, config[part])
        raise ClusterError(f"context '{name}' names the {part} '{wanted}', which {files} does not have", hint=hint)
    entry: _Entry = config[part][wanted]
    return entry


# -- laying the options over it


def _override_cluster(cluster: _Entry, options: ConnectionOptions, environ: Mapping[str, str]) -> _Entry:
    result = dict(cluster)
    if options.host:
        result["server"] = options.host
    if "://" not in result["server"]:
        result["server"] = f"https://{result['server']}"
    result["server"] = result["server"].rstrip("/")
    if options.ca_cert:
        result.pop("certificate-authority-data", None)
        result.pop("insecure-skip-tls-verify", None)
        result["certificate-authority"] = _option_file("ca_cert", options.ca_cert)
    if not options.validate_certs:
        # client-go refuses an authority beside it
        result.pop("certificate-authority", None)
        result.pop("certificate-authority-data", None)
        result["insecure-skip-tls-verify"] = True
    if not proper(result["server"]):
        return result  # write_kubeconfig() reports it
    proxy = _proxy(result, options, environ)
    result.pop("proxy-url", None)
    return {**result, "proxy-url": proxy} if proxy else result


def _proxy(cluster: _Entry, options: ConnectionOptions, environ: Mapping[str, str]) -> str | None:
    """The proxy for this server: option, kubeconfig, environment; decided here, so that helm and the client agree."""
    server = urlsplit(cluster["server"])
    host = server.hostname or ""
    if options.no_proxy and _bypassed(server.netloc, options.no_proxy):
        return None
    proxy = options.proxy or cluster.get("proxy-url")
    if not proxy and not (host == "localhost" or host.startswith("127.") or host == "::1"):  # Go's rule for loopback
        upper, lower = f"{server.scheme.upper()}_PROXY", f"{server.scheme}_proxy"
        proxy = environ.get(upper) or environ.get(lower)
        if proxy and _bypassed(server.netloc, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
            return None
    if not proxy:
        return None
    proxy = str(proxy) if "://" in str(proxy) else f"http://{proxy}"
    login = options.proxy_basic_auth
    return _with_login(proxy, login) if login and proper(proxy) else proxy


def _bypassed(netloc: str, rules: str) -> bool:
    """Go's rules for NO_PROXY: ``*``, names and their subdomains, addresses, networks; each with a port if need be."""
    server = urlsplit(f"//{netloc}")
    host = server.hostname or ""
    for rule in (item.strip().lower() for item in rules.split(",")):
        name, _colon, port = rule.rpartition(":") if re.search(r"[^:]:\d+$", rule) else (rule, "", "")
        name = name.strip("[]")
        if not name or (port and port != str(server.port or 443)):
            continue
        if name == "*" or host == name.lstrip(".") or host.endswith(f".{name.lstrip('.')}") or _inside(host, name):
            return True
    return False


def _inside(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _with_login(proxy: str, login: str) -> str:
    """kubeconfig has no field for proxy headers, but both clients take user:password from the proxy's URL."""
    name, _colon, password = login.partition(":")
    parts = urlsplit(proxy)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{place}"))


def _override_user(user: _Entry, options: ConnectionOptions) -> _Entry:
    result = dict(user)
    if any(getattr(options, name) for name in _CREDENTIALS):
        result = {key: value for key, value in user.items() if key.startswith("as")}
    if options.api_key:
        result["token"] = re.sub(r"^Bearer\s+", "", options.api_key)
    for first, second in (("username", "password"), ("client_cert", "client_key")):
        missing = [name for name in (first, second) if not getattr(options, name)]
        if len(missing) == 1:
            raise ClusterError(f"{first} and {second} go together: {missing[0]} is not set")
    if options.username and options.password:
        result |= {"username": options.username, "password": options.password}
    if options.client_cert and options.client_key:
        result["client-certificate"] = _option_file("client_cert", options.client_cert)
        result["client-key"] = _option_file("client_key", options.client_key)
    if options.impersonate_user:
        result["as"] = options.impersonate_user
    if options.impersonate_groups:
        result["as-groups"] = list(options.impersonate_groups)
    return result


def _option_file(name: str, value: str) -> str:
    path = os.path.abspath(os.path.expanduser(value))
    if not os.path.isfile(path):
        raise ClusterError(f"{name}: {path} does not exist")
    return path


# -- writing


def _document(cluster: _Entry, user: _Entry, namespace: str | None) -> str:
    context = {"cluster": "cluster", "user": "user", **({"namespace": namespace} if namespace else {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "helmstack",
        "contexts": [{"name": "helmstack", "context": context}],
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
    }
    return json.dumps(document, indent=1, default=_plain)


def _plain(value: Any) -> str:
    """YAML's dates and binaries, which Go reads as strings."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)

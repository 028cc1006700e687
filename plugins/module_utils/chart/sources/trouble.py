# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a chart cannot be had, in a sentence with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.logins import Login
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, nearest
from ansible_collections.helmstack.core.plugins.module_utils.web import WebError


class Place(Protocol):
    """A chart in a registry."""

    @property
    def host(self) -> str:
        """The host, with its port."""

    @property
    def path(self) -> str:
        """The path of the chart there."""

    @property
    def reference(self) -> str:
        """What the user calls it."""


def no_version(chart: str, version: str, versions: Sequence[str]) -> ChartError:
    """There is no such version; names the newest, and those that differ least from the wanted one."""
    stable = [item for item in versions if "-" not in item]
    offered = list(versions) if "-" in version or not stable else stable
    known = ", ".join(newest_first({*nearest(version, offered, 3), *offered[:3]}))
    return ChartError(f"no version of {chart} is {version}", hint=f"There are: {known}")


def newest_first(versions: Iterable[str]) -> list[str]:
    zero = semver.Version((0, 0, 0))
    return sorted(versions, key=lambda item: ((semver.parse(item) or zero).key, item), reverse=True)


def of_web(error: WebError, who: str, *, login: bool, what: str = "has no such file") -> ChartError:
    """Why a web server gave nothing.

    :arg login: whether one was sent.
    :arg what: what 404 means.
    """
    verdict, hint = {
        web.UNREACHABLE: ("does not answer", "Check its url, the network, and the proxy settings"),
        web.UNTRUSTED: ("is not trusted", "Give its certificate authority with ca_file"),
        web.PLAIN: ("does not speak TLS", "Use an http:// URL if it is meant to be asked without encryption"),
        web.TLS_FILES: ("cannot be asked", "Check its ca_file, cert_file and key_file"),
        web.TOO_LARGE: ("is not usable", "Check its url"),
    }.get(error.kind, ("does not answer as it should", "Check its url"))
    if error.status in (401, 403):
        verdict = "refuses this user" if login else "wants a login"
        hint = "Check username and password of the repository" if login else "Give username and password to it"
    elif error.status in (404, 410):
        verdict, hint = what, "Check its url"
    elif error.status >= 500 or error.status == 429:
        verdict, hint = "does not answer", "Try again later"
    return ChartError(f"{who} {verdict}: {error.reason}", hint=hint)


def of_registry(error: WebError, who: str, place: Place, login: Login | None, known: Sequence[str]) -> ChartError:
    """Why a registry gave nothing.

    :arg known: the hosts that registry_config has logins for.
    """
    said = f"{error.reason}{_words(error)}"
    if error.status in (401, 403):
        return _refused(said, who, place, login, known)
    if error.status == 404:
        return ChartError(f"{who} has no chart '{place.path}': {said}", hint="Check the reference")
    if error.kind == web.PLAIN:
        return ChartError(
            f"{who} answers without encryption, which is not allowed",
            hint="If that is meant, declare it under 'repositories' with plain_http: true",
        )
    if error.status == 400 and "HTTPS" in said + _body(error):
        return ChartError(f"{who} wants encryption, but is asked with plain_http", hint="Leave plain_http out")
    told = of_web(error, who, login=login is not None)
    if error.kind == web.UNREACHABLE:
        told.hint = "Check the reference, the network, and the proxy settings"
    return told


def _refused(said: str, who: str, place: Place, login: Login | None, known: Sequence[str]) -> ChartError:
    if login:
        return ChartError(
            f"{who} refuses the user '{login.username or 'of the token'}' for {place.path}: {said}",
            hint="Check username and password, and that this user may read it; some say so of what does not exist, too",
        )
    hint = f"Declare oci://{place.host} under 'repositories' with username and password, or name a login file "
    hint += "with registry_config; some registries say so of what does not exist, too"
    if known:
        hint = f"registry_config has logins for {', '.join(known)} only. {hint}"
    return ChartError(f"{who} wants a login for {place.path}: {said}", hint=hint)


def _words(error: WebError) -> str:
    """What a registry says in its JSON."""
    try:
        first = json.loads(_body(error))["errors"][0]
        text = f"{first.get('code', '')} {first.get('message', '')}".strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""
    return f" ({text[:200]})" if text else ""


def _body(error: WebError) -> str:
    return error.answer.body.decode(errors="replace") if error.answer else ""

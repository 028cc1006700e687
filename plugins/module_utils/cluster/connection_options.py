# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name a cluster and an account, typed; they have kubernetes.core's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class ConnectionOptions:
    """The options as the task sets them; None: unset. No secret is in its repr."""

    kubeconfig: str | Mapping[str, Any] | None = field(default=None, repr=False)
    context: str | None = None
    host: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_cert: str | None = None
    client_key: str | None = None
    ca_cert: str | None = None
    validate_certs: bool = True
    proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    proxy_basic_auth: str | None = field(default=None, repr=False)
    impersonate_user: str | None = None
    impersonate_groups: tuple[str, ...] = ()
    in_cluster: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ConnectionOptions:
        """The connection's options of a module's; empty texts and mappings count as unset."""
        given = {item.name: params.get(item.name) for item in fields(cls)}
        given["context"] = given["context"] or params.get("kube_context")
        given["proxy_basic_auth"] = (params.get("proxy_headers") or {}).get("proxy_basic_auth")
        groups = given["impersonate_groups"] or ()
        given["impersonate_groups"] = (groups,) if isinstance(groups, str) else tuple(str(group) for group in groups)
        return cls(**{name: value for name, value in given.items() if value not in (None, "", {}, ())})

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of a helm process: the user's, without what could lead it to another cluster or to other settings."""

from __future__ import annotations

import os
from collections.abc import Mapping

# Of the user's Helm settings only those for the storage of releases, plugins, and the rate of requests.
_KEPT = {"HELM_DRIVER", "HELM_DRIVER_SQL_CONNECTION_STRING", "HELM_BURST_LIMIT", "HELM_QPS"}
# client-go falls back on these when a kubeconfig names no cluster; which cluster is meant must never be a guess.
_CLUSTER = {"KUBECONFIG", "KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
_NOWHERE = "http://127.0.0.1:0"


def environment(environ: Mapping[str, str], home: str, kubeconfig: str | None) -> dict[str, str]:
    """The environment of a helm process: the given one, with Helm's and Kubernetes' variables made our own."""
    ours = {k: v for k, v in environ.items() if k not in _CLUSTER and (k in _KEPT or not k.startswith("HELM_"))}
    for room in ("cache", "config", "data"):
        ours[f"HELM_{room.upper()}_HOME"] = os.path.join(home, room)
    # A post-renderer of Helm 4 is a plugin, so the user's plugins must stay in reach.
    ours["HELM_PLUGINS"] = environ.get("HELM_PLUGINS") or _plugins(environ)
    ours["KUBECONFIG"] = kubeconfig or os.path.join(home, "no-kubeconfig")
    if not kubeconfig:
        ours["KUBERNETES_MASTER"] = _NOWHERE
    # Helm looks for logins there, too (pkg/registry), and reads them though it is given no registry to ask.
    ours["DOCKER_CONFIG"] = os.path.join(home, "docker")
    ours["NO_COLOR"] = "1"
    return ours


def _plugins(environ: Mapping[str, str]) -> str:
    """Where Helm looks for plugins if HELM_PLUGINS is unset (its pkg/helmpath)."""
    data = environ.get("HELM_DATA_HOME")
    if not data and environ.get("XDG_DATA_HOME"):
        data = os.path.join(environ["XDG_DATA_HOME"], "helm")
    if not data:
        data = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "share", "helm")
    return os.path.join(data, "plugins")

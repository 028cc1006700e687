# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills a cluster with what is none of ours: custom resource definitions, and release Secrets with their history."""

from __future__ import annotations

import base64
import gzip
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import make_namespaces
from cluster import Cluster

DEFINITIONS = 1_500
GROUPS = 100
SECRETS = 5_000
REVISIONS = 10  # of each release, the last one deployed
NAMESPACES = 50

Object = dict[str, Any]


def fill(cluster: Cluster) -> None:
    """Takes minutes."""
    make_namespaces(cluster, [f"crowd-{number}" for number in range(NAMESPACES)])
    api = cluster.api()
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda item: api.create(*item), [_secret(number) for number in range(SECRETS)]))
        list(pool.map(lambda item: api.create(*item), [_definition(number) for number in range(DEFINITIONS)]))


def _definition(number: int) -> tuple[str, Object]:
    group, kind = f"group{number % GROUPS}.example.org", f"Thing{number}"
    names = {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower(), "listKind": f"{kind}List"}
    fields = {f"field{index}": {"type": "string", "description": "A field. " * 10} for index in range(20)}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _secret(number: int) -> tuple[str, Object]:
    """A release's revision as Helm stores it, of a size that is common."""
    release, revision = divmod(number, REVISIONS)
    name, namespace = f"other-{release}", f"crowd-{release % NAMESPACES}"
    text = random.Random(number).randbytes(5_000).hex()
    stored = {"name": name, "namespace": namespace, "version": revision + 1, "manifest": text}
    packed = base64.b64encode(gzip.compress(json.dumps(stored).encode(), 1))
    status = "deployed" if revision == REVISIONS - 1 else "superseded"
    labels = {"owner": "helm", "name": name, "status": status, "version": str(revision + 1)}
    return f"/api/v1/namespaces/{namespace}/secrets", {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision + 1}", "labels": labels},
        "data": {"release": base64.b64encode(packed).decode()},
    }

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helmstack_import does on its target: reads clusters, finds their charts, and drafts a stack."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection import write_kubeconfig
from ansible_collections.helmstack.core.plugins.module_utils.cluster.connection_options import ConnectionOptions
from ansible_collections.helmstack.core.plugins.module_utils.cluster.session import Session
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import GitRepositories
from ansible_collections.helmstack.core.plugins.module_utils.importing.drafting import Drafting
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import Findings
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import DraftRepository
from ansible_collections.helmstack.core.plugins.module_utils.importing.reading import Choice, read
from ansible_collections.helmstack.core.plugins.module_utils.importing.searching import Searcher
from ansible_collections.helmstack.core.plugins.module_utils.importing.transport import pack
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in, without_login
from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions, Tools
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

# what says where a cluster is and who asks: of an entry of `clusters` all or nothing of it
_PLACE = ("host", "kubeconfig")
_LOGIN = ("api_key", "username", "password", "client_cert", "client_key", "ca_cert")
_OF_REPOSITORY = (
    "type",
    "username",
    "ca_file",
    "cert_file",
    "key_file",
    "known_hosts",
    "insecure",
    "oci",
    "plain_http",
)


@dataclass(frozen=True)
class ClusterOptions:
    """A cluster that is read."""

    name: str  # of its environment; "": there is but this one
    connection: ConnectionOptions
    expected: str | None = None


@dataclass(frozen=True)
class ImportOptions:
    """What is read, where charts are looked for, and what the stack is called."""

    stack_name: str
    chosen: Choice
    clusters: tuple[ClusterOptions, ...]
    repositories: tuple[DraftRepository, ...]
    tools: ToolOptions

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ImportOptions:
        return cls(
            stack_name=params.get("stack_name") or "",
            chosen=Choice(*(tuple(params.get(name) or ()) for name in ("namespaces", "label_selectors", "names"))),
            clusters=tuple(
                ClusterOptions(name, ConnectionOptions.of(options), options.get("expected_cluster"))
                for name, options in _clusters(params)
            ),
            repositories=tuple(_declared(item) for item in params.get("repositories") or ()),
            tools=ToolOptions.of(params),
        )


def imported(stack: Stack, options: ImportOptions, *, workdir: str, guard: Guard) -> dict[str, Any]:
    """The draft of a stack, packed for the controller, which writes it.

    :raises HelmstackError: a cluster or a repository cannot be read, or there are no such releases.
    """
    findings = [_read(cluster, options.chosen, workdir) for cluster in options.clusters]
    tools = Tools(stack, options.tools, workdir, None, guard)
    git = GitRepositories(os.path.join(workdir, "searched"), stack.repositories, guard=guard)
    searcher = Searcher(tools.store, stack.repositories, git)
    folder = os.path.join(workdir, "exported")
    drafting = Drafting(searcher, tools.store.fetch, folder, lambda: tools.helm(None).version().major)
    draft = drafting.draft(options.stack_name, findings, options.repositories)
    return {"changed": False, bundle.DRAFT: pack(draft)}


def _clusters(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The clusters' names and connection options; what an entry does not say, the task says for all."""
    for item in params.get("clusters") or ():
        own = {key: value for key, value in item.items() if value is not None and key != "name"}
        other_place = any(key in own for key in _PLACE)
        dropped = ("expected_cluster", *((*_PLACE, *_LOGIN, "context", "kube_context") if other_place else ()))
        yield item["name"], {**{key: value for key, value in params.items() if key not in dropped}, **own}
    if not params.get("clusters"):
        yield "", params


def _read(cluster: ClusterOptions, chosen: Choice, workdir: str) -> Findings:
    driver, name = os.environ.get("HELM_DRIVER", ""), cluster.name
    folder = Path(workdir, f"cluster-{name}" if name else "cluster")
    folder.mkdir(mode=0o700)
    try:
        session = Session(write_kubeconfig(cluster.connection, os.environ, folder), chosen.scope, (), driver)
        session.check(cluster.expected)
        return read(session.client, chosen, driver, name)
    except HelmstackError as error:
        what = error.what
        error.reword(lambda text: f"cluster {name}: {text}" if name and text is what else text)
        raise


def _declared(item: Mapping[str, Any]) -> DraftRepository:
    """A repository for the stack file, its password as a variable."""
    url = str(item["url"])
    options = {key: item[key] for key in _OF_REPOSITORY if item.get(key) and item[key] != "helm"}
    if item.get("password") or any(secrets_in(url)):
        options["password"] = f"${{{item['name']}_password}}"
    return DraftRepository(item["name"], without_login(url), options)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of a cluster, read from Helm's storage: what is chosen, and what of it can be written down."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster import releases
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.importing.found import Findings, FoundRelease, StoredChart
from ansible_collections.helmstack.core.plugins.module_utils.stack.schema import HELM_LABELS

_OURS = "helmstack.io/"
_GONE = ("uninstalled", "uninstalling")


@dataclass(frozen=True)
class Choice:
    """Which releases are wanted; empty: all."""

    namespaces: tuple[str, ...] = ()
    label_selectors: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # globs, of a name or of namespace/name

    @property
    def scope(self) -> frozenset[str] | None:
        return frozenset(self.namespaces) or None

    def takes(self, deployed: Deployed) -> bool:
        patterns = self.names or ("*",)
        return any(fnmatchcase(deployed.id if "/" in pattern else deployed.name, pattern) for pattern in patterns)


def read(client: Client, choice: Choice, driver: str = "", name: str = "") -> Findings:
    """The chosen releases of a cluster.

    :arg driver: HELM_DRIVER.
    :arg name: what the cluster is called.
    :raises ClusterError: the cluster does not answer, or may not be read.
    :raises InputError: there are no such releases.
    """
    try:
        observed = releases.observe(client, choice.scope, driver)
        fitting = (
            releases.selected(client, choice.scope, choice.label_selectors, driver) if choice.label_selectors else None
        )
    except Forbidden as error:
        hint = "" if choice.namespaces else "Or name the namespaces that may be read with namespaces"
        raise Forbidden(error.what, hint=". ".join(filter(None, (error.hint, hint)))) from None
    wanted = {
        key: each
        for key, each in sorted(observed.items())
        if choice.takes(each) and (fitting is None or key in fitting)
    }
    if not wanted:
        raise _none(client, choice, observed, driver, name)
    items = releases.items(client, list(wanted.values()), choice.scope, driver)
    reader = _Reader(name)
    reader.left_out += _empty(client, choice, observed, name)
    for identity, deployed in wanted.items():
        reader.take(deployed, items.get(identity))
    return Findings(name, tuple(reader.found), tuple(reader.notes), tuple(reader.left_out))


class _Reader:
    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self.found: list[FoundRelease] = []
        self.notes: list[str] = []
        self.left_out: list[str] = []

    def take(self, deployed: Deployed, item: Mapping[str, Any] | None) -> None:
        """Takes a release, or says why not."""
        current = deployed.current_revision
        who = f"release {deployed.id}" + (f" of {self._cluster}" if self._cluster else "")
        if deployed.status in _GONE:
            self.left_out.append(f"{who} is not in the stack: it is {deployed.status}")
        elif current is None and deployed.status.startswith("pending"):
            self.left_out.append(
                f"{who} is not in the stack: its first installation is at work still, or was killed ({deployed.status})"
            )
        elif item is None:
            self.left_out.append(f"{who} is not in the stack: it went while it was read")
        else:
            self._decode(deployed, item, who)

    def _decode(self, deployed: Deployed, item: Mapping[str, Any], who: str) -> None:
        labels = item["metadata"].get("labels") or {}
        try:
            where, found = releases.taken(item, lambda data: (data["namespace"], _release(deployed, data, labels)))
        except ClusterError as error:
            self.left_out.append(f"{who} is not in the stack: {error}")
            return
        if where != deployed.namespace:
            self.left_out.append(
                f"{who} is not in the stack: it is deployed to {where} and stored elsewhere, as by Flux; "
                f"move Helm's Secrets of it to {where}, where helm looks for them"
            )
            return
        if found.revision != deployed.revision:
            self.notes.append(
                f"{who}: revision {deployed.revision} is {deployed.status}, so that what is written is revision "
                f"{found.revision}, which is deployed; a check shows what a run would do"
            )
        elif deployed.status != "deployed":
            self.notes.append(
                f"{who}: its only revision to go by, {found.revision}, is {deployed.status}; a check will say what is "
                "to be done"
            )
        if f"{_OURS}stack" in labels:
            self.notes.append(
                f"{who} belongs to the stack '{labels[_OURS + 'stack']}' already; another one takes it over with "
                "take_over: true"
            )
        self.found.append(found)


def _release(deployed: Deployed, data: Mapping[str, Any], labels: Mapping[str, str]) -> FoundRelease:
    """The release under the names that the API server vouches for: what is stored could name files anywhere."""
    chart = StoredChart(data["chart"])
    if not chart.name:
        raise KeyError("chart.metadata.name")
    for name in ("digest", "files", "schema"):
        getattr(chart, name)  # what is damaged shows here
    return FoundRelease(
        namespace=deployed.namespace,
        name=deployed.name,
        revision=int(data["version"]),
        labels={key: text for key, text in labels.items() if key not in HELM_LABELS and not key.startswith(_OURS)},
        config=dict(data.get("config") or {}),
        chart=chart,
        manifest=str(data.get("manifest") or ""),
    )


def _empty(client: Client, choice: Choice, observed: Collection[str], name: str) -> Iterator[str]:
    """Sentences on the namespaces without any release, which may be misspelt."""
    where = f"cluster {name}" if name else "cluster"
    for namespace in sorted({*choice.namespaces} - {identity.partition("/")[0] for identity in observed}):
        try:
            there = client.get_or_none(f"/api/v1/namespaces/{namespace}", accept=METADATA) is not None
        except ClusterError:  # no right to read namespaces
            there = True
        if there:
            yield f"the namespace {namespace} of the {where} has no release"
        else:
            yield f"the {where} has no namespace {namespace}"


def _none(client: Client, choice: Choice, observed: Collection[str], driver: str, name: str) -> InputError:
    of = f"of {name} " if name else ""
    if observed and choice.names:
        return InputError(
            f"none of the {len(observed)} releases {of}that may be read is called {' or '.join(choice.names)}",
            hint=did_you_mean(
                choice.names[0], [key if "/" in choice.names[0] else key.partition("/")[2] for key in observed]
            ),
        )
    if observed:
        return InputError(
            f"none of the {len(observed)} releases {of}has such labels: {','.join(choice.label_selectors)}"
        )
    where = f"namespace {' or '.join(choice.namespaces)}" if choice.namespaces else "the cluster"
    hint = "Check the cluster and the namespaces"
    other = "configmap" if releases.resource_of(driver) == "secrets" else "secret"
    try:
        there = releases.selected(client, choice.scope, (), other)
    except ClusterError:
        there = frozenset()
    if there:
        kind = "ConfigMaps" if other == "configmap" else "Secrets"
        hint = f"{len(there)} are stored in {kind}: set HELM_DRIVER: {other} in the environment of this and later tasks"
    return InputError(f"there is no release {of}in {where}", hint=hint)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes back a run that has ended, as exactly as its result and Helm's history record the state before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply import model
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Result
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import EFFECTIVE, Change, ObjectChange
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

_GOOD = ("superseded", "deployed")


class History(Protocol):
    """What this asks of the cluster."""

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        """A revision of a release, decoded."""

    def now(self, namespace: str, name: str) -> Deployed | None:
        """A release as it is at this moment."""


@dataclass(frozen=True)
class TakingBack:
    """The changes that can be taken back, in the order in which they were done, and why others stay."""

    changes: tuple[Change, ...]
    left: Mapping[str, str]

    @property
    def results(self) -> dict[str, Result]:
        return {change.id: Result(model.DONE, "deployed", change.revision_to) for change in self.changes}

    @classmethod
    def of(cls, done: Iterable[Mapping[str, Any]], releases: Mapping[str, Release], cluster: History) -> TakingBack:
        """What of a result's releases can be taken back.

        :arg done: the releases of a result's plan; those with which the run did not succeed are left alone.
        :arg releases: the stack's, with the options for helm.
        """
        changes: list[Change] = []
        left: dict[str, str] = {}
        for item in done:
            if not has_changed(item):
                continue
            identity = f"{item['namespace']}/{item['name']}"
            try:
                changes.append(_change(item, releases.get(identity), cluster))
            except HelmstackError as error:
                left[identity] = str(error)
        return cls(tuple(changes), left)


def has_changed(item: Mapping[str, Any]) -> bool:
    """Whether a run has changed a release, and has succeeded with it."""
    return item["action"] in EFFECTIVE and (item.get("outcome") or {}).get("state") == model.DONE


def _change(item: Mapping[str, Any], release: Release | None, cluster: History) -> Change:
    """The change that was made, as far as taking it back needs it.

    :raises HelmstackError: it cannot be taken back, or need not be.
    """
    namespace, name = item["namespace"], item["name"]
    if item["action"] == "uninstall":
        raise ClusterError("it was uninstalled, and its history with it")
    now, made = cluster.now(namespace, name), item["outcome"]["revision"]
    if now is None or now.revision != made:
        found = f"at revision {now.revision}" if now else "gone"
        raise ClusterError(f"it is {found}, and no longer what the run has made of it, revision {made}")
    return Change(
        name,
        namespace,
        item["action"],
        release=release,
        deployed=_before(namespace, name, item["revision"]["from"], cluster),
        revision_to=made,
        objects=tuple(
            ObjectChange(each["op"], each["kind"], each["namespace"], each["name"]) for each in item["objects"]
        ),
    )


def _before(namespace: str, name: str, revision: int | None, cluster: History) -> Deployed | None:
    """The release as the run found it; ``current_revision`` is the last one until then that was deployed."""
    if revision is None:
        return None
    status, good = "", revision
    while good:
        body = cluster.body(Deployed(namespace, name, good, "", ""), good)
        status = status or body.status
        if body.status in _GOOD or status == "uninstalled":
            break
        good -= 1
    status = "deployed" if status in _GOOD else status
    return Deployed(namespace, name, revision, status, "", good if good and status != "uninstalled" else None)

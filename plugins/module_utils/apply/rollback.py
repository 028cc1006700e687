# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes back what a failed run has changed (``on_failure: rollback``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.apply import model, replacing
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Result
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import RollbackArgs, UninstallArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release


class RollbackCluster(Protocol):
    """What taking back asks of the cluster."""

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        """A revision of a release, decoded."""

    def discard(self, manifest: Mapping[str, Any], namespace: str, *, orphan: bool) -> bool:
        """Delete an object; whether it was there, or still is."""

    def now(self, namespace: str, name: str) -> Deployed | None:
        """A release as it is at this moment."""


@dataclass
class Rollback:
    """Takes changes back, the last first. ``ready`` waits until a revision of a release is ready."""

    cluster: RollbackCluster
    helm: Callable[[Release | None], Helm]
    ready: Callable[[Change, int], None]
    progress: Callable[[str], None]
    _warnings: list[str] = field(default_factory=list, init=False)

    def all(self, changes: Mapping[str, Change], results: Mapping[str, Result]) -> tuple[dict[str, Result], list[str]]:
        """What became of the releases, and warnings; what could not go back has failed, with the reason.

        :arg results: of what was done, in the order in which it was done.
        """
        found = dict(results)
        for identity in reversed(list(results)):
            if changes[identity].effective:
                self.progress(f"{identity}: goes back to what it was")
                found[identity] = self._one(changes[identity], results[identity])
        return found, self._warnings

    def _one(self, change: Change, result: Result) -> Result:
        state = model.FAILED if result.state == model.FAILED else model.ROLLED_BACK
        if any(item.change.op == "change" for item in change.definitions):
            self._warnings.append(f"release {change.id}: what was upgraded of its crds/ does not go back")
        try:
            left = self._back(change)
        except HelmstackError as error:
            told = f"{result.error}\n" if result.error else ""
            return replace(result, state=model.FAILED, error=f"{told}it could not go back to what it was: {error}")
        if left is None:
            return replace(result, state=state, status="uninstalled", revision=None)
        return replace(result, state=state, status=left.status, revision=left.revision)

    def _back(self, change: Change) -> Deployed | None:
        """The release when it is what it was; None if it is gone, as it was not there before."""
        before, left = change.deployed, self.cluster.now(change.namespace, change.name)
        revision = _good(before)
        if before is None or revision is None:
            if before is None and left is not None and left.labels.get(stamp.MADE) != str(change.revision_to):
                raise ClusterError("somebody else has installed it meanwhile, and it was left alone")
            self._remove(change, left)
            return None
        if left is None or (left.revision, left.status) != (before.revision, before.status):
            self._restore(change, before, revision)
            left = self.cluster.now(change.namespace, change.name)
        return left

    def _remove(self, change: Change, left: Deployed | None) -> None:
        options = _options(change)
        kept: frozenset[tuple[str, str]] = frozenset()
        if left is not None and left.status != "uninstalled":
            kept = self._kept(left)
            args = UninstallArgs(
                change.name,
                change.namespace,
                wait=True,
                timeout=options.timeout,
                disable_hooks=options.disable_hooks,
                keep_history=change.deployed is not None and change.deployed.status == "uninstalled",
            )
            self._warnings += self.helm(change.release).uninstall(args)
        stays = _stays(change, kept)
        if stays:
            self._warnings.append(f"release {change.id} is gone again, but there remain: {', '.join(stays)}")

    def _kept(self, left: Deployed) -> frozenset[tuple[str, str]]:
        """Kind and name of what an uninstall leaves where it is."""
        body = self.cluster.body(left)
        every, gone = (
            {(manifest.kind(item), manifest.name(item)) for item in items}
            for items in (manifest.parse(body.manifest, left.id), manifest.deletable(body.manifest, left.id))
        )
        return frozenset(every - gone)

    def _restore(self, change: Change, before: Deployed, revision: int) -> None:
        """Helm waits only where it must, as our own wait ends at once when it is in vain."""
        options = _options(change)
        hooks = self.cluster.body(before, revision).hooks
        replacing.discard(
            self.cluster, change, options.timeout, _sleep
        )  # what could not be changed cannot go back either
        args = RollbackArgs(
            change.name,
            change.namespace,
            revision,
            wait=any("post-rollback" in hook.events for hook in hooks),
            timeout=options.timeout,
            disable_hooks=options.disable_hooks,
            history_max=options.history_max,
        )
        self._warnings += self.helm(change.release).rollback(args)
        left = self.cluster.now(change.namespace, change.name)
        if left is not None:
            self.ready(change, left.revision)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _good(before: Deployed | None) -> int | None:
    """The revision to go back to; None: there was none. A first install that failed has left objects, which stay."""
    if before is None or before.current_revision is not None:
        return before.current_revision if before else None
    return before.revision if before.status == "failed" else None


def _options(change: Change) -> Options:
    return change.release.options if change.release else Options(history_max=0)  # of others nothing is known


def _stays(change: Change, kept: Collection[tuple[str, str]]) -> list[str]:
    """What is made for a release and not removed with it."""
    found = {*kept, ("Namespace", change.namespace)}
    made = [item for item in change.objects if item.op == "add" and (item.kind, item.name) in found]
    made += [item.change for item in change.definitions if item.change.op == "add"]
    return list(dict.fromkeys(f"{item.kind} {item.name}" for item in made))

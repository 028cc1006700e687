# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Jobs ended that the cluster removes when they have (``ttlSecondsAfterFinished``), as far as it is known.

What the watch has seen last counts, then their events; their pods go with them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import READY, State
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import Object, meta
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_target import (
    UNSEEN,
    Target,
    told_by,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.watch import Feed, Hub
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

_CATCH_UP = 1.0  # seconds in which a watch learns of what has just come and gone
_GIVE_UP = 3.0  # seconds after which events are not expected any more
_LISTED = 2.0  # seconds for a watch's first LIST


class Gone:
    """What one wait finds out of Jobs that are gone before it has seen them end."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._since: dict[Target, float] = {}
        self.unsure: list[str] = []

    def settle(self, states: Mapping[Target, State]) -> bool:
        """Asks for those that are gone unseen; true if anything has been learnt."""
        now, learnt = time.monotonic(), False
        for target in (target for target, state in states.items() if state is UNSEEN):
            lasted = now - self._since.setdefault(target, now)
            if lasted >= _CATCH_UP:
                target.told = self._told(target)
            if target.told is None and lasted >= _GIVE_UP:
                target.told = State(READY, "is gone, and how it ended is not known")
                self.unsure.append(
                    f"{target.label} is gone, as its ttlSecondsAfterFinished says, and whether it has succeeded is not "
                    "known: neither a watch nor its events show it"
                )
            learnt = learnt or target.told is not None
        return learnt

    def _told(self, target: Target) -> State | None:
        path = f"/api/v1/namespaces/{target.namespace}/events"
        about = f"involvedObject.kind={target.kind},involvedObject.name={target.name}"
        try:
            events = [*self._client.list(path, field_selector=about)]
        except ClusterError:
            return None
        return told_by(sorted(events, key=_version, reverse=True))


def _version(event: Object) -> int:
    """The order in which events were written; their times are of whole seconds."""
    version = str(meta(event).get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0


@contextmanager
def expected(hub: Hub, targets: Sequence[Target], stopped: Callable[[], bool]) -> Iterator[None]:
    """Watches Jobs that may be gone before anybody could look, from before they are made."""
    changed = threading.Event()
    paths = {target.path for target in targets if target.path}
    feeds = [hub.follow(path, changed, names=[t.name for t in targets if t.path == path]) for path in sorted(paths)]
    try:
        _until_listed(feeds, changed, stopped)
        yield
    finally:
        for feed in feeds:
            hub.leave(feed, changed)


def _until_listed(feeds: Sequence[Feed], changed: threading.Event, stopped: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LISTED
    while not all(feed.synced for feed in feeds) and time.monotonic() < deadline and not stopped():
        changed.wait(0.1)
        changed.clear()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches what helm itself waits for, hooks above all, and ends helm when it waits in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.helm.process import Interrupt
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options

T = TypeVar("T")

_LATER = frozenset(("post-install", "post-upgrade"))
_ENDING = frozenset(("Job", "Pod"))  # hooks that helm waits for


class ObjectWatch(Protocol):
    """What a watch beside helm asks of the run's readiness."""

    def beside_helm(self, objects: Sequence[tuple[str, Any]]) -> list[Any]:
        """What to watch of what helm is about to make or change."""

    def follow(self, targets: Sequence[Any], timeout: float, stopped: Callable[[], bool]) -> HelmstackError | None:
        """Why what helm waits for does not become ready."""

    def trouble(self, targets: Sequence[Any]) -> HelmstackError | None:
        """Why helm itself has found that its objects do not become ready."""


def helm_waits(change: Change) -> bool:
    """Whether helm must wait itself: it alone knows when to run what comes after, hooks or a rollback."""
    atomic = change.release is not None and change.release.options.atomic
    return atomic or any(item.hook & _LATER for item in change.objects)


def is_there(change: Change) -> bool | None:
    """Whether helm will find a release; None: what is uninstalled may have left a history."""
    found = change.deployed
    if found and (found.status == "uninstalled" or (change.action == "recover" and found.current_revision is None)):
        return None
    return found is not None


def ending(change: Change) -> list[tuple[str, manifest.Object]]:
    """The Jobs that an upgrade makes and that are awaited."""
    options = change.release.options if change.release else Options()
    awaited = change.effective and options.wait and options.wait_for_jobs
    made = [item for item in change.objects if item.kind == "Job" and item.after and awaited]
    return [(item.namespace, item.after) for item in made if item.after and not item.hook]


def guarded(readiness: ObjectWatch, change: Change, timeout: float, work: Callable[[Interrupt], T]) -> T:
    """Lets helm work on a release; ends it as soon as something that it waits for cannot become ready.

    :arg timeout: seconds for all of it.
    :raises HelmstackError: helm has failed, or was ended; it says why in terms of the objects where there are any.
    """
    interrupt = Interrupt()
    awaited = _awaited(change)
    targets = readiness.beside_helm(awaited) if awaited else []
    if not targets:
        return work(interrupt)
    ended = threading.Event()
    found: list[HelmstackError] = []

    def watch() -> None:
        trouble = readiness.follow(targets, timeout, ended.is_set)
        if trouble and not ended.is_set():
            found.append(trouble)
            interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return work(interrupt)
    except HelmFailure as failure:
        ended.set()
        trouble = found[0] if found else readiness.trouble(targets)
        if trouble is None:
            raise
        raise _told(failure, trouble, ended_by_us=bool(found)) from None
    finally:
        ended.set()


def _awaited(change: Change) -> list[tuple[str, manifest.Object]]:
    """The changes that helm waits for, each with its namespace."""
    options = change.release.options if change.release else Options()
    waits = change.action != "uninstall" and helm_waits(change) and (options.wait or options.atomic)

    def counts(item: ObjectChange) -> bool:
        if item.hook:
            return item.kind in _ENDING
        return waits and (item.kind != "Job" or options.wait_for_jobs)

    return [(item.namespace, item.after) for item in change.objects if item.after and counts(item)]


def _told(failure: HelmFailure, trouble: HelmstackError, *, ended_by_us: bool) -> HelmstackError:
    """Helm's words and the reason behind them; ended by us, it only knows that it was."""
    words = failure.words.splitlines()
    if not ended_by_us:
        return HelmstackError(failure.what, hint=failure.hint, detail="\n".join([*words[1:], str(trouble)]))
    told = f"helm, which waited for it, was interrupted and says: {words[0]}" if words else ""
    return HelmstackError(trouble.what, hint=trouble.hint, detail="\n".join(filter(None, (trouble.detail, told))))

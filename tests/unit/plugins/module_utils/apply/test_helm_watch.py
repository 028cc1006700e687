# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When helm is ended, and what is told then. That it ends, and what it records, is tested on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.apply.helm_watch import guarded, is_there
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.helm.process import Interrupt
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Action, Change, ObjectChange
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

TROUBLE = HelmstackError("Job a/migrate cannot become ready", hint="Look", detail="Last events:")


def item(kind: str, name: str, hook: str = "") -> ObjectChange:
    after = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
    return ObjectChange("add", kind, "a", name, None, after, hook=frozenset(hook.split(",") if hook else ()))


def change(*items: ObjectChange, action: str = "install", **options: Any) -> Change:
    release = Release("web", "a", "./web", options=Options(**options))
    return Change("web", "a", action, release=release, objects=items)


class Readiness:
    """Knows beforehand what it will find."""

    def __init__(self, found: HelmstackError | None = None, after: HelmstackError | None = None) -> None:
        self.found = found
        self.after = after
        self.awaited: list[str] = []
        self.ended = False

    def beside_helm(self, objects: Sequence[tuple[str, Any]]) -> list[Any]:
        self.awaited = [manifest["metadata"]["name"] for _namespace, manifest in objects]
        return self.awaited

    def follow(self, targets: Sequence[Any], timeout: float, stopped: Callable[[], bool]) -> HelmstackError | None:
        while self.found is None and not stopped():
            time.sleep(0.01)
        self.ended = stopped()
        return self.found

    def trouble(self, targets: Sequence[Any]) -> HelmstackError | None:
        return self.after


class Process:
    """A helm that works until it is interrupted."""

    def __init__(self) -> None:
        self.signals = 0

    def send_signal(self, _number: int) -> None:
        self.signals += 1

    def work(self, interrupt: Interrupt) -> int:
        interrupt.attach(self)  # type: ignore[arg-type]
        deadline = time.monotonic() + 5
        while not self.signals:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise HelmFailure("release a/web cannot be applied", "context canceled\nmore", 1)


def awaited(one: Change) -> list[str]:
    readiness = Readiness()
    guarded(readiness, one, 5, lambda _interrupt: 1)
    return readiness.awaited


HOOK = item("Job", "migrate", "pre-install")
WORKLOADS = (item("Deployment", "web"), item("Job", "once"))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (change(*WORKLOADS), []),
        (change(*WORKLOADS, HOOK), ["migrate"]),
        (change(*WORKLOADS, item("ConfigMap", "settings", "pre-install")), []),
        (change(*WORKLOADS, item("ConfigMap", "settings", "post-install")), ["web"]),
        (change(*WORKLOADS, atomic=True), ["web"]),
        (change(*WORKLOADS, atomic=True, wait_for_jobs=True), ["web", "once"]),
        (change(*WORKLOADS, item("Pod", "last", "post-install"), wait=False), ["last"]),
        (change(item("Job", "goodbye", "pre-delete"), action="uninstall"), ["goodbye"]),
    ],
)
def test_only_what_helm_waits_for_is_watched(one: Change, expected: list[str]) -> None:
    assert awaited(one) == expected


def test_helm_is_ended_when_it_waits_in_vain() -> None:
    process = Process()
    with pytest.raises(HelmstackError) as caught:
        guarded(Readiness(TROUBLE), change(HOOK), 5, process.work)
    assert process.signals == 1
    assert str(caught.value) == (
        "Job a/migrate cannot become ready. Look\nLast events:\n"
        "helm, which waited for it, was interrupted and says: context canceled"
    )


def failing(_interrupt: Interrupt) -> int:
    raise HelmFailure("release a/web cannot be applied", "failed pre-install: job failed", 1)


def test_a_helm_that_fails_itself_is_explained() -> None:
    with pytest.raises(
        HelmstackError, match=r"cannot be applied: failed pre-install: job failed\nJob a/migrate cannot"
    ):
        guarded(Readiness(after=TROUBLE), change(HOOK), 5, failing)
    with pytest.raises(HelmFailure, match=r"failed pre-install: job failed$"):
        guarded(Readiness(), change(HOOK), 5, failing)


def test_the_watch_ends_with_helm() -> None:
    readiness = Readiness()
    assert guarded(readiness, change(HOOK), 5, lambda _interrupt: 7) == 7
    deadline = time.monotonic() + 5
    while not readiness.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert readiness.ended


def test_an_interrupt_that_comes_before_its_process_counts() -> None:
    process, interrupt = Process(), Interrupt()
    interrupt()
    assert process.signals == 0
    interrupt.attach(process)  # type: ignore[arg-type]
    assert process.signals == 1


@pytest.mark.parametrize(
    ("action", "deployed", "expected"),
    [
        ("install", None, False),
        ("install", Deployed("a", "r", 3, "uninstalled", ""), None),
        ("upgrade", Deployed("a", "r", 3, "deployed", "", 3), True),
        ("upgrade", Deployed("a", "r", 3, "failed", ""), True),
        ("recover", Deployed("a", "r", 3, "pending-upgrade", "", 2), True),
        ("recover", Deployed("a", "r", 1, "pending-install", ""), None),
    ],
)
def test_helm_looks_for_a_release_only_where_nobody_knows(
    action: Action, deployed: Deployed | None, expected: bool | None
) -> None:
    assert is_there(Change("r", "a", action, deployed=deployed)) is expected

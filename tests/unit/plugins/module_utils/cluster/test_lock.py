# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster import lock as locking
from ansible_collections.helmstack.core.plugins.module_utils.cluster.lock import (
    ABANDONED,
    Lock,
    Lost,
    expired,
    left_by,
    name_of,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Conflict, NotFound, Unreachable
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"holderIdentity": "a"}, True),
        ({"holderIdentity": "", "renewTime": "2026-01-01T12:00:30.000000Z"}, True),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T12:00:00.000000Z", "leaseDurationSeconds": 30}, False),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T11:59:59.000000Z", "leaseDurationSeconds": 30}, True),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T12:00:10.000000Z", "leaseDurationSeconds": 5}, True),
    ],
)
def test_a_lease_expires_when_its_holder_does_not_renew(spec: dict[str, Any], expected: bool) -> None:
    assert expired(spec, NOW) is expected


@pytest.mark.parametrize(
    ("stack", "environment", "expected"),
    [("shop", "dev", "helmstack-shop-dev"), ("My Shop_1", None, "helmstack-my-shop-1-none")],
)
def test_stacks_and_environments_have_locks_of_their_own(stack: str, environment: str | None, expected: str) -> None:
    assert name_of(stack, environment) == expected


class FakeClient:
    """One Lease, kept as the API keeps it."""

    def __init__(self, **spec: Any) -> None:
        self.lease: dict[str, Any] | None = None
        if spec:
            self.lease = {"metadata": {"name": "l", "uid": "u", "resourceVersion": "1"}, "spec": spec}

    def impatient(self, seconds: float) -> FakeClient:
        return self

    def create(self, path: str, body: dict[str, Any], *, again: bool) -> None:
        if self.lease is not None:
            raise Conflict("exists")
        self.lease = {**body, "metadata": {**body["metadata"], "uid": "u", "resourceVersion": "1"}}

    def get_or_none(self, path: str) -> dict[str, Any] | None:
        return self.lease

    def patch(self, path: str, body: dict[str, Any], *, again: bool) -> None:
        if self.lease is None:
            raise NotFound("gone")
        metadata = self.lease["metadata"]
        if body["metadata"].get("resourceVersion") != metadata["resourceVersion"]:
            raise Conflict("changed")
        version = str(int(metadata["resourceVersion"]) + 1)
        annotations = {**metadata.get("annotations", {}), **body["metadata"].get("annotations", {})}
        self.lease = {
            "metadata": {**metadata, "resourceVersion": version, "annotations": annotations},
            "spec": {**self.lease["spec"], **body.get("spec", {})},
        }

    def delete(self, path: str, body: dict[str, Any], *, again: bool) -> None:
        assert self.lease is not None
        assert body["preconditions"]["uid"] == self.lease["metadata"]["uid"]
        self.lease = None


def ago(seconds: float) -> str:
    moment = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix(seconds_ago: float) -> float:
    return datetime.now(timezone.utc).timestamp() - seconds_ago


def dead(seconds: float = 60) -> dict[str, Any]:
    return {"holderIdentity": "other", "acquireTime": ago(seconds + 40), "renewTime": ago(seconds)}


class Repeating(FakeClient):
    """What is written gets through, but the answer is lost, so that the client writes it again."""

    def create(self, path: str, body: dict[str, Any], *, again: bool) -> None:
        super().create(path, body, again=again)
        assert again
        super().create(path, body, again=again)

    def patch(self, path: str, body: dict[str, Any], *, again: bool) -> None:
        super().patch(path, body, again=again)
        assert again
        super().patch(path, body, again=again)


class Silent(FakeClient):
    """The API is gone, once ``gone`` is set."""

    gone = False

    def get_or_none(self, path: str) -> dict[str, Any] | None:
        if self.gone:
            raise Unreachable("the API is not answering")
        return super().get_or_none(path)


def lock_of(client: FakeClient, lost: list[str] | None = None) -> Lock:
    fake: Any = client
    return Lock(fake, "shop", None, (lost if lost is not None else []).append)


def await_(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("before", [{}, {"holderIdentity": "other", "renewTime": "2026-01-01T11:59:59.000000Z"}])
def test_what_was_taken_though_the_answer_was_lost_is_ours(before: dict[str, Any]) -> None:
    client, lost = Repeating(**before), list[str]()
    with lock_of(client, lost).held(0):
        assert client.lease is not None
        assert client.lease["spec"]["holderIdentity"] not in ("", "other")
    assert lost == []


def test_a_renewal_whose_answer_is_lost_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "RENEWAL", 0.01)
    client, lost = Repeating(), list[str]()
    with lock_of(client, lost).held(0):
        await_(lambda: int((client.lease or {})["metadata"]["resourceVersion"]) > 4)
    assert lost == []


def test_a_lock_that_cannot_be_renewed_is_given_up_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "RENEWAL", 0.1)
    monkeypatch.setattr(locking, "SECONDS", 1)
    client, lost = Silent(), list[str]()
    began = time.monotonic()
    with lock_of(client, lost).held(0):
        client.gone = True
        await_(lambda: lost)
        assert time.monotonic() - began < 1
        client.gone = False
    assert lost == ["the lock on stack shop cannot be renewed in time: the API is not answering"]


def test_a_finished_run_leaves_no_lease() -> None:
    client = FakeClient()
    lock = lock_of(client)
    with lock.held(0):
        lock.check()
        lock.begins()
        lock.finished(everything=True)
    assert client.lease is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, ClusterError])
def test_an_unfinished_run_leaves_a_lease_that_is_free_and_tells_when_it_was(error: type[BaseException]) -> None:
    client = FakeClient()
    lock = lock_of(client)
    with suppress(error), lock.held(0):
        lock.begins()
        raise error("x")
    assert client.lease is not None
    assert client.lease["spec"]["holderIdentity"] == ""
    left = lock_of(client).look()
    assert left is not None
    assert left.covers(unix(0.5))
    assert not left.covers(unix(5))


def test_a_dead_holders_lease_is_taken_and_its_time_is_known_till_all_is_put_right() -> None:
    client = FakeClient(**dead())
    first = lock_of(client)
    found = first.look()
    with first.held(0):
        assert first.abandoned == found
        first.begins()
    second = lock_of(client)
    with second.held(0):
        assert second.abandoned is not None
        assert second.abandoned.covers(unix(80)), "what the first left, and the second too"
        second.begins()
        second.finished(everything=False)
    third = lock_of(client)
    with third.held(0):
        third.begins()
        third.finished(everything=True)
    assert client.lease is None


@pytest.mark.parametrize(("modified", "covered"), [(105, False), (99, True), (60, True), (31, True), (25, False)])
def test_only_what_was_written_while_the_dead_run_was_at_work_counts_as_abandoned(
    modified: float, covered: bool
) -> None:
    client = FakeClient(**dead())
    assert client.lease is not None
    assert left_by(client.lease).covers(unix(modified)) is covered


def test_a_living_holder_is_named_as_soon_as_it_gives_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(holderIdentity="host/1/abc", acquireTime=ago(100), renewTime=ago(3))

    def sleep(seconds: float) -> None:
        assert client.lease is not None
        client.patch("", {"metadata": {"resourceVersion": "1"}, "spec": {"renewTime": ago(0)}}, again=False)

    monkeypatch.setattr(locking.time, "sleep", sleep)
    with pytest.raises(ClusterError, match=r"another run is at work on stack shop: host/1/abc since 2\d{3}-"):
        lock_of(client).held(0).__enter__()
    assert client.lease is not None
    assert client.lease["spec"]["holderIdentity"] == "host/1/abc"


@pytest.mark.parametrize("spec", [None, {"holderIdentity": "thief"}])
def test_a_lost_lease_is_noticed_before_the_next_effect_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(locking, "RENEWAL", 0.01)
    client, lost = FakeClient(), list[str]()
    lock = lock_of(client, lost)
    with lock.held(0):
        taken = {"metadata": {"uid": "v", "resourceVersion": "9"}, "spec": spec} if spec else None
        client.lease = taken
        with pytest.raises(Lost, match="has lost the lock on stack shop: " + ("thief has it" if spec else "its Lease")):
            lock.check()
        await_(lambda: lost)
    assert client.lease == taken


def test_the_annotation_of_a_dead_runs_time_is_read_back() -> None:
    metadata = {"annotations": {ABANDONED: "2026-01-01T11:00:00.000000Z/2026-01-01T12:00:00.000000Z"}}
    found = left_by({"metadata": metadata, "spec": {"holderIdentity": ""}})
    assert str(found) == metadata["annotations"][ABANDONED]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock against two runs at once on the same stack: a Lease, which expires when its holder dies.

A dead run's Lease also proves that the releases it left unfinished have no live owner.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Conflict, Forbidden, NotFound
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

NAMESPACE = "default"
SECONDS = 30  # a holder that has not renewed for so long is dead
RENEWAL = 5  # seconds between two signs of life
ABANDONED = "helmstack.io/abandoned"  # annotation: since when, and until when, runs were at work that died
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
_NEVER = datetime.fromtimestamp(0, timezone.utc)


class Lost(ClusterError):
    """The lock is no longer ours, so another run may be at work."""


@dataclass(frozen=True)
class Abandoned:
    """The time in which dead runs were at work: a release that is unfinished since then has no live owner."""

    since: datetime
    until: datetime

    def covers(self, modified: float) -> bool:
        """Whether a release that was last written then, in Unix seconds, was written by one of these runs."""
        # Helm notes whole seconds
        return self.since.timestamp() - 1 <= modified <= self.until.timestamp()

    def __str__(self) -> str:
        return f"{_text(self.since)}/{_text(self.until)}"


class Lock:
    """The lock of one stack and environment.

    A write may be sent again after a failure: the name in the lease shows whether the first one succeeded.

    :arg on_loss: is called with the reason, if the lease is lost although this run is alive.
    """

    def __init__(self, client: Client, stack: str, environment: str | None, on_loss: Callable[[str], None]) -> None:
        self._client = client
        self._quick = client.impatient(RENEWAL)
        self._path = f"{_LEASES}/{name_of(stack, environment)}"
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._on_loss = on_loss
        self._done = threading.Event()
        self._stack = f"{stack} ({environment})" if environment else stack
        self._began = _NEVER
        self._unfinished = False
        self.abandoned: Abandoned | None = None  # by the runs that held the lock before, and died
        self.waited = False  # for another run, which may have changed anything

    def look(self) -> Abandoned | None:
        """What :attr:`abandoned` would be if the lock were taken now; only reads."""
        try:
            lease = self._client.get_or_none(self._path)
        except Forbidden:
            return None
        now = datetime.now(timezone.utc)
        return left_by(lease) if lease and expired(lease.get("spec") or {}, now) else None

    def obstacle(self) -> str:
        """Why a run could not take the lock now; "" if it could, or if that is unknown. It changes nothing.

        :raises Forbidden: the right to it is missing.
        """
        try:
            self._quick.create(_LEASES, self._lease(), dryRun="All")
            return ""
        except Conflict:
            lease = self._quick.get_or_none(self._path)
            if lease and not expired(lease.get("spec") or {}, datetime.now(timezone.utc)):
                return self._busy(lease.get("spec") or {}).what
        except Forbidden:
            raise
        except ClusterError:
            pass
        return ""

    @contextmanager
    def held(self, wait: float) -> Iterator[None]:
        """Holds the lock. If something is unfinished at the end, the Lease stays as evidence, without a holder.

        :arg wait: seconds to wait for another run's end. A holder that gives no sign of life is waited for in any
            case, until its lease expires.
        :raises ClusterError: another run holds it, or the right to Leases is missing.
        """
        renewal = threading.Thread(target=self._renew, daemon=True)
        try:
            self._acquire(wait)
            renewal.start()
            yield
        finally:
            self._done.set()
            if renewal.ident:
                renewal.join()
            self._release()

    def begins(self) -> None:
        """Notes that from now on something may be unfinished."""
        self._unfinished = True

    def finished(self, *, everything: bool) -> None:
        """Notes that nothing is unfinished; with ``everything``, nothing of dead runs either."""
        self._unfinished = False
        self.abandoned = None if everything else self.abandoned

    def check(self) -> None:
        """Holds if the lock is still ours.

        :raises Lost: it is not.
        """
        self._mine(self._client)

    # taking it

    def _acquire(self, wait: float) -> None:
        began, first = time.monotonic(), ""
        while True:
            other = self._taken()
            if other is None:
                return
            self.waited = True
            spec = other.get("spec") or {}
            sign = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
            first = first or sign
            waited = time.monotonic() - began
            if waited >= wait and (sign != first or waited > wait + SECONDS):
                raise self._busy(spec)
            time.sleep(min(1.0, 0.1 + waited / 5))

    def _busy(self, spec: Mapping[str, Any]) -> ClusterError:
        return ClusterError(
            f"another run is at work on stack {self._stack}: {spec.get('holderIdentity')} since "
            f"{spec.get('acquireTime')}, last seen {spec.get('renewTime')}",
            hint="Run again when it has ended, let this one wait with lock_wait, or set 'lock: false'",
        )

    def _taken(self) -> Mapping[str, Any] | None:
        """None if the lock is ours now, else the Lease of its holder; empty if that has just gone."""
        try:
            self._client.create(_LEASES, self._lease(), again=True)
            return None
        except Conflict:
            pass
        except Forbidden as error:
            raise ClusterError(
                f"the lock on stack {self._stack} cannot be taken: {error.what}",
                hint=f"Grant get, create, patch and delete on leases in namespace {NAMESPACE}, or set 'lock: false'",
            ) from None
        lease = self._client.get_or_none(self._path)
        if lease and self._is_ours(lease):
            return None
        if lease is None or not expired(lease.get("spec") or {}, datetime.now(timezone.utc)):
            return lease or {}
        return None if self._taken_over(lease) else {}

    def _taken_over(self, lease: Mapping[str, Any]) -> bool:
        self.abandoned = left_by(lease)
        taken = self._lease()
        taken["metadata"]["resourceVersion"] = lease["metadata"]["resourceVersion"]
        taken["metadata"]["annotations"] = {ABANDONED: str(self.abandoned)}
        try:
            self._client.patch(self._path, taken, again=True)
        except (NotFound, Conflict):
            return False
        return True

    def _lease(self) -> dict[str, Any]:
        self._began = datetime.now(timezone.utc)
        now = _text(self._began)
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": SECONDS, "acquireTime": now, "renewTime": now}
        return {"metadata": {"name": self._path.rpartition("/")[2]}, "spec": spec}

    # keeping it, and giving it back

    def _renew(self) -> None:
        last = time.monotonic()
        while not self._done.wait(RENEWAL):
            try:
                self._write(self._mine(self._quick), {"spec": {"renewTime": _text(datetime.now(timezone.utc))}})
                last = time.monotonic()
            except ClusterError as error:
                # a run that cannot renew in time must stop before another one may begin
                if isinstance(error, Lost):
                    self._on_loss(str(error))
                    return
                if time.monotonic() - last > SECONDS - 2 * RENEWAL:
                    self._on_loss(f"the lock on stack {self._stack} cannot be renewed in time: {error}")
                    return

    def _is_ours(self, lease: Mapping[str, Any]) -> bool:
        return bool((lease.get("spec") or {}).get("holderIdentity") == self._holder)

    def _mine(self, client: Client) -> Mapping[str, Any]:
        lease = client.get_or_none(self._path)
        if lease is None or not self._is_ours(lease):
            holder = lease and (lease.get("spec") or {}).get("holderIdentity")
            why = f"{holder} has it" if holder else "its Lease has been deleted"
            raise Lost(
                f"this run has lost the lock on stack {self._stack}: {why}",
                hint="Another run may be at work, so this one begins nothing more. Run again when it has ended",
            )
        return lease

    def _write(self, lease: Mapping[str, Any], patch: dict[str, Any]) -> None:
        patch["metadata"] = {**patch.get("metadata", {}), "resourceVersion": lease["metadata"]["resourceVersion"]}
        self._quick.patch(self._path, patch, again=True)

    def _release(self) -> None:
        left = self.abandoned
        if self._unfinished:
            left = Abandoned(left.since if left else self._began, datetime.now(timezone.utc))
        try:
            lease = self._mine(self._quick)
            if left:
                self._leave(lease, left)
            else:
                self._quick.delete(self._path, {"preconditions": {"uid": lease["metadata"]["uid"]}}, again=True)
        except ClusterError:
            # it expires by itself
            return

    def _leave(self, lease: Mapping[str, Any], abandoned: Abandoned) -> None:
        annotations = {ABANDONED: str(abandoned)}
        self._write(lease, {"metadata": {"annotations": annotations}, "spec": {"holderIdentity": ""}})


def name_of(stack: str, environment: str | None) -> str:
    """The Lease's name: an RFC 1123 subdomain."""
    text = re.sub(r"[^a-z0-9.-]+", "-", f"helmstack-{stack}-{environment or 'none'}".lower())
    return text.strip("-.")[:253]


def expired(spec: Mapping[str, Any], now: datetime) -> bool:
    """Whether the lease has no holder, or its holder has not renewed it in time."""
    renewed = spec.get("renewTime")
    if not spec.get("holderIdentity") or not renewed:
        return True
    return now - _moment(renewed) > timedelta(seconds=int(spec.get("leaseDurationSeconds") or SECONDS))


def left_by(lease: Mapping[str, Any]) -> Abandoned:
    """When the holder of an expired Lease was at work, and those before it which died as well."""
    spec = lease.get("spec") or {}
    since, dummy, until = str((lease["metadata"].get("annotations") or {}).get(ABANDONED, "")).partition("/")
    if not spec.get("holderIdentity"):
        return Abandoned(_moment(since), _moment(until))
    # from its last sign of life until it counted as dead it may have been at work
    dead = _moment(spec.get("renewTime")) + timedelta(seconds=SECONDS)
    return Abandoned(_moment(since or spec.get("acquireTime")), max(dead, _moment(until)))


def _moment(text: Any) -> datetime:
    """A time as the API writes it; what is none counts as long ago."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _text(moment: datetime) -> str:
    """As Kubernetes' MicroTime."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

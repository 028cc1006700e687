# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock against two runs at once on the same stack: a Lease, which expires when its holder dies."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Conflict, Forbidden, NotFound
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

NAMESPACE = "default"
SECONDS = 30  # a holder that has not renewed for so long is dead
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


class Lock:
    """The lock of one stack and environment.

    :arg on_loss: is called if the lease is lost although this run is alive (the API was out of reach for too long).
    """

    def __init__(self, client: Client, stack: str, environment: str | None, on_loss: Callable[[], None]) -> None:
        self._client = client
        self._name = name_of(stack, environment)
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._on_loss = on_loss
        self._done = threading.Event()
        self._stack = f"{stack} ({environment})" if environment else stack

    @contextmanager
    def held(self, wait: float) -> Iterator[bool]:
        """Holds the lock; gives whether another run held it before, so that what was read meanwhile is old.

        :arg wait: seconds to wait for another run's end.
        :raises ClusterError: another run holds it, or the right to Leases is missing.
        """
        waited = self._acquire(time.monotonic() + wait)
        renewal = threading.Thread(target=self._renew, daemon=True)
        renewal.start()
        try:
            yield waited
        finally:
            self._done.set()
            renewal.join()
            self._release()

    def _acquire(self, deadline: float) -> bool:
        waited = False
        while True:
            other = self._try()
            if other is None:
                return waited
            if time.monotonic() >= deadline:
                raise ClusterError(
                    f"another run is at work on stack {self._stack}: {other}",
                    hint="Run again when it has ended, let this one wait with lock_wait, or set 'lock: false'",
                )
            waited = True
            time.sleep(1)

    def _try(self) -> str | None:
        """None if the lock is ours now, else who holds it."""
        try:
            self._client.create(_LEASES, self._lease())
            return None
        except Conflict:
            pass
        except Forbidden as error:
            raise ClusterError(
                f"the lock on stack {self._stack} cannot be taken: {error}",
                hint=f"Grant get, create, patch and delete on leases in namespace {NAMESPACE}, or set 'lock: false'",
            ) from None
        try:
            lease = self._client.get(f"{_LEASES}/{self._name}")
            if not expired(lease.get("spec") or {}, datetime.now(timezone.utc)):
                return str(lease["spec"].get("holderIdentity"))
            taken = self._lease()
            taken["metadata"]["resourceVersion"] = lease["metadata"]["resourceVersion"]
            self._client.patch(f"{_LEASES}/{self._name}", taken)
            return None
        except (NotFound, Conflict):
            return "one that has just begun or ended"

    def _lease(self) -> dict[str, Any]:
        now = _text(datetime.now(timezone.utc))
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": SECONDS, "acquireTime": now, "renewTime": now}
        return {"metadata": {"name": self._name}, "spec": spec}

    def _renew(self) -> None:
        last = time.monotonic()
        while not self._done.wait(SECONDS / 3):
            try:
                now = {"renewTime": _text(datetime.now(timezone.utc))}
                found = self._client.patch(f"{_LEASES}/{self._name}", {"spec": now})
                if found["spec"].get("holderIdentity") != self._holder:
                    self._on_loss()
                    return
                last = time.monotonic()
            except ClusterError:
                if time.monotonic() - last > SECONDS:
                    self._on_loss()
                    return

    def _release(self) -> None:
        try:
            lease = self._client.get(f"{_LEASES}/{self._name}")
            if lease["spec"].get("holderIdentity") == self._holder:
                self._client.delete(f"{_LEASES}/{self._name}", {"preconditions": {"uid": lease["metadata"]["uid"]}})
        except ClusterError:
            # it expires by itself
            return


def name_of(stack: str, environment: str | None) -> str:
    """The Lease's name: an RFC 1123 subdomain."""
    text = re.sub(r"[^a-z0-9.-]+", "-", f"helmstack-{stack}-{environment or 'none'}".lower())
    return text.strip("-.")[:253]


def expired(spec: Mapping[str, Any], now: datetime) -> bool:
    """Whether the holder has not renewed its lease in time."""
    renewed = spec.get("renewTime")
    if not spec.get("holderIdentity") or not renewed:
        return True
    last = datetime.fromisoformat(str(renewed).replace("Z", "+00:00"))
    return now - last > timedelta(seconds=int(spec.get("leaseDurationSeconds") or SECONDS))


def _text(moment: datetime) -> str:
    """As Kubernetes' MicroTime."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases that a run left unfinished, and how they are recovered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

# where no revision is deployed, helm upgrades from the latest one if it is one of these (action.prepareUpgrade)
_UPGRADED = ("deployed", "failed", "superseded")


class Unfinished(ClusterError):
    """A release is being changed by another run, or was when that run died."""


@dataclass(frozen=True)
class Recovery:
    """The recovery of a release that has been pending-* or uninstalling for ``pending_age`` seconds.

    :arg abandoned: whether a release's last write, in Unix seconds, was by a run that is known to be dead.
    """

    recover: str  # "rollback" or "fail"
    pending_age: int
    now: Callable[[], float] = time.time
    abandoned: Callable[[float], bool] = lambda modified: False

    def of(self, deployed: Deployed | None) -> str | None:
        """ "rollback" if the release must be recovered, None if there is nothing to recover.

        :raises Unfinished: it is not, or not yet, to be touched.
        """
        if deployed is None or not deployed.status.startswith(("pending", "uninstalling")):
            return None
        age = int(self.now() - deployed.modified)
        if self.recover == "fail":
            raise Unfinished(
                f"release {deployed.id} has been {deployed.status} for {age} s",
                hint="Another run may be at work. If none is, run again with 'recover: rollback'",
            )
        if age < self.pending_age and not self.abandoned(deployed.modified):
            raise Unfinished(
                f"release {deployed.id} has been {deployed.status} for {age} s: another run may be at work",
                hint=f"After {self.pending_age} s (pending_age) it counts as abandoned and is recovered",
            )
        return "rollback"


def check_upgradable(deployed: Deployed, stored_status: Callable[[], str]) -> None:
    """Returns if helm can upgrade a release that needs no recovery.

    :arg stored_status: what the release itself says, which counts for helm; the label may be lost.
    :raises ClusterError: it has a status that no helm stores, such as "unknown", and no revision to go back to.
    """
    if deployed.current_revision is not None or deployed.status in _UPGRADED:
        return
    status = stored_status()
    if status not in _UPGRADED:
        raise ClusterError(
            f"release {deployed.id} has the status '{status}' in Helm's storage and no deployed revision, so that helm "
            "refuses to upgrade it",
            hint=f"Run 'helm rollback {deployed.name} {deployed.revision} -n {deployed.namespace}', or uninstall it, "
            "and run again",
        )

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reasons for a release's change, and surprises in its history."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import templates_digest
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed, ReleaseBody
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.plan import fingerprint as stamp
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import identical

READINESS, LABELS = "readiness", "labels"
_ROLLBACK = "Rollback to "  # how Helm describes one (pkg/action/rollback.go)


def other_values(given: Mapping[str, Any], stored: Mapping[str, Any], *, reuses: bool) -> bool:
    """Whether an upgrade makes other values of those that are stored.

    :arg given: the user's, merged.
    :arg reuses: they are laid over the stored ones; there null takes a value away, and is not stored itself.
    """
    if reuses:
        return not identical(_without_null(merge((stored, given))), _without_null(stored))
    return not identical(given, stored)


def _without_null(values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    return {key: _without_null(value) for key, value in values.items() if value is not None}


def other_templates(body: ReleaseBody, chart: str, known: str = "") -> bool:
    """Whether the chart's own templates are not those that are deployed; Helm does not store those of sub-charts.

    :arg known: the digest of the chart's templates; "": they have to be read.
    """
    if not body.templates:
        return False
    now = known
    if not now:
        try:
            now = templates_digest(chart_files.read(chart))
        except ChartError:  # rendering reports it
            return False
    try:
        held = {name: base64.b64decode(data, validate=True) for name, data in body.templates.items()}
    except ValueError:
        return True
    return now != templates_digest(held)


def other_labels(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether an upgrade gives a release other labels; one that others have made gets further ones as it is adopted."""
    if stamp.STACK in held:
        return not wanted.items() <= held.items()
    return any(held.get(key, text) != text for key, text in wanted.items())


def of_adoption(deployed: Deployed, owner: tuple[str, str]) -> str:
    """Why a release is only marked: its labels are not this stack's, or those of other input; or it was never ready.

    :arg owner: stack and environment.
    """
    held = deployed.labels
    ours = (held.get(stamp.STACK), held.get(stamp.ENVIRONMENT, "")) == owner
    return LABELS if not ours or held.get(stamp.REVISION) == str(deployed.revision) else READINESS


def note(deployed: Deployed, description: str) -> str:
    """A note if somebody else made a release's newest revision after this collection; "" if not.

    :arg description: Helm's, of that revision.
    """
    made = deployed.labels.get(stamp.MADE)  # helm copies it to what is made by hand
    if made is None or made == str(deployed.revision):
        return ""
    if description.startswith(_ROLLBACK):
        return f"revision {deployed.revision} is a rollback to {description[len(_ROLLBACK) :]}"
    return f"revision {deployed.revision} was not made by this collection, which made {made}"

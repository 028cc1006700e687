# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One short text for all that goes into a release: the same text means that a render would be the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options, Release

STACK = "helmstack.io/stack"
ENVIRONMENT = "helmstack.io/environment"
FINGERPRINT = "helmstack.io/fingerprint"
REVISION = "helmstack.io/revision"
STAMP = (STACK, ENVIRONMENT, FINGERPRINT, REVISION)

# The other options say how helm goes about it, not what becomes of the release.
_OPTIONS = ("disable_hooks", "skip_crds", "upgrade_crds", "reuse_values", "reset_values", "post_renderer")
_LENGTH = 40  # a label's value has 63 characters at most


def canonical(value: Any) -> str:
    """JSON that is the same for equal data, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """sha256, in hexadecimal, of any plain data."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def fingerprint(release: Release, chart: Chart, values: Mapping[str, Any], helm: str, cluster: Sequence[str]) -> str:
    """The fingerprint of a release.

    :arg values: the user's values, merged as Helm merges them.
    :arg helm: Helm's version as "major.minor".
    :arg cluster: the cluster's version, and what else of it the templates look at.
    """
    options = asdict(release.options)
    inputs = {
        "release": release.id,
        "chart": [chart.name, chart.version, chart.digest],
        "values": values,
        "options": {name: options[name] for name in _OPTIONS if options[name] != getattr(Options(), name)},
        "labels": dict(release.labels),
        "description": release.description,
        "helm": helm,
        "cluster": list(cluster),
    }
    return digest(inputs)[:_LENGTH]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One short text for all that goes into a release: the same text means that nothing can have changed.

What counts, each of it alone (tests/unit/…/plan/test_fingerprint.py):

- the release's name and namespace, its labels and description (stack, environment and labels are also compared with
  what is in the cluster);
- the chart by its content: templates, default values, ``crds/``, other files, sub-charts, what Chart.yaml says;
- the values, merged as Helm merges them, and what only ``--set`` can say;
- the options ``disableHooks``, ``skipCRDs``, ``upgradeCRDs``, ``reuseValues``, ``resetValues``, and ``postRenderer`` by
  the content of the program or plugin;
- what "ready" means: ``wait``, ``waitForJobs``, ``ready``: an older, weaker answer must not count;
- ``diff_ignore``, as what it has hidden once would never be applied;
- Helm's version without the patch level, the cluster's version, and those of its APIs that a template reads.

What does not: where chart, stack and temporary files are, their times and owners, how an archive was packed, what
``.helmignore`` leaves out; order of keys, formatting and comments of values and Chart.yaml; how helm and the run go
about it (``timeout``, ``atomic``, ``force``, ``historyMax``, ``recreatePods``, ``createNamespace``, concurrency,
progress, lock, drift); order and selection (``needs``, ``weight``, targets); the values of other sub-charts of a
sprayed umbrella; and what ``lookup``, the clock or a random function returned, as it would change with each look.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

STACK = "helmstack.io/stack"
ENVIRONMENT = "helmstack.io/environment"
FINGERPRINT = "helmstack.io/fingerprint"
REVISION = "helmstack.io/revision"
ORIGIN = "helmstack.io/origin"  # the stack file's path in its git repository
UMBRELLA = "helmstack.io/umbrella"  # the sprayed umbrella chart's release, in the same namespace
DRIFT = "helmstack.io/drift"  # what the correction that made this revision began with
MADE = "helmstack.io/made"  # the revision that was made with these labels; helm copies them to those that others make
STAMP = (STACK, ENVIRONMENT, FINGERPRINT, REVISION, ORIGIN, UMBRELLA, DRIFT, MADE)

_OPTIONS = ("disable_hooks", "skip_crds", "upgrade_crds", "reuse_values", "reset_values")
_BEHIND_A_KEY = re.compile(r"(?<!\\)[.\[=]")
_LENGTH = 40  # a label's value has 63 characters at most


def canonical(value: Any) -> str:
    """JSON that is the same for equal data, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """sha256, in hexadecimal, of any plain data."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Conditions:
    """What counts besides the release, its chart and its values."""

    helm: str  # "major.minor"
    cluster: tuple[str, ...]  # its version, and the APIs if templates ask for them
    post_renderer: str = ""  # a digest of its content
    ignored: tuple[Mapping[str, Any], ...] = ()  # diff_ignore


def fingerprint(release: Release, chart: Chart, values: Mapping[str, Any], around: Conditions) -> str:
    """The fingerprint of a release.

    :arg values: the user's values, merged as Helm merges them, without those that the release cannot see.
    """
    options = release.options
    inputs = {
        "release": release.id,
        "chart": [chart.name, chart.version, chart.digest],
        "values": values,
        "sets": [item for item in release.set_args if _key(item) not in release.hidden_values],
        "options": [getattr(options, name) for name in _OPTIONS],
        "ready": [options.wait_for_jobs, [dict(rule) for rule in release.ready]] if options.wait else None,
        "labels": dict(release.labels),
        "description": release.description,
        **asdict(around),
    }
    return digest(inputs)[:_LENGTH]


def _key(argument: str) -> str:
    """The first key of a ``--set`` argument."""
    return _BEHIND_A_KEY.split(argument, maxsplit=1)[0].replace("\\", "")

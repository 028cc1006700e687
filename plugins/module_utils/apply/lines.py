# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says of its progress."""

from __future__ import annotations

import re

from ansible_collections.helmstack.core.plugins.module_utils.apply import model
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Result
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change

_CHART = re.compile(r"^(?:\(chart \S+\) )?cannot be applied: ")
_LINE = 120  # characters of a failure in a line of progress


def told(change: Change, result: Result) -> str:
    """How a release ended, in a line; the whole of a failure comes at the end of the run."""
    after = f"after {result.duration:.1f} s"
    if result.state != model.DONE:
        # whose release it is, and that it was to be applied, stands in front of it
        first = (result.error or "").partition("\n")[0].removeprefix(f"release {change.id} ")
        first = _CHART.sub("", first)
        return f"failed, {after}: {first[:_LINE]}{'…' if len(first) > _LINE else ''}"
    if result.status == "uninstalled":
        return f"uninstalled, {after}"
    revision = f" at revision {result.revision}" if result.revision else ""
    return f"ready{revision}, {len(change.objects)} object{'' if len(change.objects) == 1 else 's'}, {after}"

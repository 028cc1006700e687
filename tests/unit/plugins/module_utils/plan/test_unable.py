# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Helm 3 takes for a failure when it waits for Jobs itself; its own words are in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest, unable
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options

JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {ttlSecondsAfterFinished: 5}\n"
HOOK = "apiVersion: v1\nkind: Pod\nmetadata: {name: h, annotations: {helm.sh/hook: post-upgrade}}\n"


@pytest.mark.parametrize(
    ("text", "options", "major", "told"),
    [
        (JOB, {"atomic": True}, 3, True),
        (JOB, {"atomic": True}, 4, False),
        (JOB, {}, 3, False),  # this collection waits, and knows better
        (f"{JOB}---\n{HOOK}", {}, 3, True),
        (f"{JOB}---\n{HOOK}", {"disable_hooks": True}, 3, False),
        (JOB, {"atomic": True, "wait_for_jobs": False}, 3, False),
        (JOB.replace("spec: {ttlSecondsAfterFinished: 5}", "spec: {}"), {"atomic": True}, 3, False),
    ],
)
def test_jobs_that_may_be_gone_when_helm_looks(text: str, options: dict[str, Any], major: int, told: bool) -> None:
    given = Options(**{"wait": True, "wait_for_jobs": True, **options})
    assert bool(list(unable.expiring(manifest.split(text, "r"), given, major))) is told

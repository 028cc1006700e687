# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effect of ``recreatePods`` on workloads, and whether it has been done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
ANNOTATION = "kubectl.kubernetes.io/restartedAt"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def restarted(workload: Object) -> Object:
    """A workload as it is after its restart."""
    template = workload["spec"]["template"]
    about = template.get("metadata") or {}
    annotations = {**(about.get("annotations") or {}), ANNOTATION: "(the time of the restart)"}
    template = {**template, "metadata": {**about, "annotations": annotations}}
    return {**workload, "spec": {**workload["spec"], "template": template}}


def lacking(live: Mapping[str, Any], deployed: str) -> bool:
    """Whether a live workload has not been restarted since its release was deployed, at a time in RFC 3339."""
    about = live.get("spec", {}).get("template", {}).get("metadata", {})
    return _moment((about.get("annotations") or {}).get(ANNOTATION)) < _moment(deployed)


def _moment(text: Any) -> int:
    """RFC 3339 in whole Unix seconds, whatever the number of digits after the point; 0 if it is none."""
    match = _TIME.match(str(text))
    return int(datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00")).timestamp()) if match else 0

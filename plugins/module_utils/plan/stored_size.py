# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How large the object is in which Helm stores a revision. Kubernetes takes one of 1 MiB, and helm fails at more."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError

LIMIT = 1024 * 1024  # of a Secret and of a ConfigMap (MaxSecretSize, MaxConfigMapSize in pkg/apis/core)
_MORE = 1.04  # Go compresses up to some hundredths less than zlib
_SMALL = LIMIT // 2  # bytes that cannot become too many
_LARGEST = 5  # files that are named


def warning(chart: str, manifest: str, values: Mapping[str, Any], known: int | None = None) -> str:
    """A warning on a revision that may be too large; "" if it is not.

    :arg chart: its folder or archive.
    :arg manifest: all that helm renders of it, hooks included.
    :arg known: how many bytes the chart's own files have; None: they have to be read.
    """
    if known is not None and known + len(manifest) < _SMALL:
        return ""
    try:
        files = chart_files.read(chart)
    except ChartError:  # rendering reports it
        return ""
    own = {name: data for name, data in files.items() if not name.startswith("charts/")}
    if sum(map(len, own.values())) + len(manifest) < _SMALL:
        return ""
    size = _stored(own, manifest, values)
    if size * _MORE < LIMIT:
        return ""
    fails = "helm will fail" if size > LIMIT else "helm may fail"
    largest = sorted(own, key=lambda name: len(own[name]), reverse=True)[:_LARGEST]
    named = ", ".join(f"{name} ({len(own[name]):,})" for name in largest)
    return (
        f"{fails}: the revision is about {size:,} bytes as Helm stores it, with its chart, of which Kubernetes takes "
        f"{LIMIT:,}. Leave out with .helmignore what no template reads, or make smaller charts of it; how many "
        f"revisions are kept does not matter. Rendered are {len(manifest):,} bytes; the chart's largest files: {named}"
    )


def _stored(own: Mapping[str, bytes], manifest: str, values: Mapping[str, Any]) -> int:
    """pkg/storage/driver/util.go, encodeRelease: JSON, of which files are in base64, compressed, in base64 again.

    Sub-charts are not stored, but for their default values, which are not counted here.
    """
    files = [{"name": name, "data": base64.b64encode(data).decode()} for name, data in own.items()]
    record = {"chart": {"files": files}, "config": values, "manifest": manifest}
    packed = len(zlib.compress(json.dumps(record, default=str).encode(), 9))
    return (packed + 2) // 3 * 4

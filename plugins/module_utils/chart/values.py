# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values documents merged as Helm merges them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def merge(documents: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Several values documents as one, later ones over earlier: what Helm stores as a release's ``config``.

    Maps merge deeply, all else replaces. ``null`` is a value like any other and stays, for it makes Helm delete a
    chart's default when it lays the result over the chart's values; so Helm 3 and 4 store it as it is written. (Source:
    MergeMaps in pkg/cli/values of Helm 3 and pkg/chart/common/util of Helm 4.)
    """
    result: dict[str, Any] = {}
    for document in documents:
        result = _over(result, document or {})
    return result


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return merged

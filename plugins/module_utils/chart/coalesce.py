# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that a chart's templates see: the user's over the chart's over its sub-charts', null and global included.

Source: CoalesceValues in Helm's pkg/chartutil (3) and pkg/chart/common/util (4), function by function.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_GLOBAL = "global"


@dataclass(frozen=True)
class Defaults:
    """A chart as its values see it: what it is called, its values.yaml, and its sub-charts."""

    name: str
    values: Mapping[str, Any] = field(repr=False)
    inner: tuple[Defaults, ...] = ()


def coalesce(chart: Defaults, values: Mapping[str, Any], helm: tuple[int, int]) -> dict[str, Any]:
    """What helm computes.

    :arg values: the user's, merged.
    :arg helm: its version: from 4.2 on, a chart's own null is no value, and so deletes nothing of a sub-chart's.
    """
    result: dict[str, Any] = copy.deepcopy(dict(values))
    _Coalescing(helm >= (4, 2)).lay(chart, result)
    return result


@dataclass(frozen=True)
class _Coalescing:
    drops_null: bool

    def lay(self, chart: Defaults, values: dict[str, Any]) -> None:
        self._under(chart, values)
        for sub in chart.inner:
            below = values.setdefault(sub.name, {})
            if isinstance(below, dict):  # else helm refuses the chart
                _hand_down(below, values)
                self.lay(sub, below)

    def _under(self, chart: Defaults, values: dict[str, Any]) -> None:
        """A chart's own values under those that it gets (coalesceValues)."""
        inner = {sub.name for sub in chart.inner}
        for key, own in copy.deepcopy(dict(chart.values)).items():
            if key not in values:
                if self.drops_null:
                    if own is None:
                        continue
                    _drop_null(own)
                values[key] = own
            elif values[key] is None:
                del values[key]
            elif isinstance(values[key], dict) and isinstance(own, dict):
                keeps = key in inner  # a null that is meant for a sub-chart still has to get there
                if self.drops_null and not keeps:
                    _drop_null(own)
                _over(values[key], own, keeps_null=keeps)


def _over(above: dict[str, Any], below: dict[str, Any], *, keeps_null: bool) -> None:
    """One map over another, in place (coalesceTablesFullKey)."""
    for key, value in below.items():
        if key not in above:
            above[key] = value
        elif above[key] is None and value is not None and not keeps_null:
            del above[key]
        elif isinstance(above[key], dict) and isinstance(value, dict):
            _over(above[key], value, keeps_null=keeps_null)


def _hand_down(below: dict[str, Any], values: Mapping[str, Any]) -> None:
    """The global values over those of a sub-chart (coalesceGlobals)."""
    given, own = values.get(_GLOBAL, {}), below.get(_GLOBAL, {})
    if not isinstance(given, dict) or not isinstance(own, dict):
        return
    for key, value in given.items():
        if isinstance(value, dict):
            merged = copy.deepcopy(value)
            if isinstance(own.get(key), dict):
                _over(merged, own[key], keeps_null=True)
            if key not in own or isinstance(own[key], dict):
                own[key] = merged
        elif not isinstance(own.get(key), dict):
            own[key] = value
    below[_GLOBAL] = own


def _drop_null(value: Any) -> None:
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        for item in value.values():
            _drop_null(item)

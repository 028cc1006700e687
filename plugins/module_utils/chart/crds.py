# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders ``crds/`` of a chart and of the sub-charts that a release uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.enabled import enabled

_MANIFESTS = (".yaml", ".yml", ".json")


def crds(chart: Chart, values: Mapping[str, Any], helm: tuple[int, int]) -> list[str]:
    """The texts of the chart's ``crds/`` and then its sub-charts', as Helm finds them (Chart.CRDObjects).

    :arg values: the user's values, merged; they say which sub-charts are used.
    :arg helm: the version of the helm that will apply it.
    """
    if not chart.has_crds:
        return []
    content = chart_files.read(chart.path)
    return [
        data.decode(errors="replace")
        for files in enabled(content, values, helm)
        for name, data in files.items()
        if name.startswith("crds/") and name.lower().endswith(_MANIFESTS)
    ]

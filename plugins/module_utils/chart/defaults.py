# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default values that a chart and its sub-charts bring, each with its place among the chart's values."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, metadata
from ansible_collections.helmstack.core.plugins.module_utils.chart.enabled import present
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource

HOW = "chart default"
Default = tuple[tuple[str, ...], ValuesSource]


def defaults(chart: Chart) -> tuple[Default, ...]:
    """The values.yaml files of a chart, sub-charts first, as a parent's values are laid over its sub-charts'.

    :raises ChartError: the chart cannot be read.
    """
    return tuple(_defaults(chart_files.read(chart.path), ()))


def _defaults(content: Files, path: tuple[str, ...]) -> Iterator[Default]:
    meta = metadata(content, "charts/")
    for name, inner in present(content, meta.dependencies):
        yield from _defaults(inner, (*path, name))
    if "values.yaml" in content:
        text = content["values.yaml"].decode(errors="replace")
        label = f"{meta.name}-{meta.version}/values.yaml"
        yield path, ValuesSource(label, text, file=label, how=HOW)

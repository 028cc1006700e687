# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's figures for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The lines for people."""
    heads = (
        "scenario",
        "releases",
        "wall s",
        "CPU s",
        "helm",
        "requests",
        "+ helm's",
        "floor s",
        "CPU s",
        "ratio",
        "noticed ms",
        "peak MB",
        "peer s",
        "CPU s",
    )
    lines = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])
        for line in lines
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    requests, floor, peer = row.get("requests", {}), row.get("floor", {}), row.get("peer", {})
    cells = [row["scenario"], row["releases"], f"{row['seconds']:.2f}", f"{row['cpu_seconds']:.2f}"]
    asked = requests.get("helmstack", requests.get("source", ""))
    cells += [row.get("helm_processes", ""), asked, requests.get("helm", "")]
    cells += [
        floor.get("seconds", ""),
        floor.get("cpu_seconds", ""),
        row.get("ratio", ""),
        "/".join(str(number) for number in row.get("noticed_ms", {}).values()),
        row.get("peak_mb", ""),
        peer.get("seconds", ""),
        peer.get("cpu_seconds", ""),
    ]
    return tuple(str(cell) for cell in cells)

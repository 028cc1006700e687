# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revisions that Kubernetes does not take for their size are told before helm fails at them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.plan import stored_size


def chart(root: Path, place: str, size: int) -> str:
    file = root / "chart" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(random.Random(1).randbytes(size))
    (root / "chart/Chart.yaml").write_text("apiVersion: v2\nname: big\nversion: 1.0.0\n")
    (root / "chart/.helmignore").write_text("left-out\n")
    return str(root / "chart")


@pytest.mark.parametrize(
    ("place", "size", "words"),
    [
        ("files/data.bin", 500_000, ""),
        ("files/data.bin", 755_000, "helm may fail"),  # it stores 1,048,576 bytes or some more
        ("files/data.bin", 900_000, "helm will fail"),
        ("left-out/data.bin", 900_000, ""),
        ("charts/part/data.bin", 900_000, ""),  # Helm stores the chart itself alone
    ],
)
def test_what_counts_is_the_chart_as_helm_stores_it(tmp_path: Path, place: str, size: int, words: str) -> None:
    told = stored_size.warning(chart(tmp_path, place, size), "kind: ConfigMap\n", {"a": 1})
    assert told.startswith(words)
    assert bool(told) is bool(words)


def test_what_is_rendered_counts_too(tmp_path: Path) -> None:
    manifest = random.Random(2).randbytes(600_000).hex()
    told = stored_size.warning(chart(tmp_path, "files/a.bin", 400_000), manifest, {})
    assert "helm will fail" in told
    assert "Rendered are 1,200,000 bytes" in told
    assert "files/a.bin (400,000)" in told


def test_a_chart_that_cannot_be_read_is_told_elsewhere(tmp_path: Path) -> None:
    assert stored_size.warning(str(tmp_path / "none"), "", {}) == ""

#!/usr/bin/env python3
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the demo's charts, and a registry, on loopback while the cluster is there: serve.py FOLDER FILE KUBECONFIG."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "cluster"))

from chart_repository import ChartRepository
from memory_registry import MemoryRegistry

LONGEST = 8 * 3600.0  # seconds; a cluster that is not the demo's own does not go away


def main() -> None:
    folder, file, kubeconfig = map(Path, sys.argv[1:])
    end = time.monotonic() + LONGEST
    with ChartRepository(folder) as repository, MemoryRegistry() as registry:
        draft = file.with_suffix(".new")
        draft.write_text(f"{repository.url} {registry.host}")
        draft.replace(file)
        while kubeconfig.exists() and file.exists() and time.monotonic() < end:
            time.sleep(1)
    file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

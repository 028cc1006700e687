# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends the control plane of a benchmark that was killed before it could: waits until its standard input closes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from cluster import Cluster

if __name__ == "__main__":
    sys.stdin.read()
    Cluster(sys.argv[1]).stop()

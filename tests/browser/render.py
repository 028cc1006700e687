# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes reports to look at in a browser into the folder that is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / ".work" / "collections"))

from ansible_collections.helmstack.core.plugins.plugin_utils.report import webpage
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Report, folded
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.report.samples import (
    EVIL,
    entry,
    evil,
    idle,
    release,
    result,
)

RISK = {
    "risk": "data-loss",
    "release": "shop/web-0",
    "object": {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data"},
    "why": "the volume is deleted, and its data may be lost",
}


def told(count: int, lines: int = 20, server: str = "https://prod.example.org:6443") -> dict[str, Any]:
    """A result in which so many releases change, with diffs of so many lines."""
    value = {
        "path": "image.tag",
        "before": "2.3",
        "after": "2.4",
        "from": {"file": "web.yaml", "line": 3, "how": ""},
        "to": {"file": "env/prod.yaml", "line": 4, "how": "set"},
    }
    names = [f"web-{number}" for number in range(count)]
    sides = [
        "".join(f"setting{n}: {word if n % 2 else 'same'} value\n" for n in range(lines)) for word in ("old", "new")
    ]
    diff = [
        entry(name, *sides, f"{kind} {name} in shop changes") for name in names for kind in ("Deployment", "Service")
    ]
    images = [{"image": f"shop/{name}:2.4", "state": "comes", "releases": [f"shop/{name}"]} for name in names]
    releases = [*(release(name, values=[value]) for name in names), *(idle(f"base-{n}") for n in range(20))]
    found = result(*releases, diff=diff, risks=[RISK], images=images, server=server)
    return {**found, "warnings": ["release shop/web-0: its kinds are not served yet"]}


def main(folder: Path) -> None:
    hosts = [Report(f"cluster-{n}", True, told(3 if n % 3 else 1, server=f"https://{n}.invalid")) for n in range(9)]
    pages = {
        "3": [Report("localhost", True, told(3))],
        "300": [Report("localhost", True, told(300))],
        "hosts": hosts,
        "large": [Report("localhost", True, told(300, 300))],
        "hostile": [Report(EVIL, True, evil()), Report("other", True, result())],
        "failed": [Report("localhost", False, {**told(2), "failed": True, "msg": "1 of 2 releases failed\nno\n"})],
    }
    for name, reports in pages.items():
        text = webpage.page(folded(reports), "2026-11-28 12:00 UTC")
        (folder / f"{name}.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts on this disk."""

from __future__ import annotations

import os

from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.cache import sha256
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import (
    Found,
    Surroundings,
)


class LocalSource:
    """Folders and archives."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def takes(self, reference: str) -> bool:
        return os.path.isabs(reference)

    def find(self, wanted: Wanted) -> Found:
        path = self._around.complete(wanted.reference)
        digest = f"sha256:{sha256(path)}" if os.path.isfile(path) else ""
        provenance = f"{path}.prov" if wanted.verify and os.path.isfile(f"{path}.prov") else ""
        origin = Origin("local", wanted.reference, wanted.reference, "", digest, provenance=provenance)
        return Found(path, origin)

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        return ()

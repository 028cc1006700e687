# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of the apply room: what became of each release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["done", "failed", "not started", "rolled back"]
DONE: State = "done"
FAILED: State = "failed"
NOT_STARTED: State = "not started"
ROLLED_BACK: State = "rolled back"


@dataclass(frozen=True)
class Result:
    """What became of one release; ``duration`` in seconds."""

    state: State
    status: str | None = None  # Helm's word for the release
    revision: int | None = None
    duration: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the plan, by identity of the release."""

    results: Mapping[str, Result]
    warnings: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> list[str]:
        return [identity for identity, result in self.results.items() if result.state == FAILED]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's table names every option that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELMSTACK

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("option", sorted(name for name in HELMSTACK.argument_spec if not name.startswith("_")))
def test_the_table_names_the_option(option: str) -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert any(f"`{option}`" in row for row in rows)

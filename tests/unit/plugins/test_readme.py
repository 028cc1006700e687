# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of options names every option that there is, and links of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELMSTACK

ROOT = Path(__file__).parents[3]
OPTIONS = ROOT / "docs" / "options.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("option", sorted(name for name in HELMSTACK.argument_spec if not name.startswith("_")))
def test_the_table_names_the_option(option: str) -> None:
    rows = [line for line in OPTIONS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert any(f"`{option}`" in row for row in rows)


def test_the_table_names_the_defaults() -> None:
    told = {}
    for row in OPTIONS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        names = re.findall(r"`(\w+)`", cells[1]) if len(cells) > 3 else []
        told.update(zip(names, cells[2].split(", ")) if names else {})
    for name, option in HELMSTACK.argument_spec.items():
        default = option.get("default")
        if default and name != "validate_certs":
            assert told[name] == str(default).lower()
        elif default is False:
            assert told.get(name, "") in ("", "false")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    words = (re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()) for line in lines if line.startswith("#"))
    return {text.replace(" ", "-") for text in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    found = re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text(encoding="utf-8"))
    for name, anchor in found:
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"


def test_the_readme_is_a_front_door() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 160, "README.md: what is more goes to docs/"
    assert not [line for line in lines if len(line) > 120]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the collection imports which; docs/architecture.md draws it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path(__file__).parents[3] / "plugins"
PREFIX = "ansible_collections.helmstack.core.plugins."

# Each room imports only from those before it.
ROOMS = (
    "ground",
    "git",
    "stack",
    "chart",
    "cluster",
    "plan",
    "apply",
    "report",
    "importing",
    "entry",
    "plugin_utils",
    "action",
    "lookup",
    "modules",
)
# Files of module_utils that lie in no room's folder: those that all rooms use, and those that use all rooms.
GROUND = frozenset(
    "api_messages durations errors helm helmyaml masking set_arguments shared_texts web workdir yamlnodes".split()
)


def room(module: str) -> str:
    first, *rest = module.split(".")
    if first != "module_utils":
        return first
    if rest[0] in GROUND:
        return "ground"
    return rest[0] if len(rest) > 1 else "entry"


def modules() -> dict[str, Path]:
    files = (path for path in PLUGINS.rglob("*.py") if path.name != "__init__.py" and "doc_fragments" not in path.parts)
    return {".".join(path.relative_to(PLUGINS).with_suffix("").parts): path for path in files}


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The collection's own modules that a file imports, also those only for types or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            source = (node.module or "")[len(PREFIX) :]
            names = [source] if source in known else [f"{source}.{alias.name}" for alias in node.names]
            yield from (name for name in names if name in known)


def imports() -> dict[str, set[str]]:
    known = modules()
    return {name: set(imported(path, known)) for name, path in known.items()}


def test_no_import_cycle() -> None:
    graph = imports()
    assert len(graph) > 100
    while free := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for name in free:
            del graph[name]
    assert not graph, f"these import each other, or what does: {sorted(graph)}"


def test_rooms_import_only_from_rooms_before_them() -> None:
    wrong = [
        f"{name} imports {needed}"
        for name, needs in imports().items()
        for needed in needs
        if ROOMS.index(room(needed)) > ROOMS.index(room(name))
    ]
    assert not wrong


def test_every_file_fits_a_reader() -> None:
    long = {name: lines for name, path in modules().items() if (lines := len(path.read_text().splitlines())) > 400}
    tables = {"modules.helm_spray", "modules.helmstack"}  # their documentation
    assert long.keys() <= tables, long


def test_packages_are_empty() -> None:
    """The sanity tests of older ansible-cores demand it."""
    folders = (PLUGINS / "module_utils", PLUGINS / "modules", PLUGINS.parent / "tests" / "unit")
    full = [path for folder in folders for path in folder.rglob("__init__.py") if path.stat().st_size]
    assert not full

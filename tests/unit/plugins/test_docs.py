# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation are valid, and the variables and files that it names exist."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.helmstack.core.plugins.module_utils import argspec
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.plugin_utils import role_variables

ROOT = Path(__file__).parents[3]
FOLDERS = ("docs", "roles", "plugins", "playbooks", "meta", "tests", "tools", "examples", "changelogs")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "roles").glob("*/README.md"))
MODULES: dict[str, argspec.ArgSpec] = {
    f"helmstack.core.{name}": getattr(argspec, name.upper())
    for name in "helm_spray helmstack helmstack_info helmstack_template helmstack_values helmstack_lock "
    "helmstack_bundle helmstack_import".split()
}
STACKS = ("helmstack.yaml", "helmstack.yml", "stackfile.yaml", "stackfile.yml", "5.yaml")


class Loader(yaml.SafeLoader):
    """Takes Ansible's tags as text."""


Loader.add_multi_constructor("!", lambda _loader, _suffix, node: str(node.value))


def mappings(data: Any) -> Iterator[dict[Any, Any]]:
    if isinstance(data, dict):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from mappings(item)


def examples(page: Path) -> Iterator[dict[Any, Any]]:
    """All mappings of the page's YAML, but for Go templates."""
    for text in re.findall(r" *```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if "{{ .Release" not in text:
            for document in yaml.load_all(textwrap.dedent(text), Loader):
                yield from mappings(document)


def known_variables() -> set[str]:
    awx = yaml.safe_load((ROOT / "roles" / "helmstack_awx" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    names = {f"helmstack_{name}" for name in argspec.HELMSTACK.argument_spec}
    names |= role_variables._SETTINGS | role_variables._RESULTS | set(awx["argument_specs"]["main"]["options"])
    return names | {name.rpartition(".")[2] for name in MODULES} | {"helmstack_summary", "helmstack_awx"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_have_options_and_keys_that_exist(page: Path) -> None:
    for found in examples(page):
        for name in MODULES.keys() & found.keys():
            MODULES[name].typed(found[name] or {})
        releases = found.get("releases")
        for release in releases if isinstance(releases, list) else ():
            assert set(release) <= set(schema.RELEASE_KEYS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_variables_and_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"\bhelmstack_[a-z_]+", text)) <= known_variables()
    files = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")}
    named = set(re.findall(r"`(?:[\w./]*/)?(\w[\w.]*\.(?:py|yml|yaml|sh))`", text))
    assert named <= {*files, *STACKS, "galaxy.yml"}

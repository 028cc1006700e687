# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options whose values variables bring, and what is told where a stack file is not read as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve


def stack(folder: Path, text: str, **environ: str) -> Stack:
    (folder / "web").mkdir(parents=True)
    (folder / "helmstack.yaml").write_text(text)
    return resolve(Request((str(folder),), environ=environ), PlainFiles())


def release(folder: Path, options: str, **environ: str) -> Stack:
    return stack(folder, f"releases: [{{name: a, chart: ./web, {options}}}]", **environ)


def test_text_of_a_variable_is_read_as_yaml_where_an_option_is_no_text(tmp_path: Path) -> None:
    options = """atomic: "${A:-false}", wait: "${W}", historyMax: "${N:-0x7}", weight: "${X}", spray: "${A:-true}" """
    found = release(tmp_path / "shop", options, W="no", X="3").releases[0]
    assert (found.options.atomic, found.options.wait, found.options.history_max) == (False, False, 7)
    assert (found.weight, found.spray) == (3, {})
    named = release(tmp_path / "2", 'version: "${V}", description: "${W}"', V="1.0", W="true").releases[0]
    assert (named.version, named.description) == ("1.0", "true")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ('atomic: "${A:-maybe}"', "atomic: expected true or false, found the string 'maybe'$"),
        ('atomic: "false"', "found the string 'false'. Write it without quotes$"),
        ('weight: "${A:-true}"', "weight: expected an integer of 0 or more, found the string 'true'$"),
        ("atomic: ${A:-false}", 'not valid YAML.* a \\$\\{variable\\} needs quotes: {name: "\\$\\{variable\\}"}$'),
        ("set: {yes: 1, on: 2}", "the keys 'yes' .line 1. and 'on' are both 'true' to YAML 1.1, .* Put them in quotes"),
        ("set: {a: 1, a: 2}", "the key 'a' occurs twice, first in line 1$"),
    ],
)
def test_what_is_wrong_is_told_as_it_is_written(tmp_path: Path, options: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        release(tmp_path / "shop", options)


@pytest.mark.parametrize("name", ["y", "n", "off"])
def test_a_variable_that_yaml_made_a_boolean_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    text = f"variables: {{{name}: x}}\nreleases: [{{name: a, chart: ./web, description: '${{{name}}}'}}]"
    with pytest.raises(
        InputError, match=rf"the key {name} is (true|false): write '{name}' in quotes where it is defined"
    ):
        stack(tmp_path / "shop", text)


@pytest.mark.parametrize(("text", "told"), [("", "is empty"), ("# no\n", "is empty"), ("releases: []", "no releases")])
def test_a_stack_file_that_says_nothing_is_told_so(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        stack(tmp_path / "shop_", text)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("shop", "shop"), ("shop_", "shop"), ("my shop!", "my-shop"), ("___", "stack"), ("x" * 70, "x" * 63)],
)
def test_a_stack_is_called_after_its_folder_as_far_as_that_is_a_name(tmp_path: Path, folder: str, name: str) -> None:
    assert release(tmp_path / folder, "weight: 1").name == name


def test_integers_of_set_are_handed_on_as_such_but_for_what_may_be_secret(tmp_path: Path) -> None:
    text = "set: {id: 9007199254740993, a.b: {c: [1, {d: 2}]}, x: 0.5, dbPassword: 4711, big: 99999999999999999999}"
    found = release(tmp_path / "shop", text).releases[0]
    assert found.set_args == ("id=9007199254740993", "a\\.b.c[0]=1", "a\\.b.c[1].d=2")
    assert '"id": 9007199254740993' in found.values[-1].text

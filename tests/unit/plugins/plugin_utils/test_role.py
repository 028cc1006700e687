# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role hands every option of the modules on, under the same type and default."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELM_SPRAY, HELMSTACK, ArgSpec
from ansible_collections.helmstack.core.plugins.plugin_utils import rollout, sprays

PLAYBOOKS = {rollout.HOSTS, *rollout.VARIABLES}  # what is theirs, and not the role's
ROOT = Path(__file__).parents[4]
ROLE = ROOT / "roles" / "helmstack"


def _read(name: str) -> Any:
    return yaml.safe_load((ROLE / name).read_text())


def _options() -> dict[str, Any]:
    options: dict[str, Any] = _read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


def _public(spec: ArgSpec) -> dict[str, Mapping[str, Any]]:
    return {name: option for name, option in spec.argument_spec.items() if not name.startswith("_")}


def _generator() -> Any:
    found = importlib.util.spec_from_file_location("role_specs", ROOT / "tools" / "role_specs.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_argument_specs_are_those_that_the_modules_give() -> None:
    generator = _generator()
    current = generator.TARGET.read_text(encoding="utf-8") == generator.specs()
    assert current, "roles/helmstack/meta/argument_specs.yml is not up to date: make role-specs"


def test_every_option_is_handed_on() -> None:
    (task,) = _read("tasks/main.yml")
    assert task["helmstack.core.helmstack"] == {"_variables": "helmstack_"}


def test_umbrella_charts_share_the_role_s_options_but_for_those_of_their_plan() -> None:
    both = set(_public(HELM_SPRAY)) & set(_public(HELMSTACK))
    assert both - sprays.SHARED == {"expected_plan", "prune", "prune_max", "targets"}
    assert both > sprays.SHARED


def test_every_option_is_a_variable_of_the_same_type_and_default() -> None:
    assert set(_options()) > PLAYBOOKS
    known = {name: option for name, option in _options().items() if name not in {"helmstack_sprays", *PLAYBOOKS}}
    assert set(known) == {f"helmstack_{name}" for name in _public(HELMSTACK)}
    for name, option in _public(HELMSTACK).items():
        said = known[f"helmstack_{name}"]
        for key in ("type", "default", "choices", "elements"):
            assert said.get(key) == option.get(key), f"{name}: {key}"
        assert bool(said.get("no_log")) == bool(option.get("no_log")), name


def test_an_option_set_of_sprays_takes_options_and_aliases_of_the_same_type() -> None:
    known = _options()["helmstack_sprays"]["options"]
    used = ("chart", "namespace", "values")
    assert set(known) == {*_public(HELM_SPRAY), *used}
    for name, option in _public(HELM_SPRAY).items():
        for alias in (name, *(alias for alias in option.get("aliases", ()) if alias in used)):
            assert known[alias]["type"] == option["type"], alias
        assert bool(known[name].get("no_log")) == bool(option.get("no_log")), name


def test_the_awx_role_s_defaults_are_those_that_it_documents() -> None:
    folder = ROOT / "roles" / "helmstack_awx"
    options = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    assert {name: value for name, value in defaults.items() if value not in ({}, [])} == {
        name: option["default"] for name, option in options.items() if "default" in option
    }
    assert not any(options[name].get("required") for name in defaults)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role hands every option of the modules on, under the same type and default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELM_SPRAY, HELMSTACK, ArgSpec
from ansible_collections.helmstack.core.plugins.plugin_utils import rollout, sprays

PLAYBOOKS = {rollout.HOSTS, *rollout.VARIABLES}  # what is theirs, and not the role's
ROLE = Path(__file__).parents[4] / "roles" / "helmstack"


def _read(name: str) -> Any:
    return yaml.safe_load((ROLE / name).read_text())


def _options() -> dict[str, Any]:
    options: dict[str, Any] = _read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


def _public(spec: ArgSpec) -> dict[str, Mapping[str, Any]]:
    return {name: option for name, option in spec.argument_spec.items() if not name.startswith("_")}


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

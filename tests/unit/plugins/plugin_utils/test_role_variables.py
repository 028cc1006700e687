# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of the role become options, but for those that are not set or are to be left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELMSTACK
from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import misspelt, options_of

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 and older trust all

    def trust_as_template(value: str) -> str:
        return value


def test_what_is_set_is_taken() -> None:
    variables = {
        "omit": "__omit_place_holder__1",
        "helmstack_host": trust_as_template("https://{{ name }}"),
        "helmstack_prune": True,
        "helmstack_context": None,
        "helmstack_expected_plan": trust_as_template("{{ nothing | default(omit) }}"),
        "helmstack_other": 1,
        "prune_max": 3,
        "name": "a",
    }
    names = ("host", "prune", "prune_max", "context", "expected_plan")
    templar = Templar(loader=DataLoader(), variables=variables)
    found = options_of("helmstack_", names, templar, variables)
    assert found == {"host": "https://a", "prune": True, "context": None}
    variables["helmstack_host"] = trust_as_template("{{ missing }}")
    with pytest.raises(AnsibleUndefinedVariable):
        options_of("helmstack_", names, templar, variables)


ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("target", "targets"),
        ("enviroment", "environment"),
        ("stack_file", "stack_files"),
        ("file", "stack_files"),  # an alias of the module
        ("on_failures", "on_failure"),
        ("max_fail_percent", "max_fail_percentage"),
        ("seriel", "serial"),
        ("run_test", "run_tests"),
    ],
)
def test_a_variable_that_nobody_reads_is_named_with_the_one_that_is_meant(name: str, meant: str) -> None:
    [told] = misspelt([f"helmstack_{name}", "helmstack_hosts", "targte"], HELMSTACK.argument_spec)
    assert told == (
        f"helmstack_{name} is no variable of the role, so it has no effect. Did you mean 'helmstack_{meant}'?"
    )


def test_users_may_have_variables_with_the_prefix() -> None:
    own = "version domain registry_password review_result deployed values name team results my_targets".split()
    assert not [*misspelt([f"helmstack_{name}" for name in own], HELMSTACK.argument_spec)]


def test_all_that_the_documentation_and_the_playbooks_name_is_right() -> None:
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    names = {name for file in files for name in re.findall(r"\b(helmstack_[a-z_]+)\b", file.read_text("utf-8"))}
    assert [*misspelt(names, HELMSTACK.argument_spec)] == []

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of the role become options, but for those that are not set or are to be left out."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.helmstack.core.plugins.plugin_utils.role_variables import options_of

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

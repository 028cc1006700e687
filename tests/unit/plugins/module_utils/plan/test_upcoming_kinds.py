# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan.upcoming_kinds import UpcomingKinds, kinds_defined_by


def definition(kind: str, scope: str = "Namespaced", **versions: bool) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
        "spec": {
            "group": "x.io",
            "scope": scope,
            "names": {"kind": kind},
            "versions": [{"name": name, "served": served} for name, served in versions.items()],
        },
    }


def test_definitions_bring_their_served_versions() -> None:
    found = kinds_defined_by([definition("Foo", v1=True, v2=False), {"kind": "ConfigMap", "metadata": {"name": "c"}}])
    assert found.versions(("v1",)) == ("v1", "x.io/v1", "x.io/v1/Foo")


def test_nothing_brought_leaves_the_list_as_it_is() -> None:
    assert UpcomingKinds().versions(("b", "a")) == ("b", "a")


def test_the_scope_of_a_kind_to_come_is_known() -> None:
    found = kinds_defined_by([definition("Foo", v1=True), definition("Bar", "Cluster", v1=True)])
    namespaced = found.namespaced(lambda version, kind: False)
    assert namespaced("x.io/v1", "Foo")
    assert not namespaced("x.io/v1", "Bar")
    assert not namespaced("v1", "Namespace")

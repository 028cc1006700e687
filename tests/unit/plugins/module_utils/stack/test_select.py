# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases a run is about."""

from __future__ import annotations

from typing import Any

import pytest

STACK = """
releases:
- {name: web, namespace: front, chart: ./x, labels: {tier: front}, needs: [api], skipCRDs: true}
- {name: web-admin, namespace: front, chart: ./x, labels: {tier: front}, weight: 2}
- {name: api, namespace: back, chart: ./x, needs: [db]}
- {name: db, namespace: back, chart: ./x, version: 1.2.3, ignore: true}
"""
ALL = ("front/web", "front/web-admin", "back/api", "back/db")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"targets": ("web",)}, ("front/web",)),
        ({"targets": ("db", "web")}, ("front/web", "back/db")),
        ({"targets": ("front/web",)}, ("front/web",)),
        ({"targets": ("web*",)}, ("front/web", "front/web-admin")),
        ({"targets": ("back/*",)}, ("back/api", "back/db")),
        ({"targets": ("*",)}, ALL),
        ({"selector": "[?labels.tier=='front']"}, ("front/web", "front/web-admin")),
        ({"selector": "[?weight > `1`].name"}, ("front/web-admin",)),
        ({"selector": "[?skipCRDs]"}, ("front/web",)),
        ({"selector": "[?!ignore]"}, ALL[:3]),
        ({"selector": "[?contains(needs, 'back/db')]"}, ("back/api",)),
        ({"selector": "[?name=='nobody']"}, ()),
        ({"selector": "[].{namespace: namespace, name: name}"}, ALL),
        ({"targets": ("back/*",), "selector": "[?version]"}, ("back/db",)),
        ({"targets": ("web",), "include_needs": True}, ("front/web", "back/api", "back/db")),
        ({"include_needs": True}, None),
    ],
)
def test_targets_and_selector_choose(folder: Any, options: dict[str, Any], expected: tuple[str, ...] | None) -> None:
    assert folder.stack(STACK, **options).targets == expected

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases a run is about."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

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


SPRAYED = """
releases:
- {name: shop, namespace: front, chart: ./x, spray: {exclude: [old], default_weight: 1}}
- {name: api, namespace: back, chart: ./x}
- {name: few, namespace: back, chart: ./x, spray: {targets: [one, two]}}
"""


@pytest.mark.parametrize(
    ("targets", "expected", "sub_charts"),
    [
        (("shop/web",), ("front/shop",), ["web"]),
        (("front/shop/web", "shop/api"), ("front/shop",), ["web", "api"]),
        (("shop/web", "shop"), ("front/shop",), None),
        (("shop/web", "front/*"), ("front/shop",), None),
        (("shop/*",), ("front/shop",), ["*"]),
        (("sh*/w*",), ("front/shop",), ["w*"]),
        (("front/shop/[wv]eb",), ("front/shop",), ["[wv]eb"]),
        (("api",), ("back/api",), None),
    ],
)
def test_a_target_names_a_sub_chart_of_a_sprayed_umbrella(
    folder: Any, targets: tuple[str, ...], expected: tuple[str, ...], sub_charts: list[str] | None
) -> None:
    stack = folder.stack(SPRAYED, targets=targets)
    assert stack.targets == expected
    shop = next(release for release in stack.releases if release.name == "shop")
    assert (shop.spray.get("only"), shop.spray["exclude"]) == (sub_charts, ["old"])
    assert shop.spray["default_weight"] == 1


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("shpo/web", "'shop/web'"),
        ("front/shpo/web", "'front/shop/web'"),
        ("api/web", "fits no release"),
        ("shop/", "fits no release"),
        ("shop/old", "'shop/old' is left out by the spray options"),
        ("few/three", "'few/three' is left out by the spray options"),
    ],
)
def test_a_sub_chart_that_cannot_be_meant_is_an_error(folder: Any, target: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        folder.stack(SPRAYED, targets=(target,))
    assert says in str(caught.value)


NEEDED = SPRAYED + "- {name: web, namespace: front, chart: ./x, needs: [shop]}\n"


def test_what_needs_an_umbrella_needs_all_of_it(folder: Any) -> None:
    for include_needs, only in ((True, None), (False, ["api"])):
        stack = folder.stack(NEEDED, targets=("shop/api", "web"), include_needs=include_needs)
        assert stack.targets == ("front/shop", "front/web")
        shop = next(release for release in stack.releases if release.name == "shop")
        assert shop.spray.get("only") == only


def test_needs_of_an_umbrella_come_with_its_sub_chart(folder: Any) -> None:
    text = SPRAYED.replace("{name: shop,", "{name: shop, needs: [api],")
    stack = folder.stack(text, targets=("shop/web",), include_needs=True)
    assert set(stack.targets) == {"front/shop", "back/api"}

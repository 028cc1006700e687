# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was random at a first install does not tell a release from what it is to be."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests
from ansible_collections.helmstack.core.plugins.module_utils.plan.renderer import Rendered, Renderer

PASSWORD, CHECKSUM = "looked up", "sum of the password looked up"


def manifests(password: str, checksum: str, replicas: int = 1) -> Manifests:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": password}}
    meta = {"name": "d", "annotations": {"checksum/secret": checksum}}
    return Manifests((secret, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"replicas": replicas}}))


def renderer(monkeypatch: pytest.MonkeyPatch, renders: Iterator[Any], **mentions: bool) -> Renderer:
    def render(self: Renderer, *, is_upgrade: bool, time_zone: str | None = None) -> Manifests:
        assert (is_upgrade, self.unseeing) == (False, True)
        found = next(renders)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Manifests)
        return found

    monkeypatch.setattr(Renderer, "_render", render)
    monkeypatch.setattr(Renderer, "_mentions", Mentions(**mentions))
    cluster = SimpleNamespace(namespaced=lambda _version, _kind: True)
    context: Any = SimpleNamespace(diff_ignore=(), cluster=cluster)
    apis: Any = SimpleNamespace(namespaced=lambda known: known)
    anything: Any = SimpleNamespace(namespace="a")
    return Renderer(context, anything, anything, apis, None)


def rendered(replicas: int = 1) -> Rendered:
    """Deployed with a checksum over a password that nobody has; now there is a right one."""
    after = manifests(PASSWORD, CHECKSUM, replicas)
    return Rendered(after, manifests(PASSWORD, "sum of another password"), after, frozenset())


@pytest.mark.parametrize(("replicas", "same"), [(1, True), (2, False)])
def test_a_checksum_over_a_password_that_was_random_once_does_not_count(
    monkeypatch: pytest.MonkeyPatch, replicas: int, same: bool
) -> None:
    renders = iter((manifests("one", "sum of two"), manifests("three", "sum of four")))
    sides = renderer(monkeypatch, renders, random=True, cluster=True).without_first_chance(rendered(replicas))
    assert sides is not None
    assert (sides[0] == sides[1]) is same


@pytest.mark.parametrize("mentions", [{"random": True}, {"cluster": True}])
def test_without_chance_or_lookup_everything_counts(monkeypatch: pytest.MonkeyPatch, mentions: dict[str, bool]) -> None:
    assert renderer(monkeypatch, iter(()), **mentions).without_first_chance(rendered()) is None


def test_what_cannot_be_installed_anew_is_compared_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = renderer(monkeypatch, iter((HelmstackError("PASSWORDS ERROR"),)), random=True, cluster=True)
    assert failing.without_first_chance(rendered()) is None

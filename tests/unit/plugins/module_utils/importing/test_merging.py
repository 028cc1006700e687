# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several clusters as one stack: what is resolved for each of them is what it has."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.argspec import STACK_OPTIONS
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.importing.merging import common, together
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftChange,
    DraftRelease,
    DraftRepository,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.transport import pack, unpack
from ansible_collections.helmstack.core.plugins.module_utils.importing.writing import files_of, write
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import identical
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve

CLUSTERS = ("dev", "prod", "far.away")
KEYS = ("a", "b", "password", "y", "x.y", "1", "${z}", "token")
TEXTS = ("", "y", "0x1F", "1e3", "2024-01-01", "=", "${a}", "a: b", "- x", " lead", "a\nb\n", "\u2028", "😀", "#", "~")
SECRETS = ("kanari-1-Vogel", "kanari-2-Vogel")


def scalar(dice: random.Random) -> Any:
    kinds = (None, True, False, 0, 1, -7, 1.5, 1e21, 123456789, *TEXTS, *SECRETS, f"in {SECRETS[0]} text")
    return dice.choice(kinds)


def tree(dice: random.Random, depth: int = 3) -> Any:
    if depth == 0 or dice.random() < 0.4:
        return scalar(dice) if dice.random() < 0.8 else [tree(dice, 0) for _each in range(dice.randrange(3))]
    return {dice.choice(KEYS): tree(dice, depth - 1) for _each in range(dice.randrange(4))}


def changed(dice: random.Random, value: Any) -> Any:
    """The same with some of it replaced, added and taken away."""
    if dice.random() < 0.15:
        return tree(dice, 2)
    if not isinstance(value, Mapping):
        return value
    kept = {key: changed(dice, item) for key, item in value.items() if dice.random() > 0.15}
    return {**kept, dice.choice(KEYS): tree(dice, 1)} if dice.random() < 0.3 else kept


def mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"only": value}


def clusters(dice: random.Random) -> dict[str, Sequence[DraftRelease]]:
    names = [("n", "web"), ("n", "db"), ("m", "web"), ("m", "cache")]
    models = {name: mapping(tree(dice)) for name in names}
    found: dict[str, Sequence[DraftRelease]] = {}
    for cluster in CLUSTERS[: dice.randint(1, 3)]:
        found[cluster] = [
            DraftRelease(
                name=name,
                namespace=namespace,
                chart=dice.choice(("charts/web", "./charts/web", "oci://r.example.org/web")),
                version=dice.choice(("1.0.0", "1.0", "2.0.0", None)),
                values=mapping(changed(dice, models[namespace, name])),
                set={"big": dice.choice((1234567, 7654321))} if dice.random() < 0.2 else {},
                labels={key: dice.choice(("one", "two")) for key in ("l", "k") if dice.random() < 0.5},
                spray=dice.choice((None, None, None, {}, {"prefix_releases": "p"}, {"targets": ["x"]})),
            )
            for namespace, name in names
            if dice.random() < 0.7
        ]
    return found


def resolved(folder: Path, environment: str) -> dict[str, Release]:
    request = Request((str(folder),), environment=environment, option_names=STACK_OPTIONS)
    stack = resolve(request, PlainFiles())
    return {release.id: release for release in stack.releases if not release.ignore}


def values_of(release: Release) -> dict[str, Any]:
    sources = [source for source in release.values if not source.label.startswith("set of ")]
    return merge(document for source in sources for document in helmyaml.load_values(source.text, "", 4))


@pytest.mark.parametrize("seed", range(60))
def test_each_environment_is_what_its_cluster_has(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    found = clusters(dice)
    releases, environments = together(found)
    repositories = (DraftRepository("charts", "https://charts.example.org"),)
    draft = unpack(pack(Draft("shop", releases, repositories, environments, files={"charts/web/x": b"\xff"})))
    written = files_of(draft)
    write(str(tmp_path), [(file, file.content) for file in written.files])
    open_text = b"".join(file.content for file in written.files if not file.secret)
    assert not [secret for secret in SECRETS if secret in written.secrets and secret.encode() in open_text]
    for cluster, wanted in found.items():
        now = resolved(tmp_path, cluster)
        assert now.keys() == {release.id for release in wanted}
        for release in wanted:
            one = now[release.id]
            assert identical(values_of(one), helmyaml.load(helmyaml.to_json(release.values), "")), (cluster, release)
            local = str(tmp_path / "charts/web")
            assert one.chart == (local if release.chart.startswith("./") else release.chart)
            assert (one.version, dict(one.labels)) == (release.version, release.labels)
            assert one.spray == release.spray
            assert one.set_args == tuple(f"big={number}" for number in release.set.values())


def test_what_most_clusters_say_is_in_the_stack_and_the_rest_in_overlays() -> None:
    base = DraftRelease("web", "n", "charts/web", "1.0.0", {"replicas": 1, "host": "a", "debug": True})
    other = replace(base, version="2.0.0", values={"replicas": 3, "host": "a"})
    releases, environments = together({"dev": [base], "test": [base], "prod": [other]})
    assert releases[0].values == {"replicas": 1, "host": "a"}
    assert releases[0].version == "1.0.0"
    changes = {environment.name: environment.releases for environment in environments}
    assert changes["dev"]["n/web"] == DraftChange(values={"debug": True})
    assert changes["prod"]["n/web"] == DraftChange(version="2.0.0", values={"replicas": 3})


def test_a_release_that_a_cluster_does_not_have_is_ignored_there() -> None:
    releases, environments = together({"dev": [DraftRelease("web", "n", "./web")], "prod": []})
    assert [release.ignore for release in releases] == [False]
    assert environments[1].releases == {"n/web": DraftChange(ignore=True)}


def test_no_key_is_taken_away_with_null_which_would_take_the_charts_default_too() -> None:
    assert common([{"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}]) == {"a": {"b": 1}}
    assert common([{"a": {"b": 1}}, {"a": 5}]) == {}

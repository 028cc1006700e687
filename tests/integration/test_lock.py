# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock file, bundle and signatures, with a real repository and a real helm."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from chart_repository import ChartRepository
from harness import HELM, Object, Workspace
from signing import keyrings


@pytest.fixture
def served(workspace: Workspace) -> Iterator[ChartRepository]:
    """A repository with web in three versions, and a stack with a range of it and a local chart."""
    folder = workspace.root / "served"
    folder.mkdir()
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        package(workspace, version, folder)
    workspace.chart("local")
    with ChartRepository(folder) as repository:
        stack(workspace, repository, "~1.0")
        workspace.write("env/dev.yaml", "releases: {web: {set: {data: {word: dev}}}}\n")
        workspace.write("env/prod.yaml", "releases: {web: {version: '>=1 <2'}}\n")
        yield repository


def package(workspace: Workspace, version: str, folder: Path, *words: str) -> None:
    chart = workspace.chart("web", version)
    workspace.helm_plain("package", str(chart), "--destination", str(folder), *words)
    workspace.helm_plain("repo", "index", str(folder))


def stack(
    workspace: Workspace, repository: ChartRepository, version: str, file: str = "helmstack.yaml", **keys: object
) -> None:
    web = workspace.release("web", **{"version": version, **keys}) | {"chart": "r/web"}
    repositories = [{"name": "r", "url": repository.url}]
    workspace.stack(web, workspace.release("local", "local"), file=file, repositories=repositories)


def module(name: str, **options: object) -> Object:
    return {f"helmstack.core.{name}": {"binary_path": HELM, **options}}


def checked(task: Object) -> Object:
    return {**task, "name": "check", "check_mode": True}


def failing(task: Object) -> Object:
    """The play goes on after it."""
    return {**task, "ignore_errors": True}


def is_there(path: str) -> Object:
    return {"name": "look", "ansible.builtin.stat": {"path": path}}


def test_a_lock_file_is_checked_written_kept_and_counts(workspace: Workspace, served: ChartRepository) -> None:
    lock = module("helmstack_lock")
    look = is_there(str(workspace.root / "helmstack.lock"))
    run = workspace.run(checked(lock), look, {**lock, "name": "made"}, {**lock, "name": "again"})
    assert run["look"]["stat"]["exists"] is False
    text = (workspace.root / "helmstack.lock").read_text()
    assert run["check"]["diff"] == run["made"]["diff"]
    assert run["made"]["diff"][0]["after"] == text
    assert run["check"]["changed"] is run["made"]["changed"] is True
    assert "r/web: 1.0.0 is locked, 2.0.0 is the newest, 2 versions later" in run.shown("made")
    again = run["again"]
    assert (again["changed"], again["diff"][0]["before"] == text) == (False, True)
    assert [item["newer"] for item in again["outdated"]] == [["1.1.0", "2.0.0"], ["2.0.0"]]
    package(workspace, "1.0.5", workspace.root / "served")
    served.requests.clear()
    rendered = workspace.run(module("helmstack_template", environment="dev")).result
    assert served.requests == []  # what is locked and cached needs no network
    assert 'name: "web"' in rendered["releases"][0]["manifest"]
    updated = workspace.run(module("helmstack_lock", update=["web"], outdated=False)).result
    assert [item["version"] for item in updated["charts"]] == ["1.0.5", "1.1.0"]


def test_an_archive_that_was_replaced_is_an_error_with_both_digests(
    workspace: Workspace, served: ChartRepository
) -> None:
    made = workspace.run(module("helmstack_lock")).result
    locked = next(item["digest"] for item in made["charts"] if item["asked"] == "~1.0")
    workspace.chart("web", "1.0.0", description="another one")
    workspace.helm_plain("package", str(workspace.root / "charts/web"), "--destination", str(workspace.root / "served"))
    workspace.helm_plain("repo", "index", str(workspace.root / "served"))
    other_cache = {"XDG_CACHE_HOME": str(workspace.root / "other")}
    run = workspace.run(module("helmstack_template", environment="dev"), env=other_cache, code=2)
    message = run.result["msg"]
    assert "has another digest than it should" in message
    assert message.count("sha256:") == 2
    assert locked in message


def test_a_lock_file_that_lacks_a_chart_or_is_in_conflict_is_an_error(
    workspace: Workspace, served: ChartRepository
) -> None:
    stack(workspace, served, "~2.0", file="changed.yaml")
    workspace.write("conflict.lock", "<<<<<<< ours\nlock_version: 1\n=======\n>>>>>>> theirs\n")
    others: list[Object] = [{"stack_files": ["changed.yaml"]}, {"lock_file": "conflict.lock"}, {"lock_file": "no.lock"}]
    tasks = [failing(module("helmstack_template", environment="dev", **other)) for other in others]
    lacks, conflict, none = (result["msg"] for result in workspace.run(module("helmstack_lock"), *tasks).results[1:])
    assert "but the stack wants ~2.0. Run the module helmstack_lock" in lacks
    assert "conflict.lock:1: the lock file holds a merge conflict" in conflict
    assert "there is no lock file" in none


def test_a_bundle_deploys_what_was_deployed_without_any_other_source(
    workspace: Workspace, served: ChartRepository
) -> None:
    workspace.deploy(environment="dev")
    dest = str(workspace.root / "shop.tgz")
    bundle = module("helmstack_bundle", dest=dest)
    before, look, made, again = workspace.run(checked(bundle), is_there(dest), bundle, bundle).results
    assert look["stat"]["exists"] is False
    assert before["diff"] == made["diff"]
    assert [(item["chart"], item["version"]) for item in made["charts"]] == [
        ("charts/local", "1.0.0"),
        ("r/web", "1.1.0"),
        ("r/web", "1.0.0"),
    ]
    assert again["changed"] is False
    served.stop()
    other_cache = {"XDG_CACHE_HOME": str(workspace.root / "other")}
    dev = checked(workspace.task({"environment": "dev", "bundle": "shop.tgz"}))
    prod = workspace.task({"environment": "prod", "bundle": dest, "take_over": True})
    of_dev, of_prod = workspace.run(dev, prod, env=other_cache).results
    assert of_dev["changed"] is False
    assert of_prod["plan"]["summary"]["upgrade"] == 2 or of_prod["changed"]


def test_bad_bundles_are_errors(workspace: Workspace, served: ChartRepository) -> None:
    dest = workspace.root / "shop"
    bundle = module("helmstack_bundle", dest=str(dest), environments=["dev"], images=False)
    unknown = failing(module("helmstack_bundle", dest=str(dest), environments=["prd"]))
    wrong = workspace.run(bundle, unknown).result["msg"]
    assert "nothing for the environment 'prd'. Did you mean 'prod'?" in wrong
    message = workspace.fail(environment="prod", bundle=str(dest))
    assert "holds chart r/web for ~1.0, not for >=1 <2. Make the bundle anew" in message
    archive = next((dest / "charts").glob("web-*.tgz"))
    archive.write_bytes(archive.read_bytes() + b"x")
    assert f"charts/{archive.name} is not as it was made" in workspace.fail(environment="dev", bundle=str(dest))
    (dest / "bundle.yaml").write_text('{"bundle_version": 9, "charts": []}')
    assert "is of version 9" in workspace.fail(environment="dev", bundle=str(dest))
    (dest / "bundle.yaml").write_text("[]")
    assert "the bundle is damaged" in workspace.fail(environment="dev", bundle=str(dest))
    assert "nowhere.tgz" in workspace.fail(environment="dev", bundle="nowhere.tgz")


def test_signed_charts_are_verified_with_the_keyring(workspace: Workspace, served: ChartRepository) -> None:
    signs, trusted, other = keyrings(workspace.root)
    folder = workspace.root / "served"
    package(workspace, "3.0.0", folder, "--sign", "--key", "trusted", "--keyring", str(signs))

    def render(file: str, version: str, keyring: Path) -> Object:
        stack(workspace, served, version, file=file, verify=True, keyring=str(keyring))
        return module("helmstack_template", stack_files=[file])

    right = render("right.yaml", "3.0.0", trusted)
    wrong = [render("key.yaml", "3.0.0", other), render("unsigned.yaml", "2.0.0", trusted)]
    good, key, unsigned = workspace.run(right, *map(failing, wrong)).results
    assert good["releases"]
    assert "is not as one of the keys of the keyring" in key["msg"]
    assert "is not signed: it has no provenance file" in unsigned["msg"]
    provenance = folder / "web-3.0.0.tgz.prov"
    subprocess.run(["sed", "-i", "s/^version: 3.0.0/version: 3.0.1/", str(provenance)], check=True)
    other_cache = {"XDG_CACHE_HOME": str(workspace.root / "other")}
    stack(workspace, served, "3.0.0", verify=True, keyring=str(trusted))
    message = workspace.run(module("helmstack_template"), env=other_cache, code=2).result["msg"]
    assert "is not as one of the keys of the keyring" in message

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks within stacks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout
from ansible_collections.helmstack.core.plugins.module_utils.stack import lockfile
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import LockedStack, Repository, Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve

ROOT = "releases:\n- {name: web, chart: ./web, needs: ['elk:search']}\nstacks:\n- {name: elk, path: ./elk}\n"
ELK = "releases:\n- {name: search, namespace: logs, chart: ./search, description: '${d:-none}', values: [v.yaml]}\n"


@pytest.fixture
def nested(folder: Any) -> Any:
    folder.write("elk/helmstack.yaml", ELK)
    folder.write("elk/v.yaml", "a: 1\n")
    return folder


def test_a_nested_stacks_releases_belong_to_the_run(nested: Any) -> None:
    web, search = nested.stack(ROOT).releases
    assert web.needs == ("logs/search",)
    assert (search.stack, search.chart) == ("elk", f"{nested.path}/elk/search")
    assert search.values[0].text == "a: 1\n"


def test_a_nested_stack_takes_its_place_in_order(nested: Any) -> None:
    stack = nested.stack("stacks:\n- {path: elk/helmstack.yaml}\nreleases:\n- {name: web, chart: ./web}\n")
    assert [(release.name, release.stack) for release in stack.releases] == [("search", "elk"), ("web", "shop")]


def test_a_stack_may_hold_nothing_but_stacks(nested: Any) -> None:
    assert nested.stack("stacks: [{name: elk, path: ./elk}]\n").releases[0].name == "search"


@pytest.mark.parametrize("need", ["search", "logs/search", "elk:search", "elk:logs/search"])
def test_a_need_may_name_a_nested_release_in_every_form(nested: Any, need: str) -> None:
    assert nested.stack(ROOT.replace("elk:search", need)).releases[0].needs == ("logs/search",)


def test_a_mere_name_means_the_own_stacks_release_first(nested: Any) -> None:
    stack = nested.stack(ROOT.replace("elk:search", "search") + "variables: {}\n" + "")
    assert stack.releases[0].needs == ("logs/search",)
    stack = nested.stack(
        ROOT.replace("'elk:search'", "search").replace("stacks:", "- {name: search, chart: ./s}\nstacks:")
    )
    assert stack.releases[0].needs == ("default/search",)


def test_the_environment_applies_where_the_nested_stack_knows_it(nested: Any) -> None:
    text = ROOT + "environments: {dev: {}, prod: {}}\n"
    nested.write("elk/env/dev.yaml", "releases: {search: {version: 2.0.0}}\n")
    assert nested.stack(text, environment="dev").releases[1].version == "2.0.0"
    assert nested.stack(text, environment="prod").releases[1].version is None


def test_variables_of_the_stack_around_win(nested: Any) -> None:
    nested.write("elk/helmstack.yaml", ELK + "variables: {d: own}\n")
    assert nested.stack(ROOT).releases[1].description == "own"
    assert nested.stack(ROOT + "variables: {d: around}\n").releases[1].description == "around"
    assert nested.stack(ROOT + "variables: {d: around}\n", variables={"d": "task"}).releases[1].description == "task"


def test_repositories_of_the_stack_around_are_known_inside(nested: Any) -> None:
    nested.write(
        "elk/helmstack.yaml", ELK.replace("./search", "charts/search") + "repositories: [{name: own, url: b}]\n"
    )
    stack = nested.stack(ROOT + "repositories: [{name: charts, url: a}]\n")
    assert [repository.name for repository in stack.repositories] == ["charts", "own"]
    assert stack.releases[1].chart == "charts/search"


def test_a_root_stack_may_point_anywhere(nested: Any, tmp_path: Any) -> None:
    (nested.path / "elk").rename(tmp_path / "elk")
    stack = nested.stack(ROOT.replace("./elk", "../elk"))
    assert stack.releases[1].chart == f"{tmp_path}/elk/search"


@pytest.mark.parametrize(
    "text",
    [
        ELK.replace("v.yaml", "../v.yaml"),
        ELK.replace("v.yaml", "link/v.yaml"),
        ELK.replace("v.yaml", "/etc/hostname"),
        ELK.replace("./search", "../search"),
        ELK.replace("./search", "../search-1.0.0.tgz"),
        ELK.replace("v.yaml", "'${up}/v.yaml'") + "variables: {up: ../..}\n",
        ELK + "stacks: [{path: ../other}]\n",
        ELK + "environments: {dev: {overlays: [../o.yaml]}}\n",
        ELK + "helmDefaults: {postRenderer: ../run}\n",
        ELK + "repositories: [{name: a, url: x, ca_file: ../ca.pem}]\n",
    ],
)
def test_a_nested_stack_may_not_leave_the_outermost_ones_folder(nested: Any, text: str) -> None:
    (nested.path.parent / "v.yaml").write_text("a: 1\n", encoding="utf-8")
    (nested.path / "elk").mkdir(exist_ok=True)
    os.symlink(nested.path.parent, nested.path / "elk" / "link")
    path = nested.write("elk/helmstack.yaml", text.replace("../", "../../"))
    with pytest.raises(InputError, match="leaves what a nested stack may use") as caught:
        nested.stack(ROOT + "environments: {dev: {}}\n", environment="dev")
    assert str(caught.value).startswith(f"{path}:")


def test_stacks_that_nest_each_other_are_named(nested: Any) -> None:
    nested.write("elk/helmstack.yaml", ELK + "stacks: [{path: ./inner}]\n")
    os.symlink(nested.path / "elk", nested.path / "elk" / "inner")
    nested.write("elk/v.yaml", "a: 1\n")
    file = f"{nested.path}/elk/helmstack.yaml"
    with pytest.raises(InputError) as caught:
        nested.stack(ROOT)
    assert f"the stacks nest each other in a cycle: {file} -> {file}" in str(caught.value)


def test_a_nested_stack_that_nests_the_outer_one_is_a_cycle(nested: Any) -> None:
    inner = nested.write("elk/helmstack.yaml", ELK + "stacks: [{path: ../helmstack.yaml}]\n")
    nested.write("elk/v.yaml", "a: 1\n")
    with pytest.raises(InputError) as caught:
        nested.stack(ROOT)
    outer = f"{nested.path}/helmstack.yaml"
    assert str(caught.value) == f"{inner}:3: the stacks nest each other in a cycle: {outer} -> {inner} -> {outer}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ROOT + "- {name: elk, path: ./elk2}\n", "there are two stacks 'elk'. Give one another 'name'"),
        (ROOT + "- {path: ./elk2}\n", "the release logs/search is declared twice, first at"),
        (ROOT.replace("elk:search", "elk:serch"), "Did you mean 'elk:search'?"),
        (ROOT + "repositories: [{name: a, url: other}]\n", "the repository 'a' is declared differently"),
    ],
)
def test_what_clashes_between_stacks_is_told(nested: Any, text: str, sentence: str) -> None:
    nested.write("elk/helmstack.yaml", ELK + "repositories: [{name: a, url: x}]\n")
    nested.write("elk2/helmstack.yaml", ELK)
    nested.write("elk2/v.yaml", "a: 1\n")
    with pytest.raises(InputError) as caught:
        nested.stack(text)
    assert sentence in str(caught.value)


def test_nested_stacks_may_share_what_lies_in_the_outermost_ones_folder(nested: Any) -> None:
    nested.write("shared/v.yaml", "shared: 1\n")
    nested.write(
        "elk/helmstack.yaml", ELK.replace("./search", "../charts/search").replace("v.yaml", "../shared/v.yaml")
    )
    search = nested.stack(ROOT).releases[1]
    assert search.chart == f"{nested.path}/charts/search"
    assert search.values[0].text == "shared: 1\n"


def test_in_a_git_repository_nested_stacks_may_share_all_of_it(nested: Any) -> None:
    (nested.path.parent / ".git").mkdir()
    nested.write("elk/helmstack.yaml", ELK.replace("./search", "../../charts/search"))
    assert nested.stack(ROOT).releases[1].chart == f"{nested.path.parent}/charts/search"


def test_a_nested_stack_beside_the_outermost_one_may_use_its_own_folder(nested: Any) -> None:
    os.rename(nested.path / "elk", nested.path.parent / "elk")
    text = ROOT.replace("path: ./elk", "path: ../elk")
    assert nested.stack(text).releases[1].chart == f"{nested.path.parent}/elk/search"
    elk = nested.path.parent / "elk" / "helmstack.yaml"
    elk.write_text(ELK.replace("./search", "../search"), encoding="utf-8")
    with pytest.raises(InputError, match="leaves what a nested stack may use"):
        nested.stack(text)


class Git:
    """Helpers that take a folder for every repository, and keep what they were asked."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.asked: list[str] = []
        self.declared: list[str] = []

    def checkout(self, reference: GitReference, repositories: Iterable[Repository], commit: str = "") -> Checkout:
        self.asked.append(f"{reference} {commit}".strip())
        self.declared = [repository.name for repository in repositories]
        return Checkout(commit or "0" * 40, self.root, self.root)


@pytest.fixture
def far(nested: Any, tmp_path: Path) -> Git:
    """A repository with a stack in the folder elk."""
    root = tmp_path / "cache" / "commit"
    root.parent.mkdir()
    os.rename(nested.path, root)
    nested.path.mkdir()
    return Git(str(root))


URL = "git+https://git.example.org/stacks.git//elk?ref=v3"
FAR = ROOT.replace("path: ./elk", f"url: '{URL}'")


def test_a_stack_from_git_belongs_to_the_run(nested: Any, far: Git) -> None:
    nested.write("helmstack.yaml", FAR + "repositories: [{name: r, type: git, url: 'https://git.example.org'}]\n")
    _web, search = resolve(Request((str(nested.path),)), nested.files, far).releases
    assert (search.stack, search.chart) == ("elk", f"{far.root}/elk/search")
    assert search.values[0].text == "a: 1\n"
    # its paths may lead to all of its repository, so all of the commit is asked for
    assert far.asked == ["git+https://git.example.org/stacks.git?ref=v3"]
    assert far.declared == ["r"]


def test_places_in_a_stack_from_git_are_told_with_its_address(nested: Any, far: Git) -> None:
    nested.write("helmstack.yaml", FAR)
    search = resolve(Request((str(nested.path),)), nested.files, far).releases[1]
    assert str(search.where) == "git+https://git.example.org/stacks.git//elk/helmstack.yaml:2"
    assert search.values[0].file == "git+https://git.example.org/stacks.git//elk/v.yaml"
    Path(f"{far.root}/elk/helmstack.yaml").write_text(ELK + "bogus: 1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        resolve(Request((str(nested.path),)), nested.files, far)
    assert str(caught.value).startswith(
        "git+https://git.example.org/stacks.git//elk/helmstack.yaml:3: unknown key 'bogus'"
    )


def test_a_stack_from_git_is_called_as_its_folder_or_repository(nested: Any, far: Git) -> None:
    text = FAR.replace("name: elk, ", "").replace("elk:search", "search")
    nested.write("helmstack.yaml", text)
    assert resolve(Request((str(nested.path),)), nested.files, far).releases[1].stack == "elk"
    far.root += "/elk"
    nested.write("helmstack.yaml", text.replace("//elk", ""))
    assert resolve(Request((str(nested.path),)), nested.files, far).releases[1].stack == "stacks"


@pytest.mark.parametrize(
    "text",
    [
        ELK.replace("v.yaml", "../../v.yaml"),
        ELK.replace("./search", "../../search"),
        ELK.replace("./search", "git+file:///srv/charts//search"),
        ELK + "stacks: [{path: ../..}]\n",
        ELK + "stacks: [{url: 'git+file:///srv/stacks'}]\n",
    ],
)
def test_a_stack_from_git_may_not_leave_its_repository(nested: Any, far: Git, text: str) -> None:
    (Path(far.root).parent / "v.yaml").write_text("a: 1\n", encoding="utf-8")
    Path(f"{far.root}/elk/helmstack.yaml").write_text(text, encoding="utf-8")
    nested.write("helmstack.yaml", FAR)
    with pytest.raises(InputError, match="leaves what a nested stack may use"):
        resolve(Request((str(nested.path),)), nested.files, far)


def test_a_stack_from_git_that_nests_itself_is_a_cycle(nested: Any, far: Git) -> None:
    Path(f"{far.root}/elk/helmstack.yaml").write_text(ELK + f"stacks: [{{name: x, url: '{URL}'}}]\n", encoding="utf-8")
    nested.write("helmstack.yaml", FAR)
    with pytest.raises(InputError, match="nest each other in a cycle"):
        resolve(Request((str(nested.path),)), nested.files, far)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{name: x}", "lacks a path or a url"),
        ("{path: ./elk, url: 'git+https://h/r'}", "names both a path and a url"),
        ("{url: 'https://h/r.git'}", "no git reference"),
        ("{url: 'git+ext::sh'}", "no git reference"),
        ("{url: 'git+https://h/r//../x'}", "leaves the repository"),
        ("{url: 'git+https://h/r//x?ref=--x'}", "cannot be the name"),
    ],
)
def test_a_wrong_entry_of_stacks_is_told_with_its_place(nested: Any, far: Git, entry: str, words: str) -> None:
    path = nested.write("helmstack.yaml", f"releases: []\nstacks:\n- {entry}\n")
    with pytest.raises(InputError) as caught:
        resolve(Request((str(nested.path),)), nested.files, far)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert words in str(caught.value)
    assert far.asked == []


COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOCK = f"lock_version: 1\ncharts: []\nstacks:\n  - stack: {URL}\n    commit: '{COMMIT}'\n"


def test_the_lock_file_says_which_commit_of_a_stack_counts(nested: Any, far: Git) -> None:
    nested.write("helmstack.yaml", FAR)
    nested.write("helmstack.lock", LOCK)
    stack = resolve(Request((str(nested.path),)), nested.files, far)
    assert far.asked == [f"git+https://git.example.org/stacks.git?ref=v3 {COMMIT}"]
    assert stack.fetched_stacks == stack.locked_stacks == (LockedStack(URL, COMMIT),)
    assert Stack.from_data(json.loads(json.dumps(stack.to_data()))) == stack
    assert lockfile.parse_stacks(lockfile.render((), stack.fetched_stacks), "x") == stack.fetched_stacks


def test_a_stack_that_the_lock_file_lacks_is_an_error_unless_it_is_made_or_a_commit(nested: Any, far: Git) -> None:
    nested.write("helmstack.yaml", FAR)
    nested.write("helmstack.lock", "lock_version: 1\ncharts: []\n")
    with pytest.raises(InputError, match=r"helmstack.lock does not hold the stack git\+https.*helmstack_lock"):
        resolve(Request((str(nested.path),)), nested.files, far)
    assert far.asked == []
    made = resolve(Request((str(nested.path),), makes_lock_file=True), nested.files, far)
    assert made.fetched_stacks == (LockedStack(URL, "0" * 40),)
    nested.write("helmstack.yaml", FAR.replace("ref=v3", f"ref={COMMIT}"))
    resolve(Request((str(nested.path),)), nested.files, far)


def test_a_stack_that_is_to_be_updated_is_asked_for_anew(nested: Any, far: Git) -> None:
    nested.write("helmstack.yaml", FAR)
    nested.write("helmstack.lock", LOCK)
    for update, commit in ((("web",), COMMIT), (("git+https://git.example.org/*",), "0" * 40)):
        made = resolve(Request((str(nested.path),), makes_lock_file=True, update=update), nested.files, far)
        assert made.fetched_stacks == (LockedStack(URL, commit),)


@pytest.mark.parametrize(
    "stacks", ["stacks: {}", "stacks: [x]", "stacks: [{stack: a}]", "stacks: [{stack: a, commit: main}]"]
)
def test_a_damaged_list_of_stacks_is_told(nested: Any, far: Git, stacks: str) -> None:
    nested.write("helmstack.yaml", FAR)
    path = nested.write("helmstack.lock", f"lock_version: 1\ncharts: []\n{stacks}\n")
    with pytest.raises(InputError, match="the lock file is damaged") as caught:
        resolve(Request((str(nested.path),)), nested.files, far)
    assert str(caught.value).startswith(f"{path}:3: ")

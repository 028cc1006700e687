# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A draft as files, and those files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftChange,
    DraftEnvironment,
    DraftFile,
    DraftRelease,
    DraftRepository,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.writing import changes, files_of, write

CANARY = "kanari-55-vogel"


def texts(draft: Draft) -> dict[str, str]:
    return {file.path: file.content.decode() for file in files_of(draft).files}


def test_the_stack_says_what_the_draft_does() -> None:
    release = DraftRelease("web", "shop", "charts/web", "1.2.0", {"replicas": 2}, labels={"tier": "front"})
    found = texts(Draft("shop", (release,), (DraftRepository("charts", "https://charts.example.org"),)))
    assert found["values/web.yaml"] == "replicas: 2\n"
    assert (
        found["helmstack.yaml"]
        == """\
name: shop
repositories:
- name: charts
  url: https://charts.example.org

releases:
  - name: web
    namespace: shop
    chart: charts/web
    version: 1.2.0
    values:
    - values/web.yaml
    labels:
      tier: front
"""
    )


def test_a_secret_and_all_that_holds_it_are_in_the_encrypted_file_alone() -> None:
    values = {"db": {"password": CANARY, "host": "db"}, "url": f"postgres://db?x={CANARY}", "port": 1}
    other = {"motd": f"the word is {CANARY}"}
    releases = (DraftRelease("a", "n", "./a", None, values), DraftRelease("b", "n", "./b", None, other))
    written = files_of(Draft("s", releases))
    assert {file.path for file in written.files if CANARY.encode() in file.content} == {
        "secrets/a.yaml",
        "secrets/b.yaml",
    }
    assert all(file.secret == file.path.startswith("secrets/") for file in written.files)
    assert written.secret_paths == {"n/a": ("db.password", "url"), "n/b": ("motd",)}


def test_releases_of_one_name_have_files_of_their_own() -> None:
    releases = tuple(DraftRelease("web", space, "./web", None, {"n": space}) for space in ("a", "b"))
    change = DraftChange(version="2", values={"n": "c"})
    found = texts(Draft("s", releases, environments=(DraftEnvironment("dev", {"b/web": change}),)))
    assert found["values/a/web.yaml"] == "'n': a\n"
    assert "b/web:" in found["env/dev.yaml"]
    assert "env/dev/values/b/web.yaml" in found["env/dev.yaml"]


def test_what_is_there_is_overwritten_by_force_alone(tmp_path: Path) -> None:
    files = (DraftFile("a.yaml", b"new"), DraftFile("d/b.yaml", b"b"))
    folder = str(tmp_path)
    (tmp_path / "a.yaml").write_text("old")
    with pytest.raises(InputError, match=r"a.yaml' is there already, with another content. .*force: true"):
        changes(folder, files, force=False, decrypt=bytes)
    found = changes(folder, files, force=True, decrypt=bytes)
    assert [change.before for change in found] == [b"old", None]
    (tmp_path / "d").mkdir()
    (tmp_path / "d/b.yaml").write_text("old")
    with pytest.raises(InputError, match=r"a.yaml' and 1 more are there already"):
        changes(folder, files, force=False, decrypt=bytes)
    write(folder, [(change.file, change.file.content) for change in found])
    assert (tmp_path / "d/b.yaml").read_text() == "b"
    assert changes(folder, files, force=False, decrypt=bytes) == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "d"]


def test_another_vault_password_is_not_another_content(tmp_path: Path) -> None:
    files = (DraftFile("a.yaml", b"new", secret=True), DraftFile("b.yaml", b"b"))
    folder = str(tmp_path)
    (tmp_path / "a.yaml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132")
    with pytest.raises(InputError, match=r"a.yaml' is .* a vault password that is not given here. Give it, .*force: t"):
        changes(folder, files, force=False, decrypt=lambda _text: None)
    found = changes(folder, files, force=True, decrypt=lambda _text: None)
    assert [(change.file.path, change.before) for change in found] == [("a.yaml", b""), ("b.yaml", None)]
    (tmp_path / "b.yaml").write_text("old")
    with pytest.raises(InputError, match=r"a.yaml' and 1 more are there already, with another content"):
        changes(folder, files, force=False, decrypt=lambda _text: None)


def test_a_file_is_no_folder_for_a_stack(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(InputError, match=r"/a' is a file, no folder. Name a folder with dest"):
        changes(str(tmp_path / "a"), [DraftFile("x", b"x")], force=True, decrypt=bytes)


def test_a_comment_shows_no_secret_of_the_values() -> None:
    releases = (DraftRelease("a", "n", "./a", None, {"password": CANARY}, comments=(f"do: x {CANARY}",)),)
    assert "  # do: x ********\n" in texts(Draft("s", releases))["helmstack.yaml"]


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//x", "", "a/", "./x"])
def test_nothing_is_written_outside_of_the_folder(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file that an import writes"):
        changes(str(tmp_path / "dest"), [DraftFile(path, b"x")], force=True, decrypt=bytes)


def test_what_is_secret_in_set_is_in_the_encrypted_values() -> None:
    release = DraftRelease("a", "n", "./a", None, {"b": 1}, set={"password": CANARY, "big": 7000000})
    written = {file.path: file for file in files_of(Draft("s", (release,))).files}
    assert CANARY.encode() not in written["helmstack.yaml"].content
    assert b"big: 7000000" in written["helmstack.yaml"].content
    assert written["secrets/a.yaml"].content == f"password: {CANARY}\n".encode()

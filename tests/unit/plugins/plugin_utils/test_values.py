# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's kinds of values, and which of them came out of a vault."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.parsing.vault import VaultSecret

from ansible_collections.helmstack.core.plugins.plugin_utils.values import (
    plain,
    strings_of_inventory,
    strings_of_vaults,
    vaulted_strings,
)
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.vaults import (
    SECRET,
    encrypted,
    known,
    loader,
    scalar,
)


def test_plain_makes_ordinary_values_of_loaded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = known(monkeypatch, SECRET).load(
        "a: [1, 1.5, true, null, text]\nd: 2024-01-31\n3: x\n" + scalar("v", "hidden")
    )
    value = plain(loaded)
    assert json.loads(json.dumps(value)) == {
        "a": [1, 1.5, True, None, "text"],
        "d": "2024-01-31",
        "3": "x",
        "v": "hidden",
    }
    assert {type(item) for item in (*value["a"], value["d"], value["v"])} == {int, float, bool, type(None), str}


def test_vault_scalars_are_found_at_any_depth_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"open: readable\nlist:\n- name: x\n{scalar('top', 'hidden one')}"
    source = known(monkeypatch, SECRET)
    variables = source.load(text)
    nested = source.load(scalar("deep", "hidden two"))
    assert set(vaulted_strings({**variables, "nest": [{"a": nested}]})) == {"hidden one", "hidden two"}


def test_undecryptable_vault_scalars_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(vaulted_strings(known(monkeypatch).load(scalar("v", "hidden")))) == []


def test_files_encrypted_as_a_whole_give_all_their_strings(tmp_path: Path) -> None:
    (tmp_path / "vars").mkdir()
    (tmp_path / "vars" / "secret.yml").write_text(encrypted("a: {b: [hidden, 5, 123456]}\n"))
    (tmp_path / "vars" / "open.yml").write_text("a: readable\n")
    loaded = tmp_path / "group.yml"
    loaded.write_text(encrypted("c: loaded\n"))
    source = loader(SECRET)
    source.load_from_file(str(loaded))
    assert set(strings_of_vaults(source, [str(tmp_path)])) == {"hidden", "123456", "loaded"}


def test_encrypted_files_below_the_folders_are_opened_as_include_vars_and_lookups_may_have_read_them(
    tmp_path: Path,
) -> None:
    for folder in ("env/prod", "group_vars", ".git"):
        (tmp_path / folder).mkdir(parents=True)
    key = "-----BEGIN KEY-----\nMIIEcanary\n-----END KEY-----\n"
    (tmp_path / "env" / "prod" / "secrets.yml").write_text(encrypted("a: included\n"))
    (tmp_path / "pw.txt").write_text(encrypted("looked up"))
    (tmp_path / "tls.key").write_text(encrypted(key))
    (tmp_path / "broken.txt").write_text(encrypted("@x: [y"))
    (tmp_path / "of others.txt").write_text(encrypted("other", VaultSecret(b"other")))
    (tmp_path / "group_vars" / "not-loaded.yml").write_text(encrypted("a: of no host\n"))
    (tmp_path / ".git" / "object").write_text(encrypted("a: hidden\n"))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "nowhere").symlink_to("none")
    assert set(strings_of_vaults(loader(SECRET), [str(tmp_path)])) == {"included", "looked up", key, "@x: [y"}


def test_a_vast_folder_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "near").write_text(encrypted("near"))
    (tmp_path / "many" / "deep").mkdir(parents=True)
    for number in range(1000):
        (tmp_path / "many" / str(number)).touch()
    (tmp_path / "many" / "deep" / "far").write_text(encrypted("far"))
    assert set(strings_of_vaults(loader(SECRET), [str(tmp_path)])) == {"near"}


def test_vault_scalars_of_other_hosts_are_found_in_their_files_and_in_the_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.yml"
    other.write_text("open: readable\n" + scalar("v", "of a file"))
    source = known(monkeypatch, SECRET)
    source.load_from_file(str(other))
    assert set(strings_of_vaults(source, [])) == {"of a file"}
    host = SimpleNamespace(vars=source.load(scalar("v", "of a host")))
    group = SimpleNamespace(vars={"deep": [source.load(scalar("v", "of a group"))]})
    inventory = SimpleNamespace(hosts={"b": host}, groups={"g": group})
    assert set(strings_of_inventory(SimpleNamespace(_inventory=inventory))) == {"of a host", "of a group"}
    assert list(strings_of_inventory(None)) == []

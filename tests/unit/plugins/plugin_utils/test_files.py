# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files as Ansible sees them: vaults and templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultSecret
from ansible.template import Templar

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.plugin_utils.files import AnsibleFiles
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.vaults import SECRET, encrypted, loader


def _files(*secrets: VaultSecret, **variables: Any) -> AnsibleFiles:
    source = loader(*secrets)
    return AnsibleFiles(source, Templar(loader=source, variables=variables), variables)


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_plain_file_is_not_touched(tmp_path: Path) -> None:
    text = _files().read(_write(tmp_path, "v.yaml", "a: '{{ b }}'\n"))
    assert (text.text, text.secret) == ("a: '{{ b }}'\n", False)


def test_an_encrypted_file_is_decrypted_and_marked(tmp_path: Path) -> None:
    text = _files(SECRET).read(_write(tmp_path, "v.yaml", encrypted("a: hidden\n")))
    assert (text.text, text.secret) == ("a: hidden\n", True)


def test_a_vault_scalar_is_decrypted() -> None:
    assert _files(SECRET).decrypt(encrypted("hidden")) == "hidden"


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("a: {{ b }}\n", {"b": 1}, "a: 1\n"),
        ("{% for x in b %}\n- {{ x }}\n{% endfor %}\n", {"b": [1, 2]}, "- 1\n- 2\n"),
        ("{{ b }}", {"b": {"x": [1, True]}}, None),
        ("a: 'c:\\\\d'\n", {}, "a: 'c:\\\\d'\n"),
    ],
)
def test_a_template_is_text_and_stays_text(
    tmp_path: Path, template: str, variables: dict[str, Any], expected: str | None
) -> None:
    files = _files(**variables)
    text = files.read(_write(tmp_path, "v.yaml.j2", template)).text
    assert type(text) is str
    assert files.rendered
    if expected is not None:
        assert text == expected


def test_a_template_includes_files_beside_it(tmp_path: Path) -> None:
    _write(tmp_path, "part.j2", "part: {{ b }}\n")
    assert _files(b=1).read(_write(tmp_path, "v.yaml.j2", "{% include 'part.j2' %}")).text.strip() == "part: 1"


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("a: 1\nb: 2\nc: {{ missing }}\n", 3, "'missing' is undefined"),
        ("a: 1\n{% if %}\n", 2, "Expected an expression"),
        ("a: 1\n\nb: {{ known.missing }}\n", 3, "missing"),
        ("a: 1\nb: {{ lookup('no.such.lookup') }}\n", 2, "no.such.lookup"),
    ],
)
def test_a_template_error_names_the_line_and_not_the_text(tmp_path: Path, template: str, line: int, what: str) -> None:
    path = _write(tmp_path, "v.yaml.j2", template)
    with pytest.raises(InputError) as caught:
        _files(known={}).read(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert what in str(caught.value)
    assert "a: 1" not in str(caught.value)


@pytest.mark.parametrize(
    ("secrets", "what"),
    [
        ((), "no vault password is known"),
        ((VaultSecret(b"other"),), "cannot be decrypted with any known vault password"),
    ],
)
def test_a_missing_vault_password_is_one_sentence(tmp_path: Path, secrets: tuple[VaultSecret, ...], what: str) -> None:
    path = _write(tmp_path, "v.yaml", encrypted("a: hidden\n"))
    with pytest.raises(InputError) as caught:
        _files(*secrets).read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert what in str(caught.value)
    assert "--vault-password-file" in str(caught.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_bytes(b"a: \xff\xfe\n")
    for name, what in (("v.yaml", "is not UTF-8 text"), ("none.yaml", "cannot be read")):
        with pytest.raises(InputError, match=what):
            _files().read(str(tmp_path / name))

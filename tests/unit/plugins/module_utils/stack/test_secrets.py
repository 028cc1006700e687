# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came out of a vault is known as secret wherever it goes; and what the target cannot read is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles, Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve

WEB = "releases:\n- name: web\n  chart: ./web\n"


def test_a_vaulted_value_is_decrypted_and_masked(folder: Any) -> None:
    stack = folder.stack(WEB + "  set: {password: !vault ENCterces-pot, open: a}\n")
    source = stack.releases[0].values[0]
    assert json.loads(source.text) == {"password": "top-secret", "open": "a"}
    assert source.secret
    assert stack.secrets == ("top-secret",)
    assert "top-secret" not in repr(stack.secrets.__class__) + repr(stack.name)


def test_passwords_in_urls_of_repositories_and_charts_are_secret(folder: Any) -> None:
    repository = "repositories: [{name: r, url: 'https://me:pass/word@r.example'}]\n"
    stack = folder.stack(f"{repository}releases: [{{name: web, chart: 'oci://r.example/web?token=hidden'}}]\n")
    assert stack.secrets == ("pass/word", "hidden")


@pytest.mark.parametrize("key", ["description: 'by ${pw}'", "labels: {a: !vault ENCterces}"])
def test_what_stands_among_helms_arguments_cannot_come_out_of_a_vault(folder: Any, key: str) -> None:
    with pytest.raises(InputError, match="holds a value from a vault") as caught:
        folder.stack(f"{WEB}  {key}\nvariables: {{pw: !vault ENCterces}}\n")
    assert "secret" not in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.line == 4


def test_what_is_made_of_a_secret_variable_is_secret_too(folder: Any) -> None:
    stack = folder.stack(
        WEB + "  values: [{url: 'db://me:${password}@db', plain: x}, {a: 1}]\nvariables: {password: !vault ENCterces}\n"
    )
    url, other = stack.releases[0].values
    assert json.loads(url.text)["url"] == "db://me:secret@db"
    assert (url.secret, other.secret) == (True, False)
    assert set(stack.secrets) == {"secret", "db://me:secret@db"}


def test_a_values_file_with_vaulted_values_reaches_helm_decrypted(folder: Any) -> None:
    folder.write("web.yaml", "password: !vault ENCterces\nday: 2024-01-01\n")
    source = folder.stack(WEB + "  values: [web.yaml]\n").releases[0].values[0]
    assert json.loads(source.text) == {"password": "secret", "day": "2024-01-01"}
    assert source.secret


def test_two_files_with_the_same_secret_are_both_decrypted(folder: Any) -> None:
    folder.write("a.yaml", "a: !vault ENCterces\n")
    folder.write("b.yaml", "b: !vault ENCterces\n")
    values = folder.stack(WEB + "  values: [a.yaml, b.yaml]\n").releases[0].values
    assert [json.loads(source.text) for source in values] == [{"a": "secret"}, {"b": "secret"}]


@pytest.mark.parametrize(
    "text",
    [
        "releases: [{name: web, chart: !vault ENCterces-pot}]\n",
        WEB + "  values: ['oci://${pw}']\nvariables: {pw: !vault ENCterces-pot}\n",
    ],
)
def test_what_is_wrong_is_told_without_what_came_out_of_a_vault(folder: Any, text: str) -> None:
    with pytest.raises(InputError, match=r"\*{8}") as caught:
        folder.stack(text)
    assert "secret" not in str(caught.value)


def test_a_wholly_vaulted_values_file_stays_as_it_is_and_all_its_strings_are_masked(folder: Any) -> None:
    folder.write("web.yaml", "VAULT\na: {b: [one-secret]}\nn: 3\npin: 123456\n")
    stack = folder.stack(WEB + "  values: [web.yaml]\n")
    assert stack.releases[0].values[0].text == "a: {b: [one-secret]}\nn: 3\npin: 123456\n"
    assert stack.releases[0].values[0].secret
    assert stack.secrets == ("one-secret", "123456")


def test_a_wholly_vaulted_overlay_makes_its_values_secret(folder: Any) -> None:
    overlay = folder.write("o.yaml", "VAULT\nreleases: {web: {set: {password: hidden}}}\n")
    stack = folder.stack(WEB, overlays=(overlay,))
    assert stack.releases[0].values[0].secret
    assert "hidden" in stack.secrets


def test_lines_of_a_long_secret_are_masked_each(folder: Any) -> None:
    text = "-----BEGIN-----\nabcdef\nx\n"
    vaulted = json.dumps("ENC" + text[::-1])
    secrets = folder.stack(WEB + f"  set: {{key: !vault {vaulted}}}\n").secrets
    assert secrets == (text, "-----BEGIN-----", "abcdef")


def test_secrets_of_templates_and_of_the_task_are_masked(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("web.yaml.j2", "a: from-host\n")
    monkeypatch.setattr(
        folder.files, "read", lambda path: Text(Path(path).read_text(), ("from-host",) * path.endswith("j2"))
    )
    stack = folder.stack(WEB + "  values: [web.yaml.j2]\n", secrets=("of-the-task",))
    assert stack.secrets == ("of-the-task", "from-host")
    assert stack.releases[0].values[0].secret


def test_a_task_variable_that_holds_a_secret_makes_values_secret(folder: Any) -> None:
    text = WEB + "  values: [{a: '${url}'}, {b: '${open}'}]\n"
    stack = folder.stack(text, variables={"url": {"x": "db://hidden@db"}, "open": 1}, secrets=("hidden",))
    assert [source.secret for source in stack.releases[0].values] == [True, False]


def test_an_error_does_not_show_a_secret(folder: Any) -> None:
    with pytest.raises(InputError) as caught:
        folder.stack(WEB + "  timeout: !vault ENCterces\n")
    assert str(caught.value).endswith("found a string")


def plain(path: Path, name: str, text: str) -> Any:
    (path / name).write_text(text, encoding="utf-8")
    return resolve(Request((str(path / name),)), PlainFiles())


def test_plain_files_need_no_ansible(tmp_path: Path) -> None:
    assert plain(tmp_path, "a.yaml", "\ufeffname: x\n" + WEB).releases[0].name == "web"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.yaml.j2", WEB, "a Jinja template needs the controller. Leave remote_src at false"),
        ("a.yaml", "$ANSIBLE_VAULT;1.1;AES256\n61\n", "a file of ansible-vault needs the controller. Leave remote_src"),
        ("a.yaml", WEB + "  set: {a: !vault x}\n", "4: a !vault value needs the controller. Leave remote_src at false"),
    ],
)
def test_plain_files_say_what_needs_the_controller(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plain(tmp_path, name, text)
    assert sentence in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_plain_files_tell_what_they_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        PlainFiles().read(str(tmp_path / "latin.yaml"))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        PlainFiles().read(str(tmp_path))
    with pytest.raises(InputError, match="cannot be read: No such file"):
        PlainFiles().read(str(tmp_path / "nowhere"))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of Secrets and values is secret."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import (
    likely_secrets,
    secret_strings,
)

WORD = "canary-7731"


def secret(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, **parts}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_values_of_a_secret_are_known_decoded() -> None:
    item = secret(stringData={"a": WORD}, data={"b": coded("other-5519"), "c": "no-base64"})
    assert secret_strings([item, {"kind": "ConfigMap", "data": {"d": "open"}}]) == {WORD, "other-5519", "no-base64"}


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://me:{WORD}@db/x",
        f"Server=db;User=sa;Password={WORD};Encrypt=true",
        f"host=db user=me password='{WORD}'",
        f"[db]\nuser = me\npassword = {WORD}\n",
        f'db:\n  user: me\n  password: "{WORD}"\n',
        json.dumps({"db": {"user": "me", "api_key": WORD}}),
        json.dumps({"auths": {"r.io": {"auth": coded(f"me:{WORD}")}}}),
    ],
)
def test_the_password_in_a_value_of_several_things_is_known_alone(text: str) -> None:
    found = secret_strings([secret(stringData={"a": text})])
    assert WORD in found
    assert not {"me", "db", "sa", "user", "true", "postgres"} & found


def test_words_of_a_configuration_are_no_secrets() -> None:
    text = "apiVersion: v1\nkind: Config\npassword: admin\nauth: basic\nurl: https://example.org/a\n"
    assert secret_strings([secret(stringData={"a": text})]) == {text}


def test_a_long_value_takes_no_longer_than_reading_it() -> None:
    began = time.monotonic()
    secret_strings([secret(stringData={"a": "x" * 300_000, "b": "a:" * 100_000, "c": "://:" * 50_000})])
    assert time.monotonic() - began < 20


def test_a_name_tells_of_all_below_it_or_of_its_own_value() -> None:
    values = {"auth": {"username": "me", "password": "hidden"}, "tokens": ["one", {"id": "two"}], "image": "open"}
    assert set(likely_secrets(values)) == {"me", "hidden", "one", "two"}
    assert set(likely_secrets(values, inherited=False)) == {"hidden", "one"}


TELLING = "password accessKey encryptionKey signing_key API-KEY pwd dsn connectionString pin cardPin licence adminPw"


@pytest.mark.parametrize("name", TELLING.split())
def test_a_name_tells_that_its_value_is_secret(name: str) -> None:
    assert set(likely_secrets({name: "hidden"})) == {"hidden"}


@pytest.mark.parametrize("name", ["topologyKey", "key", "spin", "opinion", "image", "shipping", "keys", "pwa"])
def test_other_names_do_not(name: str) -> None:
    assert not set(likely_secrets({name: "open"}))


def test_long_numbers_are_secret_as_well() -> None:
    assert set(likely_secrets({"password": 7712448803, "passwordLength": 16})) == {"7712448803"}


def test_ports_and_the_like_are_no_secrets_unless_their_name_says_so() -> None:
    item = secret(stringData={"PORT": "8080", "pin": "4711", "number": "123456"}, data={"p2": coded("3000")})
    assert secret_strings([item]) == {"4711", "123456"}


def test_short_values_are_secret_where_they_are_a_whole_value() -> None:
    item = secret(stringData={"pin": "q7k"}, data={"p2": coded("r8l")})
    assert secret_strings([item]) == frozenset()
    mask = Mask(secret_strings([item], short=True))
    assert mask.content({"a": "q7k", "b": ["r8l", "q7k8"]}) == {"a": MASK, "b": [MASK, "q7k8"]}


def test_base64_with_line_breaks_is_known_decoded_and_line_by_line() -> None:
    lines = base64.encodebytes((WORD * 20).encode()).decode()
    mask = Mask(secret_strings([secret(data={"a": lines})]))
    assert mask.text(f"plain: {WORD * 20}") == f"plain: {MASK}"
    shown = mask.text(lines)
    assert not [line for line in lines.splitlines() if line in shown]


def test_what_is_no_text_is_known_by_its_base64() -> None:
    keystore = base64.b64encode(bytes(range(128, 168))).decode()
    mask = Mask(secret_strings([secret(data={"key.jks": keystore})]))
    assert mask.text(f"data: {keystore}") == f"data: {MASK}"

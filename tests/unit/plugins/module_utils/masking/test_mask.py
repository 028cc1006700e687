# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are found in every way that charts and programs write them, and ordinary words are left alone."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import time
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask, number_text, traces

SECRET = "can<ary>&'7f3a\"/ü+x"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\nggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END KEY-----\n"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LOGIN = coded(f"user:{SECRET}")
WRITTEN = {
    "plain": SECRET,
    "json": json.dumps(SECRET),
    "json of other letters": json.dumps(SECRET, ensure_ascii=False),
    "json by Go": json.dumps(SECRET, ensure_ascii=False)
    .replace("<", "\\u003c")
    .replace(">", "\\u003e")
    .replace("&", "\\u0026"),
    "json in json": json.dumps(json.dumps({"a": SECRET}, ensure_ascii=False), ensure_ascii=False),
    "quoted yaml": SECRET.replace("'", "''"),
    "url": quote(SECRET, safe=""),
    "url path": quote(SECRET),
    "query": quote_plus(SECRET),
    "base64": coded(SECRET),
    "basic auth": LOGIN,
    "base64 of more": coded(f"xx{SECRET}yyy"),
    "base64 for URLs": base64.urlsafe_b64encode(f"~~?{SECRET}".encode()).decode(),
    "a registry's login": coded(json.dumps({"auths": {"r.example": {"auth": LOGIN}}})),
    "md5": hashlib.md5(SECRET.encode(), usedforsecurity=False).hexdigest(),
    "sha256": hashlib.sha256(SECRET.encode()).hexdigest(),
    "start of sha256": hashlib.sha256(SECRET.encode()).hexdigest()[:12],
    "cut short by go-yaml": SECRET[:7] + "...",
    "cut short here": SECRET[:9] + "…",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_secret_is_masked_however_it_is_written(how: str) -> None:
    written = WRITTEN[how].strip('"')
    shown = Mask([SECRET]).text(f"before {written} after")
    assert written not in shown
    assert SECRET[:5] not in shown
    assert MASK in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_json_that_is_read_before_it_shows_has_traces_as_well() -> None:
    text = json.dumps(json.dumps(json.dumps(SECRET, ensure_ascii=False), ensure_ascii=False), ensure_ascii=False)
    assert any(trace in text for trace in traces(SECRET))


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    shown = Mask([PEM]).text("pem: |\n" + "".join(f"  {line}\n" for line in PEM.splitlines()))
    assert shown == "pem: |\n" + f"  {MASK}\n" * 4


@pytest.mark.parametrize("left", range(4, 16))
@pytest.mark.parametrize("ellipsis", ["...", "…"])
def test_a_secret_is_masked_wherever_it_is_cut(left: int, ellipsis: str) -> None:
    assert Mask(["canary-cut-91x7"]).text(f"x {'canary-cut-91x7'[:left]}{ellipsis} y") == f"x {MASK}{ellipsis} y"


COMMON = ["apiVersion: apps/v1", "kind: Config", "metadata:", "- name: main", "port: 8080", "mode = fast"]
OWN = ["user: me-4412", "password: correct", "me:unhashed", "[section]", "ggSjAgEAAoIBAQCxVJTUtxUsxcKj="]


def test_of_a_file_in_a_secret_lines_are_masked_but_those_that_any_file_may_have() -> None:
    mask = Mask(["\n".join((*COMMON, *OWN))])
    assert [mask.text(line) for line in COMMON] == COMMON
    assert [mask.text(line) for line in OWN] == [MASK] * len(OWN)


@pytest.mark.parametrize("text", ["spec:\n- name: main\n  'value': x\nhostname: y\n", "name:"])
def test_short_secrets_are_no_keys(text: str) -> None:
    mask = Mask(["name", "spec", "value"])
    assert mask.text(text) == text
    assert mask.content({"name": "name", "hostname": "of value"}) == {"name": MASK, "hostname": f"of {MASK}"}
    assert mask.text("a: name\nspec: name: b") == f"a: {MASK}\nspec: {MASK}: b"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Mask(["abcdef", "defghi"]).text("x abcdefghi y") == f"x {MASK} y"


def test_ordinary_words_hashes_and_base64_are_left_alone() -> None:
    text = f"deployment 8343d22da6aa {coded('nothing to hide')} https://example.org/a/b?c=d true 8080..."
    assert Mask([SECRET, "true", "abc"]).text(text) == text


def test_names_are_no_secrets_however_they_are_written() -> None:
    mask = Mask(["postgres", SECRET], public=["postgres"])
    assert mask.text(f"postgres {coded('postgres')} {SECRET}") == f"postgres {coded('postgres')} {MASK}"


def test_results_keep_their_keys_and_contents_do_not() -> None:
    mask = Mask(["action", "123456", "pw"])
    assert mask.data({"action": "an action", "n": 123456, "m": 12345, "s": "pw"}) == {
        "action": f"an {MASK}",
        "n": MASK,
        "m": 12345,
        "s": "pw",
    }
    assert mask.content({"action": ["pw", "pwd", True]}) == {MASK: [MASK, "pwd", True]}


def test_a_large_number_is_masked_as_templates_write_it() -> None:
    assert Mask(["7712448803", "1000000"]).text("7712448803 7.712448803e+09 1e+06") == f"{MASK} {MASK} 1e+06"


def test_only_long_numbers_can_be_told_from_ordinary_ones() -> None:
    assert [number_text(value) for value in (123456, 1.234567, 8080, True, "123456")] == [
        "123456",
        "1.234567",
        "",
        "",
        "",
    ]


def test_thousands_of_secrets_cost_no_more_time_than_reading() -> None:
    source = random.Random(1)
    secrets = ["".join(source.choices(string.ascii_letters, k=16)) for _number in range(2000)]
    text = "".join(f"key{number}: some ordinary value of {number}\n" for number in range(5000))
    began = time.monotonic()
    mask = Mask(secrets)
    assert mask.text(text + secrets[7]) == text + MASK
    assert time.monotonic() - began < 20

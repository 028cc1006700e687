# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords in URLs are found however they are written, and other parts of URLs are left alone."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import (
    proper,
    secrets_in,
    without_credentials,
    without_login,
)

WORD = "canary8817"
LOGINS = [
    "me:{}",
    "me:x/{}",
    "me:x@{}",
    "me:x'{}",
    'me:x"{}',
    "me:x {}",
    "me:[{}",
    "me:x#{}",
    "me:x?{}",
    "me:x%40{}",
    "{}",
]
OPEN = ["https://h:8080/a@b", "oci://r.example:5000/app@sha256:00", "r.example/a@b", "https://h/a?version=1.2.3", "h:1"]


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("scheme", ["http://", "//", ""])
def test_a_password_is_known_and_taken_out(scheme: str, login: str) -> None:
    url = f"{scheme}{login.format(WORD)}@h:1/a"
    assert without_login(url) == f"{scheme}h:1/a"
    assert WORD not in Mask(secrets_in(url)).text(url)


@pytest.mark.parametrize("name", ["key", "token", "sig", "X-Amz-Signature", "code"])
def test_a_parameter_that_lets_in_is_secret(name: str) -> None:
    url = f"https://h/a.tgz?v=1&{name}={WORD}%2F"
    assert set(secrets_in(url)) == {f"{WORD}%2F", f"{WORD}/"}
    assert without_credentials(f'Get "{url}": no') == f'Get "https://h/a.tgz?v=1&{name}=********": no'


@pytest.mark.parametrize("url", OPEN)
def test_what_is_no_login_stays(url: str) -> None:
    assert (without_login(url), without_credentials(f"see {url}."), list(secrets_in(url))) == (url, f"see {url}.", [])


def test_urls_are_found_in_a_text() -> None:
    text = f'Get "http://me:{WORD}@h/a": from https://me:x/{WORD}@h, not from me@example.org'
    assert without_credentials(text) == 'Get "http://h/a": from https://h, not from me@example.org'


@pytest.mark.parametrize(
    "url", ["http://me:[x@h", "http://me:x/y@h", "http://me:x\u2100@h", "http://h:99999", "http://"]
)
def test_what_clients_could_not_read_is_no_proper_url(url: str) -> None:
    assert not proper(url)
    assert proper("https://me:x@h:1/a")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References to git: what is understood, and what is refused before git starts."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference, parse, secrets_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("git+https://h/r.git", GitReference("https://h/r.git")),
        ("git+https://h/r.git//charts/web?ref=v1", GitReference("https://h/r.git", "charts/web", "v1")),
        (
            "git+https://h:8443/a/b/r.git//./x/?ref=feature/y",
            GitReference("https://h:8443/a/b/r.git", "x", "feature/y"),
        ),
        ("git+https://h/r?ref=v1+build", GitReference("https://h/r", "", "v1+build")),
        ("git+http://h/r//x", GitReference("http://h/r", "x")),
        ("git+ssh://git@h/r.git//x?ref=main", GitReference("ssh://git@h/r.git", "x", "main", "git")),
        ("git+ssh://h:2222/~/r.git", GitReference("ssh://h:2222/~/r.git")),
        ("git+file:///srv/my%20charts//x", GitReference("file:///srv/my charts", "x")),
        ("git+file:////srv/charts", GitReference("file:///srv/charts")),
        (f"git+https://h/r?ref={COMMIT}", GitReference("https://h/r", "", COMMIT)),
        ("git+https://me:p%40ss@h/r//x", GitReference("https://h/r", "x", "", "me", "p@ss")),
    ],
)
def test_a_reference_is_taken_apart(text: str, reference: GitReference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("git+ext::sh -c x", "no git reference"),
        ("git+ext://sh", "no git reference"),
        ("git+git://h/r", "no git reference"),
        ("git+ftp://h/r", "no git reference"),
        ("git://h/r", "no git reference"),
        ("ssh://h/r", "no git reference"),
        ("git@h:r.git", "no git reference"),
        ("git+file:/srv/r", "no git reference"),
        ("git+file::/srv/r", "no git reference"),
        ("git+https:///r", "names no host"),
        ("git+https://h", "names no repository"),
        ("git+https://h//x", "names no repository"),
        ("git+https://-oProxyCommand=x/r", "names no host"),
        ("git+ssh://-oProxyCommand=x/r", "names no host"),
        ("git+ssh://-x@h/r", "no such user"),
        ("git+ssh://me:secret@h/r", "holds a password"),
        ("git+https://h:port/r", "is no URL"),
        ("git+file://h/srv/r", "names a host"),
        ("git+https://h/r//../x", "leaves the repository"),
        ("git+https://h/r//a/%2e%2e/%2E%2E/x", "leaves the repository"),
        ("git+https://h/r//-x", "begins with '-'"),
        ("git+https://h/r//x/.git/hooks", "git's own folder"),
        ("git+https://h/r//x%0ay", "control characters"),
        ("git+https://h/r//x?ref=", "cannot be the name"),
        ("git+https://h/r//x?ref=--upload-pack=x", "cannot be the name"),
        ("git+https://h/r//x?ref=a..b", "cannot be the name"),
        ("git+https://h/r//x?ref=a:b", "cannot be the name"),
        ("git+https://h/r//x?ref=a%20b", "cannot be the name"),
        ("git+https://h/r//x?ref=a&ref=b", "several refs"),
        ("git+https://h/r//x?rev=a", "no parameter 'rev'. Did you mean 'ref'?"),
        ("git+https://h/r//x#v1", "Write ?ref="),
    ],
)
def test_what_git_must_not_be_started_with_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_password_of_a_reference_is_secret_and_the_user_of_ssh_is_not() -> None:
    assert secrets_of("git+https://me:p%40ss@h/r") == ("p%40ss", "p@ss")
    assert secrets_of("git+https://token@h/r") == ("token",)
    assert secrets_of("git+ssh://git@h/r") == ()
    assert "p@ss" not in repr(parse("git+https://me:p%40ss@h/r"))

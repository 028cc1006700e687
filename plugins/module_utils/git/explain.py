# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What git's words on a failure mean for the user, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.git.process import GitError


@dataclass(frozen=True)
class _Cause:
    sign: str
    verdict: str
    hint: str


_DECLARE = "a repository with type: git and a url that this one begins with"
_CAUSES = (
    _Cause(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host shows another key than the known one",
        "Somebody may intercept the connection; if the key was changed on purpose, put the new one into known_hosts",
    ),
    _Cause(
        r"Host key verification failed|No \w+ host key is known",
        "the host's key is not known",
        "Put it into a file (ssh-keyscan {host}, then compare its fingerprint) and name that with known_hosts in "
        + _DECLARE,
    ),
    _Cause(
        r"UNPROTECTED PRIVATE KEY|bad permissions",
        "ssh does not use the key, as others can read its file",
        "Give the file the mode 0600",
    ),
    _Cause(r"Permission denied \(", "the host refuses this user's key", "Check username and key_file of " + _DECLARE),
    _Cause(
        r"could not read Username|terminal prompts disabled",
        "it wants a login",
        "Declare " + _DECLARE + ", and username and password in it",
    ),
    _Cause(
        r"Authentication failed|HTTP Basic: Access denied|requested URL returned error: 40[13]",
        "it refuses this user",
        "Check username and password of " + _DECLARE,
    ),
    _Cause(
        r"certificate|SSL|TLS",
        "its certificate is not trusted",
        "Name the authority with ca_file in " + _DECLARE,
    ),
    _Cause(
        r"not found|does not appear to be a git repository|requested URL returned error: 404|not a git repository",
        "there is no such repository, or it is not shown to this user",
        "Check its url, and the login in " + _DECLARE,
    ),
    _Cause(r"dubious ownership", "it belongs to another user, and git does not read it", "Use git+https or git+ssh"),
    _Cause(
        r"transport '\w+' not allowed",
        "it leads to a transport that the reference does not name",
        "Write the address that it leads to",
    ),
    _Cause(r"", "it cannot be asked", "Check its url, the network, and the proxy settings"),
)


def explained(error: GitError, url: str) -> HelmstackError:
    """The user's error for one of git's; a missing git needs no other words."""
    if not error.words:
        return error
    cause = next(cause for cause in _CAUSES if re.search(cause.sign, error.words))
    parts = urlsplit(url)
    hint = cause.hint.format(host=f"-p {parts.port} {parts.hostname}" if parts.port else parts.hostname)
    return ChartError(f"the git repository {url}: {cause.verdict}: {_last(error.words)}", hint=hint)


def _last(words: str) -> str:
    """The most telling line."""
    lines = [line for line in words.splitlines() if line.strip()]
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    said = fatal[:1] or lines[-1:]
    if fatal and "Could not read from remote repository" in fatal[0]:
        said = [line for line in lines if not line.startswith(("fatal: ", "Please make sure", "and the repository"))][
            -1:
        ]
    return (said or fatal)[0].strip().rstrip(".")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of a URL, even of an invalid one: people write passwords unencoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus, urlsplit

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, TELLING

_SCHEME = re.compile(r"(?:[A-Za-z][\w+.-]*:)?//")
_IN_TEXT = re.compile(r"(?:[A-Za-z][\w+.-]*:)?//[^\s\"'<>]+")
_PLACE = re.compile(r"[^:/?#]*(?::\d+)?[/?#]")  # a host and the beginning of a path: what follows "@" is of the path
_QUERY = re.compile(r"([?&;])([\w.~-]+)=([^&;\s\"'#]+)")
_SIGNS = re.compile(r"key$|sig|code$", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """The text with user names and passwords taken out of URLs, and secret parameters masked."""
    return _QUERY.sub(_masked, _IN_TEXT.sub(lambda match: without_login(match[0]), text))


def without_login(url: str) -> str:
    """A URL without user name and password; it may lack its scheme."""
    scheme, _login, rest = _split(url)
    return scheme + rest


def secrets_in(url: str) -> Iterator[str]:
    """The password of a URL, or the user name that serves as one, and parameters such as signatures."""
    scheme, login, rest = _split(url)
    user, colon, password = login.partition(":")
    secret = password if colon else "" if scheme.endswith("ssh://") else user  # of ssh it is a name
    yield from dict.fromkeys(filter(None, (secret, unquote(secret))))
    for match in _QUERY.finditer(rest):
        if _tells(match[2]):
            yield from dict.fromkeys((match[3], unquote_plus(match[3])))


def proper(url: str) -> bool:
    """Whether clients can read a URL; what they say of others quotes it."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what has one login."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or (443 if scheme == "https" else 80)


def begins_with(url: str, prefix: str) -> bool:
    """Whether a URL is below another one."""
    try:
        if origin(url) != origin(prefix) or _climbs(url):
            return False
    except ValueError:
        return False
    path, below = (urlsplit(each).path.rstrip("/") for each in (url, prefix))
    return path == below or path.startswith(below + "/")


def _climbs(url: str) -> bool:
    """Whether a server may take the path for another one than it looks like."""
    return ".." in unquote(urlsplit(url).path).split("/")


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, login, and the rest."""
    match = _SCHEME.match(url)
    start = match.end() if match else 0
    login, at, rest = url[start:].rpartition("@")
    if not at or _PLACE.match(login):
        return url[:start], "", url[start:]
    return url[:start], login, rest


def _masked(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={MASK}" if _tells(match[2]) else match[0]


def _tells(name: str) -> bool:
    return bool(TELLING.search(name) or _SIGNS.search(name))

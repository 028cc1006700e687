# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files from web servers. A login goes only to its own server, also after redirects."""

from __future__ import annotations

import base64
import http.client
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any, Protocol

from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import (
    origin,
    without_credentials,
    without_login,
)

_TIMEOUT = 30.0  # seconds without a sign of life
_REDIRECTS = 10
_PAUSES = (0.5, 1.5)  # seconds before a request is made again
_LONGEST_PAUSE = 10.0
_AGAIN = (429, 500, 502, 503, 504)
_BLOCK = 1 << 18

UNREACHABLE, UNTRUSTED, PLAIN, TLS_FILES, STATUS, TOO_LARGE = (
    "unreachable untrusted plain tls-files status too-large".split()
)


class WebError(Exception):
    """A file could not be had; ``kind`` says why, ``reason`` in words without secrets."""

    def __init__(self, kind: str, reason: str, answer: Answer | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.answer = answer

    @property
    def status(self) -> int:
        return self.answer.status if self.answer else 0


@dataclass(frozen=True)
class Answer:
    """What a server said. The body is empty if it went into a file."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(default=b"", repr=False)
    url: str = ""  # where it came from in the end


class Server(Protocol):
    """A declared server: stack/model.py's Repository."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def username(self) -> str | None:
        """The user name."""

    @property
    def password(self) -> str | None:
        """The password or token."""

    @property
    def ca_file(self) -> str | None:
        """Path of the certificate authority."""

    @property
    def cert_file(self) -> str | None:
        """Path of the client certificate."""

    @property
    def key_file(self) -> str | None:
        """Path of its key."""

    @property
    def insecure(self) -> bool:
        """Whether certificates are not checked."""


@dataclass(frozen=True)
class Access:
    """Access to one server; its login goes to no other."""

    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False
    well_known: bool = False  # the machine's own authorities count beside ca_file

    @classmethod
    def of(cls, repository: Server) -> Access:
        """The access of a declared repository, or of its URL."""
        parts = urllib.parse.urlsplit(repository.url)
        user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
        return cls(
            repository.username or user,
            repository.password or (password if not repository.username else ""),
            repository.ca_file,
            repository.cert_file,
            repository.key_file,
            repository.insecure,
        )

    @cached_property
    def context(self) -> ssl.SSLContext:
        """How the server proves its identity. Reading certificates takes as long as a small download."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)  # none but this one, as with Helm
            if self.well_known:
                context.load_default_certs()
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(filter(None, (self.ca_file, self.cert_file, self.key_file)))
            raise WebError(TLS_FILES, f"{files}: {getattr(error, 'strerror', None) or error}") from None
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @property
    def authorization(self) -> str:
        """The header's value for a basic login; "" without one."""
        if not self.username and not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def get(
    url: str,
    access: Access,
    headers: Mapping[str, str] | None = None,
    *,
    authorization: str = "",
    to: IO[bytes] | None = None,
    limit: int = 1 << 25,
    data: bytes | None = None,
) -> Answer:
    """Fetches a URL. Any status below 400 is an answer, 304 included.

    :arg authorization: goes to this server only, also if it redirects.
    :arg to: a file for the body.
    :arg limit: bytes that the body may have.
    :raises WebError: there is no such answer.
    """
    url = without_login(url)
    for pause in (*_PAUSES, None):
        try:
            return _followed(url, access, dict(headers or {}), authorization, to, limit, data)
        except WebError as error:
            again = error.status in _AGAIN or (error.kind == UNREACHABLE and "reset" in error.reason)
            if pause is None or not again:
                raise
            time.sleep(_pause(error, pause))
            if to is not None:
                to.seek(0)
                to.truncate()
    raise AssertionError("unreachable")


def _pause(error: WebError, least: float) -> float:
    asked = error.answer.headers.get("retry-after", "") if error.answer else ""
    return min(max(least, float(asked)), _LONGEST_PAUSE) if asked.isdigit() else least


def _followed(
    url: str,
    access: Access,
    headers: dict[str, str],
    authorization: str,
    to: IO[bytes] | None,
    limit: int,
    data: bytes | None,
) -> Answer:
    at, first = url, origin(url)
    for _hop in range(_REDIRECTS):
        own = origin(at) == first
        sent = {**headers, **({"Authorization": authorization} if own and authorization else {})}
        answer = _asked(at, access if own else _without_login(access), sent, to, limit, data)
        location = answer.headers.get("location")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        target = urllib.parse.urljoin(at, location)
        if origin(target)[0] not in ("http", "https") or (origin(at)[0] == "https" and origin(target)[0] == "http"):
            raise WebError(UNTRUSTED, f"it redirects to {without_credentials(target)}, which is not encrypted")
        at, data = without_login(target), None
    raise WebError(UNREACHABLE, f"it redirects more than {_REDIRECTS} times")


def _without_login(access: Access) -> Access:
    """For another server: no login, no client certificate."""
    return Access(ca_file=access.ca_file, insecure=access.insecure, well_known=True)


def _asked(
    url: str, access: Access, headers: Mapping[str, str], to: IO[bytes] | None, limit: int, data: bytes | None
) -> Answer:
    request = urllib.request.Request(url, data=data, headers={"User-Agent": "helmstack", **headers})
    try:
        with _opener(url, access).open(request, timeout=_TIMEOUT) as stream:
            return _read(stream, url, to, limit)
    except urllib.error.HTTPError as error:
        with error:
            return _refused(error, url)
    except urllib.error.URLError as error:
        raise _told(error.reason) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _told(error) from None


def _opener(url: str, access: Access) -> urllib.request.OpenerDirector:
    # not build_opener, whose handlers read the machine's certificates each time, for http, too
    request = urllib.request
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), request.HTTPDefaultErrorHandler()]
    handlers += [request.HTTPErrorProcessor(), request.UnknownHandler(), request.HTTPHandler()]
    if origin(url)[0] == "https":
        handlers.append(request.HTTPSHandler(context=access.context))
    host = origin(url)[1]
    if not (host == "localhost" or host.startswith("127.") or host == "::1"):  # as Go does
        handlers.append(request.ProxyHandler())
    opener = request.OpenerDirector()
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _read(stream: Any, url: str, to: IO[bytes] | None, limit: int) -> Answer:
    headers = {name.lower(): value for name, value in stream.headers.items()}
    body, size = [], 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise WebError(TOO_LARGE, f"it answers with more than {limit >> 20} MiB")
        if to is None:
            body.append(block)
        else:
            to.write(block)
    return Answer(stream.status, headers, b"".join(body), url)


def _refused(error: urllib.error.HTTPError, url: str) -> Answer:
    headers = {name.lower(): value for name, value in error.headers.items()}
    answer = Answer(error.code, headers, error.read(1 << 16), url)
    if error.code < 400:
        return answer
    raise WebError(STATUS, f"{error.code} {error.reason}".strip(), answer)


def _told(error: Any) -> WebError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return WebError(UNTRUSTED, str(error.verify_message or error))
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        plain = re.search(r"WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|HTTP_REQUEST", str(error))
        return WebError(PLAIN if plain else UNTRUSTED, text)
    if isinstance(error, TimeoutError):
        text = f"no answer within {_TIMEOUT:.0f} s"
    if isinstance(error, (ConnectionResetError, http.client.RemoteDisconnected)):
        text = "the connection was reset"
    return WebError(UNREACHABLE, without_credentials(text))

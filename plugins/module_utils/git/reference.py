# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names a folder in a git repository: ``git+https://host/repo.git//path?ref=v1``. What could harm is refused."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_login

TRANSPORTS = ("git+https", "git+ssh", "git+http", "git+file")
_FORM = "Write git+https://host/repository.git//folder?ref=tag; git+ssh, git+http and git+file are known, too"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")
# git's own rules (git help check-ref-format), and no leading "-", which its commands would take for an option
_NO_REF = re.compile(r"^-|^/|/$|//|\.\.|@\{|^@$|[\x00-\x20\x7f~^:?*\[\\]|(?:^|/)\.|\.lock(?:/|$)|\.$")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+-]*")


@dataclass(frozen=True)
class GitReference:
    """A folder of a repository at a ref."""

    url: str  # as git takes it, without a login in it but for ssh's user
    path: str = ""  # of the folder in the repository; "": its top
    ref: str = ""  # a branch, a tag or a full commit; "": the remote's HEAD
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]

    @property
    def folder(self) -> str:
        """The folder of a repository on this machine's disk."""
        return self.url[len("file://") :] if self.scheme == "file" else ""

    @property
    def commit(self) -> str:
        """The commit, if the ref is one."""
        return self.ref if _COMMIT.fullmatch(self.ref) else ""

    @property
    def short(self) -> bool:
        """Whether the ref may be meant as a commit's beginning, which no server understands."""
        return bool(_SHORT_COMMIT.fullmatch(self.ref)) and not self.commit

    def __str__(self) -> str:
        ref = f"?ref={self.ref}" if self.ref else ""
        path = f"//{self.path}" if self.path else ""
        return f"git+{self.url}{path}{ref}"


def is_git(text: str) -> bool:
    """Whether a reference is meant for git: also where it is a wrong one."""
    return text.startswith(("git+", "git://", "git@", "ssh://"))


def parse(text: str) -> GitReference:
    """A reference, checked before git sees any of it.

    :raises InputError: git must not be started with the transport, the host, the path or the ref.
    """
    shown = without_login(text)
    kind, separator, _rest = text.partition("://")
    if not separator or kind not in TRANSPORTS:
        raise InputError(f"'{shown}' is no git reference that is supported", hint=_FORM)
    try:
        parts = urlsplit(text[len("git+") :])
        parts.port  # noqa: B018  # says whether it is a number
    except ValueError as error:
        raise InputError(f"'{shown}' is no URL: {error}", hint=_FORM) from None
    if parts.fragment:
        raise InputError(f"'{shown}' holds a '#', which git references have no use for", hint="Write ?ref=…")
    repository, path = _divided(parts.path, local=parts.scheme == "file")
    ref = _ref(parts.query, shown)
    login, _at, host = parts.netloc.rpartition("@")
    username, _colon, password = (unquote(part) for part in login.partition(":"))
    _check_host(parts.scheme, host, username, password, shown)
    if not repository.strip("/"):
        raise InputError(f"'{shown}' names no repository", hint=_FORM)
    inside = _path(path, shown)
    if parts.scheme == "file":
        return GitReference("file://" + os.path.normpath(_plain(unquote(repository), shown)), inside, ref)
    user = f"{username}@" if parts.scheme == "ssh" and username else ""
    url = f"{parts.scheme}://{user}{host}{_plain(repository, shown)}"
    return GitReference(url, inside, ref, username, "" if parts.scheme == "ssh" else password)


def secrets_of(text: str) -> tuple[str, ...]:
    """The secrets of a reference: the password, or the user name that serves as one."""
    try:
        login = urlsplit(text).netloc.rpartition("@")[0]
    except ValueError:
        return ()
    user, colon, password = login.partition(":")
    secret = password if colon else "" if text.startswith("git+ssh") else user
    return tuple(dict.fromkeys(filter(None, (secret, unquote(secret)))))


def _divided(path: str, *, local: bool) -> tuple[str, str]:
    """The repository's path and that of the folder in it, which ``//`` divides."""
    if local:
        path = re.sub(r"^//+", "/", path)
    repository, _separator, inside = path.partition("//")
    return repository, inside


def _ref(query: str, shown: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    parameters = [(unquote(name), unquote(value)) for name, _equals, value in pairs]  # a "+" is of the ref
    for name, dummy in parameters:
        if name != "ref":
            raise InputError(f"'{shown}': git references have no parameter '{name}'", hint=did_you_mean(name, ["ref"]))
    if len(parameters) > 1:
        raise InputError(f"'{shown}' names several refs", hint="Name one of them")
    ref = parameters[0][1] if parameters else ""
    if parameters and (not ref or _NO_REF.search(ref)):
        raise InputError(
            f"'{ref}' in '{shown}' cannot be the name of a branch or tag, nor a commit", hint="Write ?ref=v1.2.3"
        )
    return ref


def _path(path: str, shown: str) -> str:
    """The folder in the repository: relative, in it, and nothing that git might take for an option."""
    text = _plain(unquote(path).strip("/"), shown)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InputError(f"the path '{text}' in '{shown}' leaves the repository", hint="It begins at its top")
    if any(part.lower() == ".git" for part in parts):
        raise InputError(f"the path '{text}' in '{shown}' leads into git's own folder")
    if any(part.startswith("-") for part in parts[:1]):
        raise InputError(f"the path '{text}' in '{shown}' begins with '-'")
    return "/".join(parts)


def _plain(text: str, shown: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InputError(f"'{shown}' holds control characters")
    return text


def _check_host(scheme: str, host: str, username: str, password: str, shown: str) -> None:
    if scheme == "file":
        if host or username:
            raise InputError(f"'{shown}' names a host", hint="Write git+file:///absolute/path//folder")
        return
    if not _HOST.fullmatch(host):
        raise InputError(f"'{shown}' names no host that can be asked", hint=_FORM)
    if username and scheme == "ssh" and not _USER.fullmatch(username):
        raise InputError(f"'{shown}': no such user can log in with ssh")
    if scheme == "ssh" and password:
        raise InputError(
            f"'{shown}' holds a password, which ssh does not accept",
            hint="Declare a repository with type: git and key_file",
        )

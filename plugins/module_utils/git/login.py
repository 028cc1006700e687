# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""git's logins: declared repositories, with their logins in 0600 files of the run alone."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.web import Server

# git calls it for this host alone: a server that it is redirected to gets no login
_HELPER = '!f() { test "$1" = get && cat "$HELMSTACK_GIT_LOGIN"; }; f'


@dataclass(frozen=True)
class Login:
    """What git is started with for one repository; nothing secret is in it, but the path of the file that is."""

    settings: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


class Declared(Server, Protocol):
    """A declared repository, as far as git has use for it."""

    @property
    def type(self) -> str:
        """git, helm or oci."""

    @property
    def known_hosts(self) -> str | None:
        """Path of the file with known host keys."""


class Logins:
    """The declared git repositories of a run.

    :arg folder: private; the logins' files go into it.
    """

    def __init__(self, folder: str, declared: Iterable[Declared]) -> None:
        self._folder = folder
        self._declared = [repository for repository in declared if repository.type == "git"]

    def of(self, reference: GitReference) -> Login:
        """How to ask for a reference.

        :raises InputError: the login is of a kind that this transport does not know.
        """
        repository = self.declared_for(reference)
        # a server may lead from HTTP to HTTPS, but never back
        allowed = {"GIT_ALLOW_PROTOCOL": "http:https" if reference.scheme == "http" else reference.scheme}
        if reference.scheme == "ssh":
            return Login(environ={**allowed, **ssh_environment(repository)})
        if reference.scheme == "file":
            return Login(environ=allowed)
        settings: dict[str, str] = _tls(repository) if repository else {}
        username = reference.username or (repository and repository.username) or ""
        password = reference.password or (repository and repository.password) or ""
        if not username and not password:
            return Login(settings, allowed)
        parts = urlsplit(reference.url)
        settings[f"credential.{parts.scheme}://{parts.netloc}.helper"] = _HELPER
        return Login(settings, {**allowed, "HELMSTACK_GIT_LOGIN": self._file(username, password)})

    def declared_for(self, reference: GitReference) -> Declared | None:
        """The declared repository whose URL a reference begins with, the longest if there are several."""
        fitting = [repository for repository in self._declared if _begins(reference.url, repository.url)]
        return max(fitting, key=lambda repository: len(repository.url), default=None)

    def _file(self, username: str, password: str) -> str:
        for what, text in (("user name", username), ("password", password)):
            if "\n" in text or "\0" in text:
                raise InputError(f"the {what} of a git repository holds a line break, which git cannot take")
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="git-login-", dir=self._folder)
        with open(handle, "w", encoding="utf-8") as file:
            # a token alone goes as the user's name, as people write it in URLs
            file.write(f"username={username or 'git'}\npassword={password}\n")
        return path


def _tls(repository: Declared) -> dict[str, str]:
    named = {
        "http.sslCAInfo": repository.ca_file,
        "http.sslCert": repository.cert_file,
        "http.sslKey": repository.key_file,
        "http.sslVerify": "false" if repository.insecure else None,
    }
    return {name: value for name, value in named.items() if value}


def ssh_environment(repository: Declared | None) -> dict[str, str]:
    """How git starts ssh: never asking, never trusting a host that is not known."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=30"]
    argv = ["ssh"]
    if repository and repository.known_hosts:
        options += [f'UserKnownHostsFile="{repository.known_hosts}"', f"GlobalKnownHostsFile={os.devnull}"]
    if repository and repository.key_file:
        options += ["IdentitiesOnly=yes", "IdentityAgent=none"]
        argv += ["-F", os.devnull, "-i", repository.key_file]
    if repository and repository.username:
        options.append(f"User={repository.username}")
    command = shlex.join([*argv, *(part for option in options for part in ("-o", option))])
    return {"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"}


def _begins(url: str, start: str) -> bool:
    """Whether a URL begins with another, whole parts of the path only."""
    try:
        asked, declared = urlsplit(url), urlsplit(start.removeprefix("git+"))
    except ValueError:
        return False
    if (asked.scheme, _host(asked.netloc)) != (declared.scheme, _host(declared.netloc)):
        return False
    path = declared.path.rstrip("/")
    return asked.path == path or asked.path.startswith(f"{path}/")


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()

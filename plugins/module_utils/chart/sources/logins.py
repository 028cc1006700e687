# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins to registries, from a file as ``helm registry login`` and docker write it; only one that is named is read."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location

_HELPER_TIMEOUT = 30.0  # seconds
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True)
class Login:
    """A user of a registry, or a token that serves as one."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


class LoginFile:
    """``registry_config``.

    :raises InputError: there is no such file, or it is of another kind.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with open(path, encoding="utf-8") as stream:
                content = json.loads(stream.read() or "{}")
        except OSError as error:
            raise InputError(f"registry_config: '{path}' cannot be read ({error.strerror})") from None
        except ValueError:
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("auths", {}), dict):
            raise InputError(
                "is not a registry login file",
                where=Location(path),
                hint="registry_config wants JSON with 'auths', as helm registry login and docker login write it",
            )
        self._content = content

    @property
    def hosts(self) -> tuple[str, ...]:
        """The registries that it has logins for, for messages."""
        known = [*(self._content.get("auths") or {}), *(self._content.get("credHelpers") or {})]
        return tuple(sorted({_bare(name) for name in known}))

    def find(self, host: str, path: str) -> Login | None:
        """The login for a repository: of the longest part of its path that has one, else of its host."""
        auths: Mapping[str, Any] = {_bare(key): item for key, item in (self._content.get("auths") or {}).items()}
        for name in _names(host, path):
            helper = (self._content.get("credHelpers") or {}).get(name)
            if helper:
                return _helped(str(helper), name)
            entry = auths.get(name)
            if isinstance(entry, dict) and (found := self._login(entry)):
                return found
            if name in auths and self._content.get("credsStore"):
                return _helped(str(self._content["credsStore"]), name)
        return None

    def _login(self, entry: Mapping[str, Any]) -> Login | None:
        user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
        if entry.get("auth"):
            try:
                user, _colon, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
            except ValueError:
                raise InputError("holds an 'auth' that is not base64", where=Location(self._path)) from None
        token = str(entry.get("identitytoken") or "")
        return Login(user, password.rstrip("\0"), token) if user or password or token else None


def _names(host: str, path: str) -> Iterator[str]:
    parts = path.split("/")
    for count in range(len(parts), -1, -1):
        yield "/".join([host, *parts[:count]])
    if host in _DOCKER_HUB:
        yield from (name for name in (*_DOCKER_HUB, "index.docker.io/v1") if name != host)


def _bare(name: str) -> str:
    """Docker writes hosts with a scheme, too."""
    return str(name).partition("://")[2].rstrip("/") if "://" in str(name) else str(name).rstrip("/")


def _helped(helper: str, name: str) -> Login | None:
    """What a docker-credential program keeps; the file that the user has named wants it to be asked."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [f"docker-credential-{helper}", "get"],
            input=name.encode(),
            capture_output=True,
            timeout=_HELPER_TIMEOUT,
            check=False,
        )
        said = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InputError(
            f"the program docker-credential-{helper}, which registry_config names for {name}, cannot be asked ({error})"
        ) from None
    user, secret = str(said.get("Username") or ""), str(said.get("Secret") or "")
    if user == "<token>":
        return Login(identity_token=secret)
    return Login(user, secret) if user or secret else None

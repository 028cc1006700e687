# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strings of Secret objects, which are masked wherever they would show."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import (
    RANDOM,
    TELLING,
    maskable,
    number_text,
    small_number,
)

Object = Mapping[str, Any]

_SHORTEST_PART = 6  # shorter ones are words of their own, such as admin
_LOGIN = re.compile(r"://[^\s/:@]{0,99}:([^\s@]{1,999})@")
_ASSIGNED = re.compile(r"""(?<![\w.-])([\w.-]{1,99})["']?\s*[:=]\s*("[^"\n]*"|'[^'\n]*'|[^\s"',;&]+)""")


def is_secret(item: Object) -> bool:
    return item.get("kind") == "Secret" and str(item.get("apiVersion", "v1")) == "v1"


def secret_strings(objects: Iterable[Object], *, short: bool = False) -> frozenset[str]:
    """Every value of every Secret, decoded, and the passwords in those that are files and URLs.

    :arg short: also those that are too short to mask except where they are a whole value.
    """
    found = {text for item in objects if is_secret(item) for text in _values(item)} - {RANDOM}
    whole = {text for text in found if short or maskable(text)}
    return frozenset(whole | {part for text in whole for part in _parts(text) if len(part) >= _SHORTEST_PART})


def likely_secrets(values: Any, *, told: bool = False, inherited: bool = True) -> Iterator[str]:
    """The texts among values whose names say that they are secret, for use where there are no Secret objects.

    :arg told: the name of these values says so.
    :arg inherited: what a name says holds for all below it: more is found, and more that is no secret.
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            tells = (told and inherited) or bool(TELLING.search(str(key)))
            yield from likely_secrets(value, told=tells, inherited=inherited)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from likely_secrets(value, told=told, inherited=inherited)
    elif told and (isinstance(values, str) or number_text(values)):
        yield str(values)


def _parts(text: str) -> Iterator[str]:
    """The passwords in a text of several things, such as a URL, a configuration file or a registry's login."""
    for match in _LOGIN.finditer(text):
        yield from (match[1], unquote(match[1]))
    for match in _ASSIGNED.finditer(text):
        if TELLING.search(match[1]):
            yield match[2].strip("\"'")
    if text.lstrip().startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            for found in likely_secrets(json.loads(text), inherited=False):
                yield found
                yield from (login.partition(":")[2] for login in _decoded(found))  # what a registry calls auth


def _values(item: Object) -> Iterator[str]:
    """The values, also those that are nested or in place of a mapping, which the API refuses and helm prints."""
    for name, text in _leaves(item.get("stringData")):
        yield from _secret(name, (text,))
    for name, text in _leaves(item.get("data")):
        yield from _secret(name, _decoded(text))


def _secret(name: str, texts: Iterable[str]) -> Iterator[str]:
    """The texts, but for ports and the like, unless the name says that they are secret."""
    return (text for text in texts if TELLING.search(name) or not small_number(text))


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, name)
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)


def _decoded(text: str) -> Iterator[str]:
    coded = "".join(text.split())  # Kubernetes takes line breaks in it
    if coded != text:
        yield text
    try:
        yield base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, ValueError):  # such as a keystore: what may show of it is the base64
        yield coded

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strings of Secret objects, to be masked wherever they would show."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import maskable
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.compare import RANDOM
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object

_TELLING = re.compile(r"pass|secret|token|credential|private|api_?key|auth", re.IGNORECASE)


def is_secret(item: Object) -> bool:
    return manifest.kind(item) == "Secret" and str(item.get("apiVersion", "v1")) == "v1"


def secret_strings(objects: Iterable[Object]) -> frozenset[str]:
    """Every value of every Secret, decoded."""
    return frozenset(
        text for item in objects if is_secret(item) for text in _values(item) if maskable(text) and text != RANDOM
    )


def likely_secrets(values: Any, told: bool = False) -> Iterator[str]:
    """The texts among values whose name says that they are secret, for when there are no Secret objects to know it by.

    :arg told: a name above these values has said so.
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from likely_secrets(value, told or bool(_TELLING.search(str(key))))
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from likely_secrets(value, told)
    elif told and isinstance(values, str):
        yield values


def _values(item: Object) -> Iterator[str]:
    for text in _mapping(item.get("stringData")).values():
        yield str(text)
    for text in _mapping(item.get("data")).values():
        yield from _decoded(str(text))


def _decoded(text: str) -> Iterator[str]:
    coded = "".join(text.split())  # Kubernetes takes line breaks in it
    if coded != text:
        yield text
    try:
        yield base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, ValueError):  # such as a keystore: what may show of it is the base64
        yield coded


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

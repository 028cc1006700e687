# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A draft on its way from the module to the controller: opaque, so that nothing on the way reads or masks it."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import (
    Draft,
    DraftChange,
    DraftEnvironment,
    DraftRelease,
    DraftRepository,
)


def pack(draft: Draft) -> str:
    """The draft as a text of letters and digits, its checksum first."""
    files = {name: base64.b64encode(content).decode() for name, content in draft.files.items()}
    data = zlib.compress(json.dumps({**asdict(replace(draft, files={})), "files": files}).encode(), 1)
    return f"{hashlib.sha256(data).hexdigest()}:{base64.b64encode(data).decode()}"


def unpack(text: str) -> Draft:
    """The inverse of :func:`pack`.

    :raises HelmstackError: it did not arrive as it was sent.
    """
    checksum, _colon, coded = text.partition(":")
    try:
        packed = base64.b64decode(coded, validate=True)
        if hashlib.sha256(packed).hexdigest() != checksum:
            raise ValueError
    except ValueError:
        raise HelmstackError(
            "what the module has read did not arrive whole: Ansible has masked a part of it",
            hint="A password among the task's options is very short; use another way to log in",
        ) from None
    data = json.loads(zlib.decompress(packed))
    return replace(
        _build(Draft, data),
        releases=tuple(_build(DraftRelease, item) for item in data["releases"]),
        repositories=tuple(_build(DraftRepository, item) for item in data["repositories"]),
        environments=tuple(_environment(item) for item in data["environments"]),
        files={name: base64.b64decode(content) for name, content in data["files"].items()},
    )


def _environment(data: Mapping[str, Any]) -> DraftEnvironment:
    changes = {identity: _build(DraftChange, item) for identity, item in data["releases"].items()}
    return replace(_build(DraftEnvironment, data), releases=changes)


def _build(cls: Any, data: Mapping[str, Any]) -> Any:
    """A dataclass from a mapping; JSON's lists become tuples, as far as fields are lists."""
    names = {item.name for item in fields(cls)}
    return cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in data.items() if key in names})

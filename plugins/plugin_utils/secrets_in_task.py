# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the secrets in what a task hands over, and refuses them where everybody can read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask, forms, maskable, traces
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in, without_login
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.unit import in_arguments

_NO_WORD = 8


def without_secrets(url: Any) -> Any:
    return Mask(secrets_in(url)).text(without_login(url)) if isinstance(url, str) else url


def check_open(stack: Stack, secrets: Collection[str]) -> None:
    """Holds if no secret that is no ordinary word is in what everybody can read.

    :raises InputError: one is; those of the stack's own files are reported before.
    """
    long = [secret for secret in secrets if len(secret) >= _NO_WORD]
    for release in stack.releases:
        for key, texts in (("description", [release.description]), ("labels", release.labels.values())):
            if any(secret in text for secret in long for text in texts):
                raise in_arguments(key, release.where)


def used(candidates: Iterable[str], texts: Iterable[str], names: Collection[str] = ()) -> Iterator[str]:
    """The candidates that occur in the texts, as they are written there and as they are, but for parts of the names.

    Where only base64 or a hash of more is in the texts, what is yielded is the candidate alone: the mask finds these.
    """
    known = [candidate for candidate in dict.fromkeys(candidates) if maskable(candidate)]
    whole = "\0".join(texts) if known else ""
    for candidate in known:
        if any(trace in whole for trace in traces(candidate)):
            found = {candidate, *(form for form in forms(candidate) if form in whole)}
            yield from sorted(form for form in found if not any(form in name for name in names))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, (int, float)) and isinstance(value, (Mapping, Sequence)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from strings(item)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a release's values are secret, by their names and their shapes, and those apart from the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import TELLING, Mask, maskable

# the name of something secret, not the secret: existingSecret, tokenSecretRef, passwordKey, secretName, authType
_REFERENCE = re.compile(
    r"^existing|(?:secret|token|credentials?|auth|password|pass|pwd)_?-?"
    r"(?:names?|ref|refs|keyref|path|file|files|mount\w*|type|mode|class|method|enabled|policy|provider|issuer|url)$"
    r"|(?:password|token|pwd)(?:secret)?_?-?key$|secret(?:password|token|user\w*)key$",
    re.IGNORECASE,
)
_POINTS_ELSEWHERE = re.compile(
    r"(?:Ref|Refs|Selector|[pP]ullSecrets|valueFrom|secretName|secretRef|annotations|labels)$"
)
# a number is secret only where nothing else can be meant
_PASSWORD = re.compile(r"(?i:password|passwd|passphrase|pwd)$|(?:^|[._-])(?i:pin|pw)$|P(?:in|w|IN|W)$")
# what passwords and cookies are made with; only a text, as there are seeds of databases and of random tests, too
_INGREDIENT = re.compile(r"(?:^|[._-])(?i:salt|seed|pepper)$|(?:Salt|Seed|Pepper)$|(?i:cookie)seed$")
_SHAPES = re.compile(
    r"://[^\s/:@]{0,99}:[^\s@/]{1,999}@"  # a login in a URL
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JSON web token
    r"|\b(?:ghp|gho|ghs|ghr|glpat|github_pat|xox[abps]|sk_live|rk_live|dop_v1|hvs)[_-][\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\$(?:2[aby]|apr1|5|6|argon2id?)\$\S{10,}"  # a hashed password
    r"|\"auths?\"\s*:"  # a registry's login
    r"""|(?im:^|[\s;&?,{"'])(?i:[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key))["']?\s*[:=]\s*["']?[^\s"',;&{}$<]{4,}"""
    r"""|(?<![\w-])--[\w-]{0,40}?(?i:password|passwd|passphrase|secret|token|api-?key)\s+["']?[^\s"',;&{}$<>|-][^\s"',;&{}$<]{3,}"""
    r"""|(?i:\bauthorization)["']?\s*[:=]\s*["']?(?i:basic|bearer|token)\s+[^\s"'{}$<]{4,}"""
    r"|hooks\.slack\.com/(?:services|workflows)/|webhook\.office\.com/webhook|discord(?:app)?\.com/api/webhooks/"
    r"|[?&](?:sig|X-Amz-Signature)=[\w%]"  # a signed URL
    r"|\bclient-key-data[\"']?:\s*[^\s{$]"  # a kubeconfig
    r"|\bmachine\s+\S+\s+login\s+\S+\s+password\s"  # a .netrc
    r"|(?m:^)[ \t]*(?:requirepass|masterauth)[ \t]+[^\s{$]"
    r"""|(?m:^)[ \t]*(?:[\w.-]{0,40}[._-])?(?i:pass|pwd)["']?[ \t]*[:=][ \t]*["']?[^\s"',;&{}$<]{4,}"""
)
_LOGIN = re.compile(r"[^\s:/]+:(?!\d+$)[^\s:/$]{4,}")  # of curl -u
_OPTION = re.compile(r"--?([A-Za-z][\w.-]*)")  # of a command, whose value is the next word
_RANDOM = re.compile(r"[A-Za-z0-9+/_]{20,}={0,2}")
_CHECKSUM = re.compile(
    r"checksum|sha\d*|md5|digest|hash|commit|tag|version|revision|fingerprint|uid|id$", re.IGNORECASE
)
_WORDS = frozenset(("true", "false", "null", "none", "yes", "no"))


def secret_leaves(
    values: Any, path: tuple[Any, ...] = (), *, told: bool = False
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The secret scalars among values, with their paths.

    :arg told: a name above says that everything below is secret.
    """
    if isinstance(values, Mapping):
        pairs = _named_pair(values)
        for key, item in values.items():
            name = pairs if pairs and key == "value" else str(key)
            if _POINTS_ELSEWHERE.search(name) and not isinstance(item, str):
                continue
            refers = bool(_REFERENCE.search(name))
            by_name = bool(TELLING.search(name)) or (isinstance(item, str) and bool(_INGREDIENT.search(name)))
            tells = not refers and (by_name or (told and isinstance(item, (Mapping, list, str))))
            yield from secret_leaves(item, (*path, key), told=tells)
    elif isinstance(values, (list, tuple)):
        for index, item in enumerate(values):
            asked = told or (index > 0 and _is_secret_of_option(values[index - 1], item))
            yield from secret_leaves(item, (*path, index), told=asked)
    elif _is_secret(str(path[-1]) if path else "", values, told=told):
        yield path, values


def _named_pair(values: Mapping[str, Any]) -> str:
    """The name in an entry such as {name: DB_PASSWORD, value: …}, as environment variables are given."""
    name = values.get("name")
    return name if isinstance(name, str) and "value" in values else ""


def _is_secret_of_option(before: Any, word: Any) -> bool:
    """Whether a word is what the one before asks for, as in [--password, x]."""
    option = _OPTION.fullmatch(before) if isinstance(before, str) else None
    if not option or not isinstance(word, str) or word.startswith("-"):
        return False
    if option[1] in ("u", "user"):
        return bool(_LOGIN.fullmatch(word))
    return bool(TELLING.search(option[1])) and not _REFERENCE.search(option[1])


def _is_secret(name: str, value: Any, *, told: bool) -> bool:
    if isinstance(value, str):
        if not value.strip() or value.strip().lower() in _WORDS:
            return False
        return told or bool(_SHAPES.search(value)) or (_random(value) and not _CHECKSUM.search(name))
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and bool(_PASSWORD.search(name) or (told and len(str(value)) >= 6))


def _random(text: str) -> bool:
    """Whether a text is what generators of passwords and keys make: one word of letters of both cases and digits."""
    if not _RANDOM.fullmatch(text) or text.count("/") > 2:
        return False
    changes = sum(_kind(one) != _kind(other) for one, other in pairwise(text))
    return changes * 3 >= len(text) and all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


def _kind(letter: str) -> str:
    return "9" if letter.isdigit() else "a" if letter.islower() else "A" if letter.isupper() else "-"


def strings_of(leaves: Iterable[tuple[tuple[Any, ...], Any]]) -> set[str]:
    """What must show nowhere else."""
    return {str(value) for _path, value in leaves}


def leaves_with(values: Any, mask: Mask, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The texts among values that hold a secret which the mask knows: the same password in an address, say."""
    if isinstance(values, Mapping):
        for key, item in values.items():
            yield from leaves_with(item, mask, (*path, key))
    elif isinstance(values, (list, tuple)):
        for index, item in enumerate(values):
            yield from leaves_with(item, mask, (*path, index))
    elif not isinstance(values, bool) and values is not None and mask.content(values) != values:
        yield path, values


def mask_of(secrets: Iterable[str]) -> Mask:
    return Mask(text for text in secrets if maskable(text))


def divided(values: Mapping[str, Any], paths: Iterable[tuple[Any, ...]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values without the secret ones, and those alone: laid over each other they are the whole again.

    As lists replace each other, a list goes as a whole.
    """
    return _divided(values, {_above_lists(path) for path in paths}, ())


def _above_lists(path: tuple[Any, ...]) -> tuple[str, ...]:
    end = next((index for index, part in enumerate(path) if not isinstance(part, str)), len(path))
    return path[:end]


def _divided(
    values: Mapping[str, Any], secret_paths: set[tuple[str, ...]], path: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    public: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for key, item in values.items():
        here = (*path, key)
        if here in secret_paths:
            secret[key] = item
        elif isinstance(item, Mapping) and any(each[: len(here)] == here for each in secret_paths):
            inner, hidden = _divided(item, secret_paths, here)
            if hidden:
                secret[key] = hidden
            if inner or not hidden:
                public[key] = inner
        else:
            public[key] = item
    return public, secret

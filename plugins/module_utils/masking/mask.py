# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces known secrets in results, diffs and other programs' words."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "********"
RANDOM = "(random)"  # shown in place of what each rendering makes anew

# Masking these would hide the result and no secret.
_SHORTEST = 4
_SHORTEST_NUMBER = 6  # ports, sizes and years are numbers, too
_WORDS = frozenset(("true", "false", "null", "none"))

# names of what is secret
_KEYS = r"(?:api|access|account|crypt\w*|encryption|hmac|licen[cs]e|master|shared|sign\w*|ssh|storage)[_-]?key"
TELLING = re.compile(
    rf"(?i:pass|secret|token|credential|private|auth|pwd|dsn|licen[cs]e|connection_?string|{_KEYS})"
    r"|(?:^|[._-])(?i:pin|pw)$|P(?:in|w|IN|W)$"
)

# an entry of YAML without a value, or one of YAML or INI with a word, a small number or an API version
_SETTING = re.compile(
    r"""(?:-\ )*["']?[\w./-]+["']?(?: : | (?::\s|\s*=)\s*["']?(?:[A-Za-z/._-]+|\d{1,5}|(?:[\w.-]+/)?v\d\w*)["']? )""",
    re.VERBOSE,
)

_SHORTEST_KEY = 6  # shorter ones are fields such as name, spec and value
_LONGEST_KEY = 300
_BEFORE_IN_KEY = re.compile(r"[\s-]*[\"']?[\w./-]*")
_AFTER_IN_KEY = re.compile(r"[\w./-]*[\"']?:(?=\s|$)")

_IN_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_SHORTEST_HASH = 8
_HASH = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{_SHORTEST_HASH},128}}(?![0-9a-f])")
_HASHES = ("md5", "sha1", "sha256", "sha512")
_ELLIPSES = ("…", "...")
_FEW = 300  # beginnings of words: so few, and no more than a text has letters, are found faster one by one


def maskable(text: str) -> bool:
    """Whether a text differs enough from ordinary words that masking it makes sense."""
    return len(text.strip()) >= _SHORTEST and text.strip().lower() not in _WORDS


def small_number(text: str) -> bool:
    """Whether a text is such a number as a port or a size."""
    return text.strip().isdecimal() and len(text.strip()) < _SHORTEST_NUMBER


def number_text(value: Any) -> str:
    """A number as text if it is longer than ordinary numbers, else ""."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number and len(str(value)) >= _SHORTEST_NUMBER else ""


def forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, quoted, in a URL, line by line in a YAML block, and in base64."""
    text = secret.strip()
    in_json = json.dumps(text, ensure_ascii=False)[1:-1]
    # Go's encoder escapes what HTML would read, which is what Helm's toJson prints
    in_go = re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", in_json)
    written = {in_json, in_go, json.dumps(text)[1:-1], text.replace("'", "''")}
    written |= {json.dumps(each, ensure_ascii=False)[1:-1] for each in (in_json, in_go)}  # JSON in a JSON string
    written |= {quote(text, safe=""), quote(text), quote_plus(text)}
    if text.isdecimal() and text.rstrip("0")[1:]:
        written.add(f"{text[0]}.{text[1:].rstrip('0')}e+{len(text) - 1:02}")  # what templates make of a large number
    coded = {base64.b64encode(each.encode()).decode() for each in (secret, text)}
    lines = {line for line in map(str.strip, text.splitlines()) if not _ordinary(line)}
    return {text} | {each for each in written | coded | lines if maskable(each)}


def _ordinary(line: str) -> bool:
    """Whether a line is one of settings or a manifest that says nothing secret, and that others may have as well."""
    return bool(_SETTING.fullmatch(line)) and not TELLING.search(line)


def traces(secret: str) -> set[str]:
    """Texts: wherever a :class:`Mask` finds the secret, at least one of them occurs."""
    written = forms(secret)
    written |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in written}  # it is read once more before it shows
    return written | _coded(secret) | {digest[:_SHORTEST_HASH] for digest in _digests([secret])}


class Mask:
    """Replaces secrets in texts.

    :arg public: words that are no secrets even where a secret happens to be the same, such as names of objects.
    """

    def __init__(self, secrets: Iterable[str], public: Iterable[str] = ()) -> None:
        given, open_words = set(secrets), set(public)
        secret = {text for text in given if maskable(text)} - open_words
        coded = {part for text in secret for part in _coded(text)}
        known = ({form for text in secret for form in forms(text)} | coded) - open_words
        self._coded = coded
        # by their first letters: however many secrets there are, a text is read once
        self._words: dict[str, list[str]] = {}
        for word in sorted(known, key=len, reverse=True):
            self._words.setdefault(word[:_SHORTEST], []).append(word)
        self._hashes = {digest[:_SHORTEST_HASH]: digest for digest in _digests(secret)}
        self._short = {text for text in map(str.strip, given) if 0 < len(text) < _SHORTEST} - open_words

    @property
    def knows_secrets(self) -> bool:
        return bool(self._words or self._short)

    def text(self, text: str) -> str:
        """The text without secrets, without base64 that holds one, and without hashes of one."""
        if not self._words:
            return text
        if len(self._words) > min(len(text), _FEW) or any(word in text for word in self._words):
            text = self._without_words(text)
        return _HASH.sub(self._without_hash, text)

    def data(self, value: Any) -> Any:
        """Plain data with every text masked; keys stay, as they name fields."""
        if not self._words:
            return value
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return self._scalar(value)

    def content(self, value: Any) -> Any:
        """As :meth:`data`, for what users wrote: keys are masked, too, and texts that are a short secret as a whole."""
        if not self.knows_secrets:
            return value
        if isinstance(value, Mapping):
            return {self._key(key) if isinstance(key, str) else key: self.content(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.content(item) for item in value]
        return MASK if isinstance(value, str) and value.strip() in self._short else self._scalar(value)

    def _key(self, key: str) -> str:
        return self.text(f"{key}:").removesuffix(":")

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        number = number_text(value)
        return MASK if number in self._words.get(number[:_SHORTEST], ()) else value

    def _without_words(self, text: str) -> str:
        parts, done = [], 0
        for start, end in self._found(text):
            parts += [text[done:start], MASK]
            done = end
        return "".join([*parts, text[done:]])

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """The places of secrets; those that overlap are one."""
        begin = end = 0
        for start in range(len(text) - _SHORTEST + 1):
            words = self._words.get(text[start : start + _SHORTEST])
            if not words:
                continue
            first, last = self._extent(text, start, words)
            if first == last or (last - first < _SHORTEST_KEY and _in_key(text, first, last)):
                continue
            if first >= end > 0:
                yield begin, end
            begin = min(begin, first) if first < end else first
            end = max(end, last)
        if end:
            yield begin, end

    def _extent(self, text: str, start: int, words: list[str]) -> tuple[int, int]:
        """From where to where a secret reaches, one of whose words begins here, be it cut short with an ellipsis."""
        word = next((word for word in words if text.startswith(word, start)), "")
        rest = text[start : start + len(words[0]) + len(_ELLIPSES[-1])]
        cut = min((at for at in (rest.find(each, _SHORTEST) for each in _ELLIPSES) if at > 0), default=0)
        end = start + max(len(word), cut if any(each.startswith(rest[:cut]) for each in words) else 0)
        if word in self._coded:  # what is before and behind it belongs to the same base64
            while start > 0 and text[start - 1] in _IN_BASE64:
                start -= 1
            while end < len(text) and (text[end] in _IN_BASE64 or text[end] == "="):
                end += 1
        return start, end

    def _without_hash(self, match: re.Match[str]) -> str:
        return MASK if self._hashes.get(match[0][:_SHORTEST_HASH], "").startswith(match[0]) else match[0]


def _in_key(text: str, first: int, last: int) -> bool:
    """Whether this is a key of YAML or a part of one."""
    begin = text.rfind("\n", max(0, first - _LONGEST_KEY), first) + 1
    if begin == 0 and first > _LONGEST_KEY:
        return False
    before, after = text[begin:first], text[last : last + _LONGEST_KEY]
    return bool(_BEFORE_IN_KEY.fullmatch(before) and _AFTER_IN_KEY.match(after))


def _coded(secret: str) -> set[str]:
    """What any base64 holds of which the secret is a part, at whichever place, and base64 of such base64."""
    once = _cores(secret.strip().encode())
    twice = {core for each in once for core in _cores(each.encode())}
    both = {core for core in once | twice if len(core) > _SHORTEST}
    return both | {core.translate(_URL_SAFE) for core in both}


def _cores(data: bytes) -> set[str]:
    """The letters that all base64 of texts with ``data`` in them has in common, for each of the three alignments."""
    found = set()
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        letters = 8 * (before + len(data)) // 6
        found.add(base64.b64encode(bytes(before) + data).decode()[skipped:letters])
    return found


_URL_SAFE = str.maketrans("+/", "-_")


def _digests(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        for text in dict.fromkeys((secret, secret.strip())):
            for name in _HASHES:
                yield hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Kubernetes API says of an object, without the whole objects that it quotes."""

from __future__ import annotations

import re

_VALUE = re.compile(r"Invalid value: [\w.*&\[\]]*(?=\{)")
_SHORT = 100  # characters of a value that are no trouble


def without_objects(message: str) -> str:
    """The message with ``{…}`` for large objects in it, such as a Job's template that is immutable: which it is says
    the field before it, and why it is wrong the sentence behind it."""
    parts: list[str] = []
    done = 0
    for found in _VALUE.finditer(message):
        if found.start() < done:
            continue
        end = _end(message, found.end())
        large = end - found.end() > _SHORT
        parts += [message[done : found.start()], "Invalid value: {…}" if large else message[found.start() : end]]
        done = end
    return "".join([*parts, message[done:]])


def _end(text: str, start: int) -> int:
    """Where the braces that begin there are closed; the text's end if they are not."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quoted:
            at += 1
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return at + 1
        at += 1
    return len(text)

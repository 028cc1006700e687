# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of Secrets and values is secret."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.masking import MASK, Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.secrets import secret_strings

WORD = "canary-7731"


def secret(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, **parts}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_values_of_a_secret_are_known_decoded() -> None:
    item = secret(stringData={"a": WORD}, data={"b": coded("other-5519"), "c": "no-base64"})
    assert secret_strings([item, {"kind": "ConfigMap", "data": {"d": "open"}}]) == {WORD, "other-5519", "no-base64"}


def test_base64_with_line_breaks_is_known_decoded_and_line_by_line() -> None:
    lines = base64.encodebytes((WORD * 20).encode()).decode()
    mask = Mask(secret_strings([secret(data={"a": lines})]))
    assert mask.text(f"plain: {WORD * 20}") == f"plain: {MASK}"
    shown = mask.text(lines)
    assert not [line for line in lines.splitlines() if line in shown]


def test_what_is_no_text_is_known_by_its_base64() -> None:
    keystore = base64.b64encode(bytes(range(128, 168))).decode()
    mask = Mask(secret_strings([secret(data={"key.jks": keystore})]))
    assert mask.text(f"data: {keystore}") == f"data: {MASK}"

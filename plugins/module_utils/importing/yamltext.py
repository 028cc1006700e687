# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as people write it, which Helm's parser and PyYAML read alike."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import load, plain_scalar, to_json
from ansible_collections.helmstack.core.plugins.module_utils.set_arguments import as_read

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

_WIDEST = 2**30
_DELICATE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\U00010000-\U0010ffff]")
_BLOCK = re.compile(r"\S[^\t]*", re.DOTALL)


def to_yaml(value: Any) -> str:
    """The text of plain data; as JSON, which is YAML as well, where nothing else keeps every type and character."""
    text: str = yaml.dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDEST)
    try:
        same = to_json(load(text, "")) == to_json(as_read(value))
    except InputError:
        same = False
    return text if same else to_json(value) + "\n"


@lru_cache(maxsize=1)
def _dumper() -> Any:
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: Any = type("Dumper", (base,), {"ignore_aliases": lambda *_args: True})
    dumper.add_representer(str, _represent)
    return dumper


def _represent(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """How a text is quoted; None: not at all, unless PyYAML itself would read it as something else."""
    if _DELICATE.search(text):
        return '"'
    if "\n" in text:
        return "|" if _BLOCK.fullmatch(text) else '"'
    return None if isinstance(plain_scalar(text), str) and text != "=" else "'"

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option diff_ignore: paths of objects that count neither in the diff nor for ``changed``."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests, Object


def without(manifests: Manifests, rules: Sequence[Mapping[str, Any]]) -> Manifests:
    """The manifests without what the rules name: ``kind``, ``name`` (globs) and ``path``; no path: whole objects."""
    if not rules:
        return manifests
    hooks = ((hook, _each((hook.item,), rules)) for hook in manifests.hooks)
    left = tuple(replace(hook, item=item) for hook, items in hooks for item in items)
    return replace(manifests, objects=_each(manifests.objects, rules), hooks=left)


def _each(items: Iterable[Object], rules: Sequence[Mapping[str, Any]]) -> tuple[Object, ...]:
    kept = [item for item in items if not any(not rule.get("path") and _matches(rule, item) for rule in rules)]
    return tuple(
        _pruned(item, [_parts(str(r["path"])) for r in rules if r.get("path") and _matches(r, item)]) for item in kept
    )


def _matches(rule: Mapping[str, Any], item: Object) -> bool:
    return all(
        not rule.get(key) or fnmatch.fnmatchcase(text, str(rule[key]))
        for key, text in (("kind", manifest.kind(item)), ("name", manifest.name(item)))
    )


def _parts(path: str) -> list[str]:
    """A JSON pointer (RFC 6901) if it begins with a slash, else keys joined by dots; ``*`` is any key or index."""
    if path.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    return path.split(".")


def _pruned(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    for path in paths:
        value = _cut(value, path)
    return value


def _cut(value: Any, path: Sequence[str]) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        hit = {key for key in value if head in ("*", key)}
        if not rest:
            return {key: item for key, item in value.items() if key not in hit}
        cut = {key: _cut(item, rest) if key in hit else item for key, item in value.items()}
        # a map that holds nothing else counts no more than one that is not there
        return {key: item for key, item in cut.items() if item != {} or value[key] == {}}
    if isinstance(value, list):
        hits = {i for i in range(len(value)) if head in ("*", str(i))}
        if not rest:
            return [item for i, item in enumerate(value) if i not in hits]
        return [_cut(item, rest) if i in hits else item for i, item in enumerate(value)]
    return value

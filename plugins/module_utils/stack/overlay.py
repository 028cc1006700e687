# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laying one file over another: maps merge deeply, scalars and lists replace, lists of values are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema

Members = Mapping[str, Node]
Identity = tuple[str, str]  # namespace and name


def merge(base: Node, patch: Node) -> Node:
    """``patch`` over ``base``; null stays, because in values it makes Helm delete a default."""
    if isinstance(base.value, dict) and isinstance(patch.value, dict):
        return Node(merge_members(base.value, patch.value), base.where, base.secret)
    return patch._replace(over=(base, *base.over))


def merge_members(base: Members, patch: Members) -> dict[str, Node]:
    """Members of two maps, merged deeply."""
    return {**base, **{key: merge(base[key], item) if key in base else item for key, item in patch.items()}}


def merge_keys(base: Members, patch: Members) -> dict[str, Node]:
    """As :func:`merge_members`, but null removes a key of the outermost map."""
    merged = merge_members(base, patch)
    return {key: item for key, item in merged.items() if not (key in patch and patch[key].value is None)}


def merge_environments(base: Members, patch: Members) -> dict[str, Node]:
    """Environments of several stack files: their lists of overlays are joined."""
    result = dict(base)
    for name, node in patch.items():
        members = schema.mapping(node, f"environment {name}", schema.ENVIRONMENT_KEYS)
        before = schema.mapping(result[name], f"environment {name}") if name in result else {}
        joined = {
            key: join(before[key], members[key]) for key in ("overlays", "overlay") if key in before and key in members
        }
        result[name] = Node({**merge_members(before, members), **joined}, node.where)
    return result


def join(first: Node, second: Node) -> Node:
    """Two lists, one after the other."""
    return Node([*schema.items(first, "overlays"), *schema.items(second, "overlays")], second.where)


def merge_release(base: Node, patch: Node) -> Node:
    """A partial release over a release; null removes a key, and a label."""
    members = merge_keys(base.value, patch.value)
    before, after = base.value.get("values"), patch.value.get("values")
    if before and after and isinstance(before.value, list) and isinstance(after.value, list):
        members["values"] = Node([*before.value, *after.value], after.where)
    labels = members.get("labels")
    if labels and isinstance(labels.value, dict):
        members["labels"] = Node(
            {key: item for key, item in labels.value.items() if item.value is not None}, labels.where
        )
    return Node(members, base.where, base.secret)


def named(node: Node, what: str, keys: frozenset[str]) -> list[Node]:
    """The entries of a list of named mappings, or of a map from name to mapping, each with its name in it."""
    if isinstance(node.value, dict):
        entries = [_with_name(key, item, what, keys) for key, item in node.value.items()]
    else:
        entries = schema.items(node, what)
    for entry in entries:
        if "name" not in schema.mapping(entry, what, keys):
            raise InputError(f"an entry of {what} lacks a name", where=entry.where)
    return entries


def _with_name(key: str, node: Node, what: str, keys: frozenset[str]) -> Node:
    if node.value is None:
        raise schema.wrong(node, f"{what} {key}", "a mapping")
    members = schema.mapping(node, f"{what} {key}", keys)
    name = members.get("name")
    if name and name.value != key:
        raise InputError(f"'{key}' is called '{name.value}' inside", where=name.where)
    return Node({**members, "name": Node(key, node.where)}, node.where, node.secret)


class Releases:
    """The releases of a stack as they grow from file to file, in the order they are written.

    :arg identify: namespace and name of a release, variables and defaults applied.
    """

    def __init__(self, identify: Callable[[Node], Identity]) -> None:
        self._identify = identify
        self._by_id: dict[Identity, Node] = {}
        self._by_name: dict[str, list[Identity]] = {}

    def nodes(self) -> list[tuple[Identity, Node]]:
        return list(self._by_id.items())

    def declare(self, node: Node) -> None:
        """Take the releases of the first stack file."""
        schema.items(node, "releases")
        for entry in named(node, "releases", schema.RELEASE_KEYS):
            self._add(self._identify(entry), entry)

    def overlay(self, node: Node) -> None:
        """Lay what an overlay or a further stack file says over them."""
        for entry in named(node, "releases", schema.RELEASE_KEYS):
            self._lay(entry)

    def _add(self, key: Identity, entry: Node) -> None:
        if key in self._by_id:
            what = f"the release {'/'.join(key)} is declared twice, first at {self._by_id[key].where}"
            raise InputError(what, where=entry.where)
        self._by_id[key] = entry
        self._by_name.setdefault(key[1], []).append(key)

    def _lay(self, entry: Node) -> None:
        namespace, slash, name = schema.string(entry.value["name"], "name").rpartition("/")
        members = {**entry.value, "name": Node(name, entry.value["name"].where)}
        if slash:
            members = {"namespace": Node(namespace, entry.where), **members}
        patch = Node(members, entry.where, entry.secret)
        key = (namespace, name) if slash else self._identify(patch)
        found = self._matches(patch, key, exact=bool(slash))
        if len(found) > 1:
            places = " or ".join(f"'{'/'.join(match)}'" for match in found)
            raise InputError(
                f"the release '{name}' is in several namespaces", where=entry.where, hint=f"Write {places}"
            )
        if found:
            self._replace(found[0], patch)
        elif _says(patch, "chart"):
            self._add(self._identify(patch), patch)
        else:
            shown = f"{namespace}/{name}" if slash else name
            known = ["/".join(match) for match in self._by_id] if slash else list(self._by_name)
            what = f"the stack has no release '{shown}', and it has no chart here to be added with"
            raise InputError(what, where=entry.where, hint=did_you_mean(shown, known))

    def _matches(self, patch: Node, key: Identity, *, exact: bool) -> list[Identity]:
        """The releases that an entry may mean: an exact one first, then by name unless it can only be a new one."""
        if (exact or _says(patch, "namespace")) and key in self._by_id:
            return [key]
        if exact or (_says(patch, "namespace") and _says(patch, "chart")):
            return []
        return self._by_name.get(key[1], [])

    def _replace(self, key: Identity, patch: Node) -> None:
        merged = merge_release(self._by_id[key], patch)
        now = self._identify(merged)
        if now == key:
            self._by_id[key] = merged
            return
        if now in self._by_id:
            what = f"this makes a second release {'/'.join(now)}, the first is at {self._by_id[now].where}"
            raise InputError(what, where=patch.where)
        self._by_id = {
            (now if old == key else old): (merged if old == key else node) for old, node in self._by_id.items()
        }
        self._by_name[key[1]] = [now if old == key else old for old in self._by_name[key[1]]]


def _says(node: Node, key: str) -> bool:
    return key in node.value and node.value[key].value is not None

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rendered manifests as objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ReleaseBody

HOOK = "helm.sh/hook"
HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
KEEP = "helm.sh/resource-policy"

Object = Mapping[str, Any]
Key = tuple[str, str, str, str]  # API group, kind, namespace, name


@dataclass(frozen=True)
class Manifests:
    """What a release consists of: its objects and its hooks, each in Helm's order."""

    objects: tuple[Object, ...] = ()
    hooks: tuple[Object, ...] = ()

    @property
    def all(self) -> tuple[Object, ...]:
        return (*self.objects, *self.hooks)


def parse(text: str, name: str) -> list[Object]:
    """The objects of a manifest; those of a List are taken out of it, as Helm does."""
    return list(_flat(helmyaml.load_all(text, name)))


def split(text: str, name: str) -> Manifests:
    """The objects of a manifest, hooks apart, as Helm sorts them: by the annotation ``helm.sh/hook`` of a document.

    What says so inside of a List is no hook (pkg/release/util/manifest_sorter.go).
    """
    documents = helmyaml.load_all(text, name)
    hooks = [isinstance(item, Mapping) and bool(hook_events(item)) for item in documents]
    return Manifests(
        objects=tuple(_flat(item for item, is_hook in zip(documents, hooks) if not is_hook)),
        hooks=tuple(_flat(item for item, is_hook in zip(documents, hooks) if is_hook)),
    )


def _flat(documents: Iterable[Any]) -> Iterator[Object]:
    for document in documents:
        if not isinstance(document, Mapping) or not document:
            continue
        if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
            yield from _flat(document["items"])
        else:
            yield document


def metadata(item: Object) -> Mapping[str, Any]:
    found = item.get("metadata")
    return found if isinstance(found, Mapping) else {}


def annotations_of(item: Object) -> Mapping[str, Any]:
    found = metadata(item).get("annotations")
    return found if isinstance(found, Mapping) else {}


def hook_events(item: Object) -> frozenset[str]:
    """The hook's events, ``pre-install`` and so on; empty for what is no hook."""
    return _words(annotations_of(item).get(HOOK))


def hook_policies(item: Object) -> frozenset[str]:
    """When the hook is deleted; Helm's default is ``before-hook-creation``."""
    return _words(annotations_of(item).get(HOOK_DELETE_POLICY)) or frozenset(("before-hook-creation",))


def _words(value: Any) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in str(value or "").split(",") if word.strip())


def group(item: Object) -> str:
    api_version = str(item.get("apiVersion", ""))
    return api_version.rpartition("/")[0]


def kind(item: Object) -> str:
    return str(item.get("kind", ""))


def name(item: Object) -> str:
    return str(metadata(item).get("name") or metadata(item).get("generateName") or "")


def stored(body: ReleaseBody) -> Manifests:
    """The manifests that a release was deployed with."""
    about = f"{body.namespace}/{body.name}"
    hooks = [item for hook in body.hooks for item in parse(hook.manifest, about)]
    return Manifests(tuple(parse(body.manifest, about)), tuple(hooks))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rendered manifests as objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import ReleaseBody

HOOK = "helm.sh/hook"
HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
KEEP = "helm.sh/resource-policy"
BEFORE = "before-hook-creation"

Object = Mapping[str, Any]
Key = tuple[str, str, str, str]  # API group, kind, namespace, name


@dataclass(frozen=True)
class Hook:
    """An object that is a hook. Helm reads the annotations of its document, which for a List are not the object's."""

    item: Object = field(repr=False)
    document: Object = field(repr=False)

    @property
    def events(self) -> frozenset[str]:
        """``pre-install`` and so on."""
        return hook_events(self.document)

    @property
    def said(self) -> tuple[Object, Object]:
        """All that counts of it."""
        return self.item, annotations_of(self.document) if _is_list(self.document) else {}

    def runs_at(self, event: str) -> bool:
        """Whether it runs when ``event`` (install, upgrade, delete) takes place."""
        return bool(self.events & {f"pre-{event}", f"post-{event}"})

    @property
    def policies(self) -> frozenset[str]:
        """When it is deleted; an empty text is none of Helm's policies, and not its default."""
        said = annotations_of(self.document)
        return _words(said[HOOK_DELETE_POLICY]) if HOOK_DELETE_POLICY in said else frozenset((BEFORE,))

    @property
    def goes_first(self) -> bool:
        """Whether one that is there is deleted before it is made; never a definition (pkg/action/hooks.go)."""
        return BEFORE in self.policies and kind(self.document) != "CustomResourceDefinition"


@dataclass(frozen=True)
class Manifests:
    """What a release consists of: its objects and its hooks, each in Helm's order."""

    objects: tuple[Object, ...] = ()
    hooks: tuple[Hook, ...] = ()
    nested: bool = False  # a List is in a List, which helm refuses
    text: str = field(default="", repr=False, compare=False)  # as helm renders it, where that is known

    @property
    def all(self) -> tuple[Object, ...]:
        """All objects, those that are hooks too."""
        return (*self.objects, *(hook.item for hook in self.hooks))


def parse(text: str, name: str) -> list[Object]:
    """The objects of a manifest; those of a List are taken out of it, as Helm does."""
    return [item for document in _documents(text, name) for item in _flat(document)]


def split(text: str, name: str) -> Manifests:
    """The objects of a manifest, hooks apart, as Helm sorts them: by the annotation ``helm.sh/hook`` of a document.

    What says so inside of a List is no hook (pkg/release/util/manifest_sorter.go).
    """
    documents = _documents(text, name)
    return manifests((i for i in documents if not hook_events(i)), (i for i in documents if hook_events(i)))


def manifests(plain: Iterable[Object], hooks: Iterable[Object]) -> Manifests:
    """Documents as objects."""
    both = list(plain), list(hooks)
    return Manifests(
        tuple(item for document in both[0] for item in _flat(document)),
        tuple(Hook(item, document) for document in both[1] for item in _flat(document)),
        nested=any(_is_list(item) for documents in both for document in documents for item in _items(document)),
    )


def deletable(text: str, name: str) -> list[Object]:
    """The objects that an uninstall deletes (pkg/action/resource_policy.go).

    Helm looks at the document alone, not at what is in a List; and leaves what has any policy, not only ``keep``.
    """
    documents = (document for document in _documents(text, name) if KEEP not in annotations_of(document))
    return [item for document in documents for item in _flat(document)]


def _documents(text: str, name: str) -> list[Object]:
    return [item for item in helmyaml.load_all(text, name) if isinstance(item, Mapping) and item]


def _is_list(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    return str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list)


def _items(document: Object) -> list[Any]:
    return list(document["items"]) if _is_list(document) else []


def _flat(document: Object) -> Iterator[Object]:
    """The objects of a document; in a List of one kind they need not say it (unstructuredJSONScheme)."""
    if not _is_list(document):
        yield document
        return
    for item in _items(document):
        if isinstance(item, Mapping) and item:
            told = {"apiVersion": document.get("apiVersion"), "kind": str(document["kind"]).removesuffix("List")}
            untold = not item.get("kind") and not item.get("apiVersion")
            yield from _flat({**told, **item} if untold else item)


def metadata(item: Object) -> Mapping[str, Any]:
    found = item.get("metadata")
    return found if isinstance(found, Mapping) else {}


def annotations_of(item: Object) -> Mapping[str, Any]:
    found = metadata(item).get("annotations")
    return found if isinstance(found, Mapping) else {}


def hook_events(item: Object) -> frozenset[str]:
    """The hook's events, ``pre-install`` and so on; empty for what is no hook."""
    return _words(annotations_of(item).get(HOOK))


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
    return recorded(body.manifest, [hook.manifest for hook in body.hooks], f"{body.namespace}/{body.name}")


def recorded(plain: str, hooks: Iterable[str], name: str) -> Manifests:
    """The manifests of a release as Helm writes them down: each hook by itself."""
    return manifests(_documents(plain, name), (item for text in hooks for item in _documents(text, name)))

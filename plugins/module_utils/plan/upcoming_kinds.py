# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds that a plan brings: what CustomResourceDefinitions of earlier releases let later ones use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object

Namespaced = Callable[[str, str], bool]  # apiVersion, kind


@dataclass(frozen=True)
class UpcomingKinds:
    """Kinds that are to come: (apiVersion, kind) -> whether its objects live in namespaces."""

    kinds: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    scales: frozenset[str] = frozenset()  # apiVersions that also serve a subresource of the kind Scale

    def __or__(self, other: UpcomingKinds) -> UpcomingKinds:
        return UpcomingKinds({**self.kinds, **other.kinds}, self.scales | other.scales)

    def without(self, knows: Namespaced) -> UpcomingKinds:
        """Those that a cluster does not serve yet.

        :arg knows: whether it does, by apiVersion and kind.
        """
        kinds = {key: scope for key, scope in self.kinds.items() if not knows(*key)}
        return UpcomingKinds(kinds, self.scales & {version for version, _kind in kinds})

    def versions(self, present: tuple[str, ...]) -> tuple[str, ...]:
        """The cluster's API list, as Helm writes it, with these kinds in it."""
        if not self.kinds:
            return present
        ours = {part for version, kind in self.kinds for part in (version, f"{version}/{kind}")}
        return tuple(sorted({*present, *ours, *(f"{version}/Scale" for version in self.scales)}))

    def namespaced(self, cluster: Namespaced) -> Namespaced:
        """As the cluster says, but for the kinds that are to come."""

        def answer(api_version: str, kind: str) -> bool:
            known = self.kinds.get((api_version, kind))
            return cluster(api_version, kind) if known is None else known

        return answer


def kinds_defined_by(objects: Iterable[Object]) -> UpcomingKinds:
    """The kinds that the CustomResourceDefinitions among some objects define."""
    served = [found for item in objects if _is_definition(item) for found in _served(item)]
    scales = frozenset(version for version, _kind, _scope, scales in served if scales)
    return UpcomingKinds({(version, kind): scope for version, kind, scope, _scales in served}, scales)


def _is_definition(item: Object) -> bool:
    return manifest.kind(item) == "CustomResourceDefinition" and manifest.group(item) == "apiextensions.k8s.io"


def _served(item: Object) -> Iterable[tuple[str, str, bool, bool]]:
    """Of each served version apiVersion, kind, whether objects live in namespaces, and whether they can be scaled."""
    spec: Any = item.get("spec")
    if not isinstance(spec, Mapping):
        return
    kind = (spec.get("names") or {}).get("kind", "")
    for version in spec.get("versions") or ():
        if version.get("served", True):
            scales = "scale" in (version.get("subresources") or {})
            yield f"{spec.get('group')}/{version.get('name')}", kind, spec.get("scope") != "Cluster", scales

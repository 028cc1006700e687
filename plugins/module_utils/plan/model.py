# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of the plan room: the change of each release and of each of its objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Literal, TypeVar

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Deployed
from ansible_collections.helmstack.core.plugins.module_utils.plan.images import Used
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Key
from ansible_collections.helmstack.core.plugins.module_utils.plan.origins import ValueChange
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release

T = TypeVar("T")
Op = Literal["add", "change", "remove", "replace"]  # of an object; replace: deleted and made anew
Action = Literal["install", "upgrade", "recover", "uninstall", "adopt", "unchanged", "skip"]  # of a release
CHANGED, ALWAYS, NEVER = "changed", "always", "never"  # whose tests run
Drift = Literal["ignore", "report", "correct"]  # what becomes of it
IGNORE: Drift = "ignore"
REPORT: Drift = "report"
CORRECT: Drift = "correct"

# Actions that make a new revision or remove a release; the others leave all that users own as it is.
EFFECTIVE = ("install", "upgrade", "recover", "uninstall")
ACTIONS = ("install", "upgrade", "recover", "uninstall", "adopt", "unchanged", "skip")


def required(value: T | None) -> T:
    """A part of a change that its action implies; without it the plan was made wrong."""
    if value is None:
        raise AssertionError("a change lacks what its action needs")
    return value


@dataclass(frozen=True)
class Untried:
    """Why the server could not be asked whether it accepts changes, and of which kinds; of none: it could."""

    why: str = ""
    kinds: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.why)

    def __or__(self, other: Untried) -> Untried:
        return Untried(self.why or other.why, self.kinds | other.kinds)


ALL_TRIED = Untried()


@dataclass(frozen=True)
class ObjectChange:
    """The change of one Kubernetes object."""

    op: Op
    kind: str
    namespace: str  # "" for cluster-scoped kinds
    name: str
    before: Mapping[str, Any] | None = field(default=None, repr=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False)
    owner: str | None = None  # the owner, if it exists and is not the release's own; "": it has none
    group: str = ""  # of the API
    hook: frozenset[str] = frozenset()  # the events of one that is a hook
    forced: bool = False  # deleted before helm starts, as the cluster refuses to change it

    @property
    def key(self) -> Key:
        return (self.group, self.kind, self.namespace, self.name)

    @property
    def data(self) -> dict[str, str]:
        """The object in a result."""
        return {"kind": self.kind, "namespace": self.namespace, "name": self.name, "op": self.op}


@dataclass(frozen=True)
class Definition:
    """An object of a chart's ``crds/`` that is made or changed; ``manifest`` is what is sent."""

    change: ObjectChange
    manifest: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Change:
    """The change of one release.

    ``wave`` counts from 0 and is for people; the order of work follows from ``needs``. ``edits`` says of objects whose
    manifest stays where they are not as it says; what an upgrade takes back of that is among ``objects``, as far as the
    user's rights allow a dry run. ``secrets`` are the strings of the release's Secret objects, to be masked
    wherever they would show.
    """

    name: str
    namespace: str
    action: Action
    reasons: tuple[str, ...] = ()
    release: Release | None = None  # None: only in the cluster
    chart: Chart | None = None
    deployed: Deployed | None = None
    chart_from: str | None = None
    version_from: str | None = None
    app_version_from: str | None = None
    revision_to: int | None = None
    fingerprint: str = ""
    wave: int = 0
    needs: tuple[str, ...] = ()  # identities that must be done before, of this plan
    objects: tuple[ObjectChange, ...] = ()
    definitions: tuple[Definition, ...] = ()  # of the chart's crds/: applied before helm starts
    tests: tuple[str, ...] = ()  # the test hooks that run when it is ready
    values: tuple[ValueChange, ...] = field(default=(), repr=False)  # what the user's values change
    edits: Mapping[Key, Any] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    images: Used = field(default_factory=Used, repr=False)
    warnings: tuple[str, ...] = ()  # what the plan does not know
    untried: Untried = ALL_TRIED  # why it is unknown whether the cluster accepts the changes
    parts: str = ""  # see plan/parts.py
    note: str = ""  # why it is skipped, or a surprise in its history
    makes_namespace: bool = False  # helm creates the release's namespace
    removes_namespace: bool = False  # it is deleted after the last release in it
    overwritten: Mapping[Key, Any] = field(default_factory=dict, repr=False)  # where objects that change were edited
    attempt: str = ""  # what a correction of drift begins with, see uncorrectable.py
    method: str = ""  # how an upgrade brings objects to their manifests, see cluster/drift.py

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def public_names(self) -> frozenset[str]:
        """Names that every result shows; as those of a stack."""
        words = {word for item in self.objects for word in (item.name, item.namespace, item.kind)}
        return frozenset({self.name, self.namespace, *words, *((self.chart.name,) if self.chart else ())})

    @property
    def effective(self) -> bool:
        return self.action in EFFECTIVE

    @property
    def has_work(self) -> bool:
        """Whether there is work, a stamp or tests included."""
        return self.effective or self.action == "adopt" or bool(self.tests)

    @property
    def revision_from(self) -> int | None:
        return self.deployed.revision if self.deployed else None

    @property
    def data(self) -> dict[str, Any]:
        """The release in a result, as it is planned."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "action": self.action,
            "reason": list(self.reasons) or ([self.note] if self.note else []),
            "note": self.note,
            "chart": self.chart.name if self.chart else self.chart_from,
            "version": {"from": self.version_from, "to": self.chart.version if self.chart else None},
            "app_version": {"from": self.app_version_from, "to": self.chart.app_version if self.chart else None},
            "revision": {"from": self.revision_from, "to": self.revision_to},
            "wave": self.wave,
            "needs": list(self.needs),
            **({"parts": self.parts} if self.parts else {}),
            "objects": [item.data for item in self.objects],
            **({"tests": list(self.tests)} if self.tests else {}),
        }


@dataclass(frozen=True)
class Plan:
    """All changes, in the order in which a person would carry them out."""

    stack: str
    environment: str | None
    changes: tuple[Change, ...]
    digest: str
    sprays: tuple[Sprayed, ...] = ()
    origin: str = ""  # see stack.model.Stack
    left_behind: tuple[str, ...] = ()  # releases that the stack has deployed, and no longer has

    @property
    def public_names(self) -> frozenset[str]:
        """Names that every result shows; as those of a stack."""
        return frozenset({self.stack, self.environment or ""}).union(*(each.public_names for each in self.changes))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the plan does not know, and why."""
        told = [f"release {change.id}: {text}" for change in self.changes for text in change.warnings]
        untried = reduce(or_, (change.untried for change in self.changes), Untried())
        if untried:
            kinds = ", ".join(sorted(untried.kinds))
            told.append(f"whether the cluster accepts all changes is unknown: {untried.why}. Not tried: {kinds}")
        return tuple(told)

    @property
    def has_work(self) -> bool:
        """Whether there is any work, stamps included."""
        return any(change.has_work for change in self.changes)

    @property
    def changed(self) -> bool:
        return any(change.effective for change in self.changes)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that a wait is for: those of the release that can be other than ready, and those its rules name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.helmstack.core.plugins.module_utils.apply import kstatus
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import FAILED, READY, WAITING, Related, State
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import (
    AT_ONCE,
    Object,
    Problem,
    count,
    meta,
    spec,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import resource_path
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.watch import Feed
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

try:
    import jmespath
    import jmespath.exceptions
except ImportError:  # the modules report it
    jmespath = None  # type: ignore[assignment]


Version = tuple[str, int]  # uid and generation

# Of what helm has yet to make or to change.
NOT_BEGUN = State(WAITING, "helm has not got to it yet")
# Of a Job that the cluster has removed before anybody has seen how it ended.
UNSEEN = State(WAITING, "is gone, and how it ended is not known yet")
# What the events of a Job call it when it has failed (pkg/controller/job/job_controller.go).
_FAILURES = frozenset(
    ("BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes", "MaxFailedIndexesExceeded", "PodFailurePolicy")
)


@dataclass(eq=False)
class Target:
    """One object of one wait, as it was read first and as a watch keeps it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    when: str = ""  # JMESPath; without it the kind's own rule holds
    expires: bool = False  # a Job that is removed when it has ended
    by_helm: bool = False  # helm is about to make or change it, and may remove it
    before: Version | None = None  # with by_helm: what is there until helm changes it
    path: str = ""  # of its collection, once the kind is known
    seen: Object | None = None
    last: Object | None = None  # as it was when it was seen last
    told: State | None = None  # of one that is gone, what its events say
    feed: Feed | None = None

    @property
    def label(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def is_a(self, group: str, kind: str) -> bool:
        return self.is_one_of(((group, kind),))

    def is_one_of(self, kinds: Collection[tuple[str, str]]) -> bool:
        return (self.api_version.rpartition("/")[0], self.kind) in kinds

    def settle(self, resource: Resource) -> None:
        """Its kind is known now."""
        if not resource.namespaced:
            self.namespace = ""
        self.path = resource_path(resource, self.namespace)

    def saw(self, item: Object | None) -> None:
        """Sets the object as it is in the cluster now; items of a LIST do not say their kind."""
        self.seen = {**item, "apiVersion": self.api_version, "kind": self.kind} if item is not None else None
        self.last = self.seen or self.last
        if self.feed and self.seen:
            self.feed.offer(self.seen)

    @property
    def item(self) -> Object | None:
        if self.feed is None or not self.feed.synced:
            return self.seen
        return self.feed.get(self.name)

    def state(self, related: Related) -> State:
        item = self.item
        if self.by_helm and (item is None or version_of(item) == self.before):
            return NOT_BEGUN
        if item is None and self.expires:
            return self._ended
        if not self.path:
            return State(WAITING, "the cluster does not know its kind yet")
        if not self.when:
            return kstatus.state(item, related)
        if item is None:
            return State(WAITING, "does not exist yet")
        try:
            value = jmespath.search(self.when, item)
        # the status may not have the types yet that it will have; jmespath lets Python's own errors through, too
        except (TypeError, ValueError) as error:
            return State(WAITING, f"'{self.when}': {_first_line(error)}")
        if value is not None and value is not False and value not in ("", [], {}):  # 0 is true in JMESPath
            return kstatus.READY_STATE
        found = kstatus.state(item, related)
        return found if found.kind == FAILED else State(WAITING, f"'{self.when}' is {json.dumps(value)}")

    @property
    def _ended(self) -> State:
        """How a Job ended that the cluster has removed: that it is gone says nothing."""
        last = (self.feed.gone(self.name) if self.feed else None) or self.last
        if last is not None:
            about = {key: value for key, value in meta(last).items() if key != "deletionTimestamp"}
            found = kstatus.state({**last, "metadata": about}, Related(for_jobs=True))
            if found.kind == FAILED:
                return _failed(found.text, found.problem)
            if found.kind != WAITING:
                return found
        return self.told or UNSEEN


def told_by(events: Iterable[Object]) -> State | None:
    """How a Job ended by its events, the newest first; None if they do not say."""
    for event in events:
        if event.get("reason") == "Completed":
            return State(READY, "complete")
        if event.get("reason") in _FAILURES:
            return _failed(f"{event.get('message')} ({event.get('reason')})")
    return None


def _failed(text: str, problem: Problem | None = None) -> State:
    hint = problem.hint if problem else "Look at the log of its pods, if it is kept anywhere"
    return State(FAILED, f"{text}; it is gone since", Problem("job", text, hint, AT_ONCE))


def version_of(item: Object) -> Version:
    """What differs once an object was made anew or its spec changed."""
    return str(meta(item).get("uid", "")), count(meta(item), "generation")


def targets_of(
    objects: Sequence[tuple[str, Object]], rules: Sequence[Mapping[str, str]], namespace: str, *, for_jobs: bool
) -> list[Target]:
    """What to wait for, each once.

    :raises InputError: a rule's JMESPath is wrong.
    """
    found: dict[tuple[str, ...], Target] = {}
    for place, item in objects:
        name = str(meta(item).get("name") or "")
        if name and kstatus.is_awaited(item, for_jobs=for_jobs):
            where = str(meta(item).get("namespace") or place)
            key = (str(item.get("apiVersion")), str(item.get("kind")), where, name)
            found[key] = Target(*key, expires=spec(item).get("ttlSecondsAfterFinished") is not None)
    for rule in rules:
        where = rule.get("namespace") or namespace
        key = (rule["apiVersion"], rule["kind"], where, rule["name"])
        with_rule = (*key, rule["when"])
        found[with_rule] = Target(*key, when=_checked(rule["when"]))
    return list(found.values())


def _checked(expression: str) -> str:
    if jmespath is None:
        raise InputError("a release's ready needs the Python library jmespath")
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise InputError(f"'when: {expression}' of a release's ready is no JMESPath: {_first_line(error)}") from None
    return expression


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster and a helm in memory, behind the Protocols: plans are made and carried out without a process or an API.

The one chart of this world has whatever objects its values name.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.apply.apply import Applier
from ansible_collections.helmstack.core.plugins.module_utils.apply.model import Outcome
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import (
    Drifted,
    as_applied,
    as_read,
    covers,
    differing,
    goes_by_itself,
)
from ansible_collections.helmstack.core.plugins.module_utils.cluster.foresee import Foreseen, overlaid
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import (
    ClusterInfo,
    Deployed,
    Refusal,
    ReleaseBody,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    UninstallArgs,
    UpgradeArgs,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Upgraded
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import HelmVersion
from ansible_collections.helmstack.core.plugins.module_utils.plan.change import Changes
from ansible_collections.helmstack.core.plugins.module_utils.plan.context import Context
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Plan
from ansible_collections.helmstack.core.plugins.module_utils.plan.plan import Planner
from ansible_collections.helmstack.core.plugins.module_utils.plan.recover import Recovery
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack, ValuesSource

Object = dict[str, Any]
NOW = 1_000_000
CONFIG_MAPS = ("v1", "ConfigMap")
TEMPLATE = "{{ range .Values.objects }}\n---\n{{ toYaml . }}\n{{ end }}\n"


def config(name: str, value: str = "1", **metadata: Any) -> Object:
    """A ConfigMap with one value."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"value": value}}


def release(name: str, *objects: Object, **fields: Any) -> Release:
    """A release that has these objects."""
    values = (ValuesSource("values.yaml", helmyaml.to_json({"objects": list(objects)})),)
    return Release(name, "a", "./chart", values=values, **fields)


@dataclass(frozen=True)
class Revision:
    """A revision of a release as Helm stores it."""

    status: str
    objects: tuple[Object, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    version: str = "1.0.0"
    modified: int = 0


class World:
    """What is in the cluster; ``failing`` says at which releases helm fails, and with which words."""

    def __init__(self, folder: Path, major: int = 4) -> None:
        self.folder = folder
        self.major = major
        self.history: dict[str, list[Revision]] = {}
        self.objects: dict[tuple[str, str, str], Object] = {}  # kind, namespace, name
        self.namespaces = {"a"}
        self.failing: dict[str, str] = {}
        self.unready: dict[str, str] = {}  # by the name of an object
        self.done: list[str] = []  # what helm did, in order
        self.rendered: list[str] = []
        self._lock = threading.RLock()
        self._plans = 0
        self._values = self._of_plan()

    # what a test begins with

    def has(self, name: str, *revisions: Revision, live: Sequence[Object] | None = None) -> None:
        """A release with a history; its objects are those of the last revision, unless they are given."""
        self.history[f"a/{name}"] = list(revisions)
        for item in revisions[-1].objects if live is None else live:
            self.put(name, item)

    def put(self, name: str, item: Object) -> None:
        """An object as helm leaves it; ``name`` is the release that it belongs to, "" none."""
        namespace = str(item["metadata"].get("namespace", "a"))
        left = {**item, "metadata": {**item["metadata"], "namespace": namespace}}
        key = (str(item["kind"]), namespace, str(item["metadata"]["name"]))
        self.objects[key] = dict(as_applied(left, name, "a")) if name else left

    # plan and run

    def _of_plan(self) -> ValuesFiles:
        helm: Any = FakeHelm(self)
        self._plans += 1
        return ValuesFiles(str(self.folder / f"values-{self._plans}"), lambda _release: helm)

    def chart(self, version: str = "1.0.0") -> Chart:
        folder = self.folder / f"chart-{version}"
        with self._lock:
            if not folder.exists():
                (folder / "templates").mkdir(parents=True)
                (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: app\nversion: {version}\n")
                (folder / "templates" / "all.yaml").write_text(TEMPLATE)
        return load(str(folder))

    def planner(self, stack: Stack, **options: Any) -> Planner:
        known = RunOptions.of(options)

        def expand(umbrella: Release, chart: Chart) -> Sprayed:
            raise AssertionError("no umbrella here")

        helm: Any = FakeHelm(self)
        self._values = self._of_plan()
        context = Context(FakeCluster(self), lambda _release: helm, self._values.of, known.diff_ignore, known.drift)
        recovery = Recovery(known.recover, known.pending_age, now=lambda: NOW)
        changes = Changes(context, recovery, (stack.name, stack.environment or ""))
        return Planner(
            stack,
            known.settings,
            FakeCluster(self),
            lambda wanted: self.chart(wanted.version or "1.0.0"),
            expand,
            changes,
            lambda: None,
        )

    def plan(self, *releases: Release, targets: tuple[str, ...] | None = None, **options: Any) -> Plan:
        return self.planner(Stack("shop", None, releases, targets=targets), **options).plan()

    def run(self, plan: Plan, **options: Any) -> Outcome:
        """Carries out the plan that was made last, one release after the other."""
        known = RunOptions.of({"concurrency": 1, **options})
        helm: Any = FakeHelm(self)
        applier = Applier(
            plan,
            FakeCluster(self),
            FakeReadiness(self),
            lambda _release: helm,
            self._values.of,
            permit=lambda: None,
            ended=threading.Event(),
            interrupt=lambda: None,
            progress=lambda _text: None,
            concurrency=known.settings.concurrency,
            on_failure=known.on_failure,
        )
        return applier.run()


@dataclass(frozen=True)
class FakeCluster:
    """The cluster of a world."""

    world: World
    salt: str = "salt"

    @property
    def info(self) -> ClusterInfo:
        return ClusterInfo("https://fake", "fake", "uid", "v1.36.3", 36)

    def releases(self) -> Mapping[str, Deployed]:
        found = {identity: self._deployed(identity) for identity in self.world.history}
        return {identity: deployed for identity, deployed in found.items() if deployed}

    def _deployed(self, identity: str) -> Deployed | None:
        revisions = self.world.history.get(identity)
        if not revisions:
            return None
        namespace, name = identity.split("/")
        last = revisions[-1]
        good = [n for n, revision in enumerate(revisions, 1) if revision.status == "deployed"]
        current = max(good, default=None)
        return Deployed(namespace, name, len(revisions), last.status, "", current, last.modified, last.labels)

    def want(self, identities: Collection[str]) -> None:
        pass

    def now(self, namespace: str, name: str) -> Deployed | None:
        return self._deployed(f"{namespace}/{name}")

    def body(self, deployed: Deployed, revision: int | None = None) -> ReleaseBody:
        number = revision or deployed.revision
        found = self.world.history[deployed.id][number - 1]
        return ReleaseBody(
            deployed.name,
            deployed.namespace,
            number,
            found.status,
            description="",
            chart_name="app",
            chart_version=found.version,
            app_version="",
            config={"objects": list(found.objects)},
            chart_values={},
            manifest="".join(f"---\n{json.dumps(item)}\n" for item in found.objects),
            hooks=(),
            notes="",
            labels=found.labels,
            last_deployed="2026-01-01T00:00:00Z",
            apply_method="ssa" if self.world.major >= 4 else "",
        )

    def record(self, deployed: Deployed, revision: int) -> Mapping[str, Any]:
        raise AssertionError("templates of this world do not read the revision")

    def api_versions(self) -> tuple[str, ...]:
        return ("v1",)

    def namespaced(self, api_version: str, kind: str) -> bool:
        return kind != "Namespace"

    def knows(self, api_version: str, kind: str) -> bool:
        return True

    def exists(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        return self.live(api_version, kind, namespace, name) is not None

    def live(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        return self.world.objects.get((kind, namespace, name))

    def _beside(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> tuple[Object, Object | None]:
        item = dict(as_applied(manifest, release.name, release.namespace))
        return item, self.live("", str(item["kind"]), namespace, str(item["metadata"]["name"]))

    def reapplied(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        *,
        may_hold_more: bool,
        former: Mapping[str, Any] | None = None,
    ) -> Drifted | None:
        item, live = self._beside(release, manifest, namespace)
        if live is None or covers(live, as_read(item)):
            return None
        return differing(live, overlaid(live, as_read(item)))

    def refusal(
        self,
        release: Deployed,
        manifest: Mapping[str, Any],
        namespace: str,
        how: str,
        former: Mapping[str, Any] | None = None,
    ) -> Refusal | None:
        live = self.live("", str(manifest["kind"]), namespace, str(manifest["metadata"]["name"])) or {}
        frozen = live.get("immutable") and live.get("data") != manifest.get("data")
        return Refusal("helm will fail at it: it is immutable", immutable=True) if frozen else None

    def creation_refusal(self, release: str, manifest: Mapping[str, Any], namespace: str, *, applies: bool) -> str:
        return ""

    def made_by_helm(self, namespace: str) -> bool:
        return False

    def contents(self, namespace: str) -> set[tuple[str, str, str]]:
        return set()

    def delete_namespace(self, name: str) -> None:
        self.world.namespaces.discard(name)

    def has_namespace(self, name: str) -> bool:
        return name in self.world.namespaces

    def foresee(self, manifest: Mapping[str, Any], namespace: str) -> Foreseen:
        return Foreseen(None, manifest)

    def drifted(self, release: Deployed, manifest: Mapping[str, Any], namespace: str) -> Drifted | None:
        item, live = self._beside(release, manifest, namespace)
        if live is None:
            return None if goes_by_itself(item) else Drifted(None, item)
        return None if covers(live, as_read(item)) else differing(live, overlaid(live, as_read(item)))

    # effects

    def stamp(self, namespace: str, name: str, revision: int, labels: Mapping[str, str | None]) -> None:
        revisions = self.world.history[f"{namespace}/{name}"]
        found = revisions[revision - 1]
        merged = {**found.labels, **labels}
        revisions[revision - 1] = replace(found, labels={k: v for k, v in merged.items() if v is not None})

    def restart(self, kind: str, namespace: str, name: str, at: str) -> None:
        self.world.done.append(f"restart {name}")

    def apply(self, manifest: Mapping[str, Any], namespace: str, *, force: bool) -> None:
        self.world.done.append(f"apply {manifest['metadata']['name']}")

    def discard(self, manifest: Mapping[str, Any], namespace: str, *, orphan: bool) -> bool:
        self.world.done.append(f"discard {manifest['metadata']['name']}{' alone' if orphan else ''}")
        return self.world.objects.pop((manifest["kind"], namespace, manifest["metadata"]["name"]), None) is not None

    def ending(self, namespace: str) -> bool:
        return False

    def serves(self, kinds: Collection[tuple[str, str]]) -> bool:
        return True


@dataclass(frozen=True)
class FakeReadiness:
    """Objects are ready but for those that the world says are not."""

    world: World

    def wait(self, objects: Sequence[tuple[str, Mapping[str, Any]]], **_how: Any) -> Sequence[str]:
        for _namespace, item in objects:
            name = str(item["metadata"]["name"])
            if name in self.world.unready:
                raise HelmstackError(f"{item['kind']} {name} {self.world.unready[name]}")
        return ()

    def expecting(self, *_args: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def beside_helm(self, objects: Sequence[tuple[str, Any]]) -> list[Any]:
        return []

    def follow(self, targets: Sequence[Any], timeout: float, stopped: Callable[[], bool]) -> HelmstackError | None:
        return None

    def trouble(self, targets: Sequence[Any]) -> HelmstackError | None:
        return None


@dataclass(frozen=True)
class FakeHelm:
    """The helm of a world; what it does goes into ``done``."""

    world: World

    def version(self) -> HelmVersion:
        return HelmVersion(self.world.major, 4 if self.world.major < 4 else 3, 0)

    def post_renderer(self, name: str) -> str:
        return name

    def template(self, args: TemplateArgs) -> str:
        self.world.rendered.append(args.release)
        return "".join(f"---\n# Source: app\n{json.dumps(item)}\n" for item in _objects(args.values))

    def upgrade(self, args: UpgradeArgs, interrupt: object = None) -> Upgraded:
        with self.world._lock:
            identity = f"{args.namespace}/{args.release}"
            revisions = self.world.history.setdefault(identity, [])
            assert args.there in (None, bool(revisions)), f"helm: {identity}: wrong command"
            objects, version = _objects(args.values), Path(args.chart).name.rpartition("-")[2]
            self.world.done.append(f"upgrade {args.release}")
            if args.release in self.world.failing:
                revisions.append(Revision("failed", objects, args.labels, version))
                raise HelmFailure(f"release {identity} cannot be applied", self.world.failing[args.release], 1)
            self._leave(args.release, args.namespace, objects)
            revisions[:] = [replace(r, status="superseded") if r.status == "deployed" else r for r in revisions]
            revisions.append(Revision("deployed", objects, args.labels, version))
            manifest = "".join(f"---\n{json.dumps(item)}\n" for item in objects)
            return Upgraded(len(revisions), (f"helm warns of {args.release}",), manifest)

    def rollback(self, args: RollbackArgs) -> tuple[str, ...]:
        identity = f"{args.namespace}/{args.release}"
        revisions = self.world.history[identity]
        self.world.done.append(f"rollback {args.release} to {args.revision}")
        old = revisions[args.revision - 1]
        self._leave(args.release, args.namespace, old.objects)
        revisions.append(replace(old, status="deployed"))
        return ()

    def uninstall(self, args: UninstallArgs, interrupt: object = None) -> tuple[str, ...]:
        identity = f"{args.namespace}/{args.release}"
        self.world.done.append(f"uninstall {args.release}")
        if args.release in self.world.failing:
            raise HelmFailure(f"release {identity} cannot be uninstalled", self.world.failing[args.release], 1)
        self._leave(args.release, args.namespace, ())
        if args.keep_history:
            self.world.history[identity].append(replace(self.world.history[identity][-1], status="uninstalled"))
        else:
            self.world.history.pop(identity, None)
        return ()

    def _leave(self, name: str, namespace: str, objects: Sequence[Object]) -> None:
        """The release has just these objects."""
        for key, item in list(self.world.objects.items()):
            if item["metadata"].get("annotations", {}).get("meta.helm.sh/release-name") == name and key[1] == namespace:
                del self.world.objects[key]
        for item in objects:
            self.world.put(name, item)


def _objects(files: Sequence[str]) -> tuple[Object, ...]:
    values = helmyaml.load(Path(files[-1]).read_text(encoding="utf-8"), files[-1]) if files else None
    return tuple((values or {}).get("objects") or ())

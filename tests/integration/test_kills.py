# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at every step boundary and at random times: one more run gives the wanted state, and announces it truly.

By hand with HELMSTACK_KILLS=300, and HELMSTACK_SEED for the same ones again.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fault_proxy import Answer, Cut, FaultProxy, Hook, Request, Verdict
from harness import CONFIG, DEPLOYMENT, HELM, Object, Snapshot, Workspace, actions_of, objects_of, plan_of
from victim import Victim, at_rest, here, lease, let_the_lease_expire

KILLS = int(os.environ.get("HELMSTACK_KILLS", "5"))
SEED = int(os.environ.get("HELMSTACK_SEED", "0")) or random.randrange(10**6)
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-@"
  annotations: {helm.sh/hook: "@-install,@-upgrade,@-delete"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: registry.invalid/hook}]
"""
KINDS = ("install", "upgrade", "absent")
BEFORE, AFTER = "before", "after"
WRITES = ("create", "update", "patch", "delete")


@dataclass
class World:
    """A stack that is installed, upgraded and removed over and over, each time in other namespaces."""

    workspace: Workspace
    proxy: FaultProxy
    cycle: int = 0
    options: dict[str, object] = field(default_factory=dict)

    def ns(self, suffix: str) -> str:
        return f"{suffix}{self.cycle}"

    def begin(self, kind: str) -> None:
        """Writes the stack that the runs of this kind want."""
        self.cycle += kind == "install"
        version = "1" if kind == "install" else "2"
        wanted = {"data": {"v": version}, "setting": version}
        release = self.workspace.release
        releases = [
            release("base", "pod", self.ns("a"), set=wanted, recreatePods=True),
            release("hooked", "hooked", self.ns("b"), set=wanted, needs=["base"]),
            release("plain", "app", self.ns("a"), set=wanted),
        ]
        if kind == "install":
            releases.append(release("gone", "app", self.ns("a"), set=wanted))
        self.workspace.stack(*releases)
        absent: dict[str, object] = {"state": "absent", "all": True}
        self.options = absent if kind == "absent" else {"prune": True, "prune_max": 50}

    def run(self, *, check: bool = False, **more: object) -> Object:
        """The result of a run without a process of its own, which must succeed."""
        return here(self.workspace, check=check, **{**self.options, **more})

    def through_the_proxy(self, **more: object) -> Victim:
        return Victim(self.workspace, **{**self.options, "kubeconfig": str(self.proxy.kubeconfig), **more})


@pytest.fixture
def world(workspace: Workspace) -> Iterator[World]:
    workspace.chart("app")
    workspace.chart("pod", files={"templates/d.yaml": DEPLOYMENT, "templates/config.yaml": CONFIG})
    hooks = {f"templates/{when}.yaml": HOOK.replace("@", when) for when in ("pre", "post")}
    workspace.chart("hooked", files={"templates/config.yaml": CONFIG, **hooks})
    with FaultProxy(workspace.cluster, workspace.root / "proxy") as proxy:
        yield World(workspace, proxy)


class Blow(Hook):
    """Kills a run at a write, by its number from 1: before the server gets it, or after its answer."""

    def __init__(self, what: str, number: int, when: str) -> None:
        self.what, self.number, self.when = what, number, when
        self.hit = ""
        self._victim: Victim | None = None
        self._known = threading.Event()
        self._lock = threading.Lock()
        self._writes: dict[int, int] = {}

    def on(self, victim: Victim) -> None:
        self._victim = victim
        self._known.set()

    def before(self, request: Request) -> Verdict:
        if request.verb not in WRITES or "dryRun" in request.query:
            return None
        with self._lock:
            self._writes[request.number] = len(self._writes) + 1
        return self._struck(request, BEFORE)

    def after(self, request: Request, answer: Answer) -> Verdict:
        return self._struck(request, AFTER) if request.number in self._writes else None

    def _struck(self, request: Request, when: str) -> Verdict:
        self._known.wait()
        if self._victim is None or (self._writes[request.number], when) != (self.number, self.when):
            return None
        self._victim.kill(self.what)
        self.hit = f"{when} write {self.number}, {request}"
        return Cut()


def test_after_a_kill_one_more_run_gives_the_wanted_state(world: World) -> None:
    chance = random.Random(SEED)
    number = dict.fromkeys(KINDS, 1)
    failures: list[str] = []
    for count in range(KILLS):
        kind = KINDS[count % len(KINDS)]
        if KILLS < 20:
            number[kind] = chance.randrange(1, 25)
        told = _kill(world, kind, chance, number)
        print(f"seed {SEED}, kill {count}, {told}", flush=True)
        try:
            _mended(world, kind)
        except AssertionError as error:
            failures.append(f"seed {SEED}, kill {count}, {told}: {error}")
            print(failures[-1], flush=True)
            world.cycle += 1
    assert not failures


def _kill(world: World, kind: str, chance: random.Random, number: dict[str, int]) -> str:
    """Begins a run and kills it, most at their next write, some at any time; tells what it did."""
    world.begin(kind)
    what = chance.choice(["module", "all", "all", "helm"])
    if chance.random() < 0.15:
        return f"{kind}: module {_killed_at_helm(world, chance.randrange(1, 12), chance.choice([BEFORE, AFTER]))}"
    if chance.random() < 0.25:
        pause = chance.uniform(0.3, 6.0)
        _killed_at(world, what, pause)
        return f"{kind}: {what} after {pause:.2f} s"
    blow = Blow(what, number[kind], chance.choice([BEFORE, AFTER]))
    world.proxy.restart()
    world.proxy.hook = blow
    victim = world.through_the_proxy()
    blow.on(victim)
    victim.wait()
    number[kind] = number[kind] + 1 if blow.hit else 1
    return f"{kind}: {what} {blow.hit or f'at write {blow.number}, which never came'}"


def _killed_at_helm(world: World, number: int, when: str) -> str:
    """Kills the module as one of its helm processes begins, or has ended."""
    world.proxy.hook = Hook()
    count = world.workspace.write("helm-count", "")
    kill = f'[ "$(wc -l < {count})" = {number} ] && kill -KILL $PPID'
    begin, end = (kill, "") if when == BEFORE else ("", kill)
    run = f'{HELM} "$@"; code=$?; {end}; exit $code' if end else f'exec {HELM} "$@"'
    script = world.workspace.write("helm-wrapper", f"#!/bin/sh\necho >> {count}\n{begin}\n{run}\n")
    script.chmod(0o755)
    code = world.through_the_proxy(binary_path=str(script)).wait()
    return f"{when} helm process {number}" + ("" if code else ", which never came")


def _killed_at(world: World, what: str, pause: float) -> None:
    world.proxy.hook = Hook()
    victim = world.through_the_proxy()
    time.sleep(pause)
    victim.kill(what)
    victim.wait()


def _mended(world: World, kind: str) -> None:
    """One run more, announced by a check, and the cluster is as the stack wants it."""
    at_rest(world.workspace)
    let_the_lease_expire(world.workspace)
    before = world.workspace.snapshot()
    checked = world.run(check=True)
    result = world.run()
    assert plan_of(checked) == plan_of(result)
    assert checked["changed"] == result["changed"]
    again = world.run(check=True)
    assert again["changed"] is False, actions_of(again)
    assert set(actions_of(again).values()) <= {"unchanged"}, actions_of(again)
    if result["plan"]["summary"] != again["plan"]["summary"]:
        assert lease(world.workspace) == {}
    after = world.workspace.snapshot()
    _check_state(world, after, kind)
    done, announced = after.changes_since(before), objects_of(result)
    assert done.items() <= announced.items(), f"not announced: {done.items() - announced.items()}"
    # the dead run had brought some to what they shall be; on their way there they go back and forth
    more = announced.items() - done.items()
    assert {op for _key, op in more} <= {"change", "replace"}, f"announced, but not done: {more}"


def _check_state(world: World, after: Snapshot, kind: str) -> None:
    a, b = world.workspace.ns(world.ns("a")), world.workspace.ns(world.ns("b"))
    of_cycle = {name: found for name, found in after.releases.items() if name.partition("/")[0] in (a, b)}
    names = {f"{a}/base", f"{b}/hooked", f"{a}/plain", *([f"{a}/gone"] if kind == "install" else [])}
    assert set(of_cycle) == (set() if kind == "absent" else names)
    for found in of_cycle.values():
        assert found.status == "deployed"
        assert found.labels["helmstack.io/revision"] == str(found.revision)
    kinds = {key[0] for key in after.objects if key[1] in (a, b)}
    if kind == "absent":
        assert kinds <= {"Job"}, kinds  # hooks stay
        return
    version = "1" if kind == "install" else "2"
    for key, (_uid, item) in after.objects.items():
        if key[0] == "ConfigMap" and key[1] in (a, b):
            assert item["data"] == {"v": version}, key
        if key[0] == "Deployment" and key[1] in (a, b):
            assert item["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == version
    stored = world.workspace.api.get("/api/v1/secrets?labelSelector=owner=helm")["items"]
    deployed = [
        (item["metadata"]["namespace"], item["metadata"]["labels"]["name"])
        for item in stored
        if item["metadata"]["labels"]["status"] == "deployed" and item["metadata"]["namespace"] in (a, b)
    ]
    assert sorted(deployed) == sorted(tuple(name.split("/")) for name in names)

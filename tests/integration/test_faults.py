# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs through a proxy that spoils our requests: each ends with the right result or with a clear error, and in time.

By default each request of a run fails once. HELMSTACK_FAULTS=all spoils one request of each run, whichever, in turn:
for every kind of run, every fault, and every request.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import HELM as HELM_ITSELF
from fault_proxy import OURS, Answer, Cut, FaultProxy, Hook, Request, Verdict, status_of
from harness import ANSIBLE, APPS, CORE, DEPLOYMENT, HELM, Object, Workspace
from victim import COLLECTIONS

from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle, Handover

ALL = os.environ.get("HELMSTACK_FAULTS") == "all"
AT_ONCE = 4
LIMIT = 240.0  # seconds for a run with faults on a very busy machine; unit tests bound each request
MODULES = "ansible_collections.helmstack.core.plugins.modules"

# ---- faults


@dataclass(frozen=True)
class Fault:
    """What happens to a request, before it is forwarded or before its answer is given."""

    before: Callable[[FaultProxy], Verdict] = lambda proxy: None
    after: Callable[[Answer], Verdict] = lambda answer: None


def _slowly(proxy: FaultProxy) -> Verdict:
    time.sleep(2.0)
    return None


def _refused(proxy: FaultProxy) -> Verdict:
    """Nobody listens for a while; helm's connections break, too."""
    proxy.refuse()
    time.sleep(1.5)
    proxy.accept()
    return Cut()


def _busy(status: int, reason: str, **headers: str) -> Fault:
    answer = Answer.of(status, reason, "spoiled by the test", headers)
    return Fault(before=lambda proxy: answer)


FAULTS: Mapping[str, Fault] = {
    "refused": Fault(before=_refused),
    "reset": Fault(before=lambda proxy: Cut()),
    "answer lost": Fault(after=lambda answer: Cut()),
    "answer cut": Fault(after=lambda answer: Cut(share=0.5)),
    "429": _busy(429, "TooManyRequests", **{"Retry-After": "1"}),
    "500": _busy(500, "InternalError"),
    "503": _busy(503, "ServiceUnavailable"),
    "done but 504": Fault(after=lambda answer: Answer.of(504, "Timeout", "spoiled by the test")),
    "slow": Fault(before=_slowly),
}


class Strike(Hook):
    """Spoils the requests that ``hits`` names."""

    def __init__(self, proxy: FaultProxy, fault: Fault, hits: Callable[[Request], bool]) -> None:
        self._proxy = proxy
        self._fault = fault
        self._hits = hits
        self._struck: dict[int, Request] = {}

    @property
    def struck(self) -> list[str]:
        return [f"{request.verb} {request.path}" for request in self._struck.values()]

    def before(self, request: Request) -> Verdict:
        if not self._hits(request):
            return None
        self._struck[request.number] = request
        return self._fault.before(self._proxy)

    def after(self, request: Request, answer: Answer) -> Verdict:
        return self._fault.after(answer) if request.number in self._struck else None


GONE = "gone"


class Gone(Hook):
    """From one request on nobody gets an answer any more, as when a network is cut."""

    def __init__(self, begins: Callable[[Request], bool]) -> None:
        self._begins = begins
        self.struck: list[str] = []

    def before(self, request: Request) -> Verdict:
        if self.struck or self._begins(request):
            self.struck.append(f"{request.verb} {request.path}")
            return Cut()
        return None


def once_each() -> Callable[[Request], bool]:
    """Hits each request of ours once, and not when it is repeated."""
    seen: set[str] = set()

    def hits(request: Request) -> bool:
        if request.client != OURS:
            return False
        key = f"{request.verb} {request.target}" if request.verb != "watch" else request.path
        fresh = key not in seen
        seen.add(key)
        return fresh

    return hits


# ---- runs


@dataclass(frozen=True)
class Ended:
    """How one run of a module ended."""

    code: int
    result: Object
    seconds: float
    said: str

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))


@dataclass
class Place:
    """A namespace with a stack in it, which runs reach through a proxy of its own."""

    workspace: Workspace
    proxy: FaultProxy
    turn: int = 0  # what values say
    extra: bool = False  # whether the stack has one release more
    spray: bool = False  # whether it has a sprayed umbrella
    behaviour: str = "ready"  # of web's pods
    timeout: str = "60s"  # of web
    problems: list[str] = field(default_factory=list)

    @property
    def progress(self) -> Path:
        return self.workspace.root / "progress"

    def write(self) -> None:
        value = f"turn-{self.turn}"
        web = {"setting": value, "behaviour": self.behaviour}
        here = self.workspace
        releases = [
            here.release("db", values=[{"data": {"value": value}}]),
            here.release("web", chart="front", values=[web], needs=["db"], timeout=self.timeout),
        ]
        values = {name: {"weight": weight, "data": {"value": value}} for weight, name in enumerate(("one", "two"))}
        umbrella = here.release("umbrella", chart="umbrella", spray=True, values=[values])
        here.stack(*releases, *([here.release("more")] if self.extra else []), *([umbrella] if self.spray else []))

    def wanted(self) -> Object:
        value = f"turn-{self.turn}"
        more = {"more": "none"} if self.extra else {}
        return {"db": value, "web": value, **more, **({"one": value, "two": value} if self.spray else {})}

    def state(self) -> Object:
        """What of the stack is there, by release; only what Helm says is deployed and what the objects say."""
        api, namespace = self.workspace.api, self.workspace.ns("a")
        found: Object = {}
        for item in api.get(f"{CORE}/namespaces/{namespace}/configmaps")["items"]:
            if item["metadata"]["name"] != "kube-root-ca.crt":
                found[item["metadata"]["name"]] = (item.get("data") or {}).get("value", "none")
        for item in api.get(f"{APPS}/namespaces/{namespace}/deployments")["items"]:
            found[item["metadata"]["name"]] = item["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
        status = {name: status for name, (_revision, status) in self.revisions().items()}
        for name in found.keys() | status.keys():
            if status.get(name) != "deployed":
                found[name] = f"{found.get(name)}, {status.get(name)}"
        return found

    def revisions(self) -> dict[str, tuple[int, str]]:
        """Number and status of each release's newest revision."""
        found: dict[str, tuple[int, str]] = {}
        path = f"{CORE}/namespaces/{self.workspace.ns('a')}/secrets?labelSelector=owner%3Dhelm"
        for item in self.workspace.api.get(path)["items"]:
            labels = item["metadata"]["labels"]
            found[labels["name"]] = max(found.get(labels["name"], (0, "")), (int(labels["version"]), labels["status"]))
        return found

    def run(self, hook: Hook | None = None, module: str = "helmstack", **options: Any) -> Ended:
        """The module as Ansible starts it, in a process of its own."""
        self.proxy.restart()
        self.proxy.hook = hook or Hook()
        archive = self.workspace.root / "bundle"
        with archive.open("wb") as file:
            bundle.write(
                file, Bundle(None, handover=Handover(progress_file=str(self.progress))), root="/nowhere", texts={}
            )
        args = {
            "_bundle": str(archive),
            "kubeconfig": str(self.proxy.kubeconfig),
            "binary_path": HELM,
            "lock_wait": "40s",
            **options,
        }
        if module == "helmstack":
            args["stack_files"] = [str(self.workspace.root / "helmstack.yaml")]
        environ = self.workspace.environ({"PYTHONPATH": COLLECTIONS})
        began = time.monotonic()
        done = subprocess.run(
            [f"{ANSIBLE}/python", "-m", f"{MODULES}.{module}"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": args}),
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        seconds = time.monotonic() - began
        try:
            result = json.loads(done.stdout)
        except ValueError:
            result = {}
        return Ended(done.returncode, result, seconds, done.stdout + done.stderr)


@contextmanager
def place_in(workspace: Workspace, number: int) -> Iterator[Place]:
    root = workspace.root / f"place-{number}"
    own = Workspace(root, f"{workspace.prefix}{number}")
    own.chart("app")
    own.chart("front", files={"templates/deployment.yaml": DEPLOYMENT})
    own.chart("umbrella/charts/app")
    own.write("charts/umbrella/charts/app/Chart.yaml", {"apiVersion": "v2", "name": "app", "version": "1.0.0"})
    needs = [{"name": "app", "version": "1.0.0", "repository": "", "alias": alias} for alias in ("one", "two")]
    own.chart("umbrella", files={}, dependencies=needs)
    with FaultProxy(own.cluster, root) as proxy:
        try:
            yield Place(own, proxy)
        finally:
            own.clean()


# ---- kinds of runs


@dataclass(frozen=True)
class Scenario:
    """A kind of run: how the cluster is before it, and what it is to do."""

    before: str  # "absent", "present", "more", "spray"
    options: Mapping[str, Any] = field(default_factory=dict)
    turns: bool = False  # the stack's values change
    extra: bool = False  # the stack has one release more
    removes: bool = False  # all of the stack
    looks: bool = False  # changes nothing
    disturb: Callable[[Place], None] | None = None


def _unstamp(place: Place) -> None:
    """As if the run had been killed before it could say that all is well."""
    for name, (revision, _status) in place.revisions().items():
        labels = {"helmstack.io/fingerprint": None, "helmstack.io/revision": None}
        place.workspace.api.patch(place.workspace.secret(name, revision), {"metadata": {"labels": labels}})


def _edit(place: Place) -> None:
    path = f"{CORE}/namespaces/{place.workspace.ns('a')}/configmaps/db"
    place.workspace.api.patch(path, {"data": {"value": "edited"}})


SCENARIOS: Mapping[str, Scenario] = {
    "install": Scenario("absent"),
    "unchanged": Scenario("present"),
    "upgrade": Scenario("present", turns=True),
    "check": Scenario("present", {"_ansible_check_mode": True, "_ansible_diff": True}, turns=True, looks=True),
    "adopt": Scenario("present", disturb=_unstamp),
    "drift": Scenario("present", {"drift": "correct"}, disturb=_edit),
    "spray": Scenario("spray", turns=True),
    "more": Scenario("present", extra=True),
    "prune": Scenario("more", {"prune": True}),
    "absent": Scenario("present", {"state": "absent", "all": True}, removes=True),
}


def prepare(place: Place, scenario: Scenario) -> None:
    """Brings the cluster to what the scenario begins with."""
    place.extra, place.spray = scenario.before == "more", scenario.before == "spray"
    place.write()
    if scenario.before == "absent":
        if place.state():
            place.extra = place.spray = True  # all that an earlier kind of run may have left
            place.write()
            clean(place, {"state": "absent", "all": True})
            place.extra = place.spray = False
            place.write()
    elif place.state() != place.wanted() or scenario.disturb:
        clean(place, {"prune": True})
    if scenario.disturb:
        scenario.disturb(place)
    place.turn += scenario.turns
    place.extra = scenario.extra
    place.write()


def clean(place: Place, options: Mapping[str, Any]) -> None:
    ended = place.run(**options)
    assert ended.code == 0, f"a run without faults fails: {ended.said}"


def attempt(place: Place, name: str, hook: Hook) -> Ended:
    """One run with faults, judged; what is wrong with it goes to the place's problems."""
    scenario = SCENARIOS[name]
    prepare(place, scenario)
    earlier, revisions = place.state(), place.revisions()
    ended = place.run(hook, **scenario.options)
    wanted = earlier if scenario.looks else {} if scenario.removes else place.wanted()
    wrong = list(_wrong(ended))
    if ended.code == 0:
        state, changed = place.state(), place.revisions() != revisions
        if state != wanted:
            wrong.append(f"success, but the cluster is {state} instead of {wanted}")
        if not scenario.looks and ended.result["changed"] != changed:
            wrong.append(f"changed is {ended.result['changed']}, but that is {changed}")
        if scenario.looks and not ended.result["changed"]:
            wrong.append("the check says that nothing changes")
    else:
        again = place.run(**scenario.options, pending_age="0s")
        state = place.state()
        if again.code or state != wanted:
            wrong.append(
                f"after the error '{ended.message}' the next run leaves {state}, not {wanted}: {again.message}"
            )
    place.problems += [f"{name}: {text}" for text in wrong]
    return ended


def _wrong(ended: Ended) -> Iterator[str]:
    if "Traceback" in ended.said or not ended.result:
        yield f"no clear end: {ended.said}"
    if ended.seconds > LIMIT:
        yield f"it took {ended.seconds:.0f} s"
    if ended.code and (not ended.message or "Exception" in ended.message or "object at 0x" in ended.message):
        yield f"no clear error: {ended.message!r}"


# ---- tests

# By default each kind of run meets one fault; all of them meet all with HELMSTACK_FAULTS=all.
PAIRS = {
    "install": "done but 504",
    "unchanged": "503",
    "upgrade": "answer lost",
    "check": "answer cut",
    "adopt": "500",
    "drift": "done but 504",
    "spray": "answer lost",
    "more": "reset",
    "prune": "429",
    "absent": "503",
}


def side_by_side(workspace: Workspace, works: Iterable[Callable[[Place], object]]) -> list[str]:
    """Does each work in a place of its own; returns the problems of all."""

    def one(number: int, work: Callable[[Place], object]) -> list[str]:
        with place_in(workspace, number) as place:
            try:
                work(place)
            except AssertionError as error:
                place.problems.append(f"{getattr(work, '__name__', number)}: {error}")
            return place.problems

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [pool.submit(one, number, work) for number, work in enumerate(works)]
        return [problem for future in found for problem in future.result()]


def test_each_request_may_fail_once(workspace: Workspace) -> None:
    """Repeated requests bring every run to its end."""

    def spoil(place: Place, names: Sequence[str]) -> None:
        for name in names:
            for fault in set(FAULTS) - {"refused"} if ALL else {PAIRS[name]}:  # refused: helm meets that, too
                hook = Strike(place.proxy, FAULTS[fault], once_each())
                ended = attempt(place, name, hook)
                print(f"{name}: {fault} ({len(hook.struck)}): {ended.code} in {ended.seconds:.1f} s", flush=True)
                if ended.code or not hook.struck:
                    place.problems.append(f"{name}, {fault}: {ended.message}")

    names = list(SCENARIOS)
    works = [partial(spoil, names=names[number::AT_ONCE]) for number in range(AT_ONCE)]
    problems = side_by_side(workspace, works)
    assert not problems, "\n".join(problems)


@pytest.mark.skipif(not ALL, reason="HELMSTACK_FAULTS=all")
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("client", [OURS, HELM_ITSELF])
def test_any_request_may_fail_in_any_way(workspace: Workspace, name: str, client: str) -> None:
    """Helm's own requests are helm's to repeat; what counts is what we make of its failure."""

    def spoil(place: Place, faults: Sequence[str]) -> None:
        for fault in faults:
            index = 0
            while _struck(place, name, fault, client, index):
                index += 1

    faults = [*FAULTS, GONE]
    problems = side_by_side(workspace, [partial(spoil, faults=faults[number::AT_ONCE]) for number in range(AT_ONCE)])
    assert not problems, "\n".join(problems)


def _struck(place: Place, name: str, fault: str, client: str, index: int) -> bool:
    """One run with one request spoiled, or with GONE all from there on; false if it made fewer requests."""

    def hits(request: Request) -> bool:
        return (request.client, request.index) == (client, index)

    hook: Strike | Gone = Gone(hits) if fault == GONE else Strike(place.proxy, FAULTS[fault], hits)
    known = len(place.problems)
    ended = attempt(place, name, hook)
    told = f"{client}, {fault} at {index} ({', '.join(hook.struck)[:200]})"
    place.problems[known:] = [f"{told}: {problem}" for problem in place.problems[known:]]
    print(f"{name}: {told}: {ended.code} in {ended.seconds:.1f} s {ended.message!r}", flush=True)
    return bool(hook.struck)


# ---- troubles that last


class Trouble(Hook):
    """Answers as ``verdict`` says, for requests that ``hits`` names; counts them."""

    def __init__(self, hits: Callable[[Request], bool], verdict: Callable[[Request], Verdict]) -> None:
        self._hits = hits
        self._verdict = verdict
        self.count = 0

    def before(self, request: Request) -> Verdict:
        if not self._hits(request):
            return None
        self.count += 1
        return self._verdict(request)


class CutWatches(Hook):
    """Watches of ours end each second, in turn cleanly and not."""

    count = 0

    def after(self, request: Request, answer: Answer) -> Verdict:
        if request.client != OURS or request.verb != "watch":
            return None
        self.count += 1
        return Cut(seconds=1.0, clean=bool(self.count % 2))


class Expire(Hook):
    """Every watch of ours is too old, which is told in turn by the status and by an event."""

    count = 0

    def before(self, request: Request) -> Verdict:
        if request.client != OURS or request.verb != "watch":
            return None
        self.count += 1
        if self.count % 2:
            return Answer.of(410, "Expired", "too old resource version")
        event = {"type": "ERROR", "object": status_of(410, "Expired", "too old resource version")}
        return Answer(200, json.dumps(event).encode() + b"\n", {"Content-Type": "application/json"})


class Leave(Hook):
    """The API goes away a moment after the first watch was opened."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self._gone = threading.Event()

    def after(self, request: Request, answer: Answer) -> Verdict:
        if request.client == OURS and request.verb == "watch" and not self._gone.is_set():
            self._gone.set()
            threading.Timer(0.5, self._proxy.refuse).start()
        return None


def _for(seconds: float) -> Callable[[Request], bool]:
    """Hits ours for so long, from the third request on."""
    began: list[float] = []

    def hits(request: Request) -> bool:
        if request.client != OURS or request.index < 2:
            return False
        began.append(time.monotonic())
        return began[-1] - began[0] < seconds

    return hits


def an_outage_that_ends_is_waited_for(place: Place) -> None:
    seconds = 20.0 if ALL else 8.0
    hook = Trouble(_for(seconds), lambda request: Answer.of(503, "ServiceUnavailable", "starting"))
    ended = succeed(place, "upgrade", hook)
    said = place.progress.read_text()
    assert ended.seconds > seconds
    assert "(503): starting; tried again for up to" in said
    assert "the Kubernetes API answers again, after" in said


def throttling_is_heeded(place: Place) -> None:
    answer = Answer.of(429, "TooManyRequests", "slow down", {"Retry-After": "2"})
    hook = Trouble(lambda request: request.client == OURS and request.index % 2 == 1, lambda request: answer)
    succeed(place, "adopt", hook)
    assert hook.count > 3


def slow_answers_are_waited_for(place: Place) -> None:
    def late(request: Request) -> Verdict:
        time.sleep(2.0 if ALL else 0.5)
        return None

    hook = Trouble(lambda request: request.client == OURS, late)
    succeed(place, "upgrade", hook)


def watches_that_are_cut_go_on(place: Place) -> None:
    place.behaviour = "slow"
    hook = CutWatches()
    succeed(place, "upgrade", hook)
    assert 2 <= hook.count < 60


def watches_that_expire_at_once_hide_nothing(place: Place) -> None:
    place.behaviour = "slow"
    hook = Expire()
    succeed(place, "upgrade", hook)
    assert 2 <= hook.count < 60


def an_api_that_goes_away_during_a_wait_is_told_at_the_timeout(place: Place) -> None:
    prepare(place, SCENARIOS["upgrade"])
    place.behaviour, place.timeout = "never-ready", "12s"
    place.write()
    ended = place.run(Leave(place.proxy))
    place.proxy.accept()
    assert ended.code, ended.said
    assert "Traceback" not in ended.said
    assert "web is not ready after" in ended.message, ended.message
    assert "The cluster does not say any more: the Kubernetes API at" in ended.message, ended.message
    web = next(release for release in ended.result["plan"]["releases"] if release["name"] == "web")
    assert 11 < web["duration"] < 25
    place.behaviour, place.timeout = "ready", "60s"
    place.write()
    clean(place, {})
    assert place.state() == place.wanted()


class Stale(Hook):
    """LISTs of releases are as they were when they were first asked; ``times``: so often."""

    def __init__(self) -> None:
        self._old: dict[str, Answer] = {}
        self.replays = 0
        self.times = 0

    def after(self, request: Request, answer: Answer) -> Verdict:
        if request.client != OURS or request.verb != "list" or not request.path.endswith("/secrets"):
            return None
        old = self._old.setdefault(request.target, answer)
        if self.replays >= self.times:
            return None
        self.replays += 1
        return old


def old_answers_never_lead_to_another_revision(place: Place) -> None:
    place.write()
    clean(place, {})
    hook = Stale()
    assert place.run(hook).result["changed"] is False  # what it will answer later
    for _turn in range(2):
        place.turn += 1
        place.write()
        clean(place, {})
    revisions = place.revisions()
    hook.times = 1  # what is read under the lock is true: the cluster is as it is wanted
    ended = place.run(hook)
    assert (ended.code, ended.result.get("changed")) == (0, False), ended.said
    assert place.revisions() == revisions
    place.turn += 1
    place.write()
    hook.replays = 0
    hook.times = 100
    ended = place.run(hook)
    assert ended.code, ended.said
    assert "db is not what the plan saw, revision 1 (deployed), but revision 3 (deployed)" in ended.message
    assert place.revisions() == revisions
    assert all("resourceVersion" not in request.query for request in place.proxy.seen if request.verb == "list")
    clean(place, {})
    assert place.state() == place.wanted()


def a_lock_that_is_lost_ends_the_run(place: Place) -> None:
    place.behaviour = "never-ready"
    place.write()
    lease = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/helmstack-{place.workspace.prefix}-none"

    def take() -> None:
        place.workspace.api.wait(f"{APPS}/namespaces/{place.workspace.ns('a')}/deployments/web", bool, 90)
        place.workspace.api.patch(lease, {"spec": {"holderIdentity": "another"}})

    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(take)
        ended = place.run()
        taken.result()
    assert "this run has lost the lock on stack" in ended.message, ended.said
    assert "another has it" in ended.message, ended.said
    assert "web was not ready" in ended.message or "context canceled" in ended.message, ended.said
    assert place.workspace.api.get(lease)["spec"]["holderIdentity"] == "another"
    place.workspace.api.delete(lease)


TROUBLES = (
    an_outage_that_ends_is_waited_for,
    slow_answers_are_waited_for,
    an_api_that_goes_away_during_a_wait_is_told_at_the_timeout,
    throttling_is_heeded,
    watches_that_are_cut_go_on,
    watches_that_expire_at_once_hide_nothing,
    old_answers_never_lead_to_another_revision,
    a_lock_that_is_lost_ends_the_run,
)


def succeed(place: Place, name: str, hook: Hook) -> Ended:
    ended = attempt(place, name, hook)
    assert (ended.code, place.problems) == (0, []), ended.said
    return ended


def test_troubles_that_last(workspace: Workspace) -> None:
    problems = side_by_side(workspace, TROUBLES)
    assert not problems, "\n".join(problems)

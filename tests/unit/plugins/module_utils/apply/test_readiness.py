# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is awaited, how troubles become final, and what the messages say. Watching itself is tested on a cluster."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

pytest.importorskip("jmespath")
pytest.importorskip("urllib3")

from ansible_collections.helmstack.core.plugins.module_utils.apply import (
    kstatus_pods,
    readiness,
    readiness_gone,
    readiness_report,
    readiness_wait,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus import FAILED, READY, WAITING, Related, state
from ansible_collections.helmstack.core.plugins.module_utils.apply.kstatus_pods import Problem
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness import Readiness
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_report import (
    NotReady,
    Unready,
    failure,
    is_passing,
    not_in_time,
)
from ansible_collections.helmstack.core.plugins.module_utils.apply.readiness_target import NOT_BEGUN, Target, targets_of
from ansible_collections.helmstack.core.plugins.module_utils.cluster import watch
from ansible_collections.helmstack.core.plugins.module_utils.cluster.discovery import Api
from ansible_collections.helmstack.core.plugins.module_utils.cluster.model import Resource
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import Forbidden, NotFound, Unreachable
from ansible_collections.helmstack.core.plugins.module_utils.errors import ApplyError, InputError

Object = dict[str, Any]
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments", True)
THINGS = Resource("example.org/v1", "Thing", "things", False)
PODS = Resource("v1", "Pod", "pods", True)


def deployment(name: str = "web", ready: int = 0, **status: Any) -> Object:
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": ready, "availableReplicas": ready}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "a", "uid": name, "generation": 1, "resourceVersion": "1"},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, **counts, **status},
    }


FAILING = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}


def pod(name: str, reason: str = "", **more: Any) -> Object:
    waiting = {"waiting": {"reason": reason, "message": "told so"}} if reason else {"running": {}}
    container = {"name": "main", "image": "img", "restartCount": 0, "state": waiting, **more}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "uid": name, "resourceVersion": "1"},
        "status": {"phase": "Pending", "containerStatuses": [container]},
    }


def event(reason: str, second: int, kind: str = "Warning", count: int = 1, message: str = "hm") -> Object:
    about = {"kind": "Pod", "name": "p"}
    stamp = f"2026-01-01T00:00:{second:02}Z"
    return {
        "reason": reason,
        "type": kind,
        "message": message,
        "count": count,
        "lastTimestamp": stamp,
        "involvedObject": about,
    }


class Cluster:
    """The client and the hub of a run, without a cluster behind them."""

    def __init__(self, *items: Object) -> None:
        self.items = {(item["kind"], item["metadata"]["name"]): item for item in items}
        self.events: dict[str, list[Object]] = {}
        self.log = ""
        self.previous: list[Any] = []
        self.problem: Exception | None = None
        self.client: Any = self
        self.api = Api({(r.api_version, r.kind): r for r in (DEPLOYMENTS, THINGS, PODS)}, ())

    def impatient(self, seconds: float) -> Cluster:
        return self

    def get_or_none(self, path: str, **_query: Any) -> Object | None:
        if self.problem:
            raise self.problem
        kind = {"deployments": "Deployment", "pods": "Pod", "things": "Thing", "jobs": "Job"}[path.split("/")[-2]]
        return self.items.get((kind, path.rpartition("/")[2]))

    def list(self, path: str, field_selector: str = "", **_query: Any) -> list[Object]:
        if self.problem:
            raise self.problem
        if path.endswith("/events"):
            return self.events.get(field_selector.removeprefix("involvedObject.uid="), [])
        return [item for (kind, _name), item in self.items.items() if kind == "Deployment"]

    def text(self, path: str, **query: Any) -> str:
        self.previous.append(query["previous"])
        if query["previous"] and "previous" not in self.log:
            raise NotFound("no previous run")
        return self.log


class Feed:
    """What a watch brings: the cluster's items, at once."""

    synced = complete = True

    def __init__(self, cluster: Cluster, path: str) -> None:
        self._cluster = cluster
        self._path = path

    def get(self, name: str) -> Object | None:
        return self._cluster.get_or_none(f"{self._path}/{name}") if "things" not in self._path else None

    def gone(self, name: str) -> None:
        return None

    def all(self) -> list[Object]:
        return []

    def owned(self, uid: str) -> list[Object]:
        return []

    def offer(self, item: Object) -> None:
        pass


class NoHub:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def follow(self, path: str, *_arguments: Any, **_named: Any) -> Feed:
        return Feed(self._cluster, path)

    def leave(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(readiness_wait, "_TICK", 0.02)
    monkeypatch.setattr(readiness_wait, "_CALM", 0.01)
    monkeypatch.setattr(readiness_wait, "_CLOSER", 0.0)
    monkeypatch.setattr(readiness, "Hub", NoHub)
    return


def wait(cluster: Cluster, *objects: Object, timeout: float = 0.3, **how: Any) -> None:
    Readiness(cluster).wait([("a", item) for item in objects], timeout=timeout, for_jobs=False, **how)


# -- what is awaited


def names(targets: list[Target]) -> list[str]:
    return [target.label for target in targets]


def test_only_what_can_be_other_than_ready_and_each_once() -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "b"}}
    nameless = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}}
    objects = [("a", item) for item in (settings, job, deployment(), deployment(), nameless)]
    assert names(targets_of(objects, [], "a", for_jobs=False)) == ["Deployment a/web"]
    assert names(targets_of(objects, [], "a", for_jobs=True)) == ["Job b/j", "Deployment a/web"]


def rule(when: str, **more: str) -> dict[str, str]:
    return {"apiVersion": "example.org/v1", "kind": "Thing", "name": "t", "when": when, **more}


def test_rules_are_of_the_releases_namespace_or_their_own() -> None:
    rules = [rule("a"), rule("b"), rule("a", namespace="c")]
    assert names(targets_of([], rules, "a", for_jobs=False)) == ["Thing a/t", "Thing a/t", "Thing c/t"]


def test_a_rule_that_is_no_jmespath() -> None:
    with pytest.raises(InputError, match=r"'when: a\.\[' of a release's ready is no JMESPath"):
        targets_of([], [rule("a.[")], "a", for_jobs=False)


@pytest.mark.parametrize(
    ("when", "ready", "text"),
    [
        ("status.phase == 'Done'", True, ""),
        ("status.phase", True, ""),
        ("status.zero", True, ""),
        ("status.no", False, "'status.no' is false"),
        ("status.none", False, "'status.none' is null"),
        ("status.empty", False, "'status.empty' is []"),
        ("length(status.none) > `1`", False, "'length(status.none) > `1`':"),
        ("status.zero < status.phase", False, "'status.zero < status.phase': '<' not supported"),
    ],
)
def test_when_a_rule_holds(when: str, ready: bool, text: str) -> None:
    status = {"phase": "Done", "zero": 0, "no": False, "none": None, "empty": []}
    target = Target("example.org/v1", "Thing", "a", "t", when=when)
    target.settle(THINGS)
    target.saw({"metadata": {"name": "t"}, "status": status})
    found = target.state(Related())
    assert (found.kind == READY) is ready
    assert found.text.startswith(text)
    assert target.label == "Thing t"  # the kind has no namespaces


EXPIRING: Object = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "j", "uid": "1", "resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"ttlSecondsAfterFinished": 0},
}


def job(condition: str) -> Object:
    return {**EXPIRING, "status": {"conditions": [{"type": condition, "status": "True", "message": "backoff limit"}]}}


@pytest.mark.parametrize(
    ("last", "kind", "text"),
    [
        (job("Complete"), READY, "complete"),
        (job("Failed"), FAILED, "failed: backoff limit; it is gone since"),
        (EXPIRING, WAITING, "is gone, and how it ended is not known yet"),
    ],
)
def test_of_an_expired_job_its_last_state_counts(last: Object, kind: str, text: str) -> None:
    target = targets_of([("a", EXPIRING)], [], "a", for_jobs=True)[0]
    target.saw(last)
    target.saw(None)
    found = target.state(Related())
    assert (found.kind, found.text) == (kind, text)


def test_a_feed_knows_what_was_named_and_is_gone() -> None:
    feed = watch.Feed(None, "/jobs")  # type: ignore[arg-type]
    feed.join(threading.Event(), ["j"])
    other = {**EXPIRING, "metadata": {**EXPIRING["metadata"], "name": "other"}}
    feed.offer(EXPIRING)
    feed._change(other, gone=True)
    feed._change(job("Failed"), gone=True)
    feed.offer(EXPIRING)  # an old answer
    assert (feed.get("j"), feed.gone("j"), feed.gone("other")) == (None, job("Failed"), None)
    anew = {**EXPIRING, "metadata": {**EXPIRING["metadata"], "uid": "2"}}
    feed.offer(anew)
    assert (feed.get("j"), feed.gone("j")) == (anew, None)


def told(*reasons: str) -> list[Object]:
    events = [event(reason, 1) for reason in reasons]
    return [{**item, "metadata": {"resourceVersion": str(n)}} for n, item in enumerate(events, 8)]


@pytest.mark.parametrize(
    ("events", "error", "unsure"),
    [
        (told("BackoffLimitExceeded", "SuccessfulCreate", "Completed"), "", False),
        (told("Completed", "BackoffLimitExceeded", "FailedDelete"), "hm (BackoffLimitExceeded); it is gone", False),
        (told("SuccessfulCreate"), "", True),
    ],
)
def test_of_an_expired_job_its_newest_event_counts(
    monkeypatch: pytest.MonkeyPatch, events: list[Object], error: str, unsure: bool
) -> None:
    monkeypatch.setattr(readiness_gone, "_CATCH_UP", 0.0)
    monkeypatch.setattr(readiness_gone, "_GIVE_UP", 0.1)
    monkeypatch.setattr(kstatus_pods, "AT_ONCE", 0.0)
    cluster = Cluster()
    cluster.api = Api({("batch/v1", "Job"): Resource("batch/v1", "Job", "jobs", True)}, ())
    cluster.events["involvedObject.kind=Job,involvedObject.name=j"] = events
    room = Readiness(cluster)
    with room.expecting([("a", EXPIRING)]):
        if error:
            with pytest.raises(NotReady, match=re.escape(error)):
                room.wait([("a", EXPIRING)], timeout=3.0, for_jobs=True)
        else:
            assert bool(room.wait([("a", EXPIRING)], timeout=3.0, for_jobs=True)) is unsure


def test_what_helm_has_not_got_to_is_no_failure() -> None:
    """An old object may be in trouble that the upgrade ends, and a new one is not there yet."""
    target = Target("apps/v1", "Deployment", "a", "web", by_helm=True, before=("web", 1))
    target.settle(DEPLOYMENTS)
    assert target.state(Related()) is NOT_BEGUN
    target.saw(deployment(**FAILING))
    assert target.state(Related()) is NOT_BEGUN
    changed = deployment(**FAILING)
    changed["metadata"]["generation"] = changed["status"]["observedGeneration"] = 2
    target.saw(changed)
    assert target.state(Related()).kind == FAILED


def test_beside_helm_old_objects_do_not_count() -> None:
    room = Readiness(Cluster(deployment(**FAILING)))
    targets = room.beside_helm([("a", deployment())])
    assert [target.before for target in targets] == [("web", 1)]
    began = time.monotonic()
    assert room.follow(targets, 20.0, lambda: time.monotonic() - began > 0.2) is None
    assert room.follow(targets, 0.1, lambda: False) is None  # helm is behind: its own time is not over
    assert room.trouble(targets) is None


def test_beside_helm_new_objects_count() -> None:
    cluster = Cluster()
    room = Readiness(cluster)
    targets = room.beside_helm([("a", deployment())])
    cluster.items["Deployment", "web"] = deployment(**FAILING)
    began = time.monotonic()
    assert "exceeded quota" in str(room.trouble(targets))
    assert time.monotonic() - began < 2.0  # helm has failed already: no patience
    assert "exceeded quota" in str(room.follow(targets, 20.0, lambda: False))


# -- the wait


def test_ready_at_once() -> None:
    cluster = Cluster(deployment(ready=2))
    wait(cluster, deployment())
    wait(cluster)


def test_many_of_a_kind_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [deployment(f"web-{number}", ready=2) for number in range(6)]
    cluster = Cluster(*items)
    monkeypatch.setattr(cluster, "get_or_none", None)
    wait(cluster, *items)


def test_becomes_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(deployment())
    threading.Timer(0.1, cluster.items.update, [{("Deployment", "web"): deployment(ready=2)}]).start()
    wait(cluster, deployment(), timeout=5.0)


def test_is_in_time_if_the_last_look_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that has broken unnoticed must not fail a release that is ready."""
    cluster = Cluster(deployment())
    monkeypatch.setattr(Feed, "get", lambda _self, _name: offered[-1])
    offered = [deployment()]
    monkeypatch.setattr(Feed, "offer", lambda _self, item: offered.append(item))
    threading.Timer(0.1, cluster.items.update, [{("Deployment", "web"): deployment(ready=2)}]).start()
    wait(cluster, deployment(), timeout=0.3)


def test_a_trouble_is_final_when_it_has_lasted(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Cluster(deployment(**FAILING))
    began = time.monotonic()
    with pytest.raises(NotReady, match="exceeded quota"):
        wait(refused, deployment(), timeout=20.0)
    assert 2.5 < time.monotonic() - began < 6.0


def test_a_trouble_that_comes_and_goes_is_not() -> None:
    cluster = Cluster(deployment(**FAILING))
    seconds = iter((1.5, 2.0, 3.5))
    states: Iterator[Object] = iter((deployment(), deployment(**FAILING), deployment(ready=2)))
    for second in seconds:
        threading.Timer(second, cluster.items.update, [{("Deployment", "web"): next(states)}]).start()
    wait(cluster, deployment(), timeout=20.0)


@pytest.mark.parametrize(
    ("other", "seconds"),
    [(deployment("db"), 2.0), (deployment("db", ready=2), 0.2), (deployment("db", **FAILING), 0.2)],
)
def test_what_others_may_heal_lasts_as_long_as_they_are_under_way(
    monkeypatch: pytest.MonkeyPatch, other: Object, seconds: float
) -> None:
    monkeypatch.setattr(readiness_wait, "_HEAL", 2.0)
    problem = Problem("crash", "crashes", patience=0.2, by_others=True)
    plain = Target.state

    def crashing(self: Target, related: Related) -> Any:
        found = plain(self, related)
        return readiness_wait.State("failed", "crashes", problem) if self.name == "web" else found

    monkeypatch.setattr(Target, "state", crashing)
    began = time.monotonic()
    with pytest.raises(NotReady, match="crashes"):
        wait(Cluster(deployment(), other), deployment(), other, timeout=20.0)
    assert seconds <= time.monotonic() - began < seconds + 1.0


def test_stopped() -> None:
    with pytest.raises(NotReady, match="stopped while Deployment a/web was not ready"):
        wait(Cluster(deployment()), deployment(), timeout=20.0, stopped=lambda: True)


def test_pending_while_it_waits_only() -> None:
    room = Readiness(Cluster(deployment(ready=1)))
    texts = []

    def stopped() -> bool:
        texts.append(room.pending())
        return False

    with pytest.raises(NotReady):
        room.wait([("a", deployment())], timeout=0.1, for_jobs=False, stopped=stopped)
    assert texts[0] == ["Deployment a/web: 1 of 2 pods ready"]
    assert room.pending() == []


def test_a_first_look_that_fails_is_tried_again() -> None:
    cluster = Cluster(deployment(ready=2))
    cluster.problem = Unreachable("no answer")
    threading.Timer(0.2, setattr, [cluster, "problem", None]).start()
    wait(cluster, deployment(), timeout=5.0)


def test_objects_that_may_not_be_read_are_an_error_at_once() -> None:
    cluster = Cluster(deployment(ready=2))
    cluster.problem = Forbidden("no right")
    with pytest.raises(Forbidden):
        wait(cluster, deployment(), timeout=20.0)


def test_a_kind_that_comes_during_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_REDISCOVER", 0.1)
    cluster = Cluster({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "t"}})
    known, cluster.api = cluster.api, Api({}, ())
    monkeypatch.setattr(Feed, "get", lambda self, name: self._cluster.get_or_none(f"{self._path}/{name}"))
    began = time.monotonic()

    def discover(_client: Any) -> Api:
        return known if time.monotonic() - began > 0.3 else Api({}, ())

    monkeypatch.setattr(readiness.discovery, "discover", discover)
    wait(cluster, rules=[rule("metadata.name")], timeout=5.0)
    with pytest.raises(NotReady, match="does not know its kind yet"):
        wait(cluster, rules=[rule("metadata.name", kind="Never")])


# -- messages


def trouble(item: Object, related: Related, **more: Any) -> Unready:
    return Unready("Deployment a/web", state(item, related), item, **more)


def test_a_failure_tells_reason_events_log_and_what_to_do() -> None:
    cluster = Cluster()
    crashed = pod("p", "CrashLoopBackOff", restartCount=3, lastState={"terminated": {"exitCode": 1}})
    cluster.events = {
        "web": [event("ScalingReplicaSet", 1, "Normal")],
        "rs": [event("FailedCreate", 2, count=7)],
        "p": [*(event(f"Normal{second}", second, "Normal") for second in range(3, 9)), event("BackOff", 4)],
    }
    cluster.log = "\n".join(f"previous line {number}" for number in range(30)) + "x" * 500
    made = [{"metadata": {"name": "rs", "uid": "rs", "namespace": "a"}}]
    error = failure(cluster, trouble(deployment(), Related(pods=[crashed]), made=made))  # type: ignore[arg-type]
    assert isinstance(error, ApplyError)
    head, *detail = str(error).splitlines()
    assert head.startswith("Deployment a/web cannot become ready: 0 of 2 pods ready; pod p, container main crashes")
    assert head.endswith("Its log says why; correct the values, the image or what the program needs")
    title = detail.index("Last log lines of pod p, container main, run before the last restart:")
    reasons = [line.split(": ")[1] for line in detail[1:title]]
    assert reasons == ["FailedCreate (x7)", "BackOff", "Normal6", "Normal7", "Normal8"]  # warnings stay
    log = detail[title + 1 :]
    assert len(log) == 10
    assert log[-1].startswith("  previous line 29x")
    assert len(log[-1]) <= 302
    assert error.objects == ("Deployment a/web",)


def test_the_log_of_this_run_if_there_is_none_of_the_last() -> None:
    cluster = Cluster()
    cluster.log = "this run"
    crashed = pod("p", "CrashLoopBackOff", restartCount=3)
    error = failure(cluster, trouble(deployment(), Related(pods=[crashed])))  # type: ignore[arg-type]
    assert str(error).endswith("Last log lines of pod p, container main:\n  this run")
    assert cluster.previous == [True, None]


@pytest.mark.parametrize("problem", [Forbidden("no right"), Unreachable("no answer")])
def test_what_the_cluster_does_not_tell_is_left_out(problem: Exception) -> None:
    cluster = Cluster()
    cluster.problem = problem
    error = failure(cluster, trouble(deployment(**FAILING), Related()))  # type: ignore[arg-type]
    assert len(str(error).splitlines()) == 1


def test_a_slow_cluster_does_not_hold_the_message_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_report, "_SECONDS", -1.0)
    cluster = Cluster()
    cluster.events = {"web": [event("X", 1)]}
    assert "Last events" not in str(failure(cluster, trouble(deployment(**FAILING), Related())))  # type: ignore[arg-type]


def test_a_timeout_lists_how_far_each_got() -> None:
    cluster = Cluster()
    cluster.events = {"p0": [event("Unhealthy", 1, message="Readiness probe failed")]}
    cluster.log = "waiting for requests"
    pods = [pod(f"p{number}") for number in range(2)]
    several = [
        Unready(f"Deployment a/web-{number}", state(deployment(ready=number % 2)), deployment(), pods=pods)
        for number in range(30)
    ]
    head, *lines = str(not_in_time(cluster, 300.0, several)).splitlines()  # type: ignore[arg-type]
    assert head.startswith(
        "30 objects are not ready after 300 s: "
        "Deployment a/web-0, Deployment a/web-1, Deployment a/web-2 and 27 more. Look at"
    )
    assert lines[1] == "Deployment a/web-1: 1 of 2 pods ready"
    assert sum(": 0 of 2" in line or ": 1 of 2" in line for line in lines) == 20
    assert lines.count("Last events of Deployment a/web-0:") == 1
    assert lines[-2:] == ["Last log lines of pod p0, container main:", "  waiting for requests"]


def test_a_timeout_of_one_says_it_in_the_sentence() -> None:
    error = not_in_time(Cluster(), 300.0, [Unready("Pod a/p", state(pod("p")))])  # type: ignore[arg-type]
    assert str(error).startswith("Pod a/p is not ready after 300 s: pending, not ready. Look at")


def test_a_timeout_without_the_cluster() -> None:
    cluster = Cluster()
    cluster.events = {"web": [event("X", 1)]}
    one = Unready("Deployment a/web", state(deployment()), deployment())
    error = not_in_time(cluster, 3.0, [one], Unreachable("no answer"))  # type: ignore[arg-type]
    assert str(error).endswith("The cluster does not say any more: no answer")


@pytest.mark.parametrize(
    ("cause", "reason", "expected"),
    [
        ("unschedulable", "TriggeredScaleUp", True),
        ("unschedulable", "Nominated", True),
        ("unschedulable", "FailedScheduling", False),
        ("unschedulable", "NotTriggerScaleUp", False),
        ("mount", "Pulling", True),
        ("image", "Pulling", False),
    ],
)
def test_troubles_that_events_say_are_taken_care_of(cause: str, reason: str, expected: bool) -> None:
    cluster = Cluster()
    cluster.events = {"p": [event(reason, 1, "Normal")]}
    about: Mapping[str, Any] = pod("p")
    assert is_passing(cluster, Problem(cause, "x", pod=about)) is expected  # type: ignore[arg-type]

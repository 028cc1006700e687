# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random stacks and random changes between them: check mode names exactly what the run then does.

HELMSTACK_STEPS and HELMSTACK_SEED (several, with commas) choose other steps than the few of every run. A failure names
its seed and step, and prints as they stand in CASES the steps so far, and as few of them as still show it, for which
HELMSTACK_SHRINK seconds are spent (300, or none without HELMSTACK_STEPS). What check mode cannot know is told in
docs/check_mode.md; here it means that after a failed run nothing may have changed that was not announced, and that the
next plan is true.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import EFFECTIVE, HELM, Key, Object, Snapshot, Workspace, plan_of
from shrinking import Step, shortest
from world import Generator, World

from ansible_collections.helmstack.core.plugins.module_utils.argspec import HELMSTACK
from ansible_collections.helmstack.core.plugins.module_utils.module import Invocation, perform
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY
from ansible_collections.helmstack.core.plugins.module_utils.plan import ignore
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Manifests

MAJOR = int(os.environ.get("HELMSTACK_HELM_MAJOR", "0"))
STEPS = int(os.environ.get("HELMSTACK_STEPS", "0"))
SECONDS = 12  # for random steps, unless their number is given
SHRINK = float(os.environ.get("HELMSTACK_SHRINK", "300" if STEPS else "0"))  # seconds
SEEDS = [int(seed) for seed in os.environ.get("HELMSTACK_SEED", "1").split(",")]
CORRECT = {"drift": "correct"}
ABSENT = {"state": "absent", "all": True}

# What check mode once said wrongly, as short as it shows it: acts, and the task's options.
CASES: Mapping[str, list[tuple[str, Object]]] = {
    "live edits that an upgrade takes back, deleted and kept objects, restarts": [
        ("add one a config,list,keep,secret,role; add two a deployment,random; toggle two recreatePods", {}),
        ("edit ConfigMap a one-list-2 field; edit Secret a one more; delete Role a one; value one data={}", {}),
        ("template one keep; template one list; version two", {}),
        ("", ABSENT),
        ("template one keep", {}),
    ],
    "what keeps items of Lists on an upgrade and on an uninstall, Lists of one kind, and Lists that are hooks": [
        ("add one a config,list-keep,list-kept,list-hook,policy", {}),
        ("value one port=81; delete ConfigMap a one-item-keep", {}),
        ("template one list-keep; template one list-kept; template one policy", {}),
        ("template one list-keep; template one list-kept; template one policy; value one port=82", {}),
        ("edit ConfigMap a one-in-1 field", ABSENT),
        ("value one port=83", {}),
    ],
    "objects that move to another release, one of them pruned": [
        ("add one a thing; add two a keep; add three a config", {}),
        ('template one thing; template two thing; value three suffix="-x"', {}),
        ('leave two; template three thing; value three kind="Secret"', {"prune": True}),
        ('value three kind="ConfigMap"', {"concurrency": 1}),
    ],
    "drift that is corrected runs hooks and makes random values anew": [
        ("add one a config,random,hook-install,hook-gone; add two a config,hook-stays", {}),
        ("edit ConfigMap a one field; edit ConfigMap a two owner", CORRECT),
        ("edit ConfigMap a two owner; delete Secret a one-random", {"state": "absent", "targets": ["two"]}),
    ],
    "a failed upgrade, what it has done already, and what is left when the newest revision is lost": [
        ("add one a frozen,config,bad,hook-stays", {}),
        ('value one frozen=2; value one data={"b":1}', {}),
        ('value one frozen=1; value one data={"a":0}', {}),
        ('value one data={"a":1}', {}),
        ("lose one", {}),
    ],
    "what a failed upgrade has done already, and what of it others have edited since": [
        ("add one a config,role,list,hook-job", {}),
        ('value one data={"a":1}; value one port=81; value one hook="fail"; template one service', {}),
        (
            'value one data={"a":2}; edit Role a one field; edit ConfigMap a one more; value one hook="complete"',
            CORRECT,
        ),
    ],
    "a Job that goes when it has ended, and has failed at first": [
        ('add one a config,expiring; key one waitForJobs=true; value one hook="fail"', {}),
        ("version one", {}),
        ('value one hook="complete"', {}),
        ("edit ConfigMap a one more; stamp one fingerprint", {}),
        ("value one port=82", {"drift": "report"}),
    ],
    "a first install that failed, and an upgrade of it that is taken back": [
        ("add one a list,bad; value one bad=0", {}),
        ("value one port=81; template one role", {"on_failure": "rollback"}),
        ("value one bad=80", {}),
    ],
    "a helm that was killed, and what only its revision has": [
        ("add one a config,list,role", {}),
        ('template one list; template one secret; template one account; value one data={"b":1}', {}),
        ("kill one; template one secret; value one port=81", {"pending_age": "0s"}),
    ],
    "a helm that was killed at what only a dry run can render, and what only its objects hold": [
        ("add one a config,revision,role; add two a config,list; toggle two reuseValues", {}),
        ('template one role; value one data={"a":0,"x":4}; template two list; value two data={"x":1}', {}),
        ('kill one; kill two; value one data={"a":0}; value two data={"v":1}', {"pending_age": "0s"}),
    ],
    "no values at all, with which helm keeps the last ones": [
        ("add one a config; key one resetValues=false", {}),
        ('bare one; value one data={"b":1}', {}),
        ("stamp one fingerprint", {}),
    ],
    "what is immutable and forced is made anew, unless it is to be kept": [
        ("add one a frozen,job,ip,config; toggle one force; add two a frozen,keep", {}),
        ('value one frozen=2; value one ip="None"; value two port=81', {}),
        ('value one frozen=3; value one ip=""; edit ConfigMap a one field', {"on_failure": "rollback"}),
    ],
    "namespaces that were made and are left, and what remains in one": [
        ("add one a config,hook-delete; add two b config,keep; add three b config", {}),
        ("", {"state": "absent", "targets": ["three"], "delete_namespace": True}),
        ("template one hook-delete", {"targets": ["one"]}),
        ("", {**ABSENT, "delete_namespace": True}),
    ],
    "a namespace that somebody else has made": [
        ("take Namespace - b; add one b config,hook-delete; toggle one disableHooks", {}),
        ("", ABSENT),
    ],
    "the time, the same day, and a revision that only a dry run knows": [
        ("add one a clock,today,revision; add two a today,config", {}),
        ("version one; value two port=81", {}),
    ],
    "an umbrella's parts, another environment, selected parts": [
        (
            "add all/five a config,keep,deployment; add all/six a list,random; key all/six weight=1; add one a config",
            {},
        ),
        (
            'value all/five app="-x"; toggle all recreatePods; key all/six tags=["extra"]',
            {"prune": True, "on_failure": "continue"},
        ),
        (
            'value all/five app=""; leave all/six; add six a list; key six needs=["all"]; overlay one port=81',
            {"targets": ["six"], "include_needs": True, "environment": "dev"},
        ),
        ('key one labels={"tier": "a"}', {"environment": "far", "selector": "[?labels.tier=='a']"}),
        ("leave all; key six needs=[]; template one secret", {"prune": True, "diff_ignore": [{"kind": "Secret"}]}),
    ],
    "a release that Helm 3 has made": [
        ("add one a config,role,list; add two a config,service", {}),
        ("client one; edit ConfigMap a one field; edit Role a one more; client two; value two port=81", CORRECT),
        (
            "edit ConfigMap a one more; edit ConfigMap a one field; kill one; version two",
            {"pending_age": "0s", **CORRECT},
        ),
    ],
    "what is not to be looked at is applied all the same": [
        ("add one a random,service", {}),
        ("", {"drift": "correct", "diff_ignore": [{"kind": "Service", "path": "spec.ports"}]}),
    ],
    "definitions that change, and resources of their kinds that somebody has edited": [
        ('add one a gadget,crd; toggle one upgradeCRDs; add two a gadget; key two needs=["one"]', {}),
        ("edit Gadget a one field; edit Gadget a two more; value one crd=1; value two port=81", {}),
        ("edit Gadget a one field; edit Gadget a two more; toggle two reuseValues; value one crd=2", CORRECT),
    ],
}


# Those of them that fail, by Helm's major: what the cluster refuses, edits that server-side apply stops at, and a hook
# that is there already.
FAILING: Mapping[str, tuple[int, ...]] = {
    "edit ConfigMap a one-list-2 field; edit Secret a one more; delete Role a one; value one data={}": (4,),
    'value one frozen=2; value one data={"b":1}': (3, 4),
    'value one data={"a":1}': (3,),
    "lose one": (3,),
    'add one a config,expiring; key one waitForJobs=true; value one hook="fail"': (3, 4),
    "version one": (3, 4),
    "add one a list,bad; value one bad=0": (3, 4),
    "value one port=81; template one role": (3, 4),
    'value one data={"a":1}; value one port=81; value one hook="fail"; template one service': (3, 4),
    "edit Gadget a one field; edit Gadget a two more; value one crd=1; value two port=81": (4,),
    'value all/five app="-x"; toggle all recreatePods; key all/six tags=["extra"]': (3, 4),
}


@dataclass(frozen=True)
class Answer:
    """What a task ended with; ``error`` is its message if it failed."""

    result: Object
    error: str = ""


def task(workspace: Workspace, options: Object, *, check: bool) -> Answer:
    """All that the module does, in this process: hundreds of playbooks would take an hour."""
    files = [str(workspace.root / "helmstack.yaml")]
    given = {"stack_files": files, "kubeconfig": workspace.kubeconfig, "binary_path": HELM, **options}
    defaults = {name: option.get("default") for name, option in HELMSTACK.argument_spec.items()}
    with tempfile.TemporaryDirectory(dir=workspace.temp) as folder:
        result = perform(DEPLOY, Invocation({**defaults, **given}, given, folder, check, diff=True))
    return Answer(result, str(result["msg"]) if result.get("failed") else "")


def through_a_playbook(workspace: Workspace, options: Object, *, check: bool) -> Answer:
    """The same as users do it."""
    run = workspace.run(options, check=check, code=None)
    return Answer(run.result, str(run.result["msg"]) if run.code else "")


# what happened, against what was said


def ops(result: Object) -> dict[Key, list[str]]:
    """What a plan says of each object, in the order of its releases."""
    found: dict[Key, list[str]] = defaultdict(list)
    for release in result["plan"]["releases"]:
        for item in release["objects"] if release["action"] in EFFECTIVE else ():
            found[item["kind"], item["namespace"], item["name"]].append(item["op"])
    return dict(found)


def announced(result: Object) -> dict[str, int | None]:
    """The revisions that a plan says there will be."""
    return {
        f"{release['namespace']}/{release['name']}": release["revision"]["to"]
        for release in result["plan"]["releases"]
        if release["action"] in EFFECTIVE
    }


def contents(snapshot: Snapshot, identity: str) -> list[dict[Key, Object]]:
    """What the release's newest revision, and its last that was deployed, have stored of each object."""
    history = snapshot.storage.get(identity, {})
    status = {number: item["metadata"]["labels"]["status"] for number, item in history.items()}
    good = [number for number in history if status[number] == "deployed"]
    numbers = {max(history, default=0), max(good, default=0)} - {0}
    return [_manifest(history[number]) for number in numbers if status[number] != "uninstalled"]


def _manifest(item: Object) -> dict[Key, Object]:
    body = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"]))))
    found: dict[Key, Object] = {}
    for document in yaml.load_all(body["manifest"], yaml.CSafeLoader):
        kind = document["kind"] if document else ""
        for entry in document["items"] if kind.endswith("List") else [document]:
            if entry:
                meta = entry["metadata"]
                found[
                    entry.get("kind", kind.removesuffix("List")), meta.get("namespace", body["namespace"]), meta["name"]
                ] = entry
    return found


def stored_otherwise(key: Key, before: Snapshot, after: Snapshot) -> bool:
    """Whether a release's stored content of an object is another one."""
    kind, namespace, name = key
    for identity in {*before.storage, *after.storage}:
        old, new = contents(before, identity), contents(after, identity)
        keys = {(kind, namespace or identity.partition("/")[0], name)}
        texts = [[side.get(k) for side in sides for k in keys] for sides in (old, new)]
        if any(a != b for a in texts[0] or [None] for b in texts[1] or [None]):
            return True
    return False


def looked_at(snapshot: Snapshot, rules: Sequence[Object]) -> Snapshot:
    """A snapshot without what ``diff_ignore`` names."""
    objects = {}
    for key, (uid, item) in snapshot.objects.items():
        for left in ignore.without(Manifests((item,)), rules).objects:
            objects[key] = (uid, dict(left))
    return replace(snapshot, objects=objects)


def lies(said: Mapping[Key, list[str]], before: Snapshot, after: Snapshot, *, whole: bool) -> Iterator[str]:
    """Where the plan and the cluster disagree; not ``whole``: the run failed, and need not have done everything."""
    done = after.changes_since(before)
    for key in sorted(done.keys() | said.keys()):
        op, planned = done.get(key), said.get(key, [])
        # what was done is undone, which runs these hooks: an upgrade is rolled back, an installation is uninstalled
        goes_back = not whole and key[2].endswith(("-hook-rollback", "-hook-delete"))
        goes_along = op == "remove" and ("Namespace", "", key[1]) in said
        if not planned and (goes_back or goes_along):
            continue
        if not planned:
            yield f"{key} was not announced: {op}{_difference(key, before, after)}"
        elif whole and not _true(key, op, planned, before, after):
            yield f"{key} was announced as {planned}, and became: {op}"


def misquoted(result: Object, after: Snapshot) -> Iterator[str]:
    """Where an object became what was said, but does not hold what the diff shows.

    Only of kinds that the server leaves as they are sent, and that hold nothing secret.
    """
    for entry in result["diff"]:
        said = yaml.load(entry["after"], yaml.CSafeLoader) or {}
        if said.get("kind") not in ("ConfigMap", "Role") or entry["after_header"].endswith("was deployed so"):
            continue
        identity, _colon, words = entry["before_header"].partition(": ")
        namespace, name = words.rpartition(" in ")[2], said["metadata"]["name"]
        sides = [after.objects.get((said["kind"], namespace, name), ("", {}))[1]]
        sides += [side.get((said["kind"], namespace, name), {}) for side in contents(after, identity)]
        for field in ("data", "rules"):
            if any(sides) and not any(_same(side.get(field), said.get(field)) for side in sides):
                yield f"{identity}: {words} was to have {said.get(field)}, and has {sides[0].get(field)}"


def _same(found: Any, said: Any) -> bool:
    """Whether both are the same, but for what is random or masked."""
    if isinstance(said, dict) and isinstance(found, dict):
        return said.keys() == found.keys() and all(_same(found[key], item) for key, item in said.items())
    if isinstance(said, list) and isinstance(found, list):
        return len(found) == len(said) and all(map(_same, found, said))
    return "(random)" in str(said) or "****" in str(said) or (found or None) == (said or None)


def _true(key: Key, op: str | None, planned: list[str], before: Snapshot, after: Snapshot) -> bool:
    """Whether one object became what was said of it."""
    last = planned[-1]
    if key[2].endswith(
        "-gone"
    ):  # a hook that Helm deletes when it has succeeded: what it became cannot be seen any more
        return last in ("add", "replace") and op in (None, "remove")
    if op is None:
        gone = last == "remove" and key not in before.objects
        return gone or (last == "change" and stored_otherwise(key, before, after))
    if planned == ["remove", "add"]:
        return op == "replace"
    return op == last


def _difference(key: Key, before: Snapshot, after: Snapshot) -> str:
    old, new = before.objects.get(key), after.objects.get(key)
    if not old or not new:
        return ""
    return "".join(list(_leaves("", old[1], new[1]))[:3])


def _leaves(path: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from _leaves(f"{path}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield f"\n    {path}: {old} -> {new}"


class Failed(Exception):
    """A step that shows a lie."""


@dataclass
class Play:
    """Steps, each of which must keep the promise."""

    world: World
    live: Snapshot
    error: str = ""  # of the last run
    task: Callable[..., Answer] = task

    def step(self, acts: Iterable[str], options: Object) -> None:
        """Acts, checks, runs, checks again.

        :raises Failed: the plan was not the truth.
        """
        workspace = self.world.workspace
        for act in acts:
            self.world.do(act)
        self.world.write()
        settled(workspace)
        before = workspace.snapshot()
        checked = self.task(workspace, options, check=True)
        meant = workspace.snapshot()
        _hold("check mode wrote", _differ(before.versions, meant.versions))
        done = self.task(workspace, options, check=False)
        settled(workspace)
        after = self.live = workspace.snapshot()
        self.error = done.error
        if "plan" not in checked.result:
            _hold(
                "the check failed, but not the run", [] if done.error == checked.error else [done.error, checked.error]
            )
            _hold("a run that cannot be planned wrote", _differ(before.versions, after.versions))
            return
        _hold("the run did not even begin", [done.error] if "plan" not in done.result else [])
        _hold("the run's plan is another one", _differ(plan_of(checked.result), plan_of(done.result)))
        seen = [looked_at(side, options.get("diff_ignore", ())) for side in (before, after)]
        _hold("the plan lied", list(lies(ops(checked.result), *seen, whole=not done.error)))
        partly = done.error or "diff_ignore" in options
        _hold("the diff lied", [] if partly else list(misquoted(checked.result, after)))
        self._revisions(checked.result, before.new_revisions_since(after) and after.new_revisions_since(before), done)
        again = self.task(workspace, options, check=True)
        _hold("the plan after the run cannot be made", [again.error] if again.error and not done.error else [])
        if not done.error:
            _hold("something was left to do", [*map(str, ops(again.result)), *announced(again.result)])
            _hold("changed is not so", [] if done.result["changed"] == bool(announced(checked.result)) else ["changed"])

    def _revisions(self, plan: Object, moved: Mapping[str, int | None], done: Answer) -> None:
        said = announced(plan)
        if done.error:
            _hold("a revision was not announced", [name for name in moved if name not in said])
        else:
            _hold("other revisions than announced", _differ(said, dict(moved)))


def _hold(what: str, facts: Iterable[object]) -> None:
    told = [str(fact) for fact in facts]
    if told:
        raise Failed("\n  ".join([what, *told]))


def _differ(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> list[str]:
    keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    return [f"{key}: {one.get(key)} / {other.get(key)}" for key in keys]


def settled(workspace: Workspace) -> None:
    """Namespaces that go take their time, and so do Jobs that go when they have ended."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        items = workspace.api.get("/api/v1/namespaces")["items"]
        mine = [item for item in items if item["metadata"]["name"].startswith(workspace.prefix)]
        jobs = workspace.api.get("/apis/batch/v1/jobs")["items"]
        expiring = [item for item in jobs if item["metadata"]["namespace"].startswith(workspace.prefix)]
        if not any("deletionTimestamp" in item["metadata"] for item in mine) and not any(
            item["metadata"]["name"].endswith("-expiring-gone") for item in expiring
        ):
            return
        time.sleep(0.1)


@pytest.fixture
def world(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in [name for name in os.environ if name.startswith(("K8S_AUTH", "KUBE", "HELM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(workspace.home / ".cache"))
    monkeypatch.setenv("HOME", str(workspace.home))
    return World(workspace)


@pytest.mark.parametrize("name", CASES)
def test_what_was_a_lie_once_is_none_any_more(world: World, name: str) -> None:
    play = Play(world, world.workspace.snapshot())
    for number, (acts, options) in enumerate(CASES[name]):
        try:
            play.step([act for act in acts.split("; ") if act], {"take_over": True, **options})
        except Failed as error:
            pytest.fail(f"step {number}: {error}", pytrace=False)
        assert bool(play.error) == (MAJOR in FAILING.get(acts, ())), f"step {number}: {play.error}"


@pytest.mark.parametrize("seed", SEEDS)
def test_random_plans_are_what_the_run_then_does(world: World, seed: int, tmp_path: Path) -> None:
    play = Play(world, world.workspace.snapshot())
    generator = Generator(world, seed)
    steps: list[Step] = []
    deadline = time.monotonic() + SECONDS
    for number in range(STEPS or 10):
        if not STEPS and time.monotonic() > deadline:
            break
        play.task = through_a_playbook if number == 2 else task
        steps.append((generator.acts(play.live, bool(play.error)), generator.options()))
        began = time.monotonic()
        try:
            play.step(*steps[-1])
        except Failed as error:
            few = shortest(steps, partial(_told, told=_first_line(error), folder=tmp_path), SHRINK)
            told = f"{error}\nafter\n{_as_case(steps)}\nand after\n{_as_case(few)}"
            pytest.fail(f"seed {seed}, step {number}: {told}", pytrace=False)
        if os.environ.get("HELMSTACK_VERBOSE"):
            print(number, f"{time.monotonic() - began:.1f}", *steps[-1], play.error.splitlines()[:2], flush=True)


def told_by(steps: Iterable[Step], folder: Path) -> str:
    """How the lie begins that these steps show in new namespaces; "" if they show none."""
    prefix = f"it{uuid.uuid4().hex[:6]}"
    workspace = Workspace(folder / prefix, prefix)
    try:
        play = Play(World(workspace), workspace.snapshot())
        for acts, options in steps:
            play.step(acts, options)
    except Failed as error:
        return _first_line(error)
    finally:
        workspace.clean()
    return ""


def _told(steps: list[Step], told: str, folder: Path) -> bool:
    return told_by(steps, folder) == told


def _first_line(error: Failed) -> str:
    return str(error).partition("\n")[0]


def _as_case(steps: Iterable[Step]) -> str:
    return "\n".join(f"    ({'; '.join(acts)!r}, {options!r})," for acts, options in steps)

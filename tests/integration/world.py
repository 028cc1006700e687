# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack that changes word by word: each act is a short text, so that a run of them can be kept and played again."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cluster_api import ApiError
from harness import CONFIG, DEFINITION, DEPLOYMENT, OWN_SECRET, Object, Snapshot, Workspace, set_status

NAME = '"{{ .Release.Name }}{{ .Values.suffix }}"'


def _object(kind: str, name: str, rest: str, version: str = "v1", meta: str = "") -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{meta}}}\n{rest}"


def _hook(name: str, events: str, policy: str = "") -> str:
    words = f'helm.sh/hook: "{events}"' + (f', helm.sh/hook-delete-policy: "{policy}"' if policy else "")
    data = 'data: {version: "{{ .Chart.Version }}"}\n'
    return _object("ConfigMap", f'"{{{{ .Release.Name }}}}-{name}"', data, meta=f", annotations: {{{words}}}")


HOOK_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-job"
  annotations:
    helm.sh/hook: "pre-install,post-upgrade"
    helm.sh/hook-delete-policy: "before-hook-creation,hook-failed"
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {helmstack.test/behaviour: "{{ .Values.hook }}"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}-plain"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.invalid/app:{{ .Values.frozen }}"}]
"""
EXPIRING = """\
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}-expiring-gone"}
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: 0
  template:
    metadata: {labels: {helmstack.test/behaviour: "{{ .Values.hook }}"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: registry.invalid/app}]}
"""
LIST = """\
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-list-1"}, data: {v: "{{ .Values.port }}"}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-list-2"}, data: {v: "1"}}
"""
# Kept on an upgrade by what an item says, on an uninstall by what its List says
LIST_KEEP = """\
apiVersion: v1
kind: ConfigMapList
items:
  - metadata: {name: "{{ .Release.Name }}-item-keep", annotations: {helm.sh/resource-policy: keep}}
    data: {v: "{{ .Values.port }}"}
  - metadata: {name: "{{ .Release.Name }}-item"}
"""
LIST_KEPT = """\
apiVersion: v1
kind: List
metadata: {annotations: {helm.sh/resource-policy: keep}}
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-kept"}, data: {v: "{{ .Values.port }}"}}
"""
LIST_HOOK = """\
apiVersion: v1
kind: List
metadata: {annotations: {helm.sh/hook: "pre-install,post-upgrade,pre-delete"}}
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-in-1"}, data: {v: "{{ .Values.port }}"}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-in-2"}}
"""
SPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: "{{ .Values.prefix }}-{{ .Release.Name }}-c"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: inside, namespace: "{{ .Values.prefix }}-{{ .Release.Name }}-c"}
data: {v: "{{ .Values.port }}"}
"""

_PLAIN = {
    "config": CONFIG.replace('"{{ .Release.Name }}"', NAME),
    "deployment": DEPLOYMENT.replace(
        'matchLabels: {app: "{{ .Release.Name }}"}', 'matchLabels: {app: "{{ .Release.Name }}{{ .Values.app }}"}'
    ).replace('labels: {app: "{{ .Release.Name }}"', 'labels: {app: "{{ .Release.Name }}{{ .Values.app }}"'),
    "secret": _object("Secret", NAME, "stringData: {value: {{ toJson .Values.data | quote }}}\n"),
    "service": _object("Service", NAME, "spec: {ports: [{port: {{ .Values.port }}}]}\n"),
    "ip": _object(
        "Service",
        '"{{ .Release.Name }}-ip"',
        "spec:\n  ports: [{port: 80}]\n{{ with .Values.ip }}  clusterIP: {{ . }}\n{{ end }}",
    ),
    "role": _object(
        "Role",
        NAME,
        'rules: [{apiGroups: [""], resources: [pods], verbs: [get], resourceNames: ["{{ .Values.port }}"]}]\n',
        version="rbac.authorization.k8s.io/v1",
    ),
    "account": _object("ServiceAccount", '"{{ .Release.Name }}"', ""),
    "frozen": _object(
        "ConfigMap", '"{{ .Release.Name }}-frozen"', 'immutable: true\ndata: {v: "{{ .Values.frozen }}"}\n'
    ),
    "bad": _object("Service", '"{{ .Release.Name }}-bad"', "spec: {ports: [{port: {{ .Values.bad }}}]}\n"),
    "keep": _object(
        "ConfigMap",
        '"{{ .Release.Name }}-keep"',
        'data: {v: "{{ .Values.port }}"}\n',
        meta=", annotations: {helm.sh/resource-policy: keep}",
    ),
    "thing": _object("{{ .Values.kind }}", "thing", 'data: {v: "YQ=="}\n'),
    "random": _object("Secret", '"{{ .Release.Name }}-random"', 'data: {password: "{{ randAlphaNum 20 | b64enc }}"}\n'),
    "clock": _object("ConfigMap", '"{{ .Release.Name }}-clock"', 'data: {at: "{{ now | unixEpoch }}"}\n'),
    "today": _object("ConfigMap", '"{{ .Release.Name }}-today"', """data: {on: '{{ now | date "2006-01-02" }}'}\n"""),
    "revision": _object("ConfigMap", '"{{ .Release.Name }}-revision"', 'data: {v: "{{ .Release.Revision }}"}\n'),
    "nothing": "{{/* renders to nothing */}}\n",
    "job": JOB,
    "expiring": EXPIRING,
    "list": LIST,
    "list-keep": LIST_KEEP,
    "list-kept": LIST_KEPT,
    "list-hook": LIST_HOOK,
    "policy": _object(  # any policy keeps an object on an uninstall, and only "keep" on an upgrade
        "ConfigMap", '"{{ .Release.Name }}-policy"', "", meta=", annotations: {helm.sh/resource-policy: delete}"
    ),
    "own": OWN_SECRET,
    "space": SPACE,
    "hook-install": _hook("hook-install", "pre-install,post-upgrade"),
    "hook-upgrade": _hook("hook-upgrade", "pre-upgrade", "before-hook-creation"),
    "hook-gone": _hook("hook-gone", "post-install,pre-upgrade,post-delete", "hook-succeeded"),
    "hook-both": _hook("hook-both-gone", "pre-install,pre-upgrade,pre-delete", "before-hook-creation,hook-succeeded"),
    "hook-stays": _hook("hook-stays", "post-upgrade", "hook-failed"),
    "hook-delete": _hook("hook-delete", "pre-delete"),
    "hook-rollback": _hook("hook-rollback", "pre-rollback"),
    "hook-test": _hook("hook-test", "test"),
    "hook-job": HOOK_JOB,
}
# Slow to become ready, or with effects on others, so that they are not in every release
_RARE = frozenset(("deployment", "job", "expiring", "hook-job", "space", "crd", "definition", "gadget", "hook-stays"))
FIRST = {
    "data": {"a": 0},
    "port": 80,
    "suffix": "",
    "ip": "",
    "frozen": 1,
    "bad": 80,
    "kind": "ConfigMap",
    "hook": "complete",
    "app": "",
    "crd": 0,
}
NAMES = ("one", "two", "three", "four")
SPRAYED = ("all/four", "all/five", "all/six")
TOGGLES = (
    "force disableHooks recreatePods atomic skipCRDs ignore upgradeCRDs reuseValues resetValues protected waitForJobs"
).split()
IGNORED = (
    [{"kind": "ConfigMap", "path": "data.a"}],
    [{"kind": "Role"}, {"name": "*-hook-install"}],
    [{"path": "/metadata/labels/edited"}, {"kind": "Service", "path": "spec.ports.*.port"}],
)
EDITS = ("field", "more", "label", "owner")
FAR = {"tail": "f"}  # an environment's variables: all its releases are in namespaces of their own


@dataclass
class Wanted:
    """A release as the stack has it; one whose name is ``umbrella/sub-chart`` is a part of a sprayed umbrella."""

    namespace: str
    templates: set[str]
    version: int = 0
    values: Object = field(default_factory=lambda: json.loads(json.dumps(FIRST)))
    keys: Object = field(default_factory=dict)
    bare: bool = False  # its values are the chart's own, and the stack says nothing of them


class World:
    """The stack, and those who work on the cluster besides."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.major = int(os.environ.get("HELMSTACK_HELM_MAJOR", "0"))
        self.wanted: dict[str, Wanted] = {}
        self.overlay: dict[str, Object] = {}  # of the environment dev
        self.taken: list[str] = []
        self.crd = 0  # which form of the definition all charts have
        plurals = {name: f"{workspace.prefix}{name}" for name in ("gadgets", "widgets")}
        self.templates = {
            **_PLAIN,
            "crd": DEFINITION % {"plural": plurals["gadgets"], "kind": plurals["gadgets"].capitalize()},
            "definition": DEFINITION % {"plural": plurals["widgets"], "kind": plurals["widgets"].capitalize()},
            "gadget": _object(
                plurals["gadgets"].capitalize(),
                '"{{ .Release.Name }}"',
                "spec: {port: {{ .Values.port }}}\n",
                version="example.org/v1",
            ),
        }
        self.gadget = plurals["gadgets"].capitalize()  # in acts it is "Gadget", as they are for other prefixes too
        workspace.kinds[self.gadget] = ("/apis/example.org/v1", plurals["gadgets"])

    def do(self, act: str) -> None:
        """Carries out one act; one that has nothing to act on does nothing."""
        name, release, *rest = act.split(" ", 2)
        text = rest[0] if rest else ""
        if name == "add":
            namespace, templates = text.split(" ")
            umbrella = release.partition("/")[0] if "/" in release else ""
            if umbrella:
                namespace = self.wanted.setdefault(umbrella, Wanted(namespace, set())).namespace
            self.wanted[release] = Wanted(namespace, set(templates.split(",")))
        elif name in ("edit", "delete", "take"):
            getattr(self, f"_{name}")(*f"{release} {text}".split())
        elif release in self.wanted:
            getattr(self, f"_{name}")(release, text)

    # what the stack says

    def _leave(self, release: str, text: str) -> None:
        for name in (release, *self.sub_charts(release)):
            del self.wanted[name]

    def _version(self, release: str, text: str) -> None:
        self.wanted[release].version += 1

    def _value(self, release: str, text: str) -> None:
        key, value = text.split("=", 1)
        self.wanted[release].values[key] = json.loads(value)
        if key == "crd":  # two charts that want a definition otherwise would never agree
            self.crd = json.loads(value)

    def _template(self, release: str, text: str) -> None:
        self.wanted[release].templates ^= {text}

    def _toggle(self, release: str, text: str) -> None:
        self.wanted[release].keys[text] = not self.wanted[release].keys.get(text, False)

    def _key(self, release: str, text: str) -> None:
        key, value = text.split("=", 1)
        self.wanted[release].keys[key] = json.loads(value)

    def _bare(self, release: str, text: str) -> None:
        self.wanted[release].bare ^= True

    def _overlay(self, release: str, text: str) -> None:
        key, value = text.split("=", 1)
        self.overlay.setdefault(release, {})[key] = json.loads(value)

    # what people do with helm

    def _upgrade(self, release: str, text: str) -> None:
        if self._revision(release):
            self._helm(
                "upgrade",
                release,
                "charts/" + release.replace("/", "/charts/"),
                "--reuse-values",
                "--set",
                f"data.by={text}",
            )

    def _client(self, release: str, text: str) -> None:
        """From now on helm merges on the client, as it does for releases that Helm 3 has made."""
        if self._revision(release) and self.major >= 4:
            chart = "charts/" + release.replace("/", "/charts/")
            self._helm("upgrade", release, chart, "--reuse-values", "--server-side=false")

    def _rollback(self, release: str, text: str) -> None:
        if self._revision(release) > 1:
            self._helm("rollback", release)

    def _uninstall(self, release: str, text: str) -> None:
        if self._revision(release):
            self._helm("uninstall", release, *(["--keep-history"] if text else []))

    def _stamp(self, release: str, text: str) -> None:
        if self._revision(release):
            labels = {f"helmstack.io/{text}": None}
            self.workspace.api.patch(self._storage(release), {"metadata": {"labels": labels}})

    def _lose(self, release: str, text: str) -> None:
        if self._revision(release):
            self.workspace.api.delete(self._storage(release))

    def _kill(self, release: str, text: str) -> None:
        """A helm that is killed leaves its revision pending, and the one before as it was."""
        revision = self._revision(release)
        if revision > 1 and self.wanted[release].namespace == "a":
            name = _name(release)
            set_status(self.workspace, name, revision, "pending-upgrade", {"status": "pending-upgrade"})
            with suppress(ApiError):
                set_status(self.workspace, name, revision - 1, "deployed", {"status": "deployed"})

    # what people do with kubectl

    def _edit(self, kind: str, namespace: str, name: str, how: str) -> None:
        path = self._path(kind, namespace, name)
        live = self.workspace.api.find(path)
        if live:
            self._tolerant(lambda: self.workspace.api.patch(path, _patch(live, how)), 422)

    def _delete(self, kind: str, namespace: str, name: str) -> None:
        path = self._path(kind, namespace, name)
        if self.workspace.api.find(path):
            self.workspace.api.delete(path)

    def _take(self, kind: str, namespace: str, name: str) -> None:
        """Somebody else makes an object first."""
        place = self._path(kind, namespace, "").rstrip("/")
        item = {"metadata": {"name": name if namespace != "-" else self.workspace.ns(name)}}
        if self._tolerant(lambda: self.workspace.api.create(place, item), 404, 409):
            self.taken.append(f"{kind} {namespace} {name}")

    @staticmethod
    def _tolerant(work: Callable[[], object], *codes: int) -> bool:
        """Whether the cluster has taken it; what else than these answers goes wrong is an error of the test."""
        try:
            work()
        except ApiError as error:
            if error.code not in codes:
                raise
            return False
        return True

    def _path(self, kind: str, namespace: str, name: str) -> str:
        base, plural = self.workspace.kinds[self.gadget if kind == "Gadget" else kind]
        inside = f"/namespaces/{self.workspace.ns(namespace)}" if namespace != "-" else ""
        return f"{base}{inside}/{plural}/{name}"

    def _helm(self, verb: str, release: str, *words: str) -> None:
        """What helm refuses has its effects all the same."""
        with suppress(AssertionError):
            self.workspace.helm(verb, _name(release), *words, "-n", self._namespace(release))

    def _namespace(self, release: str) -> str:
        return self.workspace.ns(self.wanted[release].namespace)

    def _revision(self, release: str) -> int:
        found = self.workspace.snapshot().releases.get(f"{self._namespace(release)}/{_name(release)}")
        return found.revision if found else 0

    def _storage(self, release: str) -> str:
        return self.workspace.secret(_name(release), self._revision(release), self.wanted[release].namespace)

    # files

    def sub_charts(self, release: str) -> list[str]:
        return [name for name in self.wanted if name.startswith(f"{release}/")]

    def write(self) -> None:
        """The stack file, its environments, and the charts."""
        plain = {name: wanted for name, wanted in self.wanted.items() if "/" not in name}
        releases = []
        for name, wanted in plain.items():
            sub_charts = self.sub_charts(name)
            shutil.rmtree(self.workspace.root / "charts" / name, ignore_errors=True)
            dependencies = [
                {"name": _name(each), "version": "1.x", "tags": self.wanted[each].keys.get("tags", [])}
                for each in sub_charts
            ]
            self._chart(name, wanted, **({"dependencies": dependencies} if sub_charts else {}))
            for each in sub_charts:
                self._chart(each.replace("/", "/charts/"), self.wanted[each])
            values = self._values(wanted) | {_name(each): self._values(self.wanted[each]) for each in sub_charts}
            given = {"set": values}
            if wanted.bare:
                self.workspace.write(f"charts/{name}/values.yaml", given.pop("set"))
            spray = {"spray": True} if sub_charts else {}
            keys: dict[str, Any] = {"timeout": "20s", "historyMax": 4, **spray, **wanted.keys}
            place = {"namespace": f"{self.workspace.prefix}${{tail}}-{wanted.namespace}"}
            releases.append(self.workspace.release(name, name, **given, **keys) | place)
        self.workspace.stack(*releases, variables={"tail": ""}, environments={"dev": {}, "far": {"variables": FAR}})
        partial = {name: _partial(item) for name, item in self.overlay.items() if name in plain}
        self.workspace.write("env/dev.yaml", {"releases": partial})

    def _chart(self, place: str, wanted: Wanted, **meta: Any) -> None:
        about = {"apiVersion": "v2", "name": _name(place), "version": f"1.{wanted.version}.0", **meta}
        self.workspace.write(f"charts/{place}/Chart.yaml", about)
        for key in sorted(wanted.templates - {"crd"}):
            self.workspace.write(f"charts/{place}/templates/{key}.yaml", self.templates[key])
        if "crd" in wanted.templates:  # no template: what it says follows the value all the same
            columns = f"      additionalPrinterColumns: {_columns(self.crd)}\n"
            self.workspace.write(f"charts/{place}/crds/crd.yaml", self.templates["crd"] + columns)

    def _values(self, wanted: Wanted) -> Object:
        return {**wanted.values, "prefix": self.workspace.prefix, "weight": wanted.keys.get("weight", 0)}


def _name(release: str) -> str:
    """The release's name in the cluster."""
    return release.rpartition("/")[2]


def _partial(said: Object) -> Object:
    """What an overlay says of a release: values, and the stack's own keys."""
    values = {key: value for key, value in said.items() if key in FIRST}
    return {"set": values, **{key: value for key, value in said.items() if key not in FIRST}}


def _columns(number: int) -> str:
    return json.dumps([{"name": f"C{number}", "type": "string", "jsonPath": ".spec.port"}] if number else [])


def _patch(live: Object, how: str) -> Object:
    """A merge patch of something that a release has set, or of something beside it."""
    if how == "label":
        return {"metadata": {"labels": {"edited": "by-hand"}}}
    if how == "owner":
        return {"metadata": {"annotations": {"meta.helm.sh/release-name": None}}}
    more = how == "more"
    if live["kind"] == "Deployment":
        return {"spec": {"minReadySeconds": 1} if more else {"replicas": 2}}
    if live["kind"] == "Service":
        ports = live["spec"]["ports"]
        return {
            "spec": {"ports": [*ports, {"port": 99, "name": "b"}]}
            if more and ports[0].get("name")
            else {"ports": [{**ports[0], "port": 98}]}
        }
    if live["kind"] == "Role":
        rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        return {"rules": [*(live.get("rules") or []), rule] if more else [rule]}
    if live["apiVersion"].startswith("example.org"):
        return {"spec": {"extra": {"by": "hand"}} if more else {"port": 99}}
    if live["kind"] in ("ConfigMap", "Secret"):
        key = "more" if more else next(iter(live.get("data") or {"more": ""}))
        return {"data": {key: "ZWRpdGVk"}}
    return {"metadata": {"annotations": {"edited": "by-hand"}}}


class Generator:
    """Draws acts, and how to run after them."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)

    def acts(self, live: Snapshot, failed: bool) -> list[str]:
        """The acts before one run; after a failure mostly what mends it."""
        if not self.world.wanted:
            return [self._add(name) for name in (*NAMES[:3], *SPRAYED[1:])]
        acts = list(self._mending()) if failed and self.random.random() < 0.8 else []
        acts += [
            self._one(self.random.choice((*NAMES, "all", *SPRAYED)), live)
            for _count in range(self.random.choice((1, 1, 2, 2, 3)))
        ]
        return [act for act in acts if act]

    def options(self) -> Object:
        """The task's options."""
        pick, draw = self.random.choice, self.random.random()
        environment = pick([{}] * 6 + [{"environment": "dev"}, {"environment": "far"}])
        if draw < 0.06:
            gone = {"state": "absent", "all": True, "delete_namespace": pick((True, False))}
            return {**gone, "take_over": True, **environment}
        if draw < 0.14 and self.world.wanted:
            return {"state": "absent", "take_over": True, **self._selection(), **environment}
        options: Object = {"concurrency": pick((1, 4)), "pending_age": "0s", "take_over": True, **environment}
        if draw < 0.45:
            options["prune"] = True
        elif draw < 0.65 and self.world.wanted:
            options |= self._selection()
        if self.random.random() < 0.2:
            options["drift"] = pick(("report", "correct"))
        if self.random.random() < 0.15:
            options["diff_ignore"] = pick(IGNORED)
        options["on_failure"] = pick(("stop", "stop", "continue", "rollback"))
        return options

    def _selection(self) -> Object:
        """A part of the stack."""
        pick, names = self.random.choice, sorted(self.world.wanted)
        part = pick(
            [
                *[{"targets": [pick(names)]}] * 3,
                {"targets": [pick(names), "*o*"]},
                {"selector": pick(["[?labels.tier=='a']", "[?description].name", "[?contains(name, 'o')]"])},
            ]
        )
        return {**part, **pick([{}, {"include_needs": True}])}

    def _add(self, name: str) -> str:
        plain = sorted(set(self.world.templates) - _RARE)
        templates = self.random.sample(plain, 4)
        templates += [key for key in sorted(_RARE) if self.random.random() < 0.08]
        return f"add {name} {self.random.choice('aaab')} {','.join(templates)}"

    def _mending(self) -> Iterator[str]:
        for name, wanted in self.world.wanted.items():
            for key in ("frozen", "bad", "hook", "ip", "kind", "app"):
                if wanted.values[key] != FIRST[key]:
                    yield f"value {name} {key}={json.dumps(FIRST[key])}"
            for key in sorted(wanted.templates & {"thing", "gadget", "hook-stays"}):
                if self.random.random() < 0.5:
                    yield f"template {name} {key}"
            if "needs" in wanted.keys:
                yield f"key {name} needs=[]"
            if wanted.keys.get("ignore"):
                yield f"toggle {name} ignore"
            if name.startswith("all/") and _name(name) in self.world.wanted:
                yield f"leave {name}"
        yield from (f"delete {taken}" for taken in self.world.taken)
        self.world.taken.clear()

    def _one(self, name: str, live: Snapshot) -> str:
        if name not in self.world.wanted:
            twin = next((other for other in self.world.wanted if other != name and _name(other) == _name(name)), None)
            if twin and self.random.random() < 0.9:  # the release moves into the umbrella, or out of it
                return f"leave {twin}"
            return self._add(name if name != "all" else SPRAYED[1])
        draw = self.random.random()
        if draw < 0.55:
            return self._stack_act(name)
        if draw < 0.75:
            return self._helm_act(name)
        return self._kubectl_act(name, live)

    def _stack_act(self, name: str) -> str:
        pick = self.random.choice
        data = {pick("abc"): self.random.randint(0, 9) for _count in range(self.random.randint(0, 3))}
        values = {
            "data": data,
            "port": self.random.randint(80, 85),
            "suffix": pick(["", "-x", "-y"]),
            "ip": pick(["", "None"]),
            "frozen": self.random.randint(1, 3),
            "bad": pick([80, 81, 0]),
            "kind": pick(["ConfigMap", "Secret"]),
            "hook": pick(["complete", "complete", "fail"]),
            "app": pick(["", "-x"]),
            "crd": self.random.randint(0, 3),
        }
        key = pick(("data", "data", "data", "port", "port", "suffix", *values))
        template = pick(sorted(set(self.world.templates) - (_RARE if self.random.random() < 0.8 else set())))
        acts = [
            *[f"value {name} {key}={json.dumps(values[key])}"] * 4,
            *[f"template {name} {template}"] * 5,
            f"version {name}",
            f"leave {name}" if len(self.world.wanted) > 2 else "",
        ]
        if "/" in name:
            tags = json.dumps(pick([[], ["extra"]]))
            return pick([*acts, f"key {name} weight={pick([0, 1])}", f"key {name} tags={tags}"])
        if name == "all":
            spray = json.dumps(pick([True, {"exclude": ["five"]}, {"prefix_releases": "p"}]))
            acts = [f"value all tags={pick(['{}', json.dumps({'extra': True})])}", f"key all spray={spray}"]
        return pick([*acts, *self._key_acts(name)])

    def _key_acts(self, name: str) -> list[str]:
        """What the stack says of how a release is deployed, and what an environment says otherwise."""
        pick = self.random.choice
        needs = pick([other for other in (*NAMES, "all") if other < name] or [""])
        return [
            *[f"toggle {name} {pick(TOGGLES)}"] * 2,
            f"bare {name}",
            f"key {name} historyMax={pick([1, 2, 5])}",
            f"key {name} needs={json.dumps([needs] if needs in self.world.wanted else [])}",
            f"key {name} labels={json.dumps(pick([{}, {'tier': 'a'}, {'tier': 'b'}]))}",
            f"key {name} description={json.dumps(pick('xy'))}",
            f"overlay {name} {pick(['port=90', 'port=91', 'ignore=true', 'ignore=false'])}",
        ]

    def _helm_act(self, name: str) -> str:
        return self.random.choice(
            [
                f"upgrade {name} {self.random.randint(0, 9)}",
                f"rollback {name}",
                f"client {name}",
                f"uninstall {name}",
                f"uninstall {name} keep",
                f"stamp {name} fingerprint",
                f"stamp {name} revision",
                f"lose {name}",
                f"kill {name}",
            ]
        )

    def _kubectl_act(self, name: str, live: Snapshot) -> str:
        prefix = self.world.workspace.prefix
        owned = sorted(
            ("Gadget" if kind == self.world.gadget else kind, namespace.removeprefix(f"{prefix}-"), known)
            for (kind, namespace, known), (_uid, item) in live.objects.items()
            if item["metadata"]["annotations"].get("meta.helm.sh/release-name") == _name(name)
            and namespace.startswith(f"{prefix}-")
        )
        if not owned or self.random.random() < 0.08:
            what = self.random.choice(["keep", "frozen"])
            return f"take ConfigMap {self.world.wanted[name].namespace} {_name(name)}-{what}"
        kind, namespace, known = self.random.choice(owned)
        if self.random.random() < 0.35:
            return f"delete {kind} {namespace} {known}"
        return f"edit {kind} {namespace} {known} {self.random.choice(EDITS)}"

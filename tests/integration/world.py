# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack that changes word by word: each act is a short text, so that a run of them can be kept and played again."""

from __future__ import annotations

import json
import random
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
LIST = """\
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-list-1"}, data: {v: "{{ .Values.port }}"}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-list-2"}, data: {v: "1"}}
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
    "deployment": DEPLOYMENT,
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
    "nothing": "{{/* renders to nothing */}}\n",
    "job": JOB,
    "list": LIST,
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
_RARE = frozenset(("deployment", "job", "hook-job", "space", "crd", "definition", "gadget", "hook-stays"))
FIRST = {
    "data": {"a": 0},
    "port": 80,
    "suffix": "",
    "ip": "",
    "frozen": 1,
    "bad": 80,
    "kind": "ConfigMap",
    "hook": "complete",
}
NAMES = ("one", "two", "three", "four")
TOGGLES = ("force", "disableHooks", "recreatePods", "atomic", "skipCRDs", "ignore")
EDITS = ("field", "more", "label", "owner")


@dataclass
class Wanted:
    """A release as the stack has it."""

    namespace: str
    templates: set[str]
    version: int = 0
    values: Object = field(default_factory=lambda: json.loads(json.dumps(FIRST)))
    keys: Object = field(default_factory=dict)


class World:
    """The stack, and those who work on the cluster besides."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.wanted: dict[str, Wanted] = {}
        self.taken: list[str] = []
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
        workspace.kinds[plurals["gadgets"].capitalize()] = ("/apis/example.org/v1", plurals["gadgets"])

    def do(self, act: str) -> None:
        """Carries out one act; one that has nothing to act on does nothing."""
        name, release, *rest = act.split(" ", 2)
        text = rest[0] if rest else ""
        if name == "add":
            namespace, templates = text.split(" ")
            self.wanted[release] = Wanted(namespace, set(templates.split(",")))
        elif name in ("edit", "delete", "take"):
            getattr(self, f"_{name}")(*f"{release} {text}".split())
        elif release in self.wanted:
            getattr(self, f"_{name}")(release, text)

    # what the stack says

    def _leave(self, release: str, text: str) -> None:
        del self.wanted[release]

    def _version(self, release: str, text: str) -> None:
        self.wanted[release].version += 1

    def _value(self, release: str, text: str) -> None:
        key, value = text.split("=", 1)
        self.wanted[release].values[key] = json.loads(value)

    def _template(self, release: str, text: str) -> None:
        self.wanted[release].templates ^= {text}

    def _toggle(self, release: str, text: str) -> None:
        self.wanted[release].keys[text] = not self.wanted[release].keys.get(text, False)

    def _key(self, release: str, text: str) -> None:
        key, value = text.split("=", 1)
        self.wanted[release].keys[key] = json.loads(value)

    # what people do with helm

    def _upgrade(self, release: str, text: str) -> None:
        if self._revision(release):
            self._helm("upgrade", release, f"charts/{release}", "--reuse-values", "--set", f"data.by={text}")

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
            set_status(self.workspace, release, revision, "pending-upgrade", {"status": "pending-upgrade"})
            with suppress(ApiError):
                set_status(self.workspace, release, revision - 1, "deployed", {"status": "deployed"})

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
        base, plural = self.workspace.kinds[kind]
        inside = f"/namespaces/{self.workspace.ns(namespace)}" if namespace != "-" else ""
        return f"{base}{inside}/{plural}/{name}"

    def _helm(self, *words: str) -> None:
        """What helm refuses has its effects all the same."""
        with suppress(AssertionError):
            self.workspace.helm(*words, "-n", self.workspace.ns(self.wanted[words[1]].namespace))

    def _revision(self, release: str) -> int:
        found = self.workspace.snapshot().releases.get(f"{self.workspace.ns(self.wanted[release].namespace)}/{release}")
        return found.revision if found else 0

    def _storage(self, release: str) -> str:
        return self.workspace.secret(release, self._revision(release), self.wanted[release].namespace)

    def write(self) -> None:
        """The stack file and the charts."""
        releases = []
        for name, wanted in self.wanted.items():
            folder = self.workspace.root / "charts" / name
            for old in [*folder.glob("templates/*"), *folder.glob("crds/*")]:
                old.unlink()
            files = {
                f"{'crds' if key == 'crd' else 'templates'}/{key}.yaml": self.templates[key]
                for key in sorted(wanted.templates)
            }
            self.workspace.chart(name, f"1.{wanted.version}.0", files=files)
            values = {**wanted.values, "prefix": self.workspace.prefix}
            keys: dict[str, Any] = {"timeout": "20s", "historyMax": 4, **wanted.keys}
            releases.append(self.workspace.release(name, name, wanted.namespace, set=values, **keys))
        self.workspace.stack(*releases)


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
            return [self._add(name) for name in NAMES[:3]]
        acts = list(self._mending()) if failed and self.random.random() < 0.8 else []
        acts += [self._one(self.random.choice(NAMES), live) for _count in range(self.random.choice((1, 1, 2, 2, 3)))]
        return [act for act in acts if act]

    def options(self) -> Object:
        """The task's options."""
        draw = self.random.random()
        if draw < 0.06:
            return {"state": "absent", "all": True}
        if draw < 0.14 and self.world.wanted:
            return {"state": "absent", "targets": [self.random.choice(sorted(self.world.wanted))]}
        options: Object = {"concurrency": self.random.choice((1, 4)), "pending_age": "0s"}
        if draw < 0.55:
            options["prune"] = True
        if draw > 0.8:
            options["drift"] = self.random.choice(("report", "correct"))
        options["on_failure"] = self.random.choice(("stop", "stop", "continue", "rollback"))
        return options

    def _add(self, name: str) -> str:
        plain = sorted(set(self.world.templates) - _RARE)
        templates = self.random.sample(plain, 4)
        templates += [key for key in sorted(_RARE) if self.random.random() < 0.08]
        return f"add {name} {self.random.choice('aaab')} {','.join(templates)}"

    def _mending(self) -> Iterator[str]:
        for name, wanted in self.world.wanted.items():
            for key in ("frozen", "bad", "hook", "ip", "kind"):
                if wanted.values[key] != FIRST[key]:
                    yield f"value {name} {key}={json.dumps(FIRST[key])}"
            for key in sorted(wanted.templates & {"thing", "gadget", "hook-stays"}):
                if self.random.random() < 0.5:
                    yield f"template {name} {key}"
            if "needs" in wanted.keys:
                yield f"key {name} needs=[]"
            if wanted.keys.get("ignore"):
                yield f"toggle {name} ignore"
        yield from (f"delete {taken}" for taken in self.world.taken)
        self.world.taken.clear()

    def _one(self, name: str, live: Snapshot) -> str:
        if name not in self.world.wanted:
            return self._add(name)
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
        }
        key = pick(("data", "data", "data", "port", "port", "suffix", *values))
        template = pick(sorted(set(self.world.templates) - (_RARE if self.random.random() < 0.8 else set())))
        needs = pick([other for other in NAMES if other < name] or [""])
        return pick(
            [
                *[f"value {name} {key}={json.dumps(values[key])}"] * 4,
                *[f"template {name} {template}"] * 5,
                f"version {name}",
                f"toggle {name} {pick(TOGGLES)}",
                f"leave {name}" if len(self.world.wanted) > 2 else "",
                f"key {name} historyMax={pick([1, 2, 5])}",
                f"key {name} needs={json.dumps([needs] if needs in self.world.wanted else [])}",
            ]
        )

    def _helm_act(self, name: str) -> str:
        return self.random.choice(
            [
                f"upgrade {name} {self.random.randint(0, 9)}",
                f"rollback {name}",
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
            (kind, namespace.removeprefix(f"{prefix}-"), known)
            for (kind, namespace, known), (_uid, item) in live.objects.items()
            if item["metadata"]["annotations"].get("meta.helm.sh/release-name") == name and namespace
        )
        if not owned or self.random.random() < 0.08:
            return f"take ConfigMap {self.world.wanted[name].namespace} {name}-{self.random.choice(['keep', 'frozen'])}"
        kind, namespace, known = self.random.choice(owned)
        if self.random.random() < 0.35:
            return f"delete {kind} {namespace} {known}"
        return f"edit {kind} {namespace} {known} {self.random.choice(EDITS)}"

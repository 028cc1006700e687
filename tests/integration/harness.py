# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder with stacks and charts, real runs of ansible-playbook on it, and what they do to the cluster."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import PIPE, STDOUT
from types import MappingProxyType
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import HelmVersion, KnownVersions, parsed
from ansible_collections.helmstack.core.plugins.module_utils.module import ModuleDefinition
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY, SPRAY
from ansible_collections.helmstack.core.plugins.module_utils.plan.approval import brief
from ansible_collections.helmstack.core.plugins.plugin_utils.in_process import run_in_process

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cluster"))

from cluster import Cluster
from cluster_api import Api, ApiError

HELM = os.environ.get("HELMSTACK_HELM", "")
KUBECONFIG = os.environ.get("HELMSTACK_KUBECONFIG", "")
ANSIBLE = os.environ.get("HELMSTACK_ANSIBLE", "")
# Where it is not that of ansible-playbook, modules are packed and started; else the action plugin calls them.
PYTHON = os.environ.get("HELMSTACK_PYTHON", "{{ ansible_playbook_python }}")
EFFECTIVE = ("install", "upgrade", "recover", "uninstall")
READY = all((HELM, KUBECONFIG, ANSIBLE))

Object = dict[str, Any]
Key = tuple[str, str, str]  # kind, namespace ("" for none), name

CORE = "/api/v1"
APPS = "/apis/apps/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
# Kinds that charts of the tests make. What controllers make of them (pods, endpoints, …) is not of interest.
KINDS: Mapping[str, tuple[str, str]] = {
    "Namespace": (CORE, "namespaces"),
    "ConfigMap": (CORE, "configmaps"),
    "Secret": (CORE, "secrets"),
    "Service": (CORE, "services"),
    "ServiceAccount": (CORE, "serviceaccounts"),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims"),
    "Deployment": (APPS, "deployments"),
    "StatefulSet": (APPS, "statefulsets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Role": (RBAC, "roles"),
    "ClusterRole": (RBAC, "clusterroles"),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
}
_MADE_BY_CONTROLLERS = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}


@dataclass(frozen=True)
class Stored:
    """A release as its newest storage object shows it."""

    revision: int
    status: str
    labels: Mapping[str, str]
    resource_version: str


@dataclass(frozen=True)
class Snapshot:
    """What the cluster holds in the namespaces of one test, and in none."""

    objects: Mapping[Key, tuple[str, Object]]  # uid, content without status
    releases: Mapping[str, Stored]
    versions: Mapping[tuple[str, str, str], str]  # resourceVersions, storage included
    storage: Mapping[str, Mapping[int, Object]]  # of each release the storage objects by revision

    def changes_since(self, before: Snapshot) -> dict[Key, str]:
        """The objects that differ, with the plan's words for it."""
        result = {}
        for key in self.objects.keys() | before.objects.keys():
            old, new = before.objects.get(key), self.objects.get(key)
            if old is None or new is None:
                result[key] = "add" if old is None else "remove"
            elif old[0] != new[0]:
                result[key] = "replace"
            elif old[1] != new[1]:
                result[key] = "change"
        return result

    def new_revisions_since(self, before: Snapshot) -> dict[str, int | None]:
        """The releases whose newest revision is another one; None: the release is gone."""
        names = self.releases.keys() | before.releases.keys()
        found = {name: (before.releases.get(name), self.releases.get(name)) for name in names}
        return {
            name: new.revision if new else None
            for name, (old, new) in found.items()
            if (old and old.revision) != (new and new.revision)
        }


@dataclass(frozen=True)
class Run:
    """One ansible-playbook run."""

    code: int
    output: str
    records: list[Object]
    times: Sequence[tuple[float, str]] = ()  # when each line of the output came

    @property
    def results(self) -> list[Object]:
        return [record["result"] for record in self.records]

    @property
    def result(self) -> Object:
        """The result of the last task."""
        return self.results[-1]

    def __getitem__(self, task: str) -> Object:
        return next(record["result"] for record in self.records if record["task"] == task)

    def shown(self, task: str) -> str:
        """What the terminal shows of a task."""
        return self.output.partition(f"\nTASK [{task}] ")[2].partition("\nTASK [")[0].partition("\nPLAY RECAP")[0]

    def how(self, task: str) -> str:
        """How a task ended: ok, failed, skipped or unreachable."""
        return str(next(record["how"] for record in self.records if record["task"] == task))


def plan_of(result: Object) -> Object:
    """A result's plan without what only a run can know."""
    plan = json.loads(json.dumps(result["plan"]))
    for release in plan["releases"]:
        for key in ("status", "duration", "error", "outcome"):
            release.pop(key)
    return plan


def objects_of(result: Object) -> dict[Key, str]:
    """The objects of a plan with what becomes of them."""
    return {
        (item["kind"], item["namespace"], item["name"]): item["op"]
        for release in result["plan"]["releases"]
        for item in release["objects"]
    }


def actions_of(result: Object) -> dict[str, str]:
    """What a plan does with each release, by name."""
    return {release["name"]: release["action"] for release in result["plan"]["releases"]}


def release_of(result: Object, name: str) -> Object:
    return next(release for release in result["plan"]["releases"] if release["name"] == name)


READ_ALL = {
    "rules": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"nonResourceURLs": ["*"], "verbs": ["get"]},
    ]
}
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data:
{{- range $key, $value := .Values.data }}
  {{ $key }}: {{ $value | toString | quote }}
{{- end }}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata:
      labels: {app: "{{ .Release.Name }}", helmstack.test/behaviour: "{{ .Values.behaviour | default "ready" }}"}
    spec:
      containers:
        - name: main
          image: registry.invalid/app:{{ .Chart.Version }}
          env: [{name: SETTING, value: "{{ .Values.setting | default "none" }}"}]
"""
# Its password stays what it is once the release is there.
OWN_SECRET = """\
{{- $old := lookup "v1" "Secret" .Release.Namespace (printf "%s-own" .Release.Name) }}
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-own"}
data: {password: "{{ if $old }}{{ $old.data.password }}{{ else }}{{ randAlphaNum 20 | b64enc }}{{ end }}"}
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %(plural)s.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: %(plural)s, singular: %(plural)sx, kind: %(kind)s}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def _called(options: Object) -> tuple[ModuleDefinition | None, Object]:
    """The module that a task's options call, if it may be called without Ansible, and its arguments."""
    if not any("." in name for name in options):
        return DEPLOY, options
    [(module, args)] = [item for item in options.items() if "." in item[0]] or [("", {})]
    only_this = set(options) <= {"name", "check_mode", module} and isinstance(args, dict)
    definitions = {"helmstack.core.helmstack": DEPLOY, "helmstack.core.helm_spray": SPRAY}
    return definitions.get(module) if only_this else None, args


@cache
def _helm_version() -> HelmVersion:
    done = subprocess.run([HELM, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=True)
    return parsed(HELM, done.stdout)


class Workspace:
    """A folder of one test, with namespaces of its own whose names begin with ``prefix``."""

    def __init__(self, root: Path, prefix: str) -> None:
        self.root = root
        self.prefix = prefix
        self.cluster = Cluster(Path(KUBECONFIG).parent)
        self.api: Api = self.cluster.api()
        self.kubeconfig = KUBECONFIG
        self.kinds = dict(KINDS)
        self.home = root / "home"
        self.local_temp = root / "local-temp"
        self.remote_temp = root / "remote-temp"
        self.temp = root / "tmp"
        for folder in (self.home, self.local_temp, self.remote_temp, self.temp):
            folder.mkdir(parents=True)
        # else each workspace would ask helm once more
        KnownVersions(str(self.home / ".cache" / "helmstack")).store(HELM, _helm_version())

    # files

    def write(self, name: str, content: Any) -> Path:
        """A file of text or, from data, of JSON, which is YAML too."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content) if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    def chart(self, name: str, version: str = "1.0.0", files: Mapping[str, Any] | None = None, **meta: Any) -> Path:
        """A chart in charts/<name>; without files it has one ConfigMap made of the values below ``data``."""
        folder = f"charts/{name}"
        self.write(f"{folder}/Chart.yaml", {"apiVersion": "v2", "name": name, "version": version, **meta})
        for file, content in (files if files is not None else {"templates/config.yaml": CONFIG}).items():
            self.write(f"{folder}/{file}", content)
        return self.root / folder

    def release(self, name: str, chart: str = "app", namespace: str = "a", **keys: Any) -> Object:
        return {"name": name, "namespace": self.ns(namespace), "chart": f"./charts/{chart}", **keys}

    def stack(self, *releases: Object, file: str = "helmstack.yaml", **keys: Any) -> Path:
        content = {"name": self.prefix, "helmDefaults": {"createNamespace": True}, "releases": list(releases), **keys}
        return self.write(file, content)

    def ns(self, suffix: str) -> str:
        return f"{self.prefix}-{suffix}"

    # runs

    def run(
        self,
        *tasks: Object,
        check: bool = False,
        diff: bool = True,
        args: Iterable[str] = (),
        inventory: str | None = None,
        play: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        code: int | None = 0,
        playbook: str = "playbook.yml",
        beside: Callable[[subprocess.Popen[str]], None] | None = None,
    ) -> Run:
        """Runs tasks in one play against localhost.

        :arg beside: is called in a thread with the process, which then has a session of its own.
        :arg playbook: another one than that of the tasks.
        :arg code: what ansible-playbook must end with; None: anything.
        """
        task_list = [self.task(task) for task in tasks] or [self.task({})]
        whole = {"hosts": "all", "gather_facts": False, "tasks": task_list, **(play or {})}
        self.write("playbook.yml", [whole])
        self.write("inventory", inventory or "localhost ansible_connection=local\n")
        record = self.root / "record.jsonl"
        record.unlink(missing_ok=True)
        words = [
            f"{ANSIBLE}/ansible-playbook",
            "-i",
            "inventory",
            "-e",
            json.dumps({"ansible_python_interpreter": PYTHON}),
        ]
        words += [*(["--check"] if check else []), *(["--diff"] if diff else []), *args, playbook]
        with subprocess.Popen(
            words,
            cwd=self.root,
            env=self.environ(env or {}),
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
            start_new_session=beside is not None,
        ) as done:
            if beside:
                threading.Thread(target=beside, args=(done,), daemon=True).start()
            times = [(time.time(), line.rstrip("\n")) for line in done.stdout or ()]
        output = "".join(f"{line}\n" for _at, line in times)
        lines = record.read_text().splitlines() if record.exists() else []
        if code is not None and done.returncode != code:
            raise AssertionError(f"ansible-playbook ended with {done.returncode}\n{output}")
        return Run(done.returncode, output, [json.loads(line) for line in lines], times)

    def check(self, **options: Any) -> Object:
        """The result of one task in check mode."""
        return self.one(options, check=True)

    def deploy(self, **options: Any) -> Object:
        """The result of one task."""
        return self.one(options, check=False)

    def fail(self, *, check: bool = False, **options: Any) -> str:
        """The message of one task that must fail, and must not crash."""
        if self.is_plain(options):
            result = self._in_process(options, check=check)
            assert result.get("failed"), result
            return str(result["msg"])
        run = self.run(options, check=check, code=2)
        assert "Traceback" not in run.output, run.output
        return str(run.result["msg"])

    def attempt(self, *, check: bool = False, **options: Any) -> Object:
        """The result of one task, whether it fails or not."""
        if not self.is_plain(options):
            return self.run(options, check=check, code=None).result
        return self._in_process(options, check=check)

    def results(
        self, *tasks: Object, check: bool = False, env: Mapping[str, str] | None = None, code: int = 0
    ) -> list[Object]:
        """The results of tasks, one after the other; without a playbook where none of them needs Ansible itself.

        :arg code: 2: the last of them fails.
        """
        listed = tasks or ({},)
        if not all(self.is_plain(task) for task in listed):
            return self.run(*listed, check=check, env=env, code=code).results
        found: list[Object] = []
        for task in listed:
            found.append(self._in_process(task, check=check or bool(task.get("check_mode")), env=env or {}))
            if found[-1].get("failed"):
                assert code, found[-1]["msg"]
                return found
        assert not code, "no task has failed"
        return found

    def one(self, options: Object, *, check: bool) -> Object:
        """The result of one task that must succeed; without a playbook where Ansible itself is not what is tested."""
        if not self.is_plain(options):
            return self.run(options, check=check).result
        result = self._in_process(options, check=check)
        assert not result.get("failed"), result["msg"]
        return result

    def is_plain(self, options: Object) -> bool:
        """Whether the module alone does the same as a playbook: there is nothing for templates, vaults and search."""
        if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
            return False
        definition, args = _called(options)
        if "{{" in json.dumps(options) or args.get("remote_src") or isinstance(args.get("kubeconfig"), Mapping):
            return False
        if definition is None or not set(args) <= definition.spec.names:
            return False
        texts = (path.read_bytes() for path in self.root.glob("**/*.y*ml*") if path.is_file() and self._is_input(path))
        return not any(b"!vault" in text or b"$ANSIBLE_VAULT" in text for text in texts) and not any(
            self._is_input(path) for path in self.root.glob("**/*.j2")
        )

    def _is_input(self, path: Path) -> bool:
        return not {self.home, self.local_temp, self.remote_temp, self.temp} & set(path.parents)

    def _in_process(self, options: Object, *, check: bool, env: Mapping[str, str] = MappingProxyType({})) -> Object:
        """What the module says, called in this process as the action plugin calls it."""
        definition, given = _called(options)
        assert definition is not None
        args = {**self.connection, **given} if definition is DEPLOY else dict(given)
        if definition is DEPLOY:
            named = args.pop("stack_files", None) or args.pop("stack_file", None) or args.pop("file", None) or ["."]
            args["stack_files"] = [str(self.root / file) for file in ([named] if isinstance(named, str) else named)]
        if "expected_plan" in args:
            args["expected_plan"] = brief(args["expected_plan"])
        before, environ = os.getcwd(), dict(os.environ)
        os.chdir(self.root)
        os.environ.clear()
        os.environ.update(self.environ(env))
        try:
            return run_in_process(definition, args, folder=str(self.local_temp), check_mode=check, diff=True)
        except HelmstackError as error:
            return {"failed": True, "msg": str(error)}
        finally:
            os.environ.clear()
            os.environ.update(environ)
            os.chdir(before)

    def task(self, options: Object) -> Object:
        """A task of the module helmstack from its options; what has a name of a module in it is a task already."""
        if any("." in key for key in options):
            return options
        return {"name": "deploy", "helmstack.core.helmstack": {**self.connection, **options}}

    @property
    def connection(self) -> Object:
        return {"kubeconfig": self.kubeconfig, "binary_path": HELM}

    def environ(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The environment of runs: no settings of this machine, and all that is written stays in the workspace."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH", "KUBE", "HELM_"))}
        return {
            **env,
            "HOME": str(self.home),
            "TMPDIR": str(self.temp),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.local_temp),
            "ANSIBLE_REMOTE_TEMP": str(self.remote_temp),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_NOCOLOR": "1",
            "HELMSTACK_RECORD": str(self.root / "record.jsonl"),
            **extra,
        }

    def helm(self, *words: str) -> str:
        """Helm by hand."""
        return self.helm_plain(*words, "--kubeconfig", self.kubeconfig)

    def helm_plain(self, *words: str) -> str:
        """Helm by hand, without a cluster."""
        done = subprocess.run(
            [HELM, *words],
            cwd=self.root,
            env=self.environ({}),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # the cluster

    def snapshot(self) -> Snapshot:
        with ThreadPoolExecutor(max_workers=6) as pool:
            lists = dict(zip(self.kinds, pool.map(self._listed, self.kinds.values())))
        objects: dict[Key, tuple[str, Object]] = {}
        releases: dict[str, Stored] = {}
        versions = {}
        storage: dict[str, dict[int, Object]] = {}
        for kind, found in lists.items():
            for item in found.get("items", ()):
                meta = item["metadata"]
                key = (kind, meta.get("namespace", ""), meta["name"])
                if not self._is_mine(key):
                    continue
                if kind not in ("Deployment", "StatefulSet", "Job", "Namespace"):  # whose status controllers write
                    versions[key] = meta["resourceVersion"]
                if item.get("type") == "helm.sh/release.v1":
                    labels = meta["labels"]
                    storage.setdefault(f"{meta['namespace']}/{labels['name']}", {})[int(labels["version"])] = item
                    _newest(releases, item)
                else:
                    objects[key] = (meta["uid"], _content(kind, item))
        return Snapshot(objects, releases, versions, storage)

    def _listed(self, place: tuple[str, str]) -> Object:
        for _attempt in range(20):
            try:
                return self.api.find("/".join(place))
            except ApiError as error:
                if error.code != 429:  # a kind that has just come or gone
                    raise
                time.sleep(0.2)
        raise AssertionError(f"{place} cannot be listed")

    def _is_mine(self, key: Key) -> bool:
        kind, namespace, name = key
        if (kind, name) in _MADE_BY_CONTROLLERS:
            return False
        return (namespace or name).startswith(self.prefix)

    def secret(self, release: str, revision: int, namespace: str = "a") -> str:
        """The API path of a release's storage object."""
        return f"{CORE}/namespaces/{self.ns(namespace)}/secrets/sh.helm.release.v1.{release}.v{revision}"

    def clean(self) -> None:
        groups: set[str] = set()
        for kind in ("Namespace", "ClusterRole", "CustomResourceDefinition"):
            path = "/".join(KINDS[kind])
            for item in self.api.get(path)["items"]:
                if item["metadata"]["name"].startswith(self.prefix):
                    groups |= {item["spec"]["group"]} if kind == "CustomResourceDefinition" else set()
                    try:
                        self.api.delete(f"{path}/{item['metadata']['name']}")
                    except ApiError as error:
                        if error.code not in (404, 409):
                            raise
        self._wait_until_gone(groups)

    def _wait_until_gone(self, groups: set[str]) -> None:
        """APIs that go a little later would change what the next test's templates see between its check and its run."""
        deadline = time.monotonic() + 20
        while groups and time.monotonic() < deadline:
            kinds = {
                item["spec"]["group"] for item in self.api.get("/".join(KINDS["CustomResourceDefinition"]))["items"]
            }
            groups &= kinds | {group["name"] for group in self.api.get("/apis")["groups"]}
            time.sleep(0.1 if groups else 0)


def _newest(releases: dict[str, Stored], item: Object) -> None:
    labels = item["metadata"]["labels"]
    name = f"{item['metadata']['namespace']}/{labels['name']}"
    stored = Stored(int(labels["version"]), labels["status"], labels, item["metadata"]["resourceVersion"])
    if name not in releases or releases[name].revision < stored.revision:
        releases[name] = stored


def _content(kind: str, item: Object) -> Object:
    """An object without what the server keeps for itself."""
    meta = {
        key: value
        for key, value in item["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp")
    }
    # a controller's counter, not what anybody asked for
    annotations = {
        key: value for key, value in meta.get("annotations", {}).items() if "deployment.kubernetes.io" not in key
    }
    return {
        **{key: value for key, value in item.items() if key != "status"},
        "kind": kind,
        "metadata": {**meta, "annotations": annotations},
    }


def exact(workspace: Workspace, **options: Any) -> Object:
    """Checks, runs, checks again, and holds the plan against what really changed; returns the run's result.

    That check mode writes nothing is a test of its own.
    """
    before = workspace.snapshot()
    if workspace.is_plain(options):
        checked, result, again = (workspace.one(options, check=check) for check in (True, False, True))
    else:
        task = workspace.task(options)
        steps = {**task, "check_mode": True}, task, {**task, "check_mode": True}
        checked, result, again = workspace.run(*steps).results
    after = workspace.snapshot()
    assert plan_of(checked) == plan_of(result)
    assert checked["changed"] == result["changed"]
    assert checked["diff"] == result["diff"]
    assert after.changes_since(before) == objects_of(result)
    announced = {
        f"{release['namespace']}/{release['name']}": release["revision"]["to"]
        for release in result["plan"]["releases"]
        if release["action"] in EFFECTIVE
    }
    assert after.new_revisions_since(before) == announced
    assert result["changed"] == bool(announced)
    assert again["changed"] is False, again["plan"]
    assert objects_of(again) == {}
    return result


def reader(workspace: Workspace) -> str:
    """The kubeconfig of a user who may only read."""
    name = f"{workspace.prefix}-reader"
    workspace.api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, **READ_ALL})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}
    workspace.api.create(
        f"{RBAC}/clusterrolebindings", {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
    )
    return str(workspace.cluster.kubeconfig_for("reader"))


def rewritten(workspace: Workspace, path: str, change: Callable[[Object], Object], labels: Object) -> None:
    """Makes another release of a stored one."""
    item = workspace.api.get(path)
    body = change(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"])))))
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    workspace.api.patch(path, {"metadata": {"labels": labels}, "data": {"release": packed}})


def set_status(workspace: Workspace, name: str, revision: int, status: str, labels: Object) -> None:
    """Makes a stored revision look as a killed helm leaves it: in its labels and in its body."""
    rewritten(
        workspace,
        workspace.secret(name, revision),
        lambda body: {**body, "info": {**body["info"], "status": status}},
        labels,
    )


def reword(workspace: Workspace, path: str, old: str, new: str) -> None:
    """Replaces a text in a stored release's manifest."""
    rewritten(workspace, path, lambda body: {**body, "manifest": body["manifest"].replace(old, new)}, {})

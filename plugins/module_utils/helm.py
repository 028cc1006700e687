# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that starts helm: argument lists, an environment of its own, Helm 3.14 and later, Helm 4."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO, Any

from ansible_collections.helmstack.core.plugins.module_utils import post_renderer
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard

# Of the user's Helm settings only those that say where releases lie, which plugins there are, and how fast to ask.
_KEPT = {"HELM_DRIVER", "HELM_DRIVER_SQL_CONNECTION_STRING", "HELM_BURST_LIMIT", "HELM_QPS"}
# client-go falls back on these when a kubeconfig names no cluster; which cluster is meant must never be a guess.
_CLUSTER = {"KUBECONFIG", "KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
_NOWHERE = "http://127.0.0.1:0"
_FILE_GUARD = 900.0  # seconds for what does not wait for a cluster
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_IMMUTABLE = re.compile(r"field is immutable|is immutable after creation|Forbidden: updates to statefulset spec")
_APIS_AN_ARGUMENT = 300  # Linux allows 128 KiB for one (MAX_ARG_STRLEN)
_GRACE = 30.0  # seconds that an interrupted helm gets to record what it did
_HEEDLESS = ("rollback", "uninstall")  # an interrupt kills these at once, so they shall come to their end


@dataclass(frozen=True, order=True)
class HelmVersion:
    """The version of a helm program."""

    major: int
    minor: int
    patch: int

    @property
    def text(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


OLDEST = HelmVersion(3, 14, 0)


class HelmFailure(HelmError):
    """Helm ran and failed; ``words`` is what it said, cleaned, ``code`` its exit code (negative: a signal's)."""

    def __init__(self, what: str, words: str, code: int, hint: str = "") -> None:
        first, dummy, rest = words.partition("\n")
        super().__init__(f"{what}: {first}" if first else what, hint=hint, detail=rest)
        self.words = words
        self.code = code


@dataclass(frozen=True)
class TemplateArgs:
    """What ``helm template`` is to render; ``values`` are files in Helm's order."""

    release: str
    namespace: str
    chart: str
    values: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()  # for --set, over the values
    kube_version: str | None = None
    api_versions: tuple[str, ...] = ()
    is_upgrade: bool = False
    include_crds: bool = False
    look_up: bool = False  # templates may look live objects up, in the cluster of the kubeconfig
    disable_hooks: bool = False
    skip_tests: bool = False
    post_renderer: str | None = None
    time_zone: str | None = None  # a file as tzfile(5) describes it: what is local time for templates
    names: Mapping[str, str] = field(default_factory=dict)  # path -> what the user calls it, for messages


@dataclass(frozen=True)
class UpgradeArgs:
    """What ``helm upgrade --install`` is to do; names and meanings are those of Helm's flags, timeout in seconds."""

    release: str
    namespace: str
    chart: str
    values: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()  # for --set, over the values
    wait: bool = False
    wait_for_jobs: bool = False
    timeout: int = 300
    force: bool = False
    atomic: bool = False
    create_namespace: bool = False
    history_max: int = 10
    disable_hooks: bool = False
    skip_crds: bool = False
    reuse_values: bool = False
    reset_values: bool = False
    post_renderer: str | None = None
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    disable_openapi_validation: bool = False
    force_conflicts: bool = False  # Helm 4, server-side apply: what others have changed becomes ours again
    time_zone: str | None = None  # as in TemplateArgs
    history: str | None = None  # a file with releases that helm takes for all there are
    names: Mapping[str, str] = field(default_factory=dict)


class Interrupt:
    """Ends one helm process from another thread; helm gets the chance to record what became of its release."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    def __call__(self) -> None:
        with self._lock:
            self._asked = True
            self._signal()

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """This is the process; it ends at once if that was asked for before."""
        with self._lock:
            self._process = process
            self._signal()

    def _signal(self) -> None:
        if self._asked and self._process:
            self._process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class _Answer:
    code: int
    out: str
    err: str


class Helm:
    """One helm binary with an environment of its own; its methods may be called from several threads at once.

    :arg binary: a path or a name in PATH; ``None`` is ``helm``.
    :arg home: a private folder of the run for all that Helm keeps; the user's own settings stay untouched.
    :arg kubeconfig: the one file that says which cluster; without it no process can reach any.
    :arg environ: the environment to start from, this process' own by default.
    :arg cache: a folder that outlives the run, for the binary's version; None: it is asked each run.
    :arg guard: looks after the processes if this one is killed.
    """

    def __init__(
        self,
        binary: str | None,
        home: str,
        kubeconfig: str | None,
        context: str | None = None,
        environ: Mapping[str, str] | None = None,
        cache: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._cache = cache
        self._guard = guard
        self._asking = threading.Lock()
        self._asked = binary or "helm"
        self.home = home
        os.makedirs(home, mode=0o700, exist_ok=True)
        self._environ = environment(os.environ if environ is None else environ, home, kubeconfig, context)
        self._lock = threading.Lock()
        self._version: HelmVersion | None = None
        self._running: dict[subprocess.Popen[bytes], bool] = {}  # whether it heeds an interrupt
        self._started = 0

    @property
    def repository_config(self) -> str:
        """The file that says which chart repositories there are."""
        return os.path.join(self.home, "config", "repositories.yaml")

    @property
    def repository_cache(self) -> str:
        """The folder where Helm keeps the repositories' index files."""
        return os.path.join(self.home, "cache", "repository")

    @property
    def processes(self) -> int:
        """How many helm processes have been started so far."""
        with self._lock:
            return self._started

    @property
    def binary(self) -> str:
        """The program's path.

        :raises HelmError: there is no such program.
        """
        found = shutil.which(self._asked, path=self._environ.get("PATH"))
        if found is None:
            searched = "" if os.sep in self._asked else f" in PATH ({self._environ.get('PATH', '')})"
            raise HelmError(
                f"the program '{self._asked}' is not found{searched}",
                hint=f"Install Helm {OLDEST.major}.{OLDEST.minor} or later, or say with binary_path where it is",
            )
        return os.path.abspath(found)

    @property
    def version(self) -> HelmVersion:
        """The program's version, asked once.

        :raises HelmError: helm is missing, does not say its version, or is older than 3.14.
        """
        with self._asking:
            if self._version is None:
                self._version = self._known_version() or self._ask_version()
            return self._version

    def post_renderer(self, name: str) -> str:
        """What tells whether a post-renderer is still the same, wherever it lies."""
        return post_renderer.digest(name, self.version.major, self._environ)

    def _known_version(self) -> HelmVersion | None:
        """What this very file said when it was last asked."""
        try:
            with open(self._note(), encoding="ascii") as file:
                match = _VERSION.match(file.read())
        except (OSError, ValueError):
            return None
        return HelmVersion(*(int(part) for part in match.groups())) if match else None

    def _note(self) -> str:
        """The file for the version of the binary as it is now; "" if nothing is kept."""
        if self._cache is None:
            return ""
        found = os.stat(self.binary)
        key = f"{self.binary}\n{found.st_size}\n{found.st_mtime_ns}\n{found.st_ino}"
        return os.path.join(self._cache, f"helm-version-{hashlib.sha256(key.encode()).hexdigest()[:20]}")

    def _ask_version(self) -> HelmVersion:
        binary = self.binary
        said = self._run(["version", "--template", "{{.Version}}"], f"'{binary}' does not say its version").strip()
        match = _VERSION.match(said)
        if not match:
            raise HelmError(f"'{binary}' does not say its version as Helm does: '{said[:80]}'", hint="Is it Helm?")
        version = HelmVersion(*(int(part) for part in match.groups()))
        if version < OLDEST:
            raise HelmError(
                f"'{binary}' is Helm {version.text}, but {OLDEST.major}.{OLDEST.minor} or later is needed",
                hint="Install a newer Helm, or say with binary_path where one is",
            )
        self._keep(version)
        return version

    def _keep(self, version: HelmVersion) -> None:
        with contextlib.suppress(OSError):
            if self._cache is not None:
                os.makedirs(self._cache, mode=0o700, exist_ok=True)
                with open(self._note(), "w", encoding="ascii") as file:
                    file.write(version.text)

    def template(self, args: TemplateArgs, warnings: list[str] | None = None) -> str:
        """The manifests of a release, hooks included, in Helm's order; no cluster is asked but for ``look_up``.

        :arg warnings: gets what Helm warned of.
        :raises HelmFailure: with release, template and line in Helm's own words.
        """
        argv = ["template", "--namespace", args.namespace, *_values(args.values), *_sets(args.sets)]
        if args.kube_version:
            argv += ["--kube-version", args.kube_version]
        for start in range(0, len(args.api_versions), _APIS_AN_ARGUMENT):
            argv += ["--api-versions", ",".join(args.api_versions[start : start + _APIS_AN_ARGUMENT])]
        if args.post_renderer:
            argv += ["--post-renderer", args.post_renderer]
        argv += _switches(
            ("--is-upgrade", args.is_upgrade),
            ("--include-crds", args.include_crds),
            ("--dry-run=server", args.look_up),
            ("--no-hooks", args.disable_hooks),
            ("--skip-tests", args.skip_tests),
        )
        what = f"{_release(args)} cannot be rendered"
        argv += ["--", args.release, args.chart]
        return self._run(argv, what, names=args.names, warnings=warnings, environ=_time_zone(args))

    def upgrade(self, args: UpgradeArgs, warnings: list[str] | None = None, interrupt: Interrupt | None = None) -> int:
        """Installs or upgrades a release and returns its new revision.

        :raises HelmFailure: helm failed; what it had done till then stays (see ``atomic``).
        """
        what = f"{_release(args)} cannot be applied"
        return int(self._upgrade([], args, what, warnings, interrupt)["version"])

    def dry_run(self, args: UpgradeArgs, warnings: list[str] | None = None) -> dict[str, Any]:
        """What :meth:`upgrade` would make: Helm's release record with manifest, hooks, config and version.

        Unlike :meth:`template` it knows live objects and the revision; nothing is changed.
        """
        record = self._upgrade(["--dry-run=server"], args, f"{_release(args)} cannot be rendered", warnings)
        record.pop("chart", None)
        return record

    def _upgrade(
        self,
        extra: list[str],
        args: UpgradeArgs,
        what: str,
        warnings: list[str] | None,
        interrupt: Interrupt | None = None,
    ) -> dict[str, Any]:
        argv = ["upgrade", "--install", "--output", "json", *extra, *upgrade_options(args, self.version.major)]
        guard = _guard(args.timeout)
        argv += ["--", args.release, args.chart]
        out = self._run(
            argv,
            what,
            guard=guard,
            names=args.names,
            warnings=warnings,
            interrupt=interrupt,
            environ=_time_zone(args) | _storage(args),
        )
        try:
            record = json.loads(out[out.index("{") :])
        except ValueError:
            raise HelmError(f"{what}: helm's answer is not JSON") from None
        return dict(record)

    def rollback(
        self,
        release: str,
        namespace: str,
        revision: int,
        *,
        wait: bool = False,
        wait_for_jobs: bool = False,
        timeout: int = 300,
        force: bool = False,
        disable_hooks: bool = False,
        history_max: int = 10,
        warnings: list[str] | None = None,
    ) -> None:
        """Makes an old revision the newest one; 0 is the one before the last."""
        argv = ["rollback", "--namespace", namespace, "--timeout", f"{timeout}s", "--history-max", str(history_max)]
        argv += _switches(("--wait", wait), ("--wait-for-jobs", wait_for_jobs), ("--no-hooks", disable_hooks))
        argv += _force(force, self.version.major)
        what = f"release {namespace}/{release} cannot be rolled back to revision {revision}"
        self._run([*argv, "--", release, str(revision)], what, guard=_guard(timeout), warnings=warnings)

    def uninstall(
        self,
        release: str,
        namespace: str,
        *,
        wait: bool = False,
        timeout: int = 300,
        disable_hooks: bool = False,
        keep_history: bool = False,
        warnings: list[str] | None = None,
        interrupt: Interrupt | None = None,
    ) -> None:
        """Removes a release and its objects; one that is gone already is no error."""
        argv = ["uninstall", "--ignore-not-found", "--namespace", namespace, "--timeout", f"{timeout}s"]
        argv += _switches(("--wait", wait), ("--no-hooks", disable_hooks), ("--keep-history", keep_history))
        what = f"release {namespace}/{release} cannot be uninstalled"
        self._run([*argv, "--", release], what, guard=_guard(timeout), warnings=warnings, interrupt=interrupt)

    def dependency_build(self, chart_dir: str, repository_config: str | None = None) -> None:
        """Fills ``charts/`` of a chart's folder from its lock file, or without one from Chart.yaml.

        Index files must lie in the cache already; so repositories that this chart does not need are not asked.
        """
        argv = ["dependency", "build", "--skip-refresh"]
        if repository_config:
            argv += ["--repository-config", repository_config]
        self._run(
            [*argv, "--", chart_dir], f"the dependencies of chart {os.path.basename(chart_dir)} cannot be fetched"
        )

    def pull(
        self, reference: str, folder: str, version: str | None = None, *, devel: bool = False, insecure: bool = False
    ) -> None:
        """Downloads a chart's archive into a folder.

        :arg insecure: here Helm does not look at what repositories.yaml says of it.
        """
        argv = ["pull", "--destination", folder, *(["--version", version] if version else [])]
        argv += _switches(("--devel", devel and not version), ("--insecure-skip-tls-verify", insecure))
        wanted = f"{reference} {version}" if version else reference
        self._run([*argv, "--", reference], f"chart {wanted} cannot be fetched")

    def repo_update(self, name: str) -> str:
        """Downloads the index file of a repository; returns why that failed, or "".

        Helm 3 ends with exit code 0 either way; the reason stands in what both print.
        """
        answer = self._start(["repo", "update", name], _FILE_GUARD)
        failed = re.search(r"Unable to get an update from the .*\n\t(.*)", answer.out)
        if failed:
            return without_credentials(failed[1])
        return (words(answer.err) or f"helm ended with exit code {answer.code}") if answer.code else ""

    def chart_versions(self, reference: str) -> list[str]:
        """All versions of ``repository/chart`` in the cached index file, newest first."""
        out = self._run(
            ["search", "repo", reference, "--versions", "--devel", "--output", "json"],
            f"the versions of chart {reference} cannot be listed",
        )
        return [item["version"] for item in json.loads(out or "[]") if item["name"] == reference]

    def terminate_all(self) -> None:
        """Ends every running helm, which gets the chance to record what became of its release."""
        with self._lock:
            running = dict(self._running)
        for process, heeds in running.items():
            if heeds:
                process.send_signal(signal.SIGINT)
            last = threading.Timer(_GRACE, process.kill)
            last.daemon = True
            last.start()

    def _run(
        self,
        argv: list[str],
        what: str,
        *,
        guard: float = _FILE_GUARD,
        names: Mapping[str, str] | None = None,
        warnings: list[str] | None = None,
        interrupt: Interrupt | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        answer = self._start(argv, guard, interrupt, environ)
        if answer.code:
            said = _called(words(answer.err), names or {}) or f"helm ended with exit code {answer.code}"
            raise HelmFailure(what, said, answer.code, _hint(said))
        if warnings is not None:
            warnings += [_called(warning, names or {}) for warning in warnings_in(answer.err)]
        return answer.out

    def _start(
        self,
        argv: list[str],
        guard: float,
        interrupt: Interrupt | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> _Answer:
        # not pipes: helm would die of what it cannot write when this process is killed, instead of finishing its work
        with tempfile.TemporaryFile(dir=self.home) as out, tempfile.TemporaryFile(dir=self.home) as err:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [self.binary, *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**self._environ, **environ},
                cwd=self.home,
                start_new_session=True,  # signals to our group are ours to pass on, each helm in its own way
            )
            with self._watched(process, argv[0] not in _HEEDLESS) as heeds:
                if interrupt:
                    interrupt.attach(process)
                _finish(process, guard, heeds)
            return _Answer(process.returncode, _text(out), _text(err))

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen[bytes], heeds: bool) -> Iterator[bool]:
        with self._lock:
            self._started += 1
            self._running[process] = heeds
        if self._guard:
            self._guard.begins(process.pid, heeds=heeds)
        try:
            yield heeds
        finally:
            if self._guard:
                self._guard.ends(process.pid)
            with self._lock:
                del self._running[process]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _finish(process: subprocess.Popen[bytes], guard: float, heeds: bool) -> None:
    try:
        process.wait(guard)
    except BaseException as error:
        late = isinstance(error, subprocess.TimeoutExpired)
        if heeds or late:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if late:
            raise HelmError(f"helm did not end within {guard:.0f} s and was stopped") from None
        raise


def _time_zone(args: TemplateArgs | UpgradeArgs) -> dict[str, str]:
    return {"TZ": args.time_zone} if args.time_zone else {}


def _storage(args: UpgradeArgs) -> dict[str, str]:
    """Helm keeps releases in memory, and reads what is to be there already from a file (loadReleasesInMemory)."""
    return {"HELM_DRIVER": "memory", "HELM_MEMORY_DRIVER_DATA": args.history} if args.history else {}


def environment(environ: Mapping[str, str], home: str, kubeconfig: str | None, context: str | None) -> dict[str, str]:
    """The environment of a helm process: the given one, with Helm's and Kubernetes' variables made our own."""
    ours = {k: v for k, v in environ.items() if k not in _CLUSTER and (k in _KEPT or not k.startswith("HELM_"))}
    for room in ("cache", "config", "data"):
        ours[f"HELM_{room.upper()}_HOME"] = os.path.join(home, room)
    # A post-renderer of Helm 4 is a plugin, so the user's plugins must stay in reach.
    ours["HELM_PLUGINS"] = environ.get("HELM_PLUGINS") or _plugins(environ)
    ours["KUBECONFIG"] = kubeconfig or os.path.join(home, "no-kubeconfig")
    if not kubeconfig:
        ours["KUBERNETES_MASTER"] = _NOWHERE
    if context:
        ours["HELM_KUBECONTEXT"] = context
    ours["NO_COLOR"] = "1"
    return ours


def _plugins(environ: Mapping[str, str]) -> str:
    """Where Helm looks for plugins if HELM_PLUGINS is unset (its pkg/helmpath)."""
    data = environ.get("HELM_DATA_HOME")
    if not data and environ.get("XDG_DATA_HOME"):
        data = os.path.join(environ["XDG_DATA_HOME"], "helm")
    if not data:
        data = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "share", "helm")
    return os.path.join(data, "plugins")


def upgrade_options(args: UpgradeArgs, major: int) -> list[str]:
    """The flags of ``helm upgrade`` for Helm 3 or 4.

    Helm 4 renamed --atomic and --force; its --wait alone means the strategy "watcher", the nearest to Helm 3's.
    """
    options = ["--namespace", args.namespace, "--timeout", f"{args.timeout}s", "--history-max", str(args.history_max)]
    options += [*_values(args.values), *_sets(args.sets)]
    options += _switches(
        ("--wait", args.wait),
        ("--wait-for-jobs", args.wait_for_jobs),
        ("--atomic" if major < 4 else "--rollback-on-failure", args.atomic),
        ("--create-namespace", args.create_namespace),
        ("--no-hooks", args.disable_hooks),
        ("--skip-crds", args.skip_crds),
        ("--reuse-values", args.reuse_values),
        ("--reset-values", args.reset_values),
        ("--disable-openapi-validation", args.disable_openapi_validation),
    )
    options += _force(args.force, major)
    options += _switches(("--force-conflicts", args.force_conflicts and major >= 4 and not args.force))
    if args.post_renderer:
        options += ["--post-renderer", args.post_renderer]
    if args.description:
        options += ["--description", args.description]
    if args.labels:
        options += ["--labels", ",".join(f"{key}={value}" for key, value in sorted(args.labels.items()))]
    return options


def _force(force: bool, major: int) -> list[str]:
    if not force:
        return []
    # Helm 4 refuses to replace objects by server-side apply, its default for new releases.
    return ["--force"] if major < 4 else ["--force-replace", "--server-side=false"]


def _values(files: Sequence[str]) -> list[str]:
    """Helm reads --values as a line of CSV."""
    argv: list[str] = []
    for file in files:
        quoted = '"' + file.replace('"', '""') + '"' if re.search(r'[,"\n]', file) else file
        argv += ["--values", quoted]
    return argv


def _sets(items: Sequence[str]) -> list[str]:
    return [part for item in items for part in ("--set", item)]


def _switches(*switches: tuple[str, bool]) -> list[str]:
    return [flag for flag, on in switches if on]


def _release(args: TemplateArgs | UpgradeArgs) -> str:
    chart = os.path.basename(args.chart.rstrip(os.sep)).removesuffix(".tgz")
    return f"release {args.namespace}/{args.release} (chart {chart})"


def _guard(timeout: int) -> float:
    """Helm's --timeout is for each hook and each wait, so a whole command may rightly take several times as long."""
    return 10.0 * timeout + 300.0


_LOG_LEVEL = re.compile(r'^(?:time=\S+ )?level=(?P<level>\w+) msg=(?P<text>"(?:\\.|[^"\\])*"|\S*)(?P<rest>.*)$')
_LOG_FILE = re.compile(r"^\w+\.go:\d+: (?P<text>.*)$")
_LOG_KLOG = re.compile(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.-]+:\d+\] (?P<text>.*)$")
_PREFIXES = re.compile(
    r"^(?:Error: |INSTALLATION FAILED: |UPGRADE FAILED: |ROLLBACK FAILED: |template: (?=\S+:\d+:\d+: ))+"
)
_NOISE = re.compile(
    r"Use --debug flag to render out invalid YAML|found symbolic link in path|file is (?:group|world)-readable"
)
_PLACE = re.compile(r"^\S+:\d+:\d+$")


def words(stderr: str) -> str:
    """Why helm failed, in its own words without its decoration; the first line is a sentence of its own."""
    lines = [line.rstrip() for line in stderr.splitlines() if not _NOISE.search(line)]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error: ")), 0)
    said = [line for line in lines[start:] if line and not _log_line(line)]
    if not said:
        return ""
    said[0] = _PREFIXES.sub("", said[0])
    if _PLACE.match(said[0]):
        # Helm 4 spreads a template's error over several lines.
        said = [" ".join(line.strip() for line in said)]
    return without_credentials("\n".join(said))


def warnings_in(stderr: str) -> list[str]:
    """What helm warned of. Unknown lines are left out: they may be a value's further lines."""
    found: list[str] = []
    for line in stderr.splitlines():
        text = _warning(line)
        if text and not _NOISE.search(text) and text not in found:
            found.append(without_credentials(text))
    return found


def _warning(line: str) -> str:
    match = _LOG_LEVEL.match(line)
    if match:
        text = _unquoted(match["text"])
        if match["level"] not in ("WARN", "WARNING") and not text.lower().startswith("warning: "):
            return ""
        return _without_values(text)
    match = _LOG_KLOG.match(line)
    if match:
        return match["text"] if match["level"] == "W" else ""
    match = _LOG_FILE.match(line)
    text = match["text"] if match else line
    return _without_values(text) if text.lower().startswith("warning: ") else ""


def _without_values(text: str) -> str:
    """Helm's warnings on values end with the value in parentheses, which may be secret and go on in the next line."""
    text = re.sub(r"^warning: ", "", text, flags=re.IGNORECASE)
    return re.sub(r"( for \S+| [Ii]gnoring non-table value) \(.*", r"\1", text, flags=re.DOTALL)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')


def _log_line(line: str) -> bool:
    return bool(_LOG_LEVEL.match(line) or _LOG_FILE.match(line) or _LOG_KLOG.match(line))


def _called(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def _hint(said: str) -> str:
    if "--post-renderer" in said:
        return "Helm 3 takes the path of a program as post-renderer, Helm 4 the name of a plugin"
    if "another operation" in said and "in progress" in said:
        return "Another run is at work on this release, or one was killed; see the option recover"
    if _IMMUTABLE.search(said):
        return "Kubernetes lets nobody change this, 'force' neither: delete the object and run again, it is made anew"
    return ""

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that starts helm: Helm 3.14 and later, Helm 4."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.helm import (
    arguments,
    collector,
    language,
    post_renderer,
    process,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    TestArgs,
    UninstallArgs,
    UpgradeArgs,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.environment import environment
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import (
    HelmFailure,
    called,
    hint,
    pod_logs,
    warnings_in,
    words,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.process import Answer, Interrupt, Processes
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import (
    OLDEST,
    SKIPS_SCHEMAS,
    HelmVersion,
    KnownVersions,
    parsed,
)
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade or install has made, and what helm warned of.

    :arg manifest: the objects as helm has stored them, without hooks; None: it does not say.
    """

    revision: int
    warnings: tuple[str, ...] = ()
    manifest: str | None = field(default=None, repr=False)


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
        environ: Mapping[str, str] | None = None,
        cache: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._name = binary or "helm"
        self.home = home
        os.makedirs(home, mode=0o700, exist_ok=True)
        self._kubeconfig = kubeconfig
        self._environ = environment(os.environ if environ is None else environ, home, kubeconfig)
        self._processes = Processes(home, self._environ, guard)
        self._known = KnownVersions(cache)
        self._asking = threading.Lock()
        self._version: HelmVersion | None = None

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
        return self._processes.started

    @property
    def binary(self) -> str:
        """The program's path.

        :raises HelmError: there is no such program.
        """
        found = shutil.which(self._name, path=self._environ.get("PATH"))
        if found is None:
            searched = "" if os.sep in self._name else f" in PATH ({self._environ.get('PATH', '')})"
            raise HelmError(
                f"the program '{self._name}' is not found{searched}",
                hint=f"Install Helm {OLDEST.major}.{OLDEST.minor} or later, or say with binary_path where it is",
            )
        return os.path.abspath(found)

    def version(self) -> HelmVersion:
        """The program's version, asked once.

        :raises HelmError: helm is missing, does not say its version, or is older than 3.14.
        """
        if self._version is None:
            with self._asking:
                self._version = self._version or self._known.read(self.binary) or self._ask_version()
        return self._version

    def _ask_version(self) -> HelmVersion:
        binary = self.binary
        said, _warnings = self._run(["version", "--template", "{{.Version}}"], f"'{binary}' does not say its version")
        version = parsed(binary, said.strip())
        self._known.store(binary, version)
        return version

    def post_renderer(self, name: str) -> str:
        """A post-renderer's identity: its content, not its path."""
        return post_renderer.digest(name, self.version().major, self._environ)

    def template(self, args: TemplateArgs) -> str:
        """The manifests of a release, hooks included, in Helm's order; no cluster is asked but for ``look_up``.

        :raises HelmFailure: with release, template and line in Helm's own words.
        """
        self._check(args)
        argv = ["template", *arguments.template_options(args), "--", args.release, args.chart]
        what = f"{arguments.described(args)} cannot be rendered"
        return self._run(argv, what, names=args.names, environ=arguments.time_zone(args), brief=True)[0]

    def _check(self, args: TemplateArgs | UpgradeArgs) -> None:
        if args.skip_schema_validation and self.version() < SKIPS_SCHEMAS:
            needed, found = SKIPS_SCHEMAS.text, self.version().text
            raise HelmError(
                f"skipSchemaValidation needs Helm {needed}, and this is {found}", hint="Install a newer Helm"
            )

    def upgrade(self, args: UpgradeArgs, interrupt: Interrupt | None = None) -> Upgraded:
        """Installs or upgrades a release.

        :raises HelmFailure: helm failed; what it had done till then stays (see ``atomic``).
        """
        record, warnings = self._upgrade([], args, f"{arguments.described(args)} cannot be applied", interrupt)
        return Upgraded(int(record["version"]), warnings, record.get("manifest"))

    def dry_run(self, args: UpgradeArgs) -> dict[str, Any]:
        """What :meth:`upgrade` would make: Helm's release record with manifest, hooks, config and version.

        Unlike :meth:`template` it knows live objects and the revision; nothing is changed.
        """
        what = f"{arguments.described(args)} cannot be rendered"
        record, _warnings = self._upgrade(["--dry-run=server"], args, what)
        record.pop("chart", None)
        return record

    def _upgrade(
        self, extra: list[str], args: UpgradeArgs, what: str, interrupt: Interrupt | None = None
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Helm's record of the new revision, and its warnings."""
        self._check(args)
        options = arguments.upgrade_options(args, self.version().major)
        out, warnings = self._run(
            [*arguments.upgrade_command(args), "--output", "json", *extra, *options, "--", args.release, args.chart],
            what,
            limit=process.limit(args.timeout),
            names=args.names,
            interrupt=interrupt,
            environ=arguments.time_zone(args) | arguments.storage(args),
            brief=bool(extra) or not args.wait,
        )
        try:
            return dict(json.loads(out[out.index("{") :])), warnings
        except ValueError:
            raise HelmError(f"{what}: helm's answer is not JSON") from None

    def rollback(self, args: RollbackArgs) -> tuple[str, ...]:
        """Makes an old revision the newest one; returns what helm warned of."""
        options = arguments.rollback_options(args)
        what = f"release {args.namespace}/{args.release} cannot be rolled back to revision {args.revision}"
        argv = ["rollback", *options, "--", args.release, str(args.revision)]
        return self._run(argv, what, limit=process.limit(args.timeout), brief=not args.wait)[1]

    def uninstall(self, args: UninstallArgs, interrupt: Interrupt | None = None) -> tuple[str, ...]:
        """Removes a release and its objects; returns what helm warned of."""
        argv = ["uninstall", *arguments.uninstall_options(args), "--", args.release]
        what = f"release {args.namespace}/{args.release} cannot be uninstalled"
        limit = process.limit(args.timeout)
        return self._run(argv, what, limit=limit, interrupt=interrupt, brief=not args.wait)[1]

    def test(self, args: TestArgs, interrupt: Interrupt | None = None) -> tuple[str, ...]:
        """Runs a release's test hooks; returns what helm warned of.

        :raises HelmFailure: one failed; its words end with the last lines of the pods' logs.
        """
        argv = ["test", "--namespace", args.namespace, "--timeout", f"{args.timeout}s", "--logs", "--", args.release]
        answer = self._start(argv, process.limit(args.timeout), interrupt)
        if answer.code:
            said = " ".join(words(answer.err).split()) or f"helm ended with exit code {answer.code}"
            what = f"a test of release {args.namespace}/{args.release} failed"
            raise HelmFailure(what, "\n".join((said, *pod_logs(answer.out))), answer.code)
        return tuple(warnings_in(answer.err))

    def pull(
        self, reference: str, folder: str, version: str | None = None, *, devel: bool = False, insecure: bool = False
    ) -> None:
        """Downloads a chart's archive into a folder.

        :arg insecure: here Helm does not look at what repositories.yaml says of it.
        """
        argv = ["pull", "--destination", folder, *(["--version", version] if version else [])]
        argv += arguments.switches(("--devel", devel and not version), ("--insecure-skip-tls-verify", insecure))
        wanted = f"{reference} {version}" if version else reference
        self._run([*argv, "--", reference], f"chart {wanted} cannot be fetched")

    def verify(self, archive: str, keyring: str | None) -> None:
        """Holds if an archive is as it was signed, by one of the keys of a keyring.

        :arg archive: it must have the name under which it was signed; the provenance file is beside it.
        :arg keyring: None: Helm's default.
        :raises HelmFailure: it is not.
        """
        words = ["--keyring", keyring] if keyring else []
        self._run(["verify", *words, "--", archive], "the chart cannot be verified")

    def repo_update(self, name: str) -> str:
        """Downloads the index file of a repository; returns why that failed, or "".

        Helm 3 ends with exit code 0 either way; both print the reason.
        """
        answer = self._start(["repo", "update", name])
        failed = re.search(r"Unable to get an update from the .*\n\t(.*)", answer.out)
        if failed:
            return without_credentials(failed[1])
        return (words(answer.err) or f"helm ended with exit code {answer.code}") if answer.code else ""

    def chart_versions(self, reference: str) -> list[str]:
        """All versions of ``repository/chart`` in the cached index file, newest first."""
        out, _warnings = self._run(
            ["search", "repo", reference, "--versions", "--devel", "--output", "json"],
            f"the versions of chart {reference} cannot be listed",
        )
        return [item["version"] for item in json.loads(out or "[]") if item["name"] == reference]

    def terminate_all(self) -> None:
        """Ends every running helm, which gets the chance to record what became of its release."""
        self._processes.terminate_all()

    def _run(
        self,
        argv: list[str],
        what: str,
        *,
        limit: float = process.FILE_LIMIT,
        names: Mapping[str, str] | None = None,
        interrupt: Interrupt | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
        brief: bool = False,
    ) -> tuple[str, tuple[str, ...]]:
        """What helm prints, and what it warns of.

        :arg what: begins the message of a failure.
        :arg names: what the user calls a path that helm may name.
        :arg brief: it does its work and ends, and does not wait for a cluster, perhaps for minutes.
        :raises HelmFailure: helm's exit code is not 0.
        """
        environ = {**collector.spared(self._environ), **environ} if brief else environ
        answer = self._start(argv, limit, interrupt, environ)
        if answer.code:
            said = called(words(answer.err), names or {}) or f"helm ended with exit code {answer.code}"
            raise HelmFailure(what, said, answer.code, hint(said))
        return answer.out, tuple(called(warning, names or {}) for warning in warnings_in(answer.err))

    def _start(
        self,
        argv: list[str],
        limit: float = process.FILE_LIMIT,
        interrupt: Interrupt | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        binary = self.binary
        spared = language.spared(self._environ, argv, self._kubeconfig, binary)
        return self._processes.run([binary, *argv], limit, interrupt, {**spared, **environ})

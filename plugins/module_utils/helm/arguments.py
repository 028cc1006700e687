# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helm is to do, and the flags that say it, for Helm 3 and Helm 4."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_APIS_AN_ARGUMENT = 300  # Linux allows 128 KiB for one (MAX_ARG_STRLEN)


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
    skip_schema_validation: bool = False
    look_up: bool = False  # templates may look live objects up, in the cluster of the kubeconfig
    disable_hooks: bool = False
    post_renderer: str | None = None
    time_zone: str | None = None  # a file as tzfile(5) describes it: what is local time for templates
    names: Mapping[str, str] = field(default_factory=dict)  # path -> what the user calls it, for messages


@dataclass(frozen=True)
class UpgradeArgs:
    """What ``helm upgrade --install`` is to do; names and meanings are those of Helm's flags, timeout in seconds.

    :arg there: whether there is such a release: ``helm upgrade`` or ``helm install`` does the same, without a look for
        it; None: helm looks.
    """

    release: str
    namespace: str
    chart: str
    values: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()  # for --set, over the values
    wait: bool = False
    wait_for_jobs: bool = False
    timeout: int = 300
    atomic: bool = False
    create_namespace: bool = False
    history_max: int = 10
    disable_hooks: bool = False
    skip_crds: bool = False
    skip_schema_validation: bool = False
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
    there: bool | None = None


@dataclass(frozen=True)
class RollbackArgs:
    """What ``helm rollback`` is to do: make an old revision the newest one; 0 is the one before the last."""

    release: str
    namespace: str
    revision: int
    wait: bool = False
    wait_for_jobs: bool = False
    timeout: int = 300
    disable_hooks: bool = False
    history_max: int = 10


@dataclass(frozen=True)
class UninstallArgs:
    """What ``helm uninstall`` is to do: remove a release and its objects; one that is gone already is no error."""

    release: str
    namespace: str
    wait: bool = False
    timeout: int = 300
    disable_hooks: bool = False
    keep_history: bool = False


@dataclass(frozen=True)
class TestArgs:
    """Which release ``helm test`` is to test; timeout in seconds."""

    __test__ = False  # this is no test

    release: str
    namespace: str
    timeout: int = 300


def template_options(args: TemplateArgs) -> list[str]:
    """The flags of ``helm template``."""
    options = ["--namespace", args.namespace, *_values(args.values), *_sets(args.sets)]
    if args.kube_version:
        options += ["--kube-version", args.kube_version]
    for start in range(0, len(args.api_versions), _APIS_AN_ARGUMENT):
        options += ["--api-versions", ",".join(args.api_versions[start : start + _APIS_AN_ARGUMENT])]
    if args.post_renderer:
        options += ["--post-renderer", args.post_renderer]
    return options + switches(
        ("--is-upgrade", args.is_upgrade),
        ("--include-crds", args.include_crds),
        ("--skip-schema-validation", args.skip_schema_validation),
        ("--dry-run=server", args.look_up),
        ("--no-hooks", args.disable_hooks),
    )


def upgrade_command(args: UpgradeArgs) -> list[str]:
    """The command of Helm that upgrades or installs."""
    return {True: ["upgrade"], False: ["install"], None: ["upgrade", "--install"]}[args.there]


def upgrade_options(args: UpgradeArgs, major: int) -> list[str]:
    """The flags of ``helm upgrade`` for Helm 3 or 4, or of ``helm install`` if there is no such release.

    Helm 4 renamed --atomic; its --wait alone means the strategy "watcher", the nearest to Helm 3's.
    """
    is_upgrade = args.there is not False
    options = ["--namespace", args.namespace, "--timeout", f"{args.timeout}s"]
    options += ["--history-max", str(args.history_max)] if is_upgrade else []
    options += [*_values(args.values), *_sets(args.sets)]
    options += switches(
        ("--wait", args.wait),
        ("--wait-for-jobs", args.wait_for_jobs),
        ("--atomic" if major < 4 else "--rollback-on-failure", args.atomic),
        ("--create-namespace", args.create_namespace),
        ("--no-hooks", args.disable_hooks),
        ("--skip-crds", args.skip_crds),
        ("--skip-schema-validation", args.skip_schema_validation),
        ("--reuse-values", args.reuse_values and is_upgrade),
        ("--reset-values", args.reset_values and is_upgrade),
        ("--disable-openapi-validation", args.disable_openapi_validation),
    )
    options += switches(("--force-conflicts", args.force_conflicts and major >= 4))
    if args.post_renderer:
        options += ["--post-renderer", args.post_renderer]
    if args.description:
        options += ["--description", args.description]
    if args.labels:
        options += ["--labels", ",".join(f"{key}={value}" for key, value in sorted(args.labels.items()))]
    return options


def rollback_options(args: RollbackArgs) -> list[str]:
    """The flags of ``helm rollback``."""
    options = ["--namespace", args.namespace, "--timeout", f"{args.timeout}s", "--history-max", str(args.history_max)]
    return options + switches(
        ("--wait", args.wait), ("--wait-for-jobs", args.wait_for_jobs), ("--no-hooks", args.disable_hooks)
    )


def uninstall_options(args: UninstallArgs) -> list[str]:
    """The flags of ``helm uninstall``."""
    options = ["--ignore-not-found", "--namespace", args.namespace, "--timeout", f"{args.timeout}s"]
    return options + switches(
        ("--wait", args.wait), ("--no-hooks", args.disable_hooks), ("--keep-history", args.keep_history)
    )


def time_zone(args: TemplateArgs | UpgradeArgs) -> dict[str, str]:
    """The environment that gives templates another local time."""
    return {"TZ": args.time_zone} if args.time_zone else {}


def storage(args: UpgradeArgs) -> dict[str, str]:
    """Helm keeps releases in memory, and reads the existing ones from a file (loadReleasesInMemory)."""
    return {"HELM_DRIVER": "memory", "HELM_MEMORY_DRIVER_DATA": args.history} if args.history else {}


def described(args: TemplateArgs | UpgradeArgs) -> str:
    """The release and its chart, for messages."""
    chart = os.path.basename(args.chart.rstrip(os.sep)).removesuffix(".tgz")
    return f"release {args.namespace}/{args.release} (chart {chart})"


def _values(files: Sequence[str]) -> list[str]:
    """Helm reads --values as a line of CSV."""
    argv: list[str] = []
    for file in files:
        quoted = '"' + file.replace('"', '""') + '"' if re.search(r'[,"\n]', file) else file
        argv += ["--values", quoted]
    return argv


def _sets(items: Sequence[str]) -> list[str]:
    return [part for item in items for part in ("--set", item)]


def switches(*switches: tuple[str, bool]) -> list[str]:
    return [flag for flag, on in switches if on]

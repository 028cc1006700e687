# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helmstack_lock and helmstack_bundle do: both look at the charts of a stack in all its environments."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.bundled import Bundling, publish, summary
from ansible_collections.helmstack.core.plugins.module_utils.chart.locking import Locking, as_data
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.report.template import RenderOptions, Templates
from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions, Tools
from ansible_collections.helmstack.core.plugins.module_utils.stack import lockfile
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository, Stack
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard


@dataclass(frozen=True)
class LockOptions:
    """The options of helmstack_lock.

    :arg update: patterns of the releases and charts to look up again.
    :arg outdated: whether newer versions are listed.
    :arg others: the stack in the other environments; None: the controller does not have its files.
    """

    tools: ToolOptions
    update: tuple[str, ...]
    outdated: bool
    others: tuple[Stack, ...] | None


@dataclass(frozen=True)
class BundleOptions:
    """The options of helmstack_bundle.

    :arg others: the stack in the other environments; None: the controller does not have its files.
    """

    tools: ToolOptions
    dest: str
    images: bool
    rendering: RenderOptions
    others: tuple[Stack, ...] | None


def lock(stack: Stack, options: LockOptions, *, diff: bool, workdir: str, guard: Guard) -> dict[str, Any]:
    """The lock file as it must become, for the controller to write, and the outdated charts.

    :raises HelmstackError: a chart cannot be had, or a name to update means none.
    """
    stacks = _stacks(stack, options.others)
    tools = Tools(_common(stacks), replace(options.tools, pinned=False), workdir, None, guard)
    locking = Locking(stacks, tools.fetch, tools.store.versions)
    fetched = tuple(dict.fromkeys(item for each in stacks for item in each.fetched_stacks))
    names = {item.stack for item in (*fetched, *stack.locked_stacks)}
    unknown = [name for name in locking.unknown(options.update) if not fnmatch.filter(names, name)]
    if unknown:
        near = did_you_mean(unknown[0], {*locking.names(), *names})
        raise InputError(f"update: '{unknown[0]}' is neither a release nor a chart of the lock file", hint=near)
    charts = locking.charts(stack.locked or (), options.update)
    before = "" if stack.locked is None else lockfile.render(stack.locked, stack.locked_stacks)
    after = lockfile.render(charts, fetched)
    result = {
        "changed": before != after,
        "path": stack.lock_file,
        "content": after,
        "charts": as_data(charts),
        "stacks": [{"stack": item.stack, "commit": item.commit} for item in fetched],
        "outdated": locking.outdated(charts) if options.outdated else [],
    }
    return {**result, **({"diff": [_diff(stack.lock_file, before, after)]} if diff else {})}


def bundled(
    stack: Stack, options: BundleOptions, *, check_mode: bool, diff: bool, workdir: str, guard: Guard
) -> dict[str, Any]:
    """Makes the bundle; in check mode it only lists the content.

    :raises HelmstackError: a chart cannot be had or rendered, or the bundle cannot be written.
    """
    stacks, dest = _stacks(stack, options.others), options.dest
    tools = Tools(_common(stacks), options.tools, workdir, None, guard)
    bundling = Bundling(os.path.join(workdir, "bundled"), tools.fetch)
    bundling.take(stacks)
    found = (_images(each, options.rendering, tools, workdir) for each in stacks if options.images)
    images = sorted({image for each in found for image in each})
    locking = Locking(stacks, tools.fetch, tools.store.versions)
    bundling.write(lockfile.render(locking.charts(stack.locked or (), ())), images)
    before, after = summary(dest), summary(bundling.folder)
    result = {
        "changed": before != after,
        "dest": dest,
        "environments": [each.environment for each in stacks],
        "charts": [
            {"chart": item.chart, "asked": item.asked or None, "version": item.version, "file": item.file}
            for item in bundling.ordered
        ],
        "images": images,
    }
    if result["changed"] and not check_mode:
        publish(bundling.folder, dest)
    return {**result, **({"diff": [_diff(dest, before, after)]} if diff else {})}


def _stacks(stack: Stack, others: tuple[Stack, ...] | None) -> list[Stack]:
    """The stack in each of its environments; one without environments is one stack."""
    if others is None:
        raise InputError(
            "this module needs the stack's files on the controller, where it finds all environments",
            hint="Leave remote_src at false",
        )
    return [stack, *others]


def _common(stacks: Sequence[Stack]) -> Stack:
    """The stack with the repositories of all environments.

    :raises InputError: two environments declare one differently.
    """
    known: dict[str, Repository] = {}
    for stack in stacks:
        for repository in stack.repositories:
            if known.setdefault(repository.name, repository) != repository:
                what = f"the repository '{repository.name}' is declared differently in {stack.environment}"
                raise InputError(what, hint="Give it another name there, so that a chart has one source")
    secrets = dict.fromkeys(secret for stack in stacks for secret in stack.secrets)
    return replace(stacks[0], repositories=tuple(known.values()), secrets=tuple(secrets))


def _images(stack: Stack, options: RenderOptions, tools: Tools, workdir: str) -> Iterator[str]:
    folder = os.path.join(workdir, f"images-{stack.environment or ''}")
    os.makedirs(folder, mode=0o700)

    values = ValuesFiles(folder, tools.helm)
    templates = Templates(stack, options, tools.fetch, tools.helm, values, tools.expander(folder))
    try:
        found = templates.run(check_mode=True)
    except HelmstackError as error:
        error.reword(Mask(stack.secrets).text)
        error.hint = error.hint or "Set kube_version and api_versions as the cluster has them, or images: false"
        raise
    yield from (item["image"] for item in found["images"])


def _diff(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}

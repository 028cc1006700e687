# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests at which helm itself fails, whatever the cluster accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ansible_collections.helmstack.core.plugins.module_utils.cluster import drift
from ansible_collections.helmstack.core.plugins.module_utils.plan import manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Hook, Manifests, Object
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Options


def refused(found: Manifests) -> Iterator[str]:
    """Why helm fails at a release, whatever it is applied to."""
    if found.nested:
        yield "helm will fail: it takes no List inside of a List ('is not a list: no Items field in this object')"
    nameless = [f"{manifest.kind(item)} {manifest.name(item)}" for item in found.objects if not _named(item)]
    if nameless:
        yield f"helm will fail at {', '.join(nameless)}: it makes no object without a name, so not with generateName"


def failing(hooks: Iterable[Hook], there: Callable[[Object], bool], *, applies: bool) -> Iterator[str]:
    """Why helm fails at hooks that run.

    :arg there: whether an object is in the cluster.
    :arg applies: helm applies them server-side, and does not only make them.
    """
    for hook in hooks:
        what = f"{manifest.kind(hook.item)} {manifest.name(hook.item)}"
        if not _named(hook.item):
            if applies:
                yield f"helm will fail at hook {what}: it applies no object without a name, so not with generateName"
            elif hook.goes_first or "hook-succeeded" in hook.policies:
                yield f"helm will fail at hook {what}: what has only a generateName it cannot delete by its policy"
        elif not applies and not hook.goes_first and there(hook.item):
            yield f"helm will fail at hook {what}: it exists already, and helm does not delete it before it creates it"


def expiring(found: Manifests, options: Options, major: int) -> Iterator[str]:
    """Jobs for which Helm 3 waits itself, and which may be gone when it looks: it then fails, also if they succeeded.

    It waits where only it knows what comes after: a rollback of its own, or hooks.
    """
    later = any(hook.events & {"post-install", "post-upgrade"} for hook in found.hooks) and not options.disable_hooks
    if major >= 4 or not (options.wait and options.wait_for_jobs and (options.atomic or later)):
        return
    names = [f"Job {manifest.name(item)}" for item in found.objects if drift.goes_by_itself(item)]
    if names:
        yield (
            f"helm may fail at {', '.join(names)}: Helm 3 waits for it itself, as the release is atomic or has hooks "
            "that come after, and takes for a failure that it is gone. Let ttlSecondsAfterFinished last longer"
        )


def _named(item: Object) -> bool:
    return bool(manifest.metadata(item).get("name"))

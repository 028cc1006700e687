# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The helm programs and the charts that a run works with, and where they are cached."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.bundled import BundleSource
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.locking import LockPins
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed, expand
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack
from ansible_collections.helmstack.core.plugins.module_utils.workdir import Guard, cache_folder


@dataclass(frozen=True)
class ToolOptions:
    """Which helm program, and where charts come from."""

    binary_path: str | None = None
    registry_config: str | None = None
    bundle: str | None = None  # the folder or archive that all charts come from
    pinned: bool = True  # whether the stack's lock file counts

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ToolOptions:
        """Those of a module's options; some modules have no ``bundle``."""
        return cls(params.get("binary_path"), params.get("registry_config"), params.get("bundle"))


class Tools:
    """The helm programs and the charts of one run."""

    def __init__(
        self,
        stack: Stack,
        options: ToolOptions,
        workdir: str,
        kubeconfig: str | None,
        guard: Guard,
        shared: SharedTexts | None = None,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._guard = guard
        self._workdir = workdir
        self._default = options.binary_path
        self._helms: dict[str, Helm] = {}
        self._lock = threading.Lock()
        self._cache = cache_folder(os.environ)
        self._bundle = options.bundle
        if self._bundle:  # it may be unpacked
            guard.watch()
        self.store = ChartStore(
            self.helm(None),
            os.path.join(workdir, "charts"),
            stack.repositories,
            cache=os.path.join(self._cache, "charts"),
            registry_config=options.registry_config,
            guard=guard,
            shared=shared,
            pins=_pins(stack, options),
            sources=(BundleSource(self._bundle, workdir),) if self._bundle else None,
        )

    def helm(self, release: Release | None) -> Helm:
        """The helm program of a release, or the task's."""
        binary = (release.options.helm_binary if release else None) or self._default or "helm"
        with self._lock:
            if binary not in self._helms:
                home = os.path.join(self._workdir, f"helm-{len(self._helms)}")
                self._helms[binary] = Helm(binary, home, self._kubeconfig, cache=self._cache, guard=self._guard)
            return self._helms[binary]

    def fetch(self, release: Release) -> Chart:
        options = release.options
        return self.store.fetch(
            (release.chart_name or release.chart) if self._bundle else release.chart,
            release.version,
            devel=options.devel,
            digest=release.digest,
            verify=options.verify,
            keyring=options.keyring,
            where=release.where,
        )

    def expander(self, folder: str) -> Callable[[Release, Chart], Sprayed]:
        """Gives the releases of an umbrella and of its chart; helm finds their charts in ``folder``."""

        def expanded(release: Release, chart: Chart) -> Sprayed:
            self._guard.watch()
            return expand(release, chart, folder, self.helm(release).version().major)

        return expanded

    def interrupt(self) -> None:
        """Ends all helm and git processes; each helm gets the chance to say in its release what became of it."""
        self.store.terminate_all()
        for helm in list(self._helms.values()):
            helm.terminate_all()


def _pins(stack: Stack, options: ToolOptions) -> LockPins | None:
    """The lock file, if it counts: a bundle holds the charts that it was made with."""
    if stack.locked is None or options.bundle or not options.pinned:
        return None
    return LockPins(stack.locked, stack.lock_file)

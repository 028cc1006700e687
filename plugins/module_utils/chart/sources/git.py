# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts in git repositories."""

from __future__ import annotations

import os

from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin, Wanted
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Found, Surroundings
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import is_git, parse, secrets_of
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_login


class GitSource:
    """``git+https://host/repository.git//folder?ref=v1``: the version is what the folder's Chart.yaml says."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def takes(self, reference: str) -> bool:
        return is_git(reference)

    def find(self, wanted: Wanted) -> Found:
        reference = parse(wanted.reference)
        checkout = self._around.git.checkout(reference, wanted.commit or "")
        if os.path.isdir(checkout.path) and not os.path.isfile(os.path.join(checkout.path, "Chart.yaml")):
            raise ChartError(
                f"'{reference.path or '.'}' in the git repository {reference.url} is no chart: it has no Chart.yaml "
                f"(commit {checkout.commit[:12]})",
                hint="Write the chart's folder after '//': git+https://host/repository.git//charts/name",
            )
        path = self._around.complete(checkout.path)
        source = f"{reference.url}//{reference.path}" if reference.path else reference.url
        asked = without_login(wanted.reference) if secrets_of(wanted.reference) else wanted.reference
        return Found(path, Origin("git", asked, source, "", commit=checkout.commit))

    def versions(self, wanted: Wanted) -> tuple[str, ...]:
        return ()

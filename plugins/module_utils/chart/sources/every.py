# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where charts come from: one file a kind, all behind the Protocol ``Source`` of model.py."""

from __future__ import annotations

from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.git import GitSource
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.local import LocalSource
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.model import Source, Surroundings
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.oci import OciSource
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.plugin import PluginSource
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.repository import RepositorySource
from ansible_collections.helmstack.core.plugins.module_utils.chart.sources.url import UrlSource


def sources(around: Surroundings) -> tuple[Source, ...]:
    """All kinds; the first that takes a reference gets it."""
    kinds = (LocalSource, GitSource, OciSource, UrlSource, RepositorySource, PluginSource)
    return tuple(kind(around) for kind in kinds)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs helm: arguments for Helm 3 and 4, a process with an environment of its own, and what it prints."""

from __future__ import annotations

from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    UninstallArgs,
    UpgradeArgs,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm, Upgraded
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.helm.process import Interrupt
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import HelmVersion

__all__ = (
    "Helm",
    "HelmFailure",
    "HelmVersion",
    "Interrupt",
    "RollbackArgs",
    "TemplateArgs",
    "UninstallArgs",
    "UpgradeArgs",
    "Upgraded",
)

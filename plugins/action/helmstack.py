# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds, decrypts and templates the stack's files on the controller for the module of the same name."""

from __future__ import annotations

from ansible_collections.helmstack.core.plugins.plugin_utils import bytecode as _bytecode  # noqa: F401

# isort: split
from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import DEPLOY
from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction


class ActionModule(StackAction):
    definition = DEPLOY

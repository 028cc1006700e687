# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As for helmstack, for helmstack_template."""

from __future__ import annotations

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled

with compiled():
    from ansible_collections.helmstack.core.plugins.module_utils.module_definitions import TEMPLATE
    from ansible_collections.helmstack.core.plugins.plugin_utils.action import StackAction


class ActionModule(StackAction):
    definition = TEMPLATE

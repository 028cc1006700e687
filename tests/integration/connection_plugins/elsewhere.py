# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as if it were another one: while a command runs, the controller's folder cannot be found."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
    name: elsewhere
    short_description: A target that does not share the controller's disk
    description: Runs commands here, with the folder that E(HELMSTACK_CONTROLLER) names hidden from them.
    author: The helmstack.core authors
    options:
        become_success_timeout:
            type: int
            default: 10
            description: As in the local connection.
            vars:
                - name: ansible_local_become_success_timeout
        become_strip_preamble:
            type: bool
            default: true
            description: As in the local connection.
            vars:
                - name: ansible_local_become_strip_preamble
    extends_documentation_fragment:
        - connection_pipelining
"""


class Connection(Local):
    """Commands run here; files are copied here."""

    transport = "elsewhere"

    def exec_command(self, cmd: str, *args: Any, **options: Any) -> Any:
        if "wc -l" in cmd:  # looks for lines of progress beside the module
            return super().exec_command(cmd, *args, **options)
        folder = os.environ["HELMSTACK_CONTROLLER"]
        os.rename(folder, f"{folder}.hidden")
        try:
            return super().exec_command(cmd, *args, **options)
        finally:
            os.rename(f"{folder}.hidden", folder)

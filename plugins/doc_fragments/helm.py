# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say which helm, and with which logins it gets charts."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  binary_path:
    description:
      - The path of the helm binary on the target. By default, C(helm) is searched in the search path.
    type: path
  registry_config:
    description:
      - The path of a file with logins to OCI registries, as C(helm registry login) and C(docker login) write it. It is
        only read. If it names credential helpers, these are called.
      - A file that does not exist on the target is taken from the controller, where it may be encrypted with
        ansible-vault.
      - Not given, no such file is read; logins then are those of declared repositories.
    type: path
"""

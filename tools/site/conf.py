# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's configuration for tools/docs.py."""

from __future__ import annotations

project = "helmstack.core"
project_copyright = "2026, the helmstack.core authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "alabaster"
html_theme_options = {"page_width": "75rem", "sidebar_width": "17rem"}
html_show_sphinx = False
html_copy_source = False
html_use_index = False
highlight_language = "YAML+Jinja"
default_role = "any"
myst_heading_anchors = 4

# Every reference has a target. Those to ansible-core's own pages would need the network.
nitpicky = True
_ELSEWHERE = (
    r"ansible_collections\.(?!helmstack\.core\.).*|action_plugins|common_return_values|ansible_configuration_settings"
)
nitpick_ignore_regex = [("std:ref", _ELSEWHERE)]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Project tooling: environments and test steps, standard library only.

Run from the checkout's root: ``python3 -m tools --help``; the Makefile does.
"""

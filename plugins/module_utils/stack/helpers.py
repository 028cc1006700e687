# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stack room cannot do itself, as it starts no process: asking git, and Helm's engine for templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import GoTemplate
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository


class Helpers(Protocol):
    """Given by who resolves a stack."""

    def checkout(self, reference: GitReference, repositories: Iterable[Repository], commit: str = "") -> Checkout:
        """A folder of a repository.

        :arg repositories: those that are declared, for logins.
        :arg commit: what the reference is known to mean.
        :raises HelmstackError: it cannot be had.
        """

    def render(self, templates: Sequence[GoTemplate], binary: str | None, read: Callable[[str], Text]) -> list[str]:
        """What Helm's engine makes of templates, in one process.

        :arg binary: helm's, if it is named.
        :arg read: a file of the user's, decrypted.
        :raises HelmstackError: one of them fails, or there is no helm.
        """

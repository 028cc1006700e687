# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a stack as Ansible sees them on the controller: vaults opened, templates rendered."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted
from ansible.template import Templar
from jinja2 import TemplateError

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Text
from ansible_collections.helmstack.core.plugins.plugin_utils.values import plain

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 and older
    trust_as_template = None

_PASSWORD = "Give its password with --ask-vault-pass, --vault-password-file or --vault-id"


class AnsibleFiles:
    """The Files of stack/resolve.py with Ansible's loader and templates.

    :arg variables: the variables of the host, for templates.
    """

    def __init__(self, loader: DataLoader, templar: Templar, variables: Mapping[str, Any]) -> None:
        self._loader = loader
        self._templar = templar
        self._variables = variables
        self.rendered = False

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def read(self, path: str) -> Text:
        content, secret = self.content(path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError("is not UTF-8 text", where=Location(path)) from error
        if path.endswith(".j2"):
            self.rendered = True
            text = self._render(path, text)
        return Text(text=text, secret=secret)

    def content(self, path: str) -> tuple[bytes, bool]:
        """A file's bytes, decrypted, and whether they came out of a vault."""
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=Location(path)) from error
        if is_encrypted(content):
            return self._decrypt(content, Location(path)), True
        return content, False

    def decrypt(self, ciphertext: str) -> str:
        """The text of a ``!vault`` scalar."""
        return self._decrypt(ciphertext.encode(), None).decode("utf-8")

    def _decrypt(self, content: bytes, where: Location | None) -> bytes:
        vault = self._loader._vault
        if not vault.secrets:
            raise InputError(
                "is encrypted with ansible-vault, and no vault password is known", where=where, hint=_PASSWORD
            )
        try:
            return bytes(vault.decrypt(content))
        except AnsibleError as error:
            raise InputError(
                "cannot be decrypted with any known vault password", where=where, hint=_PASSWORD
            ) from error

    def _render(self, path: str, text: str) -> str:
        folder = os.path.dirname(path)
        settings = {"available_variables": self._variables, "searchpath": [os.path.join(folder, "templates"), folder]}
        try:
            if trust_as_template:
                templar = self._templar.copy_with_new_env(**settings)
                result = templar.template(
                    trust_as_template(text), escape_backslashes=False, overrides={"trim_blocks": True}
                )
            else:
                result = _render_before_2_19(self._templar, text, settings)
        except (AnsibleError, TemplateError) as error:
            raise InputError(_reason(error), where=Location(path, _line(error))) from error
        return plain(result) if isinstance(result, str) else json.dumps(plain(result))


def _render_before_2_19(templar: Templar, text: str, settings: Mapping[str, Any]) -> Any:
    from ansible.template import AnsibleEnvironment

    # This environment keeps text as text, also where the user has set jinja2_native.
    return templar.copy_with_new_env(environment_class=AnsibleEnvironment, **settings).do_template(
        text, preserve_trailing_newlines=True, escape_backslashes=False, overrides={"trim_blocks": True}
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", "") or error).strip().rstrip(".")


def _line(error: BaseException) -> int:
    """The line of the template that raised, from the frames that jinja2 adds; 0 if there are none."""
    line = 0
    cause: BaseException | None = error
    while cause:
        for frame in traceback.extract_tb(cause.__traceback__):
            if frame.filename in ("<template>", "<unknown>"):
                line = frame.lineno or line
        line = getattr(cause, "lineno", None) or line
        cause = cause.__cause__ or cause.__context__
    return line

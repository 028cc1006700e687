# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a stack as Ansible sees them on the controller: vaults opened, templates rendered."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted
from ansible.template import Templar
from jinja2 import TemplateError, TemplateSyntaxError

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
            raise InputError(_reason(error, text), where=Location(path, _line(error, text))) from error
        return plain(result) if isinstance(result, str) else json.dumps(plain(result))


def _render_before_2_19(templar: Templar, text: str, settings: Mapping[str, Any]) -> Any:
    from ansible.template import AnsibleEnvironment

    # This environment keeps text as text, also where the user has set jinja2_native.
    return templar.copy_with_new_env(environment_class=AnsibleEnvironment, **settings).do_template(
        text, preserve_trailing_newlines=True, escape_backslashes=False, overrides={"trim_blocks": True}
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it; before 2.19 Ansible keeps the cause apart, later some form a cycle."""
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "orig_exc", None) or error.__cause__ or error.__context__


def _reason(error: Exception, text: str) -> str:
    """Why a template cannot be rendered, without the template's text, which Ansible quotes and which may be secret."""
    syntax = next((each for each in _chain(error) if isinstance(each, TemplateSyntaxError)), None)
    message = str(syntax.message if syntax else getattr(error, "message", "") or error)
    return message.replace(text, "…").strip().rstrip(".")


def _line(error: Exception, text: str) -> int:
    """The line of the template that failed; 0 if it cannot be known."""
    for each in _chain(error):
        if isinstance(each, TemplateSyntaxError):
            return int(each.lineno)
        for frame, number in traceback.walk_tb(each.__traceback__):
            if frame.f_code.co_filename == "<template>":
                return _template_line(frame.f_globals.get("debug_info", ""), number)
    names = [re.escape(name) for name in re.findall(r"'([\w.]+)'", str(error))]
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if names and re.search(rf"\b{names[-1]}\b", line)
    ]
    return lines[0] if len(lines) == 1 else 0


def _template_line(debug_info: str, number: int) -> int:
    """The template's line for one of the Python code that jinja2 made of it, from pairs like 1=10&3=12."""
    pairs = [tuple(map(int, pair.split("="))) for pair in debug_info.split("&") if pair]
    return max((line for line, code in pairs if code <= number), default=0)

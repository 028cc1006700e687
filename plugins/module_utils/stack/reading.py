# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the files of one run: each once, with the secrets that they bring."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError, InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask, number_text
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in
from ansible_collections.helmstack.core.plugins.module_utils.stack import lockfile, schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Files, Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import (
    SUFFIX,
    GoContext,
    GoTemplate,
    no_context,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.helpers import Helpers
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import (
    LockedChart,
    LockedStack,
    Release,
    Repository,
    ValuesSource,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.places import Place, places_in
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import fetched, shown
from ansible_collections.helmstack.core.plugins.module_utils.stack.variables import dotenv

STACK_FILES = ("helmstack.yaml", "helmstack.yml", "stackfile.yaml", "stackfile.yml")
SUFFIXES = ("", ".j2", ".gotmpl")


class StackReader:
    """The files of one run. What it remembers: values files already read, and strings to mask."""

    def __init__(self, files: Files, helpers: Helpers | None = None) -> None:
        self._files = files
        self._helpers = helpers
        self._context: Callable[[], GoContext] = no_context
        self._rendered: dict[str, Text] = {}
        self.fetched: dict[str, str] = {}  # nested stacks from git, and their commits
        self.helm_binary: str | None = None
        self._values: dict[str, ValuesSource] = {}
        self._secrets: dict[str, None] = {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that came out of a vault, in the order it was met."""
        return tuple(self._secrets)

    def exists(self, path: str) -> bool:
        return self._files.exists(path)

    @contextmanager
    def masking(self) -> Iterator[None]:
        """Errors raised here do not show these."""
        try:
            yield
        except HelmstackError as error:
            error.reword(Mask(self._secrets).text)
            raise

    def remember(self, text: str) -> None:
        """Mask this from now on: the text, and its lines, as it may show in either form."""
        lines = text.splitlines()
        if len(lines) > 1:
            self._secrets[text] = None
        for line in lines:
            if line and (len(lines) == 1 or len(line) >= 4):
                self._secrets[line] = None

    def remember_nodes(self, node: Node) -> None:
        """Mask the secret strings and long numbers among a node's."""
        for item in helmyaml.walk(node):
            if item.secret:
                self.remember(item.value if isinstance(item.value, str) else number_text(item.value))

    def find_stack(self, path: str, where: Location | None = None) -> str:
        """The stack file that a path means: itself, or the one in that folder."""
        candidates = [f"{path}/{name}{suffix}" for name in STACK_FILES for suffix in SUFFIXES]
        found = [candidate for candidate in candidates if self.exists(candidate)]
        if len(found) > 1:
            names = " and ".join(os.path.basename(candidate) for candidate in found)
            raise InputError(
                f"the folder {path} has several stack files: {names}", where=where, hint="Name one of them"
            )
        if found:
            return found[0]
        if not self.exists(path):
            raise InputError(f"there is no stack file or folder {path}", where=where)
        if os.path.isdir(path):
            raise InputError(
                f"the folder {path} has no stack file", where=where, hint=f"Looked for {', '.join(STACK_FILES)}"
            )
        return path

    def find_suffixed(self, path: str) -> str | None:
        """The file of a conventional name, with or without a template's suffix."""
        found = [path + suffix for suffix in SUFFIXES if self.exists(path + suffix)]
        if len(found) > 1:
            names = " and ".join(os.path.basename(candidate) for candidate in found)
            raise InputError(f"{names} exist side by side", where=Location(path), hint="Keep one of them")
        return found[0] if found else None

    def document(
        self, path: str, what: str, keys: Collection[str] | None, where: Location | None = None
    ) -> dict[str, Node]:
        """A stack or overlay file's members."""
        text = self._read(path, what, where)
        return schema.mapping(self._positions(text, path), what, keys)

    def begin(self, context: Callable[[], GoContext]) -> None:
        """The stack and overlay files that are read from now on see what this gives, if they are Go templates."""
        self._context = context
        self._rendered = {}

    def prepare(self, paths: Iterable[str]) -> None:
        """Renders those among stack and overlay files that are Go templates, all at once."""
        wanted = [path for path in paths if path.endswith(SUFFIX) and path not in self._rendered and self.exists(path)]
        templates = [self.template(path, self._context()) for path in dict.fromkeys(wanted)]
        for template, text in zip(templates, self._render(templates)):
            self._rendered[template.path] = Text(text, secret=template.secret)

    def template(self, path: str, context: GoContext, roots: tuple[str, ...] = ()) -> GoTemplate:
        """A file that is a Go template."""
        try:
            text = self._files.read(path)
        except InputError as error:
            error.where = error.where or Location(path)
            raise
        return GoTemplate(path, text.text, context, roots, path, text.secret)

    def filled(self, releases: Iterable[Release]) -> list[Release]:
        """The releases, all their values files that are Go templates rendered at once."""
        given = list(releases)
        templates = [source.template for release in given for source in release.values if source.template]
        if not templates:
            return given
        texts = iter(self._render(templates))
        return [
            replace(release, values=tuple(self._filled(source, release, texts) for source in release.values))
            for release in given
        ]

    def _filled(self, source: ValuesSource, release: Release, texts: Iterator[str]) -> ValuesSource:
        template = source.template
        if template is None:
            return source
        text = Text(next(texts), secret=template.secret)
        made = self._made_values(text, template.name, source.label, release.where)
        return replace(made, file=source.file, places=made.places or source.places)

    def _render(self, templates: list[GoTemplate]) -> list[str]:
        if not templates:
            return []
        if self._helpers is None:
            raise InputError("Go templates cannot be rendered here", where=Location(templates[0].path))
        return self._helpers.render(templates, self.helm_binary, self._files.read)

    def dotenv(self, path: str) -> dict[str, Node]:
        """The variables of a ``.env`` file; none if there is no such file."""
        if not self.exists(path):
            return {}
        text = self._read(path, ".env file", None)
        nodes = dotenv(text.text, path)
        if text.secret:
            nodes = {key: Node(node.value, node.where, secret=True) for key, node in nodes.items()}
        for node in nodes.values():
            self.remember_nodes(node)
        return nodes

    def lock(self, path: str) -> tuple[LockedChart, ...] | None:
        """The charts of a lock file; None if there is none."""
        return lockfile.parse(self._read(path, "lock file", None).text, path) if self.exists(path) else None

    def locked_stacks(self, path: str) -> tuple[LockedStack, ...] | None:
        """The nested stacks of a lock file; None if there is none."""
        if not self.exists(path):
            return None
        text = self._read(path, "lock file", None).text
        lockfile.parse(text, path)  # this reports what is wrong with it as a whole
        return lockfile.parse_stacks(text, path)

    def values(self, path: str, label: str, where: Location, file: str = "") -> ValuesSource:
        """A values file as helm is to read it.

        :arg label: what the stack calls it.
        :arg file: its name where values are shown with their origin, one for each path.
        """
        if path not in self._values:
            self._values[path] = replace(self._read_values(path, label, where), file=file)
        source = self._values[path]
        return source if source.label == label else replace(source, label=label)

    def remote_values(self, url: str, repositories: tuple[Repository, ...], where: Location) -> ValuesSource:
        """A values file on a web server, fetched once a run."""
        for secret in secrets_in(url):
            self.remember(secret)
        if url not in self._values:
            text = fetched(url, repositories, where)
            helmyaml.load_values(text, shown(url), 3)
            self._values[url] = ValuesSource(shown(url), text)
        return self._values[url]

    def _read_values(self, path: str, label: str, where: Location) -> ValuesSource:
        return self._made_values(self._read(path, "values file", where), path, label, where)

    def _made_values(self, text: Text, path: str, label: str, where: Location) -> ValuesSource:
        decrypted: list[str] = []

        def decrypt(ciphertext: str) -> str:
            decrypted.append(self._decrypt(ciphertext))
            return decrypted[-1]

        documents = helmyaml.load_values(text.text, path, 3, decrypt)
        divided = helmyaml.divided(text.text)
        if divided:
            if decrypted:
                hint = "Make it one document"
                raise InputError("holds !vault values and several YAML documents", where=Location(path), hint=hint)
            documents = helmyaml.load_all(text.text, path)
        if text.secret:
            self.remember_nodes(helmyaml.place(documents, where, secret=True))
        if decrypted:
            # helm cannot read the tag
            return ValuesSource(label, helmyaml.to_json(documents[0]), secret=True, places=self._places(text, path))
        how = "values file, vault" if text.secret else ""
        parsed = None if divided else tuple(documents)
        return ValuesSource(label, text.text, text.secret or bool(text.secrets), how=how, parsed=parsed)

    def _places(self, text: Text, path: str) -> tuple[Place, ...]:
        """The places of a file's values, where helm gets another text."""
        try:
            node = helmyaml.load_with_positions(text.text, path, self._decrypt)
        except InputError:  # valid for Helm but not for a stack file, such as a key that occurs twice
            return ()
        lines = not path.endswith((".j2", ".gotmpl"))
        return tuple(places_in(node, "values file", os.path.dirname(path), lines=lines))

    def _read(self, path: str, what: str, where: Location | None) -> Text:
        if not self.exists(path):
            raise InputError(f"the {what} {path} does not exist", where=where)
        if path.endswith(SUFFIX):
            self.prepare([path])
            return self._rendered[path]
        try:
            text = self._files.read(path)
        except InputError as exc:
            raise InputError(exc.what, where=exc.where or where, hint=exc.hint, detail=exc.detail) from exc
        for secret in text.secrets:
            self.remember(secret)
        return text

    def _positions(self, text: Text, path: str) -> Node:
        node = helmyaml.load_with_positions(text.text, path, self._decrypt)
        if text.secret:
            node = helmyaml.mark_secret(node)
            self.remember_nodes(node)
        return node

    def _decrypt(self, ciphertext: str) -> str:
        text = self._files.decrypt(ciphertext)
        self.remember(text)
        return text

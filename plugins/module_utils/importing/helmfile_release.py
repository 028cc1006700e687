# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One release of a helmfile as a release of a stack."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain
from ansible_collections.helmstack.core.plugins.module_utils.importing import helmfile_hooks
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_state import State
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_values import Values, ValuesReader
from ansible_collections.helmstack.core.plugins.module_utils.importing.helmfile_words import (
    INSTEAD,
    NEEDLESS,
    READ,
    SAME,
)
from ansible_collections.helmstack.core.plugins.module_utils.importing.model import DraftRelease
from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import secret_leaves
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema

_GIT = re.compile(r"git::(?:(https?|ssh|file)://)(.+)")


def options(members: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """Those of helmfile's options that a stack file has as well, under its names.

    :arg members: of a release or of helmDefaults, as plain data.
    :arg place: makes a path of the helmfile's one of the stack's.
    """
    found: dict[str, Any] = {}
    for key, name in SAME.items():
        value = members.get(key)
        if value is None or value == "" or (key == "rollbackOnFailure" and not value):
            continue
        found[name] = place(value) if name in ("postRenderer", "keyring") else value
    if found.get("timeout") == 0:
        del found["timeout"]
    if members.get("updateStrategy"):
        found["force"] = True
    return found


def untold(members: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """helmfile's keys that say something and have no counterpart, with what does their work."""
    for key, value in members.items():
        if value in (None, False, "", 0, [], {}) or key in SAME or key in READ or key in NEEDLESS:
            continue
        yield key, INSTEAD.get(key, "this collection does not know it")


@dataclass(frozen=True)
class Ground:
    """Where the paths of a helmfile begin, and those of the stack.

    :arg dest: the stack's folder, absolute.
    :arg secrets: a folder below it for the files to be encrypted.
    :arg keep: values files may stay files.
    :arg root: the folder that holds all of the helmfiles.
    :arg declared: the names of the repositories that any of the helmfiles declares.
    """

    state: State
    dest: str
    secrets: str = "secrets"
    keep: bool = True
    declared: frozenset[str] = frozenset()
    root: str = ""

    def place(self, path: str) -> str:
        """A path of the helmfile's as the stack names it."""
        if os.path.isabs(path):
            return path
        found = os.path.relpath(os.path.join(self.state.folder, path), self.dest).replace(os.sep, "/")
        return found if found.startswith("..") else f"./{found}"


@dataclass(frozen=True)
class ReleaseReader:
    """Reads one release.

    :arg weight: it waits for all of a lesser one.
    :arg notes: gets the sentences for the user.
    :arg copied: gets the values files that go with the stack.
    """

    ground: Ground
    members: Mapping[str, Node]
    weight: int | None
    notes: list[str] = field(default_factory=list)
    copied: dict[str, bytes] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.ground.state

    @property
    def name(self) -> str:
        return schema.release_name(self._node("name"))

    @property
    def namespace(self) -> str:
        """helmfile takes the kubeconfig's where nothing is said."""
        return self.state.text("namespace") or self._text("namespace") or "default"

    @property
    def says_namespace(self) -> bool:
        return bool(self.state.text("namespace") or self._text("namespace"))

    @property
    def where(self) -> Location:
        return self._node("name").where

    @property
    def context(self) -> str:
        return self.state.text("kubeContext") or self._text("kubeContext")

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"

    def release(self) -> DraftRelease:
        """The release; notes on it are put into ``notes``.

        :raises InputError: it cannot be read, or lacks what helmfile itself wants.
        """
        ignore = self._ignored()
        handler, keep = self.state.text("missingFileHandler"), self.ground.keep
        reader = ValuesReader(self.state.folder, self.members, handler, self._stays if keep else None)
        values = Values({}) if ignore else reader.values()
        files, merged = self._files(values)
        return DraftRelease(
            name=self.name,
            namespace=self.namespace,
            chart=self._chart(),
            version=self._text("version") or None,
            values=merged,
            values_files=(*files, *self._vaults(values)),
            set=values.set,
            needs=tuple(self._needs()),
            labels=self._labels(),
            ignore=ignore,
            options=self._options(),
            comments=tuple(self._comments()),
            origin=str(self.where),
        )

    def _node(self, key: str) -> Node:
        if key not in self.members:
            where = next((node.where for node in self.members.values()), self.state.where)
            raise InputError(f"a release lacks '{key}'", where=where)
        return self.members[key]

    def _text(self, key: str) -> str:
        node = self.members.get(key)
        return str(node.value) if node and node.value is not None else ""

    def _data(self) -> dict[str, Any]:
        return {key: plain(node) for key, node in self.members.items()}

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.id}: {text}")

    def _chart(self) -> str:
        said = self.state.text("chart") or self._text("chart") or self._text("directory")
        if not said:
            self._node("chart")
        if "://" in said:
            return self._remote_chart(said)
        path = os.path.normpath(os.path.join(self.state.folder, said))
        parts = len(said.split("/"))
        local = said.startswith(("./", "../", "/")) or parts not in (2, 3) or os.path.isdir(path)
        if not local:
            self._check_repository(said.partition("/")[0])
            return said
        if os.path.isdir(path) and not os.path.isfile(os.path.join(path, "Chart.yaml")):
            self._note(
                f"'{said}' holds no chart but manifests, of which helmfile makes one; "
                "put them below templates/ of a chart of your own, with a Chart.yaml"
            )
        return self.ground.place(said)

    def _remote_chart(self, said: str) -> str:
        match = _GIT.fullmatch(said)
        if match:
            address, _sep, query = match[2].partition("?")
            repository, _at, folder = address.rpartition("@")
            if not repository or "/" not in repository:
                repository, folder = address, ""
            folder = f"//{folder}" if folder else ""
            return f"git+{match[1]}://{repository}{folder}" + (f"?{query}" if query else "")
        if not said.startswith(("oci://", "https://", "http://")):
            self._note(f"helmfile fetches its chart from {said.partition('://')[0]}://; name another place")
        return said

    def _check_repository(self, name: str) -> None:
        if name not in self.ground.declared:
            self._note(
                f"the helmfile does not declare the repository '{name}', which helm has been told of on the machine; "
                "declare it in repositories"
            )

    def _needs(self) -> Iterator[str]:
        """helmfile: context/namespace/name, namespace/name, or the name of one in the same namespace."""
        node = self.members.get("needs")
        for item in schema.items(node, "needs") if node else ():
            rest, _slash, name = schema.string(item, "needs").rpartition("/")
            context, _slash, namespace = rest.rpartition("/")
            need = f"{namespace or self.namespace}/{name}"
            if context in ("", self.context):
                yield need
            else:
                self._note(f"it needs {need} in the cluster '{context}', and a stack is of one cluster alone")

    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        for key, value in {**(self.state.data("commonLabels") or {}), **(self._data().get("labels") or {})}.items():
            text = str(value)
            fits = schema.LABEL_KEY.fullmatch(key) and len(text) <= 63 and schema.LABEL_VALUE.fullmatch(text)
            if fits and key not in schema.HELM_LABELS:
                labels[key] = text
            else:
                self._note(f"the label '{key}' is no label that Helm could have, and is left out")
        return labels

    def _ignored(self) -> bool:
        data = self._data()
        if data.get("installed") is False:
            self._note(
                "it is not to be installed (installed: false), so it is ignored here; helmfile uninstalls it, "
                "and so does prune: true once a run has deployed it"
            )
            return True
        condition = self._text("condition")
        if condition and not self._holds(condition):
            self._note(f"its condition '{condition}' does not hold, so it is ignored here")
            return True
        return False

    def _holds(self, condition: str) -> bool:
        if condition.lower() in ("true", "false"):
            return condition.lower() == "true"
        value = self.state.data("renderedvalues") or {}
        for key in condition.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value is True

    def _options(self) -> dict[str, Any]:
        data = self._data()
        for key, instead in untold(data):
            self._note(f"'{key}' is not carried over: {instead}")
        weight = {} if self.weight is None else {"weight": self.weight}
        described = {"description": data["description"]} if data.get("description") else {}
        return {**weight, **described, **options(data, self.ground.place)}

    def _comments(self) -> Iterator[str]:
        names = {"name": self.name, "namespace": self.namespace}
        hooks = tuple(helmfile_hooks.told(self._data().get("hooks"), names))
        if hooks:
            plural = "hooks are" if len(hooks) > 1 else "hook is"
            self._note(f"its {plural} not carried over; the stack file names above it the tasks that do the same")
        return iter(hooks)

    def _stays(self, path: str, data: Mapping[str, Any]) -> bool:
        """Whether a values file may stay a file: a copy of it must not hold secrets in the clear."""
        return self._is_inside(path) or not any(secret_leaves(data))

    def _is_inside(self, path: str) -> bool:
        return not os.path.relpath(path, self.ground.dest).startswith("..")

    def _files(self, values: Values) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Values files as the stack names them: those below its folder stay there, others are copied."""
        names = []
        for path, data in values.files.items():
            if self._is_inside(path):
                names.append(os.path.relpath(path, self.ground.dest).replace(os.sep, "/"))
                self.notes.extend(in_the_clear(names[-1], data))
                continue
            relative = os.path.relpath(path, self.ground.root).replace(os.sep, "/")
            names.append("helmfile/" + "/".join(part for part in relative.split("/") if part != ".."))
            with open(path, "rb") as file:
                self.copied[names[-1]] = file.read()
        if values.missing:
            self._note(f"{', '.join(values.missing)} is not there, which its missingFileHandler allows")
        return tuple(names), dict(values.merged)

    def _vaults(self, values: Values) -> Iterator[str]:
        """Files that are not there yet: what sops has encrypted, and what vals fetches. The stack says so."""
        for name, paths in values.encrypted.items():
            file = f"{self.ground.secrets}/{self.name}.sops.yaml"
            shown = ", ".join(".".join(map(str, path)) for path in paths[:5])
            more = ", …" if len(paths) > 5 else ""
            said = os.path.relpath(name, self.state.folder) if name else "SECRETS_FILE"
            self._note(
                f"what sops has encrypted ({shown}{more}) is not carried over: "
                f"sops -d {said} | ansible-vault encrypt --output {file}"
            )
            yield file
        if values.fetched:
            file = f"{self.ground.secrets}/{self.name}.vals.yaml"
            shown = ", ".join(f"{'.'.join(map(str, path))} ({_address(text)})" for path, text in values.fetched.items())
            self._note(f"what vals fetches is not carried over: {shown}; put it into {file}, with ansible-vault create")
            yield file


def _address(text: str) -> str:
    return re.sub(r"[?].*$", "", text)


def in_the_clear(path: str, data: Mapping[str, Any]) -> Iterator[str]:
    """That a values file which stays where it is holds secrets."""
    names = [".".join(map(str, leaf)) for leaf, _value in secret_leaves(data)]
    if names:
        yield f"{path} holds {', '.join(names[:5])} in the clear: ansible-vault encrypt {path}"

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stack, the root or a nested one: its files laid over each other, and the releases that come of them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import GitReference, is_git, parse
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain, to_json, walk
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in
from ansible_collections.helmstack.core.plugins.module_utils.set_arguments import arguments, tells
from ansible_collections.helmstack.core.plugins.module_utils.stack import overlay, schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import SUFFIX, GoContext
from ansible_collections.helmstack.core.plugins.module_utils.stack.helpers import Helpers
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import (
    Options,
    Release,
    Repository,
    ValuesSource,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.paths import Ground
from ansible_collections.helmstack.core.plugins.module_utils.stack.places import places_in, relative
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import StackReader
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import is_remote
from ansible_collections.helmstack.core.plugins.module_utils.stack.variables import VariableScope

_IN_ARGUMENTS = frozenset(("description", "labels"))
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True)
class Draft:
    """A release whose needs still are as the user wrote them."""

    release: Release
    needs: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Outer:
    """What a stack has from around it: the task, and the stacks that nest it."""

    task: Mapping[str, Any]  # options by their snake_case names; `namespace` too
    layers: tuple[Mapping[str, Node], ...]
    environ: Mapping[str, str]
    environment: str | None = None  # of the run, though a nested stack may have nothing for it
    fallback: tuple[Mapping[str, Node], ...] = ()
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    root: str = ""  # the outermost stack's folder
    helpers: Helpers | None = None
    named: tuple[str, ...] = ()  # variables that .helmstack names
    commits: Mapping[str, str] | None = None  # of nested stacks, as a lock file has them; None: there is none
    lock_file: str = ""
    locking: bool = False  # the lock file is being made, so that it need not hold them


@dataclass(frozen=True)
class Unit:
    """A stack's merged files."""

    name: str
    ground: Ground
    members: Mapping[str, Node]  # of its stack files, merged
    documents: Sequence[Mapping[str, Node]]  # stack files, then overlays
    scope: VariableScope
    defaults: Mapping[str, Node]  # helmDefaults
    templates: Callable[[], GoContext]  # what those of its values files see
    outer: Outer
    reader: StackReader

    def apply(self, node: Node) -> Node:
        """A node with its variables substituted, its secrets remembered."""
        applied = self.scope.apply(node)
        self.reader.remember_nodes(applied)
        return applied

    def locate(self, text: str, where: Location) -> str:
        """The absolute path that a reference in a file of this stack means."""
        return self.ground.locate(text, where)

    def repositories(self) -> dict[str, Repository]:
        """The chart repositories that this stack may name: those around it and its own."""
        entries: dict[str, Node] = {}
        for document in self.documents:
            for entry in overlay.named(document.get("repositories", _NOTHING), "repositories", schema.REPOSITORY_KEYS):
                name = schema.matching(
                    self.apply(entry.value["name"]), "name", schema.SIMPLE_NAME, 63, "a repository's name"
                )
                before = entries.get(name)
                entries[name] = Node(overlay.merge_keys(before.value, entry.value), before.where) if before else entry
        own = {name: self._repository(name, self.apply(entry)) for name, entry in entries.items()}
        for name, repository in own.items():
            around = self.outer.repositories.get(name)
            if around and around != repository:
                what = f"the repository '{name}' is declared differently by the stack around '{self.name}'"
                raise InputError(what, where=entries[name].where)
        return {**self.outer.repositories, **own}

    def _repository(self, name: str, node: Node) -> Repository:
        values = schema.repository(name, node)
        for key in schema.REPOSITORY_FILES.intersection(values):
            values[key] = self.locate(values[key], node.value[key].where)
        for secret in (values.get("password", ""), *secrets_in(values["url"])):
            self.reader.remember(secret)
        return Repository(**values)

    def drafts(self, repositories: Mapping[str, Repository]) -> list[Draft]:
        """The releases of this stack, without those of stacks that it nests."""
        releases = overlay.Releases(self._identify)
        for number, document in enumerate(self.documents):
            if "releases" in document:
                (releases.overlay if number else releases.declare)(document["releases"])
        return [self._draft(identity, node, repositories) for identity, node in releases.nodes()]

    def _identify(self, node: Node) -> tuple[str, str]:
        members = node.value
        name = schema.release_name(self.scope.apply(members["name"]))
        said = members.get("namespace", _NOTHING)
        if said.value is None:
            said = self.defaults.get("namespace", _NOTHING)
        if said.value is None:
            said = Node(self.outer.task.get("namespace") or "default", _TASK)
        return schema.namespace(self.scope.apply(said)), name

    def _draft(self, identity: tuple[str, str], node: Node, repositories: Mapping[str, Repository]) -> Draft:
        namespace, name = identity
        ignore = "ignore" in node.value and schema.boolean(self.apply(node.value["ignore"]), "ignore")
        # the values of a release that this environment does not manage need not exist here
        raw = {key: item for key, item in node.value.items() if not (ignore and key in ("values", "set"))}
        members = self.apply(Node(raw, node.where)).value
        for key in _IN_ARGUMENTS & members.keys():
            if any(item.secret for item in walk(members[key])):
                raise in_arguments(key, members[key].where)
        if "chart" not in members:
            raise InputError(f"the release {namespace}/{name} has no chart", where=node.where)
        version = schema.string(members["version"], "version") if "version" in members else None
        labels = schema.labels(members["labels"]) if "labels" in members else {}
        about = {"Name": name, "Namespace": namespace, "Version": version or "", "Labels": labels, "Stack": self.name}
        chart = self._chart(members["chart"], repositories)
        release = Release(
            name=name,
            namespace=namespace,
            chart=chart,
            chart_name=relative(chart, self.outer.root),
            version=version,
            digest=schema.digest(members["digest"]) if "digest" in members else None,
            values=self._values(about, members, repositories),
            set_args=_integers(members.get("set", _NOTHING)),
            weight=schema.integer(members["weight"], "weight") if "weight" in members else None,
            labels=labels,
            options=self._options(members),
            ignore=ignore,
            protected="protected" in members and schema.boolean(members["protected"], "protected"),
            spray=schema.spray(members.get("spray", _NOTHING)),
            ready=schema.ready(members.get("ready", _NOTHING)),
            description=schema.string(members["description"], "description") if "description" in members else "",
            stack=self.name,
            where=node.where,
        )
        needs = schema.items(members.get("needs", _NOTHING), "needs")
        return Draft(release, tuple(needs))

    def _options(self, members: Mapping[str, Node]) -> Options:
        return Options(**{**self._default_options, **self._said_options(members)})

    @cached_property
    def _default_options(self) -> Mapping[str, Any]:
        """What the task and helmDefaults say."""
        defaults = self.apply(Node(self.defaults, _TASK)).value
        return {**schema.task_options(self.outer.task, _TASK), **self._said_options(defaults)}

    def _said_options(self, members: Mapping[str, Node]) -> dict[str, Any]:
        said = {schema.OPTIONS[key][0]: self._option(key, members[key]) for key in members if key in schema.OPTIONS}
        if said.get("reset_values"):
            said["reuse_values"] = False  # helm lets reset win over reuse, and a release over helmDefaults
        elif said.get("reuse_values"):
            said.setdefault("reset_values", False)
        return said

    def _option(self, key: str, node: Node) -> Any:
        value = schema.option(key, node)
        if key == "keyring" or (key in ("helmBinary", "postRenderer") and "/" in value):
            return self.locate(value, node.where)
        return value

    def _chart(self, node: Node, repositories: Mapping[str, Repository]) -> str:
        chart = schema.string(node, "chart")
        if is_git(chart):
            self.git_reference(chart, node.where)
            return chart
        if _SCHEME.match(chart):
            for secret in secrets_in(chart):
                self.reader.remember(secret)
            return chart
        repository, slash, _rest = chart.partition("/")
        if slash and repository in repositories:
            return chart
        path = self.locate(chart, node.where) if self._is_path(chart, node.where) else ""
        if path:
            return path
        if not slash:
            hint = "Write repository/name, or ./ before the path of a folder"
            raise InputError(f"there is no chart '{chart}' here", where=node.where, hint=hint)
        hint = did_you_mean(repository, repositories) or "The stack declares no repositories"
        raise InputError(
            f"the repository '{repository}' of chart '{chart}' is not declared", where=node.where, hint=hint
        )

    def git_reference(self, text: str, where: Location) -> GitReference:
        """A reference to git that is fit to start it with."""
        for secret in secrets_in(text):
            self.reader.remember(secret)
        try:
            reference = parse(text)
        except InputError as error:
            error.where = where
            raise
        if reference.folder:
            self.locate(reference.folder, where)  # is it one that a nested stack may use?
        return reference

    def _is_path(self, chart: str, where: Location) -> bool:
        if chart.startswith(("./", "../", "/")) or chart in (".", "..") or chart.endswith(".tgz"):
            return True
        return any(self.reader.exists(path) for path in self.ground.candidates(chart, where))

    def _values(
        self, about: Mapping[str, Any], members: Mapping[str, Node], repositories: Mapping[str, Repository]
    ) -> tuple[ValuesSource, ...]:
        """The values of a release in helm's order.

        :arg about: what templates see as ``.Release``.
        """
        nodes = schema.items(members.get("values", _NOTHING), "values")
        sources = [self._value(about, node, repositories) for node in nodes]
        if schema.mapping(members.get("set", _NOTHING), "set"):
            sources.append(self._inline("set", _id(about), members["set"]))
        return tuple(sources)

    def _value(self, about: Mapping[str, Any], node: Node, repositories: Mapping[str, Repository]) -> ValuesSource:
        if isinstance(node.value, dict):
            return self._inline("values", _id(about), node)
        if not isinstance(node.value, str) or not node.value:
            raise schema.wrong(node, "values", "a path or a mapping")
        if is_remote(node.value):
            return self.reader.remote_values(node.value, tuple(repositories.values()), node.where)
        if _SCHEME.match(node.value):
            what = f"'{node.value}' is not a path: values files are local, or come by http and https"
            raise InputError(what, where=node.where)
        path = self.locate(node.value, node.where)
        tried = self.ground.candidates(node.value, node.where)
        if len(tried) > 1 and not self.reader.exists(path):
            raise InputError(f"the values file is neither {' nor '.join(tried)}", where=node.where)
        if path.endswith(SUFFIX) and self.reader.exists(path):
            context = self.templates().for_release(**about)
            template = self.reader.template(path, context, self.ground.roots)
            return ValuesSource(node.value, "", file=relative(path, self.outer.root), template=template)
        return self.reader.values(path, node.value, node.where, relative(path, self.outer.root))

    def _inline(self, what: str, release: str, node: Node) -> ValuesSource:
        place = Location(os.path.basename(node.where.file), node.where.line)
        secret = any(item.secret for item in walk(node))
        places = tuple(places_in(node, what, self.outer.root))
        return ValuesSource(f"{what} of {release} ({place})", to_json(plain(node)), secret, how=what, places=places)


def _id(about: Mapping[str, Any]) -> str:
    return f"{about['Namespace']}/{about['Name']}"


def _integers(node: Node) -> tuple[str, ...]:
    """The integers of ``set`` as helm's own --set takes them, but for those that may be secret."""
    return tuple(text for text in arguments(_open(node), lambda _value: True) if not tells(text))


def _open(node: Node) -> Any:
    """A node's data, with null in place of secrets."""
    if node.secret:
        return None
    if isinstance(node.value, dict):
        return {key: _open(item) for key, item in node.value.items()}
    return [_open(item) for item in node.value] if isinstance(node.value, list) else node.value


def in_arguments(key: str, where: Location) -> InputError:
    """The error for a secret that everybody could read."""
    return InputError(
        f"{key} holds a value from a vault, which would be visible in helm's arguments and in the release",
        where=where,
        hint="Leave it out, or take it out of the vault",
    )


_NOTHING = Node(None, Location(""))
_TASK = Location("task options")

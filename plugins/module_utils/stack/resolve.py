# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From files to the desired releases: the way through the stack room."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, mark_secret, place, plain, walk
from ansible_collections.helmstack.core.plugins.module_utils.stack import lockfile, order, overlay, schema, select
from ansible_collections.helmstack.core.plugins.module_utils.stack.environments import (
    chosen_environment,
    likely,
    overlay_of,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Files
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import (
    SUFFIX,
    GoContext,
    environment_variables,
    go_context,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.helpers import Helpers
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import LockedStack, Repository, Stack
from ansible_collections.helmstack.core.plugins.module_utils.stack.nesting import (
    Place,
    nested_place,
    renamed,
    told_as,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.paths import Ground, repository_of
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import StackReader
from ansible_collections.helmstack.core.plugins.module_utils.stack.unit import Draft, Outer, Unit
from ansible_collections.helmstack.core.plugins.module_utils.stack.variables import VariableScope

_LONGEST_LABEL = 63
_TASK = Location("task options")
_NOTHING = Node(None, _TASK)


@dataclass(frozen=True)
class Request:
    """What a task asks of the stack room."""

    stack_files: tuple[str, ...]  # absolute; a folder means the stack file in it
    environment: str | None = None
    groups: tuple[str, ...] = ()  # of the host: the environment, if nothing names one
    overlays: tuple[str, ...] = ()  # absolute, or relative to the first stack file's folder
    variables: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    selector: str | None = None
    include_needs: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)  # model.Options' names and namespace; under helmDefaults
    environ: Mapping[str, str] = field(default_factory=dict)
    option_names: frozenset[str] = frozenset()  # of the modules: what `.helmstack` may set
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of the variables, what came out of a vault
    lock_file: str | None = None  # absolute, or relative to the first stack file's folder; None: the one beside it
    makes_lock_file: bool = False  # so that it may be absent
    update: tuple[str, ...] = ()  # globs: what the lock file says of these does not count


@dataclass(frozen=True)
class _Resolved:
    """A stack with all that it nests."""

    name: str
    drafts: list[Draft]
    repositories: Mapping[str, Repository]


def resolve(request: Request, files: Files, helpers: Helpers | None = None) -> Stack:
    """The releases that a task wants.

    :arg helpers: for stacks from git.
    :raises InputError: anything that is wrong in the files or options.
    """
    reader = StackReader(files, helpers)
    for secret in request.secrets:
        reader.remember(secret)
    with reader.masking():
        return _resolved(request, reader, helpers)


def _resolved(request: Request, reader: StackReader, helpers: Helpers | None) -> Stack:
    if not request.stack_files:
        raise InputError("no stack file is named", hint="Set stack_files")
    paths = tuple(reader.find_stack(os.path.normpath(path)) for path in request.stack_files)
    folder = os.path.dirname(paths[0])
    members = (
        reader.document(f"{folder}/.helmstack", ".helmstack", request.option_names)
        if reader.exists(f"{folder}/.helmstack")
        else {}
    )
    request = _with_defaults(request, members)
    lock_file = os.path.join(folder, request.lock_file or lockfile.NAME)
    locked_stacks = reader.locked_stacks(lock_file)
    reader.helm_binary = schema.string(members["binary_path"], "binary_path") if "binary_path" in members else None
    place_of = Place(paths, Ground(folder), extra_overlays=request.overlays)
    outer = Outer(
        task=request.defaults,
        layers=(_task_variables(request),),
        environ=request.environ,
        environment=likely(request.environment, request.groups, folder, reader),
        root=folder,
        helpers=helpers,
        named=tuple(schema.mapping(members.get("variables", _NOTHING), "variables")),
        commits=lockfile.commits(locked_stacks, request.update),
        lock_file=lock_file,
        locking=request.makes_lock_file,
    )
    documents = _stack_documents(place_of, outer, reader)
    environment = chosen_environment(request.environment, request.groups, folder, _merged(documents), reader)
    if environment != outer.environment:  # what templates have made may be something else then
        outer = replace(outer, environment=environment)
        documents = _stack_documents(place_of, outer, reader)
    resolved = _stack(place_of, documents, environment, outer, reader)
    if not resolved.drafts:
        empty = not any(documents)
        what, hint = ("the stack file is empty", "It needs 'releases'") if empty else ("the stack has no releases", "")
        raise InputError(what, where=Location(paths[0]), hint=hint)
    releases = reader.filled(order.ordered(resolved.drafts))
    if request.lock_file and not (request.makes_lock_file or reader.exists(lock_file)):
        raise InputError(f"there is no lock file {lock_file}", hint="The module helmstack_lock makes it")
    chosen = select.selected(releases, request.targets, request.selector, include_needs=request.include_needs)
    takers = [release for release in releases if request.include_needs and release.id in (chosen or ())]
    needed = {need for release in takers for need in release.needs}
    return Stack(
        name=resolved.name,
        environment=environment,
        releases=select.narrowed(releases, request.targets, needed),
        repositories=tuple(resolved.repositories.values()),
        secrets=reader.secrets,
        defaults={key: plain(node) for key, node in members.items()},
        targets=chosen,
        origin=_origin(paths[0]),
        locked=reader.lock(lock_file),
        lock_file=lock_file,
        locked_stacks=locked_stacks or (),
        fetched_stacks=tuple(LockedStack(*item) for item in reader.fetched.items()),
    )


def _origin(path: str) -> str:
    """The stack file's path in its git repository, as a label's value; "" outside of one.

    It is the same in every checkout and distinguishes the stacks of one repository.
    """
    folder = repository_of(os.path.dirname(path))
    if not folder:
        return ""
    inside = re.sub(r"[^A-Za-z0-9._-]+", "_", os.path.relpath(path, folder).replace("/", "__"))
    return inside[-_LONGEST_LABEL:].strip("._-")


def _with_defaults(request: Request, members: Mapping[str, Node]) -> Request:
    """The task's options over those of ``.helmstack``."""

    def text(key: str) -> str | None:
        return schema.string(members[key], key) if key in members else None

    def texts(key: str) -> tuple[str, ...]:
        return schema.strings(members.get(key, _NOTHING), key)

    variables = {
        key: plain(node) for key, node in schema.mapping(members.get("variables", _NOTHING), "variables").items()
    }
    lock_file = text("lock_file")
    include_needs = "include_needs" in members and schema.boolean(members["include_needs"], "include_needs")
    said = {key: value for key, value in request.defaults.items() if value is not None}
    return replace(
        request,
        environment=request.environment or text("environment"),
        overlays=request.overlays or texts("overlays"),
        variables={**variables, **request.variables},
        targets=request.targets or texts("targets"),
        selector=request.selector or text("selector"),
        lock_file=request.lock_file or lock_file,
        include_needs=request.include_needs or include_needs,
        defaults={**schema.task_defaults(members), **said},
    )


def _task_variables(request: Request) -> dict[str, Node]:
    """The task's variables; those that hold what came out of a vault are marked."""
    nodes: dict[str, Node] = place(dict(request.variables), _TASK).value
    secrets = [secret for secret in request.secrets if secret]

    def holds_secret(node: Node) -> bool:
        return any(isinstance(item.value, str) and any(part in item.value for part in secrets) for item in walk(node))

    return {name: mark_secret(node) if holds_secret(node) else node for name, node in nodes.items()}


def _stack_documents(at: Place, outer: Outer, reader: StackReader) -> list[dict[str, Node]]:
    """The stack files; if they are Go templates, these are rendered with the overlays that are known by now."""
    reader.begin(partial(_before, at, outer, (), reader))
    if any(path.endswith(SUFFIX) for path in at.files):
        usual = overlay_of(at.folder, outer.environment, reader) if outer.environment else None
        extra = (os.path.normpath(os.path.join(at.folder, path)) for path in at.extra_overlays)
        reader.prepare([*at.files, *filter(None, [usual]), *extra])
    return [reader.document(path, "stack file", schema.STACK_KEYS) for path in at.files]


def _before(at: Place, outer: Outer, declared: Sequence[str], reader: StackReader) -> GoContext:
    """What stack and overlay files see that are Go templates: all that is known before them."""
    scope = VariableScope(outer.layers, outer.environ, _fallback(at, outer, reader), _built_in(outer))
    return _context(scope, outer, declared, reader)


def _context(scope: VariableScope, outer: Outer, declared: Sequence[str], reader: StackReader) -> GoContext:
    env = environment_variables(scope.fallback, (*outer.named, *declared), scope)
    return go_context(outer.environment, scope, env, reader.remember_nodes)


def _fallback(at: Place, outer: Outer, reader: StackReader) -> tuple[Mapping[str, Node], ...]:
    """The variables of ``.env`` files, the stronger first."""
    names = [f".env.{outer.environment}"] if outer.environment else []
    return (*outer.fallback, *(reader.dotenv(f"{at.folder}/{name}") for name in (*names, ".env")))


def _built_in(outer: Outer) -> dict[str, Node]:
    return {} if outer.environment is None else {"environment": Node(outer.environment, _TASK)}


def _merged(documents: Sequence[Mapping[str, Node]]) -> dict[str, Node]:
    """The members of several stack files, but for releases and repositories, which are merged by name."""
    result: dict[str, Node] = {}
    for document in documents:
        for key, node in document.items():
            result[key] = _merged_member(key, result[key], node) if key in result else node
    return result


def _merged_member(key: str, before: Node, node: Node) -> Node:
    if key in ("stacks", "env"):
        return overlay.join(before, node)
    if key not in ("environments", "variables", "helmDefaults"):
        return node
    merge = overlay.merge_environments if key == "environments" else overlay.merge_members
    return Node(merge(schema.mapping(before, key), schema.mapping(node, key)), node.where)


def _stack(
    at: Place, documents: list[dict[str, Node]], environment: str | None, outer: Outer, reader: StackReader
) -> _Resolved:
    """One stack and, in the order they are written, those that it nests."""
    unit = _unit(at, documents, environment, outer, reader)
    repositories = unit.repositories()
    nested = _nested(at, unit, environment, replace(outer, repositories=repositories), reader)
    drafts = unit.drafts(repositories)
    keys = list(unit.members)
    inner = [draft for each in nested for draft in each.drafts]
    first = "stacks" in keys and "releases" in keys and keys.index("stacks") < keys.index("releases")
    for each in nested:
        repositories = _joined(repositories, each.repositories, unit.members["stacks"].where)
    return _Resolved(unit.name, inner + drafts if first else drafts + inner, repositories)


def _joined(
    repositories: Mapping[str, Repository], more: Mapping[str, Repository], where: Location
) -> dict[str, Repository]:
    for name in repositories.keys() & more.keys():
        if repositories[name] != more[name]:
            raise InputError(f"two nested stacks declare the repository '{name}' differently", where=where)
    return {**repositories, **more}


def _unit(
    at: Place, documents: list[dict[str, Node]], environment: str | None, outer: Outer, reader: StackReader
) -> Unit:
    """A stack's files laid over each other, its overlays found on the way."""
    members = _merged(documents)
    environments = schema.mapping(members.get("environments", _NOTHING), "environments")
    for name, node in environments.items():
        schema.mapping(node, f"environment {name}", schema.ENVIRONMENT_KEYS)
    chosen = schema.mapping(environments.get(environment or "", _NOTHING), f"environment {environment}")
    variables = overlay.merge_members(
        schema.mapping(members.get("variables", _NOTHING), "variables"),
        schema.mapping(chosen.get("variables", _NOTHING), "variables"),
    )
    fallback, built_in = _fallback(at, outer, reader), _built_in(outer)
    declared = schema.strings(members.get("env", _NOTHING), "env")
    if not any(path.endswith(SUFFIX) for path in at.files):
        reader.begin(partial(_before, at, outer, declared, reader))
    scope = VariableScope((*outer.layers, variables), outer.environ, fallback, built_in)
    overlays = _overlays(at, environment, chosen, scope, reader)
    defaults = schema.mapping(members.get("helmDefaults", _NOTHING), "helmDefaults", schema.DEFAULTS_KEYS)
    for document in overlays:
        variables = overlay.merge_members(variables, schema.mapping(document.get("variables", _NOTHING), "variables"))
        said = schema.mapping(document.get("helmDefaults", _NOTHING), "helmDefaults", schema.DEFAULTS_KEYS)
        defaults = overlay.merge_keys(defaults, said)
    scope = VariableScope((*outer.layers, variables), outer.environ, fallback, built_in)
    name = _name(at, members, scope)
    scope = VariableScope(scope.layers, outer.environ, fallback, {**built_in, "stack": Node(name, _TASK)})
    return Unit(
        name=name,
        ground=at.ground,
        members=members,
        documents=[*documents, *overlays],
        scope=scope,
        defaults=defaults,
        templates=cache(partial(_context, scope, outer, declared, reader)),
        outer=outer,
        reader=reader,
    )


def _overlays(
    at: Place, environment: str | None, chosen: Mapping[str, Node], scope: VariableScope, reader: StackReader
) -> list[dict[str, Node]]:
    """The overlay files in their order, each once at its first place."""
    conventional = overlay_of(at.folder, environment, reader) if environment else None
    paths: list[tuple[str, Location | None]] = [(conventional, None)] if conventional else []
    for key in ("overlays", "overlay"):
        for node in schema.items(chosen.get(key, _NOTHING), key):
            applied = scope.apply(node)
            text = schema.string(applied, key)
            paths.append((at.ground.locate(text, applied.where), applied.where))
    paths += [(os.path.normpath(os.path.join(at.folder, path)), None) for path in at.extra_overlays]
    reader.prepare(path for path, dummy in paths)
    seen = {os.path.realpath(path) for path in at.files}
    result = []
    for path, where in paths:
        if os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            result.append(reader.document(path, "overlay", schema.OVERLAY_KEYS, where))
    return result


def _name(at: Place, members: Mapping[str, Node], scope: VariableScope) -> str:
    told = "a label's value (letters, digits, '-', '_' and '.', a letter or digit at both ends)"
    if at.name:
        return at.name
    if "name" in members:
        return schema.matching(scope.apply(members["name"]), "name", schema.SIMPLE_NAME, 63, told)
    name = at.usual_name or os.path.basename(at.folder)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:_LONGEST_LABEL].strip("-._") or "stack"


def _nested(at: Place, unit: Unit, environment: str | None, outer: Outer, reader: StackReader) -> list[_Resolved]:
    chain = (*at.chain, os.path.realpath(at.files[0]))
    variables = unit.scope.layers[-1]
    inner = replace(outer, layers=(*outer.layers, variables), fallback=unit.scope.fallback)
    result: list[_Resolved] = []
    names: dict[str, Location] = {unit.name: unit.members.get("name", _NOTHING).where}
    for node in schema.items(unit.members.get("stacks", _NOTHING), "stacks"):
        entry = unit.apply(node)
        place_of = nested_place(entry, unit, chain, outer.repositories, outer.helpers)
        with told_as(place_of.fetched):
            resolved = _nested_stack(place_of, environment, inner, reader)
        if resolved.name in names:
            raise InputError(
                f"there are two stacks '{resolved.name}'", where=entry.where, hint="Give one another 'name'"
            )
        names[resolved.name] = entry.where
        result.append(resolved)
    return result


def _nested_stack(at: Place, environment: str | None, outer: Outer, reader: StackReader) -> _Resolved:
    documents = _stack_documents(at, outer, reader)
    declared = schema.mapping(_merged(documents).get("environments", _NOTHING), "environments")
    found = environment and (environment in declared or overlay_of(at.folder, environment, reader))
    resolved = _stack(at, documents, environment if found else None, outer, reader)
    if not at.fetched:
        return resolved
    drafts = [replace(draft, release=renamed(draft.release, at.fetched, outer.root)) for draft in resolved.drafts]
    return replace(resolved, drafts=drafts)

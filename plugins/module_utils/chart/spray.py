# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An umbrella chart becomes one release a sub-chart, each with a small umbrella of its own, in order of weight.

Each release is what ``helm upgrade --install <release> <umbrella> --set <it>.enabled=true,<others>.enabled=false``
would make with helm-spray's values, that is, with the umbrella's values.yaml as the first values file.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import includes, strvals
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetValue
from ansible_collections.helmstack.core.plugins.module_utils.chart.umbrella import (
    Packed,
    Reduced,
    Umbrella,
    UmbrellaDependency,
)
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    InputError,
    Location,
    did_you_mean,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource


@dataclass(frozen=True)
class SprayOptions:
    """What the user asks of a spray; names, types and defaults are those of the module ``helm_spray``."""

    release_namespace: str
    values: tuple[ValuesSource, ...] = ()  # values files, then release_values
    set_values: tuple[SetValue, ...] = ()
    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # what the targets of a stack's task choose of them, names and patterns
    prefix_releases: str | None = None
    prefix_releases_with_namespace: bool = False
    default_weight: int | None = None
    reuse_values: bool = False
    reset_values: bool = True
    helm: int = 4  # the major version of the helm that reads the values

    @property
    def reuses(self) -> bool:
        """Whether helm takes the last release's values; resetting wins, as in helm."""
        return self.reuse_values and not self.reset_values


@dataclass(frozen=True)
class SubRelease:
    """One sub-chart as a release. Those that are not targeted have no chart and no values."""

    name: str  # of the release
    used_name: str  # the alias, else the sub-chart's name
    chart: str  # the sub-chart's name
    alias: str | None
    weight: int
    targeted: bool
    why: str  # "targeted", "not a target", "excluded", "tag x is true", "no tag of x, y is true"
    left_out: bool = False  # by targets or exclude: whatever there is of it stays
    reduced: Reduced | None = field(default=None, repr=False)  # the umbrella for this release alone
    values: tuple[ValuesSource, ...] = ()  # all documents for helm, in order
    set_args: tuple[str, ...] = ()  # for helm's --set, after the documents: the integers of set_values, see strvals
    digest: str = ""  # of reduced but for the hidden values
    hidden_values: tuple[str, ...] = ()  # top-level keys of the values that cannot shape this release's manifest


@dataclass(frozen=True)
class _Values:
    """The values of a spray, computed once for all its releases."""

    defaults: Mapping[str, Any]  # the chart's values.yaml as helm reads it, includes left out
    documents: tuple[ValuesSource, ...]
    user: Mapping[str, Any]  # the documents merged, set_values laid over
    merged: Mapping[str, Any]  # the user's over the defaults, where nulls stay
    set_args: tuple[str, ...]


def spray(chart_path: str, options: SprayOptions) -> tuple[SubRelease, ...]:
    """The releases of an umbrella chart, in order of weight, then of the dependency list.

    :arg chart_path: a chart's folder or .tgz with its ``charts/`` complete.
    :raises InputError: options that contradict each other or name what is not there, or values that do not fit.
    :raises ChartError: a chart that is damaged, or that cannot be sprayed.
    """
    _check_options(options)
    umbrella = Umbrella(chart_path)
    releases = _sprayed(umbrella)
    _check_names(options, [item.used_name for item in releases], [item.used_name for item in umbrella.dependencies])
    values = _values(umbrella, options)
    table = [_row(umbrella, dependency, values, options) for dependency in releases]
    maker = _Maker(umbrella, releases, values)
    made = [maker.complete(row, dependency) if row.targeted else row for row, dependency in zip(table, releases)]
    return tuple(sorted(made, key=lambda item: item.weight))


def _check_options(options: SprayOptions) -> None:
    schema.check_spray(vars(options))
    bad = re.search(r"[^a-zA-Z0-9-]", options.prefix_releases or "", re.ASCII)
    if bad:
        raise InputError(
            f"prefix_releases '{options.prefix_releases}' holds '{bad[0]}'", hint="Allowed are a-z, A-Z, 0-9 and -"
        )
    if options.default_weight is not None:
        _weight_of(options.default_weight, "default_weight")


def _sprayed(umbrella: Umbrella) -> list[UmbrellaDependency]:
    """The dependencies that become releases: all but library charts."""
    _check_used_names(umbrella)
    found = []
    for dependency in umbrella.dependencies:
        if not _provider(umbrella, dependency).library:
            _check_condition(umbrella, dependency)
            found.append(dependency)
    if not found:
        what = "has no dependencies but library charts" if umbrella.dependencies else "has no dependencies"
        raise ChartError(
            f"umbrella '{umbrella.name}' {what}, so there is nothing to spray", where=Location(umbrella.path)
        )
    return found


def _check_used_names(umbrella: Umbrella) -> None:
    seen: set[str] = set()
    for dependency in umbrella.dependencies:
        if dependency.used_name in seen:
            raise ChartError(
                f"two dependencies of umbrella '{umbrella.name}' go by the name '{dependency.used_name}'",
                where=Location(umbrella.path),
                hint="Give one of them an alias",
            )
        seen.add(dependency.used_name)


def _provider(umbrella: Umbrella, dependency: UmbrellaDependency) -> Packed:
    found = umbrella.providers(dependency)
    if len(found) == 1:
        return found[0]
    wanted = f"dependency '{dependency.name}' {dependency.version}".rstrip()
    present = [item for item in umbrella.packed if item.name == dependency.name]
    if found:
        held = ", ".join(f"charts/{item.key}" for item in found)
        what, hint = f"umbrella '{umbrella.name}' holds {wanted} more than once: {held}", "Remove all but one"
    elif present:
        held = ", ".join(item.version for item in present)
        what = f"umbrella '{umbrella.name}' wants {wanted}, but its charts/ holds {held}"
        hint = "Run 'helm dependency update' on it"
    else:
        what = f"umbrella '{umbrella.name}' lacks {wanted} in its charts/"
        hint = "Run 'helm dependency build' on it"
    raise ChartError(what, where=Location(umbrella.path), hint=hint)


def _check_condition(umbrella: Umbrella, dependency: UmbrellaDependency) -> None:
    """Helm must be able to switch a sub-chart off by its name: of several conditions the first that is set decides.

    A dependency without any condition is fine too, although helm-spray puts it into every release: here it is a release
    of its own, as if it had the condition, and the umbrellas of the others do not hold it.
    """
    expected = f"{dependency.used_name}.enabled"
    first = dependency.condition.strip().split(",")[0]
    if dependency.condition.strip() and first != expected:
        raise ChartError(
            f"dependency '{dependency.used_name}' of umbrella '{umbrella.name}' has the condition "
            f"'{dependency.condition}', by which it cannot be a release of its own",
            where=Location(umbrella.path),
            hint=f"Its condition must be '{expected}'",
        )


def _check_names(options: SprayOptions, known: list[str], every: list[str]) -> None:
    """Library charts may be excluded, as for helm-spray, although they are in no release's way."""
    for option, names, allowed in (("targets", options.targets, known), ("exclude", options.exclude, every)):
        for name in names:
            if name not in allowed:
                raise InputError(
                    f"{option} names '{name}', which is no sub-chart of the umbrella", hint=did_you_mean(name, allowed)
                )
    for pattern in options.only:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise InputError(f"'{pattern}' fits no sub-chart of the umbrella", hint=did_you_mean(pattern, known))


def _values(umbrella: Umbrella, options: SprayOptions) -> _Values:
    where = umbrella.where("values.yaml").file
    defaults = _mapping(umbrella.values, where, ChartError, options.helm)
    documents = options.values
    if not options.reuses and umbrella.values:
        expanded = includes.expand(umbrella.values, umbrella.text, where)
        _mapping(expanded, f"{where}, after its includes", ChartError, options.helm)
        documents = (ValuesSource(f"values.yaml of {umbrella.name}", expanded), *documents)
    user: dict[str, Any] = {}
    for document in documents:
        strvals.merge(user, _mapping(document.text, document.label, InputError, options.helm))
    documents, set_args = _with_sets(documents, user, options.set_values)
    merged = copy.deepcopy(defaults)
    strvals.merge(merged, copy.deepcopy(user))
    return _Values(defaults, documents, user, merged, set_args)


def _with_sets(
    documents: tuple[ValuesSource, ...], user: dict[str, Any], items: tuple[SetValue, ...]
) -> tuple[tuple[ValuesSource, ...], tuple[str, ...]]:
    """Lay ``set_values`` over the merged documents, in place, and give them the form of one more document."""
    if not items:
        return documents, ()
    before = copy.deepcopy(user)
    strvals.apply(user, items, _read_file)
    text = helmyaml.to_json(strvals.difference(before, user))
    source = ValuesSource("set_values", text, secret=any(item.secret for item in items))
    return (*documents, source), strvals.arguments(user)


def _read_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text in UTF-8"
        raise InputError(f"file '{path}' of set_values cannot be read: {reason}") from None


def _mapping(text: str, name: str, error: type[InputError | ChartError], helm: int) -> dict[str, Any]:
    try:
        return merge(helmyaml.load_values(text, name, helm))
    except InputError as exc:
        raise error(exc.what, where=exc.where, hint=exc.hint) from None


def _row(umbrella: Umbrella, dependency: UmbrellaDependency, values: _Values, options: SprayOptions) -> SubRelease:
    targeted, why = _verdict(dependency, values.merged.get("tags"), options)
    name = _prefix(options) + dependency.used_name
    if targeted:
        _check_release_name(name)
    return SubRelease(
        name=name,
        used_name=dependency.used_name,
        chart=dependency.name,
        alias=dependency.alias or None,
        weight=_weight(umbrella, dependency, values.merged, options),
        targeted=targeted,
        why=why,
        left_out=_left_out(dependency, options) is not None,
    )


def _prefix(options: SprayOptions) -> str:
    if options.prefix_releases_with_namespace:
        return f"{options.release_namespace}-"
    return f"{options.prefix_releases}-" if options.prefix_releases else ""


def _check_release_name(name: str) -> None:
    if len(name) > schema.LONGEST_RELEASE_NAME:
        raise InputError(
            f"release name '{name}' has {len(name)} characters, of which helm allows {schema.LONGEST_RELEASE_NAME}",
            hint="Use a shorter prefix or alias",
        )
    if not schema.RELEASE_NAME.fullmatch(name):
        raise InputError(f"'{name}' is no release name for helm", hint="Allowed are a-z, 0-9, - and . between them")


def _verdict(dependency: UmbrellaDependency, tags: Any, options: SprayOptions) -> tuple[bool, str]:
    left_out = _left_out(dependency, options)
    if left_out:
        return False, left_out
    if not dependency.tags:
        return True, "targeted"
    true = [tag for tag in dependency.tags if isinstance(tags, dict) and tags.get(tag) is True]
    if true:
        return True, f"tag {true[0]} is true"
    return False, f"no tag of {', '.join(dependency.tags)} is true"


def _left_out(dependency: UmbrellaDependency, options: SprayOptions) -> str | None:
    if options.targets and dependency.used_name not in options.targets:
        return "not a target"
    if options.only and not any(fnmatchcase(dependency.used_name, pattern) for pattern in options.only):
        return "not a target"
    return "excluded" if dependency.used_name in options.exclude else None


def _weight(
    umbrella: Umbrella, dependency: UmbrellaDependency, merged: Mapping[str, Any], options: SprayOptions
) -> int:
    path = [*dependency.used_name.split("."), "weight"]
    what = f"the weight of sub-chart '{dependency.used_name}' ({'.'.join(path)} in the values)"
    found, value = _look_up(merged, path)
    if not found:
        packed = _provider(umbrella, dependency)
        value = _mapping(packed.defaults, f"charts/{packed.key}/values.yaml", ChartError, options.helm).get("weight")
    if value is not None:
        return _weight_of(value, what)
    if options.default_weight is not None:
        return options.default_weight
    raise InputError(f"{what} is missing", hint="Set it, or give default_weight")


def _look_up(values: Any, path: Iterable[str]) -> tuple[bool, Any]:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False, None
        values = values[key]
    return True, values


def _weight_of(value: Any, what: str) -> int:
    kinds = {bool: "a boolean", str: "a string", list: "a list", dict: "a mapping", float: "not an integer"}
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) in kinds:
        shown = "" if isinstance(value, (list, dict)) else f" {value!r},"
        raise InputError(f"{what} is{shown} {kinds[type(value)]}", hint="It must be an integer of 0 or more")
    if value < 0:
        raise InputError(f"{what} is {value}", hint="It must be an integer of 0 or more")
    return int(value)


class _Maker:
    """Gives rows of the table their charts and values. What all releases share is computed once."""

    def __init__(self, umbrella: Umbrella, releases: list[UmbrellaDependency], values: _Values) -> None:
        self.umbrella = umbrella
        self.releases = releases
        self.values = values
        places = {item.place for item in releases}
        self.libraries = [item for item in umbrella.dependencies if item.place not in places]
        self.private = self._private_keys()
        switches: dict[str, Any] = {}
        for each in releases:
            strvals.merge(switches, _nested(f"{each.used_name}.enabled", value=False))
        self.all_off = json.dumps(switches)

    def complete(self, row: SubRelease, dependency: UmbrellaDependency) -> SubRelease:
        reduced = self.umbrella.reduce([dependency, *self.libraries])
        hidden = self.private - {dependency.used_name.split(".")[0]}
        defaults = {key: value for key, value in self.values.defaults.items() if key not in hidden}
        switches = json.loads(self.all_off)
        strvals.merge(switches, _nested(f"{dependency.used_name}.enabled", value=True))
        source = ValuesSource(f"what is enabled for {row.used_name}", helmyaml.to_json(switches))
        return replace(
            row,
            reduced=reduced,
            values=(*self.values.documents, source),
            set_args=self.values.set_args,
            digest=hashlib.sha256(f"{reduced.digest} {helmyaml.to_json(defaults)}".encode()).hexdigest(),
            hidden_values=tuple(sorted(hidden)),
        )

    def _private_keys(self) -> frozenset[str]:
        """Keys of the values that only the sub-chart of that name can see, and the tags if they switch nothing else.

        The umbrella's own templates see all values, and the condition of a library chart the one that it names.
        """
        if self.umbrella.renders_itself:
            return frozenset()
        conditions = ",".join(item.condition for item in self.libraries)
        seen = {path.strip().split(".")[0] for path in conditions.split(",")}
        # a release's own tags have chosen it already
        tags_matter = any(item.nests for item in self.umbrella.packed) or any(item.tags for item in self.libraries)
        tags = frozenset() if tags_matter else frozenset(("tags",))
        return (tags | {item.used_name.split(".")[0] for item in self.releases}) - seen


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module helm_spray as a stack of one release, the umbrella chart."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.argspec import release_options
from ansible_collections.helmstack.core.plugins.module_utils.chart import strvals
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetValue
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in
from ansible_collections.helmstack.core.plugins.module_utils.stack import schema
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Files, PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import SUFFIX, GoContext
from ansible_collections.helmstack.core.plugins.module_utils.stack.helpers import Helpers
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import (
    Options,
    Release,
    Repository,
    Stack,
    ValuesSource,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.reading import StackReader
from ansible_collections.helmstack.core.plugins.module_utils.stack.remote_values import fetched, is_remote, shown

_TASK = Location("task options")
_ARCHIVE = re.compile(r"(?P<name>.+?)(-v?[0-9]+\.[0-9]+\.[0-9]+[^/]*)?\.(tgz|tar\.gz)")
_LONGEST_LABEL = 63
_PASSED_ON = ("targets", "exclude", "prefix_releases", "prefix_releases_with_namespace", "default_weight")
# One pair of helm's --set-file: a key, and a path or a list of them in braces.
_PAIR = re.compile(r"((?:\\.|[^=\\])*=)(\{(?:\\.|[^}\\])*\}|(?:\\.|[^,\\])*)(,|$)", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where the task's files are: on the controller, or on the target with ``remote_src``.

    ``find`` gives a file's absolute path, ``carry`` the path under which the module will find it with its content
    decrypted, and what in it is secret. Both raise InputError if there is no such file.
    """

    files: Files
    find: Callable[[str], str]
    carry: Callable[[str], tuple[str, str]]
    helpers: Helpers | None = None  # for Go templates


def umbrella_stack(given: Mapping[str, Any], at: Place, secrets: Collection[str]) -> Stack:
    """What a task of helm_spray wants.

    :arg given: the task's options, typed.
    :arg secrets: what among them came out of a vault.
    :raises InputError: options that contradict each other, or files that are not there.
    """
    _check(given)
    reader = StackReader(at.files, at.helpers)
    for secret in secrets:
        reader.remember(secret)
    for url in (given["chart_ref"], *(given.get("values_files") or ())):
        for secret in secrets_in(url) if "://" in url else ():
            reader.remember(secret)
    with reader.masking():
        return _umbrella_stack(given, at, reader, secrets)


def _umbrella_stack(given: Mapping[str, Any], at: Place, reader: StackReader, secrets: Collection[str]) -> Stack:
    repositories = {item["name"]: _repository(item, at, reader) for item in given.get("repositories") or ()}
    namespace = schema.namespace(helmyaml.place(given["release_namespace"], _TASK))
    chart = _chart(given["chart_ref"], repositories, at)
    _check_version(chart, given.get("chart_version"))
    prefix = namespace if given.get("prefix_releases_with_namespace") else given.get("prefix_releases") or ""
    name = "-".join(filter(None, (prefix, chart_name(chart, at.files))))
    spray = {key: given[key] for key in _PASSED_ON if given.get(key) is not None}
    release = Release(
        name=name,
        namespace=namespace,
        chart=chart,
        chart_name=os.path.normpath(given["chart_ref"]) if os.path.isabs(chart) else "",
        version=given.get("chart_version"),
        values=tuple(_values(given, name, at, reader, secrets, tuple(repositories.values()))),
        options=_options(given),
        spray={**spray, "set_values": list(_set_values(given.get("set_values") or (), at, reader, secrets))},
        stack=stack_name(namespace, prefix, chart_name(chart, at.files)),
        where=_TASK,
    )
    return Stack(
        name=release.stack,
        environment=None,
        releases=tuple(reader.filled([release])),
        repositories=tuple(repositories.values()),
        secrets=reader.secrets,
        targets=(release.id,) if given.get("targets") else None,
    )


def on_target(given: Mapping[str, Any], secrets: tuple[str, ...], helpers: Helpers | None = None) -> Stack:
    """The task's stack if its files are on this machine."""

    def find(path: str) -> str:
        found = os.path.abspath(os.path.expanduser(path))
        if not os.path.exists(found):
            raise InputError(f"'{path}' does not exist on the target")
        return found

    return umbrella_stack(given, Place(PlainFiles(), find, lambda path: (find(path), ""), helpers), secrets)


def _check(given: Mapping[str, Any]) -> None:
    schema.check_spray(given)
    for option in ("targets", "exclude"):
        if given.get("prune") and given.get(option):
            raise InputError(
                f"prune works on the whole umbrella, so it cannot be combined with {option}",
                hint="Leave one of them out",
            )
    if given.get("state") == "absent" and not given.get("targets") and not given.get("all"):
        raise InputError(
            "state: absent needs targets", hint="To uninstall the releases of all sub-charts, say 'all: true'"
        )


def _check_version(chart: str, version: str | None) -> None:
    """helm-spray's own rule: what is not looked up in a repository or registry has but one version."""
    kinds = (
        (chart.startswith(("http://", "https://")), "a URL of an archive"),
        (chart.startswith("git+"), "a folder in git"),
        (os.path.isabs(chart) and chart.endswith((".tgz", ".tar.gz")), "an archive"),
        (os.path.isabs(chart), "a folder"),
    )
    for fits, what in kinds:
        if version and fits:
            raise InputError(
                f"chart_version is {version}, but chart_ref is {what}, which has its own version",
                hint="Leave chart_version out, or name the chart as repository/name",
            )


def _options(given: Mapping[str, Any]) -> Options:
    options = replace(Options(), **schema.task_options(release_options(given), _TASK))
    if given.get("reset_values"):
        return replace(options, reuse_values=False)  # helm lets reset win over reuse
    return replace(options, reset_values=not options.reuse_values)


def _repository(item: Mapping[str, Any], at: Place, reader: StackReader) -> Repository:
    values = {key: value for key, value in item.items() if value is not None}
    told = "a repository's name"
    schema.matching(helmyaml.place(item["name"], _TASK), "name", schema.SIMPLE_NAME, 63, told)
    for key in schema.REPOSITORY_FILES.intersection(values):
        values[key] = at.find(values[key])
    for secret in (values.get("password", ""), *secrets_in(values["url"])):
        reader.remember(secret)
    return Repository(**values)


def _chart(reference: str, repositories: Mapping[str, Repository], at: Place) -> str:
    """The reference as the chart room knows it, local paths absolute.

    :raises InputError: it is a path that does not exist, or its repository is not declared.
    """
    if not reference.strip():
        raise InputError("chart_ref is empty", hint="A chart is repository/name or a path")
    repository, slash, _name = reference.partition("/")
    if "://" in reference or (slash and repository in repositories):
        return reference
    if reference.startswith(("./", "../", "/", "~")) or reference in (".", "..") or reference.endswith(".tgz"):
        return at.find(reference)
    try:
        return at.find(reference)
    except InputError as error:
        if not slash:
            raise InputError(
                f"there is no chart '{reference}'",
                hint=f"A chart is repository/name or a path. {error.hint}".rstrip(),
            ) from None
        raise InputError(
            f"the repository '{repository}' of chart '{reference}' is not declared, nor is there such a folder",
            hint=did_you_mean(repository, repositories) or "Declare it with the option repositories",
        ) from None


def chart_name(chart: str, files: Files) -> str:
    """What an umbrella is called, whether it comes as a folder, an archive or a reference, in a label's letters."""
    if os.path.isdir(chart):
        path = os.path.join(chart, "Chart.yaml")
        told = helmyaml.load(files.read(path).text, path) if files.exists(path) else None
        last = str(told.get("name") or "") if isinstance(told, dict) else ""
        last = last or os.path.basename(chart.rstrip("/"))
    else:
        last = re.split(r"[?#]", chart)[0].rstrip("/").rpartition("/")[2]
        last = re.split(r"[:@]", last)[0].removesuffix(".git")
        archive = _ARCHIVE.fullmatch(last)
        last = archive["name"] if archive else last
    return re.sub(r"[^A-Za-z0-9._-]", "-", last).strip("-._") or "chart"


def stack_name(namespace: str, prefix: str, chart: str) -> str:
    """The stack that a spray's releases belong to: prune must not reach those of another namespace, prefix or chart.

    The parts are joined with a character that none of them holds.
    """
    name = "_".join(filter(None, (namespace, prefix, chart.replace("_", "."))))
    if len(name) <= _LONGEST_LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_LABEL - 9].rstrip('-._')}-{digest}"


def _values(
    given: Mapping[str, Any],
    umbrella: str,
    at: Place,
    reader: StackReader,
    secrets: Collection[str],
    repositories: Collection[Repository],
) -> Iterator[ValuesSource]:
    release = {"Name": umbrella, "Namespace": given["release_namespace"]}
    context = GoContext({"Environment": {"Name": ""}, "Variables": {}, "Env": {}}).for_release(**release)
    for name in given.get("values_files") or ():
        if not name.strip():
            raise InputError("values_files holds an empty path")
        if is_remote(name):
            yield ValuesSource(shown(name), fetched(name, repositories))
        elif "://" in name:
            raise InputError(f"the values file '{shown(name)}' is neither a path nor an http or https URL")
        elif name.endswith(SUFFIX):
            yield ValuesSource(name, "", template=reader.template(at.find(name), context))
        else:
            yield reader.values(at.find(name), name, _TASK)
    if given.get("release_values"):
        text = helmyaml.to_json(given["release_values"])
        yield ValuesSource("release_values", text, _holds(text, secrets))


def _set_values(
    items: Collection[Mapping[str, Any]], at: Place, reader: StackReader, secrets: Collection[str]
) -> Iterator[dict[str, Any]]:
    _named_files(items)  # before the loop, so that errors name an item by its place among all
    for place, item in enumerate(items, start=1):
        text, kind = item["value"], item.get("value_type") or "raw"
        secret = _holds(text, secrets)
        if kind == "file":
            carried = [at.carry(path) for path in _named_files([item])]
            for _path, content in carried:
                reader.remember(content)
                secret = secret or bool(content)
            text = _with_paths(item, [path for path, _content in carried], place)
        yield {"value": text, "value_type": kind, "secret": secret}


def _named_files(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """The paths in the items of type ``file``, as helm reads them.

    :raises InputError: an item that helm could not read.
    """
    found: list[str] = []

    def read(path: str) -> str:
        found.append(path)
        return ""

    strvals.apply({}, tuple(SetValue(item["value"], item.get("value_type") or "raw") for item in items), read)
    return found


def _with_paths(item: Mapping[str, Any], paths: list[str], place: int) -> str:
    """The text of an item of type ``file`` with other paths in it."""
    rest = iter(paths)

    def escaped(_match: object = None) -> str:
        return re.sub(r"([\\,}])", r"\\\1", next(rest))

    def pair(match: re.Match[str]) -> str:
        key, value, end = match.groups()
        if value.startswith("{"):
            parts = ",".join(escaped() for _part in re.findall(r"(?:\\.|[^,\\])+", value[1:-1], re.DOTALL))
            return f"{key}{{{parts}}}{end}"
        return f"{key}{escaped()}{end}"

    try:
        replaced = _PAIR.sub(pair, item["value"])
    except StopIteration:
        replaced = ""
    if not replaced or _named_files([{**item, "value": replaced}]) != paths:
        raise InputError(f"item {place} of set_values holds files in a form that cannot be read", hint="Write key=path")
    return replaced


def _holds(text: str, secrets: Collection[str]) -> bool:
    return any(secret in text for secret in secrets)

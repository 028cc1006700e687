# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An umbrella chart, and smaller ones made from it that hold only some of its sub-charts.

What stays is what helm's ProcessDependencies would keep, so that helm makes the same of the smaller one.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import rendered
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError, Location

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

REQUIREMENTS = "requirements.yaml"
_NOT_FILES = ("Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json")  # what .Files does not hold


@dataclass(frozen=True)
class UmbrellaDependency:
    """One dependency as Chart.yaml or requirements.yaml declares it."""

    place: int  # in the list, from 0
    name: str
    alias: str
    version: str
    condition: str
    tags: tuple[str, ...]

    @property
    def used_name(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True)
class Packed:
    """A chart in ``charts/``: ``key`` is its folder's or archive's name."""

    key: str
    name: str
    version: str
    library: bool
    defaults: str  # its values.yaml
    nests: bool = False  # it declares dependencies of its own, which the umbrella's tags may switch

    def fits(self, dependency: UmbrellaDependency) -> bool:
        """Whether it is what helm takes for the dependency; a range that helm cannot read fits nothing."""
        try:
            wanted = dependency.version.strip()
            return self.name == dependency.name and bool(wanted) and semver.satisfies(self.version, wanted)
        except ValueError:
            return False


@dataclass(frozen=True)
class Reduced:
    """An umbrella that holds some of its sub-charts only.

    :arg digest: of all it holds but the umbrella's values.yaml.
    """

    digest: str
    mentions: Mentions
    files: Files = field(repr=False)

    def write(self, path: str) -> None:
        """Makes it an archive for helm."""
        chart_files.write_archive(self.files, path)


class Umbrella:
    """What an umbrella chart declares and holds."""

    def __init__(self, path: str) -> None:
        """
        :arg path: a folder or an archive.
        :raises ChartError: it is not a chart, or is damaged.
        """
        self.path = path
        self._files = chart_files.read(path)
        # a sub-chart that many releases hold is read once
        self._known_digests: dict[str, str] = {}
        self._known_mentions: dict[str, Mentions] = {}
        self._metadata = self._mapping("Chart.yaml")
        self._declared_in = self._declaring_file()

    @property
    def name(self) -> str:
        return str(self._metadata.get("name", ""))

    @property
    def version(self) -> str:
        return str(self._metadata.get("version", ""))

    def where(self, file: str) -> Location:
        return Location(posixpath.join(self.path, file))

    def text(self, name: str) -> str | None:
        """The text of a file that templates see as .Files; None if there is no such file."""
        outside = name.startswith(("templates/", "charts/")) or name in _NOT_FILES
        return None if outside or name not in self._files else self._text(name)

    @cached_property
    def values(self) -> str:
        """The text of values.yaml."""
        return self._text("values.yaml") if "values.yaml" in self._files else ""

    @cached_property
    def dependencies(self) -> tuple[UmbrellaDependency, ...]:
        declared = self._mapping(self._declared_in).get("dependencies") or []
        if not isinstance(declared, list):
            raise ChartError("'dependencies' is not a list", where=self.where(self._declared_in))
        return tuple(self._dependency(place, item) for place, item in enumerate(declared) if item is not None)

    @cached_property
    def packed(self) -> tuple[Packed, ...]:
        """The charts in ``charts/``."""
        found = (self._packed(key) for key in sorted(self._names_by_key) if key)
        return tuple(item for item in found if item)

    def providers(self, dependency: UmbrellaDependency) -> tuple[Packed, ...]:
        """What in ``charts/`` a dependency is: by name and version, else, as helm does without an alias, by name."""
        named = [item for item in self.packed if item.name == dependency.name]
        fitting = tuple(item for item in named if item.fits(dependency))
        return fitting or (() if dependency.alias else tuple(named))

    @cached_property
    def renders_itself(self) -> bool:
        """Whether it has templates of its own, beside partials."""
        return any(
            name.startswith("templates/") and not posixpath.basename(name).startswith("_")
            for name in self._names_by_key[""]
        )

    def reduce(self, kept: Iterable[UmbrellaDependency]) -> Reduced:
        """The umbrella that holds only the dependencies ``kept`` and what helm keeps in any case."""
        places = {dependency.place for dependency in kept}
        dropped = self._dropped(places)
        gone = {item.key for item in dropped}
        changed = self._stubs(dropped) if self._shows_requirements else {self._declared_in: self._declaration(places)}
        keys = [key for key in self._names_by_key if key not in gone]
        names = [name for key in keys for name in self._names_by_key[key]]
        if not self._shows_requirements:
            names = [name for name in names if name not in ("Chart.lock", "requirements.lock")]
        digests = {key: self._digests(key) for key in keys} | {name: _sha256(data) for name, data in changed.items()}
        return Reduced(
            digest=_sha256(json.dumps(digests, sort_keys=True).encode()),
            mentions=Mentions.any(self._mentions(key) for key in keys),
            files={**{name: self._files[name] for name in names}, **changed},
        )

    @cached_property
    def _names_by_key(self) -> dict[str, tuple[str, ...]]:
        """Files by the chart in ``charts/`` they belong to; under "" the umbrella's own, and what is no chart there."""
        found: dict[str, list[str]] = {"": []}
        for name in self._files:
            parts = name.split("/")
            mine = len(parts) < 2 or parts[0] != "charts" or parts[1][:1] in ("_", ".")
            mine = mine or (len(parts) == 2 and not name.endswith(".tgz"))
            found.setdefault("" if mine else parts[1], []).append(name)
        return {key: tuple(names) for key, names in found.items()}

    @cached_property
    def _shows_requirements(self) -> bool:
        """Whether templates can read the full requirements.yaml: helm puts it into .Files of v1 charts.

        Then it must stay as it is, and what it names must be in ``charts/``.
        """
        return (
            self._declared_in == REQUIREMENTS and self._metadata.get("apiVersion", "v1") == "v1" and self.renders_itself
        )

    def _declaring_file(self) -> str:
        if REQUIREMENTS not in self._files or not self._mapping(REQUIREMENTS).get("dependencies"):
            return "Chart.yaml"
        if self._metadata.get("dependencies"):
            raise ChartError(
                f"dependencies are in both Chart.yaml and {REQUIREMENTS}",
                where=self.where(REQUIREMENTS),
                hint="Keep one of the two lists",
            )
        return REQUIREMENTS

    def _mapping(self, name: str) -> dict[str, Any]:
        return _load_mapping(self._text(name), posixpath.join(self.path, name))

    def _text(self, name: str) -> str:
        return _decode(self._files[name], posixpath.join(self.path, name))

    def _dependency(self, place: int, item: Any) -> UmbrellaDependency:
        where = self.where(self._declared_in)
        if not isinstance(item, dict) or not item.get("name"):
            raise ChartError(f"dependency {place + 1} has no name", where=where)
        tags = item.get("tags") or []
        if not isinstance(tags, list):
            raise ChartError(f"the tags of dependency '{item['name']}' are not a list", where=where)
        name, alias, version, condition = (
            str(item.get(key) or "") for key in ("name", "alias", "version", "condition")
        )
        return UmbrellaDependency(place, name, alias, version, condition, tuple(map(str, tags)))

    def _packed(self, key: str) -> Packed | None:
        name = f"charts/{key}"
        content = self._content(key)
        texts = {
            item: _decode(content[item], f"{self.path}/{name}/{item}")
            for item in ("Chart.yaml", "values.yaml")
            if item in content
        }
        data = _load_mapping(texts["Chart.yaml"], f"{self.path}/{name}/Chart.yaml")
        return Packed(
            key,
            str(data.get("name", "")),
            str(data.get("version", "")),
            data.get("type") == "library",
            texts.get("values.yaml", ""),
            bool(data.get("dependencies")) or "requirements.yaml" in content,
        )

    def _dropped(self, places: set[int]) -> tuple[Packed, ...]:
        """What in ``charts/`` belongs to dependencies that do not stay.

        Helm keeps charts that nothing declares, unless they have the name under which a dropped one is used.
        """
        leaving = {item.used_name for item in self.dependencies if item.place not in places}
        return tuple(
            item
            for item, users in zip(self.packed, self._users)
            if not users & places and (users or item.name in leaving)
        )

    @cached_property
    def _users(self) -> tuple[frozenset[int], ...]:
        """For each of ``packed`` the places of the dependencies that it fits."""
        by_name: dict[str, list[UmbrellaDependency]] = {}
        for dependency in self.dependencies:
            by_name.setdefault(dependency.name, []).append(dependency)
        return tuple(
            frozenset(dependency.place for dependency in by_name.get(item.name, ()) if item.fits(dependency))
            for item in self.packed
        )

    def _declaration(self, places: set[int]) -> bytes:
        """The file that declares dependencies, without those that do not stay; all else is as its author wrote it."""
        members = dict(self._composed.value)
        key, listed = next(item for item in members.items() if item[0].value == "dependencies")
        kept = [item for place, item in enumerate(listed.value) if place in places]
        members[key] = yaml.SequenceNode(listed.tag, kept, flow_style=listed.flow_style)
        root = yaml.MappingNode(self._composed.tag, list(members.items()), flow_style=self._composed.flow_style)
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        text: bytes = yaml.serialize(root, Dumper=dumper, encoding="utf-8", allow_unicode=True, width=2**30)
        return text

    @cached_property
    def _composed(self) -> Any:
        """The declaring file as YAML nodes, which keep how a scalar is written."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return next(yaml.compose_all(self._text(self._declared_in), Loader=loader))

    def _stubs(self, dropped: Iterable[Packed]) -> dict[str, bytes]:
        """Empty charts of the same name and version: all that helm wants of a dependency that it then disables."""
        return {
            f"charts/{item.key.removesuffix('.tgz')}/Chart.yaml": json.dumps(
                {"apiVersion": "v1", "name": item.name, "version": item.version}
            ).encode()
            for item in dropped
        }

    def _content(self, key: str) -> Files:
        """The files of a chart in ``charts/``; under "" the umbrella's own."""
        files = {name: self._files[name] for name in self._names_by_key[key]}
        return chart_files.subcharts(files)[0] if key else files

    def _mentions(self, key: str) -> Mentions:
        if key not in self._known_mentions:
            self._known_mentions[key] = Mentions.of(rendered(self._content(key), own=not key))
        return self._known_mentions[key]

    def _digests(self, key: str) -> str:
        if key not in self._known_digests:
            own = {name: _sha256(self._files[name]) for name in self._names_by_key[key] if name not in self._uncounted}
            self._known_digests[key] = _sha256(json.dumps(own, sort_keys=True).encode())
        return self._known_digests[key]

    @cached_property
    def _uncounted(self) -> frozenset[str]:
        """Files whose changes do not matter to a release, or are counted elsewhere."""
        locks = () if self._shows_requirements else ("Chart.lock", "requirements.lock", self._declared_in)
        return frozenset(("values.yaml", *locks))


def _load_mapping(text: str, name: str) -> dict[str, Any]:
    try:
        found = helmyaml.load(text, name)
    except InputError as exc:
        raise ChartError(exc.what, where=exc.where, hint=exc.hint) from None
    if not isinstance(found, dict):
        raise ChartError("is not a mapping", where=Location(name))
    return found


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ChartError("is not text in UTF-8", where=Location(name)) from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

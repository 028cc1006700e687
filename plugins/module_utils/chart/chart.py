# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart on disk: who it is, what it holds, and a digest that says whether it is the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart import files as chart_files
from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.chart.files import Files, subcharts
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.chart.origin import Origin
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.shared_texts import SharedTexts

_FALSE = (("deprecated", "false"), ("enabled", "false"))
# What templates are seldom made of, and what is often full of examples of them.
_NOT_RENDERED = (".md", ".prov", ".tgz", ".png", ".svg")


@dataclass(frozen=True)
class Dependency:
    """A sub-chart as Chart.yaml declares it."""

    name: str
    version: str
    repository: str
    alias: str | None = None
    condition: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def used_name(self) -> str:
        """Its key in the values: the alias if it has one."""
        return self.alias or self.name


@dataclass(frozen=True)
class Metadata:
    """The part of Chart.yaml that matters here."""

    name: str
    version: str
    app_version: str | None
    type: str
    dependencies: tuple[Dependency, ...]
    declares: bool = True  # it has a list of dependencies, be it empty


@dataclass(frozen=True)
class Chart:
    """A chart on disk; ``digest`` is a sha256 over its content.

    :arg place: the folder or archive that helm is given, or what makes it when helm needs it.
    """

    reference: str
    place: str | Callable[[], str]
    name: str
    version: str
    app_version: str | None
    digest: str
    mentions: Mentions  # what its templates do
    dependencies: tuple[Dependency, ...] = ()
    warnings: tuple[str, ...] = ()  # what is not quite right with it
    has_crds: bool = True  # there are folders crds/, be it of sub-charts that are not used
    origin: Origin | None = None  # where the store had it from
    own_bytes: int | None = None  # of its files without those of charts/; None: not counted yet
    templates: str = ""  # a digest of its own templates; "": not made yet

    @property
    def path(self) -> str:
        return self.place if isinstance(self.place, str) else self.place()


def load(path: str, reference: str = "", shared: SharedTexts | None = None) -> Chart:
    """The chart at a path.

    :arg shared: what other processes have found in charts; what is known of the same files is taken.
    :raises ChartError: there is none, or it is damaged.
    """
    content = chart_files.read(path)
    if shared is None:
        found = _facts(content, path)
    else:
        same = f"chart {path!a} {_digest_of(content, content)}"
        found = json.loads(shared.get(same, lambda: json.dumps(_facts(content, path))))
    found["mentions"]["apis"] = frozenset(found["mentions"]["apis"])
    for item in found["dependencies"]:
        item["tags"] = tuple(item["tags"])
    return Chart(
        reference=reference or path,
        place=path,
        mentions=Mentions(**found.pop("mentions")),
        dependencies=tuple(Dependency(**item) for item in found.pop("dependencies")),
        warnings=tuple(found.pop("warnings")),
        **found,
    )


def _facts(content: Files, path: str) -> dict[str, Any]:
    """What there is to know of a chart, as JSON knows it."""
    meta = metadata(content, path)
    mentions = Mentions.of(rendered(content))
    return {
        "name": meta.name,
        "version": meta.version,
        "app_version": meta.app_version,
        "digest": digest(content),
        "mentions": {**vars(mentions), "apis": sorted(mentions.apis)},
        "dependencies": [dict(vars(item)) for item in meta.dependencies],
        "warnings": _warnings(content, path),
        "has_crds": _has_crds(content),
        "own_bytes": sum(len(data) for name, data in content.items() if not name.startswith("charts/")),
        "templates": templates_digest(content),
    }


def templates_digest(files: Files) -> str:
    """One text for the files in ``templates/``: the same text means the same templates."""
    return _digest_of(files, sorted(name for name in files if name.startswith("templates/")))


def _digest_of(files: Files, names: Iterable[str]) -> str:
    found = hashlib.sha256()
    for name in names:
        found.update(f"{len(name)} {name} {len(files[name])} ".encode() + files[name])
    return found.hexdigest()


@dataclass(frozen=True)
class Missing:
    """A dependency that ``charts/`` does not hold as it is declared; ``held``: the version that is there instead."""

    dependency: Dependency
    held: str | None


def missing_dependencies(content: Files, path: str) -> list[Missing]:
    """The dependencies that a chart declares and ``charts/`` lacks, or holds in another version.

    :raises ChartError: the chart or one in its ``charts/`` cannot be read.
    """
    declared = metadata(content, path).dependencies
    held = [metadata(inner, f"{path}/charts") for inner in subcharts(content)] if declared else []
    return [
        Missing(item, next((each.version for each in held if each.name == item.name), None))
        for item in declared
        if not any(fits(item, each.name, each.version) for each in held)
    ]


def fits(item: Dependency, name: str, version: str) -> bool:
    """Whether a chart is what a dependency wants."""
    if name != item.name:
        return False
    try:
        return not item.version or item.version == version or semver.satisfies(version, item.version)
    except ValueError:
        return True


def _warnings(content: Files, path: str) -> tuple[str, ...]:
    return tuple(
        f"chart {os.path.basename(path)} wants {item.dependency.name} {item.dependency.version}; its charts/ holds "
        f"{item.held}, which is used, as helm does. Run 'helm dependency update' on it"
        for item in missing_dependencies(content, path)
        if item.held
    )


def rendered(content: Files, *, own: bool = False) -> Iterator[str]:
    """Whatever may be rendered: templates, and by `tpl` also default values and other text files.

    :arg own: leave sub-charts out.
    """
    for name, data in content.items():
        if not name.startswith(("charts/", "crds/")) and not name.lower().endswith(_NOT_RENDERED) and b"{{" in data:
            yield data.decode(errors="replace")
    for inner in () if own else subcharts(content):
        yield from rendered(inner)


def _has_crds(content: Files) -> bool:
    return any(name.startswith("crds/") for name in content) or any(map(_has_crds, subcharts(content)))


def metadata(content: Files, path: str) -> Metadata:
    """Chart.yaml, with the dependencies of requirements.yaml for charts of apiVersion v1.

    :raises ChartError: it cannot be read, or lacks name or version.
    """
    data = mapping(content["Chart.yaml"], f"{path}: Chart.yaml")
    for key in ("name", "version"):
        if not data.get(key):
            raise ChartError(f"the chart '{path}' has no {key} in its Chart.yaml")
    declared = data.get("dependencies")
    if "requirements.yaml" in content:
        further = mapping(content["requirements.yaml"], f"{path}: requirements.yaml").get("dependencies")
        declared = declared if further is None else further
    if not isinstance(declared, (list, type(None))):
        raise ChartError(f"the chart '{path}' declares dependencies that are not a list")
    app_version = data.get("appVersion")
    return Metadata(
        name=scalar_text(data["name"]),
        version=scalar_text(data["version"]),
        app_version=None if app_version is None else scalar_text(app_version),
        type=str(data.get("type") or "application"),
        dependencies=tuple(_dependency(item, path) for item in declared or ()),
        declares=declared is not None,
    )


def _dependency(item: Any, path: str) -> Dependency:
    if not isinstance(item, dict) or not item.get("name"):
        raise ChartError(f"the chart '{path}' declares a dependency without a name")
    tags = item.get("tags") or ()
    if not isinstance(tags, (list, tuple)):
        raise ChartError(f"the tags of dependency '{item['name']}' of chart '{path}' are not a list")
    return Dependency(
        name=scalar_text(item["name"]),
        version=scalar_text(item.get("version") or ""),
        repository=str(item.get("repository") or ""),
        alias=_text_or_none(item.get("alias")),
        condition=_text_or_none(item.get("condition")),
        tags=tuple(map(scalar_text, tags)),
    )


def _text_or_none(value: Any) -> str | None:
    return None if value in (None, "") else scalar_text(value)


def scalar_text(value: Any) -> str:
    """A scalar where Helm wants a string: it takes numbers too, as Go writes them (``1.0`` is "1")."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def mapping(data: bytes, name: str) -> dict[str, Any]:
    try:
        loaded = helmyaml.load(data.decode(errors="replace"), name)
    except InputError as error:
        raise ChartError(error.what, where=error.where, hint=error.hint) from None
    if not isinstance(loaded, dict):
        raise ChartError(f"{name} is not a mapping")
    return loaded


def digest(content: Files) -> str:
    """A sha256 that is the same for a folder, for its archive, and for the archive packaged anew.

    ``helm package`` rewrites Chart.yaml and Chart.lock, and unpacks archives in ``charts/``: the former count by what
    they say, sub-charts by name and digest, whatever their folders are called.
    """
    own = {name: _fingerprint(name, data) for name, data in content.items() if not _is_subchart(name)}
    inner = sorted([metadata(sub, "charts/").name, digest(sub)] for sub in subcharts(content))
    return hashlib.sha256(_canonical([own, inner])).hexdigest()


def _is_subchart(name: str) -> bool:
    # What Helm skips under charts/ is not part of the chart either.
    return name.startswith("charts/") and not name.endswith(".prov")


def _fingerprint(name: str, data: bytes) -> str:
    if name in ("Chart.yaml", "Chart.lock"):
        said = _without_empty(mapping(data, name))
        # Helm stamps the time of `helm dependency update` here.
        said.pop("generated", None)
        if name == "Chart.yaml":
            said = {
                key: item if key in ("annotations", "dependencies") else _on_a_line(item) for key, item in said.items()
            }
        data = _canonical(said)
    return hashlib.sha256(data).hexdigest()


def _without_empty(value: Any) -> Any:
    """Helm's own structs leave empty fields out when it writes them, and write numbers as strings."""
    if isinstance(value, dict):
        kept = {str(key): _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ("", None, [], {}) and (key, item) not in _FALSE}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return None if value is None else scalar_text(value)


def _on_a_line(value: Any) -> Any:
    """Helm writes a chart's description and the like without line breaks and unprintable characters."""
    if isinstance(value, str):
        spaced = "".join(" " if char.isspace() else char for char in value)
        return "".join(char for char in spaced if char.isprintable())
    return [_on_a_line(item) for item in value] if isinstance(value, list) else value


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go templates of stacks, rendered by Helm's own engine: one ``helm template`` renders as many as possible.

They are put into a chart that lives as long as that: each folder of templates is a sub-chart, so that each has its own
``.Files``. Each file is a partial, called by a template of ours that makes its context and puts what comes out into
base64, as Helm takes what templates make for YAML of Kubernetes.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError, InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import Text
from ansible_collections.helmstack.core.plugins.module_utils.stack.gotemplates import SUFFIX, GoTemplate
from ansible_collections.helmstack.core.plugins.module_utils.stack.paths import is_within

_DEFINED = re.compile(r"\{\{-?\s*(?:define|block)\s+(?:\"([^\"]*)\"|`([^`]*)`)")
_FILES = re.compile(r"\.Files\b")
_NAMED_FILE = re.compile(r"\.Files\.(?:Get|Lines)\s+\"([^\"]+)\"")
# Helm keeps these to itself, as they mean something in a chart.
_OF_CHARTS = re.compile(
    r"(?:Chart\.ya?ml|Chart\.lock|values\.ya?ml|values\.schema\.json|requirements\.(?:yaml|lock)|\.helmignore"
    r"|templates/.*|charts/.*)"
)
_PLACE = re.compile(r"t/charts/d\d+/templates/([\w.-]+):(\d+)(?::\d+)?")
_OUTPUT = re.compile(r"^file: (\d+)\ntext: *(\S*)$", re.MULTILINE)
_LARGEST = 1 << 20  # of a file for .Files
_LARGEST_SUM = 20 << 20
_NO_HELM = (
    "Go templates (.gotmpl) are rendered by helm where the stack's files are read: "
    "on the controller, or with remote_src on the target"
)

Read = Callable[[str], Text]


@dataclass
class _Group:
    """Templates that one helm process renders: no two of them define a name differently."""

    members: list[tuple[int, GoTemplate]] = field(default_factory=list)
    defined: dict[str, str] = field(default_factory=dict)  # name of a template -> the file that defines it

    def takes(self, names: dict[str, str]) -> bool:
        return all(self.defined.get(name, file) == file for name, file in names.items())


def render(templates: Sequence[GoTemplate], helm: Helm, folder: str, read: Read) -> list[str]:
    """The rendered texts, in the templates' order.

    :arg folder: private; does not exist yet.
    :arg read: a file of the user's, decrypted.
    :raises InputError: a template fails, with its file and line.
    :raises HelmError: there is no helm.
    """
    for template in templates:
        template.context.check(template.text)
    texts: dict[int, str] = {}
    for number, group in enumerate(_grouped(templates, read)):
        texts.update(_Chart(group, helm, os.path.join(folder, str(number)), read).rendered())
    return [texts[number] for number in range(len(templates))]


def _grouped(templates: Sequence[GoTemplate], read: Read) -> list[_Group]:
    """As few groups as possible; mostly one."""
    groups: list[_Group] = []
    for number, template in enumerate(templates):
        sources = {template.path: template.text, **dict(_partials(template, read))}
        names = {"".join(match): path for path, text in sources.items() for match in _DEFINED.findall(text)}
        group = next((each for each in groups if each.takes(names)), None)
        if group is None:
            group = _Group()
            groups.append(group)
        group.members.append((number, template))
        group.defined.update(names)
    return groups


def _partials(template: GoTemplate, read: Read) -> Iterator[tuple[str, str]]:
    """The ``_*.tpl`` files beside a template."""
    folder = os.path.dirname(template.path)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.startswith("_") and name.endswith(".tpl") and _may_see(path, template):
            yield path, read(path).text


def _may_see(path: str, template: GoTemplate) -> bool:
    return not template.roots or any(is_within(path, root) for root in template.roots)


class _Chart:
    """The chart of one group."""

    def __init__(self, group: _Group, helm: Helm, root: str, read: Read) -> None:
        self._members = group.members
        self._helm = helm
        self._root = root
        self._read = read
        self._copied: set[str] = set()  # folders whose files are there for .Files
        self._folders: dict[str, str] = {}  # a folder of templates -> its sub-chart's name
        self._known: dict[str, str] = {}  # a file's name in the chart -> what people know it as
        self._partials: dict[str, str] = {}  # the user's file -> its name in the chart

    def rendered(self) -> dict[int, str]:
        self._write("Chart.yaml", _METADATA.format("t"))
        for number, template in self._members:
            self._add(number, template)
        try:
            said = self._helm.template(TemplateArgs("rendered", "default", os.path.join(self._root, "t")))
        except HelmFailure as failure:
            raise self._explained(failure.words) from None
        except HelmError as error:
            error.hint = f"{error.hint}. {_NO_HELM}" if error.hint else _NO_HELM
            raise
        return {int(number): base64.b64decode(text).decode() for number, text in _OUTPUT.findall(said)}

    def _add(self, number: int, template: GoTemplate) -> None:
        folder = self._folder(template)
        partial = self._partial(folder, template.path, template.text, template.name)
        call = f'include "t/{folder}/templates/{partial}" $context | replace "<no value>" "" | b64enc'
        lines = [f"{{{{- $context := {_context(template)} -}}}}", f"file: {number}", f"text: {{{{ {call} }}}}", ""]
        self._write(f"{folder}/templates/w{number}.yaml", "\n".join(lines))

    def _folder(self, template: GoTemplate) -> str:
        """The sub-chart for a template's folder."""
        place = os.path.dirname(template.path)
        partials = dict(_partials(template, self._read))
        if place not in self._folders:
            name = self._folders[place] = f"charts/d{len(self._folders)}"
            self._write(f"{name}/Chart.yaml", _METADATA.format(os.path.basename(name)))
        name = self._folders[place]
        for path, text in partials.items():
            self._partial(name, path, text, os.path.join(os.path.dirname(template.name), os.path.basename(path)))
        if any(_FILES.search(text) for text in (template.text, *partials.values())):
            _check_named(template, (template.text, *partials.values()))
            if place not in self._copied:
                self._copied.add(place)
                self._copy(place, name, template)
        return name

    def _partial(self, folder: str, path: str, text: str, name: str) -> str:
        if path not in self._partials:
            self._partials[path] = f"_{len(self._partials)}.tpl"
            self._write(f"{folder}/templates/{self._partials[path]}", text)
        self._known[self._partials[path]] = name or path
        return self._partials[path]

    def _copy(self, place: str, folder: str, template: GoTemplate) -> None:
        """The content of ``.Files``: the files in the template's folder."""
        whole = 0
        for inside in _files_in(place):
            source = os.path.join(place, inside)
            if not _may_see(source, template) or os.path.getsize(source) > _LARGEST:
                continue
            content = _content(source, self._read)
            whole += len(content)
            if whole > _LARGEST_SUM:
                raise InputError(
                    f"'.Files' would have more than {_LARGEST_SUM >> 20} MiB: all in the folder {place}",
                    where=Location(template.name or template.path),
                    hint="Put the template into a folder of its own",
                )
            self._write(f"{folder}/{inside}", content)

    def _write(self, name: str, content: str | bytes) -> None:
        path = os.path.join(self._root, "t", name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)

    def _explained(self, words: str) -> InputError:
        """The error at the user's file and line."""
        places = [place for place in _PLACE.finditer(words) if place[1] in self._known]
        if places:
            return _told(words[places[-1].end() :], self._known[places[-1][1]], int(places[-1][2]))
        mine = _PLACE.search(words)
        if mine is None:
            return InputError(f"a Go template cannot be rendered: {words}")
        return self._at_its_line(int(re.sub(r"\D", "", mine[1])), words[mine.end() :])

    def _at_its_line(self, number: int, said: str) -> InputError:
        """Helm reports ``fail`` and ``required`` with the outermost template's line, so the user's is that one."""
        template = dict(self._members)[number]
        folder = self._folders[os.path.dirname(template.path)]
        for other, each in self._members:
            os.unlink(
                os.path.join(self._root, "t", self._folders[os.path.dirname(each.path)], "templates", f"w{other}.yaml")
            )
        keys = "".join(
            f"{{{{ $_ := set . {json.dumps(key)} {_literal(value)} }}}}" for key, value in template.context.data.items()
        )
        self._write(f"{folder}/templates/w{number}.yaml", keys + template.text)
        try:
            self._helm.template(TemplateArgs("rendered", "default", os.path.join(self._root, "t")))
        except HelmFailure as failure:
            place = _PLACE.search(failure.words)
            if place and place[1] == f"w{number}.yaml":
                return _told(failure.words[place.end() :], template.name or template.path, int(place[2]))
        return _told(said, template.name or template.path, 0)


_METADATA = "apiVersion: v2\nname: {}\nversion: 0.0.0\n"


def _context(template: GoTemplate) -> str:
    pairs = (f"{json.dumps(key)} {_literal(value)}" for key, value in template.context.data.items())
    return " ".join(("dict", *pairs, '"Files" .Files "Template" .Template'))


def _literal(value: Any) -> str:
    """A value as Go templates write it: so numbers stay as they are, which Helm's values do not."""
    if isinstance(value, dict):
        return (
            "("
            + " ".join(
                (
                    "dict",
                    *(f"{json.dumps(str(key), ensure_ascii=False)} {_literal(item)}" for key, item in value.items()),
                )
            )
            + ")"
        )
    if isinstance(value, (list, tuple)):
        return "(" + " ".join(("list", *map(_literal, value))) + ")"
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return str(value)
    if isinstance(value, (int, float)) and abs(value) < 1e308:
        return repr(float(value))
    return json.dumps(str(value), ensure_ascii=False)


def _told(said: str, name: str, line: int) -> InputError:
    message = re.sub(r"^\)?:?\s*", "", said)
    action = re.match(r"executing \"[^\"]*\" at (<.*?>): ?(.*)", message, re.DOTALL)
    if action:
        message = f"{action[2]} at {action[1]}"
    message = " ".join(line for line in _PLACE.sub("", message).split("\n") if line).strip().rstrip(".")
    return InputError(f"the Go template fails: {message}", where=Location(name, line))


def _files_in(folder: str) -> Iterator[str]:
    """The files that ``.Files`` has, relative to the folder."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            inside = os.path.relpath(os.path.join(place, name), folder)
            hidden = name.startswith(".") or name.endswith((SUFFIX, ".tpl")) or _OF_CHARTS.fullmatch(inside)
            if not hidden and os.path.isfile(os.path.join(folder, inside)):
                yield inside


def _content(path: str, read: Read) -> bytes:
    with open(path, "rb") as file:
        content = file.read()
    if not content.startswith(b"$ANSIBLE_VAULT;"):
        return content
    try:
        return read(path).text.encode()
    except InputError:  # without its password nobody can use it
        return b""


def _check_named(template: GoTemplate, texts: Sequence[str]) -> None:
    """Holds if no template reads a file that Helm hides from ``.Files``."""
    folder = os.path.dirname(template.path)
    for text in texts:
        for name in _NAMED_FILE.findall(text):
            if _OF_CHARTS.fullmatch(name) and os.path.exists(os.path.join(folder, name)):
                raise InputError(
                    f"'.Files' never has '{name}', which means something of its own in a chart",
                    where=Location(template.name or template.path),
                    hint="Call the file something else",
                )

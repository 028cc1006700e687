# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as a real helm (the environment variable HELMSTACK_HELM) reads it, and as the collection does: random texts.

One helm reads them all: documents as files of a chart, and values as those of sub-charts.
HELMSTACK_TEXTS is how many, HELMSTACK_SEED where the chance begins.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart.values import merge
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError

HELM = os.environ.get("HELMSTACK_HELM", "")
MAJOR = int(os.environ.get("HELMSTACK_HELM_MAJOR", "4"))
TEXTS = int(os.environ.get("HELMSTACK_TEXTS", "1500"))
SEED = os.environ.get("HELMSTACK_SEED", "1").split(",")[0]
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
{{- range $path, $dummy := .Files.Glob "docs/*" }}
#= {{ $path }} {{ $.Files.Get $path | fromYaml | toJson | b64enc }}
{{- end }}
{{- range $name, $values := .Values }}
#= {{ $name }} {{ $values | toJson | b64enc }}
{{- end }}
"""
WORDS = """
1 0 -1 +1 0x1F 0o17 0b11 0123 089 1_000 1__0 _1 1_ 1.5 1. .5 -.5 +.5 1e3 1E-2 1.e2 -0.0 0.0 -0 +0 0e0
12345678901234567890 9007199254740993 -9223372036854775809 1e22 1e400 . - + .. -. ~ null Null true True tRue
yes No on Off y N 2024-01-01 2024-01-01T10:00:00Z 12:30:45 1:2
= << a b-c a.b a:b a#b "" '' "x" 'it''s' "\\x41\\u00e9\\t" "\\/"
"\\\\/" "a\\
 b" ! !12 !!str !!int !!float !!bool !!null !!binary !x @a `a %a *a &a & * ? , ä 😀 [] {} [1,,2] [a:b] {a:b} {a,b}
""".split()
TAGS = ("! ", "!!str ", "!!int ", "!!float ", "!!null ", "!!binary ", "!local ", "!!bool ", "!!map ", "!!seq ")
HEADS = ("", "", "", "", "---\n", "# a comment\n", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "\n", "--- # x\n", "...\n")
TAILS = ("", "", "", "...\n", "...\nz: 1\n", "...\n[}\n", "---\nz: 1\n", "---\n", "# end\n")


class Chance:
    """Random documents, most of them valid."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def some(self, *items: Any) -> Any:
        return self.random.choice(items)

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def decoration(self) -> str:
        anchor = f"&{self.some('p', 'q')} " if self.often(0.12) else ""
        return anchor + (self.random.choice(TAGS) if self.often(0.08) else "")

    def key(self) -> str:
        if self.often(0.15):
            return str(
                self.random.choice([word for word in WORDS if word[0] not in "[{" and word not in ("-0.0", "0e0")])
            )
        return str(self.some("a", "b", "c", "d", '"e"', "y"))

    def scalar(self) -> str:
        if self.often(0.03):
            return str(self.some("*p", "*q"))
        return self.decoration() + str(self.random.choice(WORDS))

    def flow(self, depth: int) -> str:
        if depth == 0 or self.often(0.5):
            return self.scalar()
        items = [self.flow(depth - 1) for _number in range(self.random.randint(0, 3))]
        if self.often(0.5):
            return self.decoration() + "[" + ", ".join(items) + "]"
        return self.decoration() + "{" + ", ".join(f"{self.key()}: {item}" for item in items) + "}"

    def block(self, indent: int, depth: int) -> str:
        """The lines of a mapping."""
        lines = ""
        for _number in range(self.random.randint(1, 4)):
            key = "<<" if self.often(0.05) else self.key()
            lines += " " * indent + f"{key}:" + self.under(indent, depth)
        return lines

    def under(self, indent: int, depth: int) -> str:
        kind = self.random.random()
        if depth and kind < 0.25:
            return f" {self.decoration()}".rstrip() + "\n" + self.block(indent + 2, depth - 1)
        if depth and kind < 0.35:
            items = [f"{' ' * indent}- {self.flow(1)}\n" for _number in range(self.random.randint(1, 3))]
            return "\n" + "".join(items)
        if kind < 0.42:
            style = self.some("|", ">", "|-", ">+", "|2")
            return f" {style}\n" + "".join(
                f"{' ' * (indent + 2)}{self.some('x', '- y', ' z', '# no')}\n" for _i in "12"
            )
        return " " + self.flow(1) + str(self.some("", "", "", " # comment")) + "\n"

    def document(self) -> str:
        text = self.random.choice(HEADS) + self.block(0, 2) + self.random.choice(TAILS)
        return text.replace("\n", "\r\n") if self.often(0.05) else text


def exact(value: Any) -> str:
    """JSON with numbers as the floats that they are to helm."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{exact(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exact, value)) + "]"
    return repr(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)


def told_by_helm(folder: Path) -> dict[str, Any]:
    environ = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    done = subprocess.run([HELM, "template", "x", str(folder)], capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr[-2000:]
    found = re.findall(r"^#= (\S+) (\S+)$", done.stdout, re.MULTILINE)
    return {name: json.loads(base64.b64decode(text), parse_int=float) for name, text in found}


def our_reading(text: str) -> Any:
    try:
        found = helmyaml.load(text, "values.yaml")
    except InputError as error:
        return f"refused: {error}"
    if found is None:
        return {}
    return found if isinstance(found, dict) else "refused: it is no mapping"


def chart(folder: Path) -> None:
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: x, version: 1.0.0}")
    (folder / "templates" / "x.yaml").write_text(TEMPLATE)


def test_documents_mean_here_what_they_mean_to_helm(tmp_path: Path) -> None:
    chance = Chance(SEED)
    chart(tmp_path)
    (tmp_path / "docs").mkdir()
    documents = {f"docs/{number:05}": chance.document() for number in range(TEXTS)}
    for name, text in documents.items():
        (tmp_path / name).write_bytes(text.encode())
    told = told_by_helm(tmp_path)
    read = {name: our_reading(text) for name, text in documents.items()}
    differ = [
        f"{text!r}\n  helm: {told[name]}\n  here: {read[name]}"
        for name, text in documents.items()
        if not _agree(told[name], read[name])
    ]
    assert not differ, f"{len(differ)} of {TEXTS}:\n" + "\n".join(differ[:10])
    assert sum("Error" not in item for item in told.values()) > TEXTS / 5


def test_values_of_several_documents_mean_here_what_they_mean_to_helm(tmp_path: Path) -> None:
    chance = Chance(SEED)
    chart(tmp_path)
    read: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for number in range(TEXTS // 5):
        name, text = f"s{number}", "".join(chance.document() for _document in range(chance.random.randint(1, 3)))
        try:
            if "<<: " in text:
                continue  # an alias of a list there is refused by helm, and looks like the list here
            read[name] = merge(helmyaml.load_values(text, "values.yaml", MAJOR))
        except InputError:
            continue  # with one such sub-chart helm would not take the chart
        texts[name] = text
        folder = tmp_path / "charts" / name
        folder.mkdir(parents=True)
        (folder / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0"}))
        (folder / "values.yaml").write_bytes(text.encode())
    told = told_by_helm(tmp_path)
    differ = [
        f"{texts[name]!r}\n  helm: {told[name]}\n  here: {ours}"
        for name, ours in read.items()
        if exact(_without_null(told[name])) != exact(_without_null({"global": {}, **ours}))
    ]
    assert not differ, f"{len(differ)} of {len(read)}:\n" + "\n".join(differ[:10])
    assert len(read) > TEXTS / 50


def _agree(helm: Any, ours: Any) -> bool:
    if isinstance(ours, str):
        # To helm a comma belongs to the tag before it, which nobody means; and a key that it does not take is none of
        # its concern where a second key of the same name replaces what holds it.
        return "Error" in helm or "is a part of the tag" in ours or "does not take" in ours
    return exact(helm) == exact(ours)


def _without_null(value: Any) -> Any:
    """Values without what is null: a sub-chart's own nulls go in Helm 4 when they are laid together."""
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value

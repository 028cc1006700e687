# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every release of a spray is, byte for byte, what helm makes of the whole umbrella with all others switched off.

Umbrellas are generated from seeds: HELMSTACK_SPRAY_SEEDS, "first-last", chooses others than the few of every run.
HELMSTACK_HELM is the helm binary.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart import includes
from ansible_collections.helmstack.core.plugins.module_utils.chart.spray import SprayOptions, SubRelease, spray
from ansible_collections.helmstack.core.plugins.module_utils.chart.strvals import SetValue
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import ValuesSource

HELM = os.environ.get("HELMSTACK_HELM", "")
MAJOR = (
    subprocess.run([HELM, "version", "--short"], capture_output=True, text=True, check=True).stdout[:2] if HELM else ""
)
FIRST, LAST = (int(text) for text in os.environ.get("HELMSTACK_SPRAY_SEEDS", "0-24").split("-"))

pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

# All that a template can see of its chart.
DUMP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: %(name)s-{{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
data:
  values: {{ toJson .Values | quote }}
  chart: {{ toJson .Chart | quote }}
  template: {{ toJson .Template | quote }}
  files: |
{{- range $name, $data := .Files }}
    {{ $name }}: {{ $data | toString | sha256sum }}
{{- end }}
  subcharts: |
{{- range $name, $sub := .Subcharts }}
    {{ $name }}: {{ toJson $sub.Values }} {{ toJson $sub.Chart }}
{{- end }}
  typed: {{ printf "%%v %%d" .Values.number .Values.number | quote }}
"""
WITH_LIBRARY = '  library: {{ include "lib.text" . | quote }}\n'
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata: {name: hook-%(name)s, annotations: {helm.sh/hook: post-install}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "{{ .Values.image }}"}]}}}
"""
LIBRARY = '{{- define "lib.text" -}}lib {{ .Chart.Name }} {{ toJson .Values.global }}{{- end -}}\n'
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %(name)s.example.org}\n"


class Generator:
    """Writes one umbrella to disk and says how to spray it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.root = folder / "umbrella"
        self.v1 = self.chance(0.25)
        self.own_templates = self.chance(0.5)
        self.dependencies: list[dict[str, Any]] = []
        self.library_used = self.chance(0.5)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def scalar(self) -> Any:
        return self.random.choice(
            [1, 0, 2.5, True, False, "text", "y", "1e3", "", "0123", "2024-01-01", [1, "a", None], 7654321]
        )

    def values(self, depth: int = 0, nulls: float = 0.15) -> dict[str, Any]:
        """Values with few names, so that layers meet."""
        found: dict[str, Any] = {}
        for key in self.random.sample(
            ["image", "number", "a", "b", "exports", "global", "list"], self.random.randint(1, 5)
        ):
            if self.chance(nulls):
                found[key] = None
            elif key == "number":
                found[key] = self.random.choice([3, 1000000, 2**40])
            elif key == "list":
                found[key] = [self.scalar() for _count in range(self.random.randint(0, 3))]
            elif key in ("exports", "global"):
                found[key] = {"data": self.values(depth + 2, nulls)} if depth < 2 else {"x": self.scalar()}
            elif key == "image" or depth > 2 or self.chance(0.5):
                found[key] = self.scalar()
            else:
                found[key] = self.values(depth + 1, nulls)
        return found

    def write(self, path: Path, data: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data, indent=1))

    def chart(self, folder: Path, name: str, version: str, depth: int = 0) -> None:
        """A sub-chart, perhaps with sub-charts of its own."""
        metadata: dict[str, Any] = {"apiVersion": "v2", "name": name, "version": version, "appVersion": "1.10"}
        defaults = self.values()
        if depth < 2 and self.chance(0.4):
            metadata["dependencies"] = self.nested(folder, name, depth, defaults)
        self.write(folder / "Chart.yaml", metadata)
        self.write(folder / "values.yaml", defaults)
        template = DUMP % {"name": name} + (WITH_LIBRARY if self.library_used else "")
        self.write(folder / "templates" / "dump.yaml", template)
        self.write(folder / "conf" / "file.txt", f"file of {name}")
        if self.chance(0.3):
            self.write(folder / "templates" / "hook.yaml", HOOK % {"name": name})
        if self.chance(0.2):
            self.write(folder / "templates" / "NOTES.txt", f"notes of {name}: {{{{ toJson .Values.global }}}}")
        if self.chance(0.2):
            self.write(folder / "crds" / "crd.yaml", CRD % {"name": name})

    def nested(self, folder: Path, name: str, depth: int, defaults: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for index in range(self.random.randint(1, 2)):
            child = f"{name}-{index}" if self.chance(0.7) else f"shared{index}"
            self.chart(folder / "charts" / child, child, "1.0.0", depth + 1)
            item: dict[str, Any] = {"name": child, "version": "1.x", "repository": ""}
            if self.chance(0.3):
                item["alias"] = f"alias{index}"
            if self.chance(0.6):
                item["condition"] = self.random.choice([f"{item.get('alias', child)}.enabled", "a.on", "global.on"])
                defaults.setdefault(item.get("alias", child), {"enabled": self.chance(0.6)})
            if self.chance(0.3):
                item["tags"] = [self.random.choice(["front", "back"])]
            item.update(self.imports())
            found.append(item)
        return found

    def imports(self) -> dict[str, Any]:
        if self.chance(0.6):
            return {}
        # Not the same table twice: helm then makes values that hold themselves, and never ends.
        choices: list[Any] = ["data", {"child": "a", "parent": "imported"}, {"child": "b", "parent": "global"}]
        return {"import-values": self.random.sample(choices, self.random.randint(1, 2))}

    def declare(self, name: str, version: str, **more: Any) -> None:
        used = more.get("alias", name)
        item = {"name": name, "version": version, "repository": "https://charts.example.org", **more}
        if "condition" not in item and (self.own_templates or self.chance(0.8)):
            item["condition"] = self.random.choice([f"{used}.enabled", f" {used}.enabled,global.all"])
        if self.chance(0.3):
            item["tags"] = self.random.sample(["front", "back", "none"], self.random.randint(1, 2))
        item.update(self.imports())
        self.dependencies.append(item)

    def populate(self) -> None:
        charts = self.root / "charts"
        for index in range(self.random.randint(1, 3)):
            name = f"app{index}"
            self.chart(charts / name, name, f"1.{index}.0")
            if self.chance(0.35):
                self.declare(name, "1.x", alias=f"one{index}")
                self.declare(name, "^1.0.0", alias=f"two{index}")
            else:
                self.declare(name, "~1", **({"alias": f"only{index}"} if self.chance(0.3) else {}))
        if self.chance(0.25):  # two versions of one chart
            self.chart(charts / "twin-1", "twin", "1.0.0")
            self.chart(charts / "twin-2", "twin", "2.0.0")
            self.declare("twin", "1.x", alias="old")
            self.declare("twin", ">=2", alias="new")
        if self.chance(0.15):  # a chart that no dependency declares
            self.chart(charts / "stray", "stray", "1.0.0")
        if self.library_used:
            self.write(
                charts / "lib" / "Chart.yaml",
                {"apiVersion": "v2", "name": "lib", "version": "1.0.0", "type": "library"},
            )
            self.write(charts / "lib" / "templates" / "_lib.tpl", LIBRARY)
            self.write(charts / "lib" / "values.yaml", self.values())
            self.declare("lib", "*", condition="")
            self.dependencies[-1].pop("tags", None)
        for chart in sorted(charts.iterdir()):
            if self.chance(0.4):
                pack(chart, charts / f"{chart.name}-x.tgz")
                shutil.rmtree(chart)
                self.write(charts / f"{chart.name}-x.tgz.prov", "signed")

    def umbrella(self) -> Path:
        """The umbrella; ``reference`` is what helm is given: the same, but that all dependencies have a condition."""
        self.populate()
        metadata: dict[str, Any] = {"apiVersion": "v1" if self.v1 else "v2", "name": "umbrella", "version": "3.2.1"}
        metadata.update(appVersion=1.1, annotations={"a": "b"}, keywords=["k"])
        if self.v1:
            self.write(self.root / "requirements.yaml", {"dependencies": self.dependencies})
        else:
            metadata["dependencies"] = self.dependencies
        self.write(self.root / "Chart.yaml", metadata)
        unconditional = any("condition" not in item for item in self.dependencies)
        self.write(self.root / "parts" / "one.yaml", {"included": self.values(), "number": 5})
        self.write(self.root / ".helmignore", "*.bak\nconf/ignored.txt\n")
        self.write(self.root / "conf" / "ignored.txt", "ignored")
        self.write(self.root / "values.yaml", self.umbrella_values())
        if self.own_templates:
            self.write(self.root / "templates" / "dump.yaml", DUMP % {"name": "umbrella"})
            self.write(self.root / "templates" / "_own.tpl", '{{- define "own" -}}own{{- end -}}')
        if self.chance(0.3) and not unconditional:
            pack(self.root, self.folder / "umbrella-3.2.1.tgz")
            self.reference = self.folder / "umbrella-3.2.1.tgz"
            return self.reference
        self.reference = self.with_conditions() if unconditional else self.root
        return self.root

    def with_conditions(self) -> Path:
        """A copy without templates of its own, so that nothing but helm sees the difference."""
        copy = self.folder / "reference" / "umbrella"
        shutil.copytree(self.root, copy)
        name = "requirements.yaml" if self.v1 else "Chart.yaml"
        data = json.loads((copy / name).read_text())
        for item in data["dependencies"]:
            item.setdefault("condition", f"{item.get('alias', item['name'])}.enabled")
        self.write(copy / name, data)
        return copy

    def umbrella_values(self) -> str:
        values = self.values() | {"tags": {"front": True, "back": self.chance(0.5)}}
        for item in self.dependencies:
            values[item.get("alias", item["name"])] = self.values() | {"weight": self.random.randint(0, 3)}
        text = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in values.items())
        if self.chance(0.5):
            text += "parts:\n#! {{ .Files.Get parts/one.yaml | indent 2 }}\n"
            text += "picked:\n#! {{ pick (.Files.Get parts/one.yaml) included | indent 2 }}\n  beside: 1\n"
        return text

    def user_values(self) -> tuple[ValuesSource, ...]:
        found = []
        for place in range(self.random.randint(0, 2)):
            values = self.values(nulls=0.3)
            for item in self.dependencies:
                if self.chance(0.5):
                    values[item.get("alias", item["name"])] = self.values(nulls=0.3)
            found.append(ValuesSource(f"values {place}", json.dumps(values)))
        return tuple(found)

    def set_values(self) -> tuple[SetValue, ...]:
        name = self.dependencies[0].get("alias", self.dependencies[0]["name"])
        self.write(self.folder / "set.txt", "from a file, with a comma\n")
        choices = [
            SetValue(f"{name}.number=1073741824,{name}.dotted\\.key=0123"),
            SetValue(f"{name}.fresh[1].x=5,{name}.fresh[0]={{a,null,7}}"),
            SetValue(f"{name}.number=12", "string"),
            SetValue(f'{name}.json={{"x":[1,2.5,null]}},number=4', "json"),
            SetValue(f"{name}.file={self.folder / 'set.txt'}", "file"),
            SetValue(f"{name}.literal=a,b=c\\d", "literal"),
            SetValue(f"{name}.gone=null,number=3"),
        ]
        return tuple(self.random.sample(choices, self.random.randint(0, 3)))


def pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(folder, arcname=folder.name, filter=lambda info: None if info.name.endswith("ignored.txt") else info)


def helm_says(release: str, chart: str, documents: list[str], arguments: list[str], folder: Path) -> str:
    """All that helm shows of a release that it would install, but for the values its user gave and the time.

    Helm 3 wants a cluster for that: there it is the manifests, in which umbrellas with templates show their values.
    """
    verb = ["install", "--dry-run=client", "--debug"] if MAJOR == "v4" else ["template", "--include-crds"]
    command = [HELM, *verb, release, chart, "--namespace", "spray"]
    folder.mkdir()
    for place, text in enumerate(documents):
        path = folder / f"{place}.yaml"
        path.write_text(text)
        command += ["--values", str(path)]
    done = subprocess.run(command + arguments, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"USER-SUPPLIED VALUES:\n.*?\nCOMPUTED VALUES:", "COMPUTED VALUES:", done.stdout, flags=re.DOTALL)
    return re.sub(r"LAST DEPLOYED: .*", "", shown)


def helm_spray_says(
    row: SubRelease, chart: Path, documents: list[str], options: SprayOptions, names: list[str], folder: Path
) -> str:
    """What helm makes of the whole umbrella, called as helm-spray calls it."""
    flags = {
        "raw": "--set",
        "string": "--set-string",
        "json": "--set-json",
        "file": "--set-file",
        "literal": "--set-literal",
    }
    arguments = [part for item in options.set_values for part in (flags[item.kind], item.text)]
    switches = ",".join(f"{name}.enabled={str(name == row.used_name).lower()}" for name in names)
    return helm_says(row.name, str(chart), documents, [*arguments, "--set", switches], folder)


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_a_release_is_what_helm_makes_of_the_whole_umbrella(seed: int, tmp_path: Path) -> None:
    generator = Generator(seed, tmp_path)
    chart = generator.umbrella()
    options = SprayOptions("spray", generator.user_values(), generator.set_values(), default_weight=0)
    rows = spray(str(chart), options)
    names = [row.used_name for row in rows]
    root = generator.root
    values = includes.expand((root / "values.yaml").read_text(), lambda name: (root / name).read_text(), "values.yaml")
    documents = [values, *(item.text for item in options.values)]
    targeted = [row for row in rows if row.targeted]

    def check(row: SubRelease) -> None:
        arguments = [part for item in row.set_args for part in ("--set", item)]
        texts = [item.text for item in row.values]
        assert row.reduced
        archive = tmp_path / f"{row.name}.tgz"
        row.reduced.write(str(archive))
        found = helm_says(row.name, str(archive), texts, arguments, tmp_path / f"{row.name}-documents")
        expected = helm_spray_says(
            row, generator.reference, documents, options, names, tmp_path / f"{row.name}-expected"
        )
        assert found == expected, row.used_name

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, targeted))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What templates of a real helm (HELMSTACK_HELM) see of a stack's numbers, in ``set`` and in inline values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.files import PlainFiles
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request, resolve

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

TEMPLATE = "data:\n{{ range $k, $v := .Values }}  {{ $k }}: '{{ kindOf $v }} {{ $v }}'\n{{ end }}"
NUMBERS = "{id: 356136738, long: 9007199254740993, small: -3, half: 0.5, list: [1000000, {a.b: 2000000}], text: '7'}"
EXPECTED = {
    "set": {
        "id": "int64 356136738",
        "long": "int64 9007199254740993",
        "small": "int64 -3",
        "half": "float64 0.5",
        "list": "slice [1000000 map[a.b:2000000]]",
        "text": "string 7",
    },
    "values": {
        "id": "float64 3.56136738e+08",
        "long": "float64 9.007199254740992e+15",
        "small": "float64 -3",
        "half": "float64 0.5",
        "list": "slice [1e+06 map[a.b:2e+06]]",
        "text": "string 7",
    },
}


@pytest.mark.parametrize("key", ["set", "values"])
def test_integers_of_set_are_those_of_helms_own_set_and_inline_values_are_floats(tmp_path: Path, key: str) -> None:
    chart = tmp_path / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: web, version: 1.0.0}")
    (chart / "templates" / "x.yaml").write_text("kind: X\napiVersion: v1\nmetadata: {name: x}\n" + TEMPLATE)
    said = NUMBERS if key == "set" else f"[{NUMBERS}]"
    (tmp_path / "helmstack.yaml").write_text(f"releases: [{{name: web, chart: ./web, {key}: {said}}}]")
    release = resolve(Request((str(tmp_path),)), PlainFiles()).releases[0]
    helm = Helm(HELM, str(tmp_path / "home"), None)
    files = ValuesFiles(str(tmp_path / "run"), lambda _release: helm).of(release).write()
    text = helm.template(TemplateArgs("web", "web", str(chart), values=files, sets=release.set_args))
    for name, seen in EXPECTED[key].items():
        assert f"  {name}: '{seen}'" in text

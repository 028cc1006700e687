# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real helm (the environment variable HELMSTACK_HELM) reads of a chart under random .helmignore files."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart import files
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError

HELM = os.environ.get("HELMSTACK_HELM", "")
SEED = os.environ.get("HELMSTACK_SEED", "1").split(",")[0]
ROUNDS = 40
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

NAMES = ("#c", "!d", "a", "b.txt", "B.txt", "a-b", "[x]", "x y", "-", "^", "a\\b", "ä")
PARTS = (
    *"a b . t x * ? - / # ! \\ \\# \\! \\* [ab] [^a] [a-z] [!a] [\\]x] [z-a] [^] [] [ .txt ä *.txt d e".split(),
    " ",
)
TEMPLATE = """\
kind: X
apiVersion: v1
metadata: {name: x}
{{ range $p, $d := .Files.Glob "**" }}
#= {{ $p | toJson }}{{ end }}
"""


def test_the_files_of_a_chart_are_those_that_helm_reads(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: x, version: 1.0.0}")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.yaml").write_text(TEMPLATE)
    for folder in ("", "d/", "d/e/"):
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        for name in NAMES:
            (tmp_path / f"{folder}{name}").write_text("")
    differ, read = [], 0
    for _round in range(ROUNDS):
        lines = [
            "".join(chance.choice(PARTS) for _part in range(chance.randint(1, 3)))
            for _line in range(chance.randint(1, 2))
        ]
        rules = "\n".join(["\\#c", *lines] if chance.random() < 0.2 else lines)
        (tmp_path / ".helmignore").write_text(rules)
        done = subprocess.run([HELM, "template", "x", str(tmp_path)], capture_output=True, text=True)
        told = sorted(json.loads(text) for text in re.findall(r"^#= (.*)$", done.stdout, re.MULTILINE))
        try:
            found = files.read(str(tmp_path))
            here = sorted(name for name in found if not name.startswith(("templates/", "Chart.yaml")))
            read += 1
        except ChartError:
            here = []
        if "templates/x.yaml" in (found if here else {"templates/x.yaml"}) and told != here:
            differ.append((rules, told, here, done.stderr[-200:]))
    assert not differ, differ[:3]
    assert read > ROUNDS / 4

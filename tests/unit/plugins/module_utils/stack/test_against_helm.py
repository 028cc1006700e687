# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of test_helmyaml.py, asked of the helm binaries that are there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml

CACHE = Path.home() / ".cache" / "helmstack"
HELMS = sorted({str(path) for path in [*CACHE.glob("bin-*/helm")]} | {shutil.which("helm") or ""} - {""})
SCALARS = """
y N yes Off True yEs ~ NULL 2024-01-01 2024-01-01T10:00:00Z 12:30:45 0123 08 0o17 -0o17 0x1F 0x_1F 0b11 -0b11 0b12 1e3
1e21 1e-7
1.5e3 1e500 1_000 _1 1.20 .5 .5_0 +.5 . 12345678901234567890 9007199254740993 0xFFFFFFFFFFFFFFFFFF = 'y' "1" -0
""".split()
TAGGED = [
    "!!binary aGk=",
    "!!binary /w==",
    "!!str 123",
    "!!int '12'",
    "!!float 1",
    "!!bool y",
    "!unknown text",
    "!vault x",
]
KEYS = "y n 12 0x10 true 1.0 0.1 1e3 1e6 1e-5 123456.789 16777217.5 18446744073709551616 2024-01-01 'y'".split()
INLINE: dict[str, Any] = {
    "line": "a\u2028b\u2029c\u0085d\x7fe\ufefff\ttab\nnew \\ \" ' / é \U0001f600",
    "numbers": [0, -1, 1.5, 1e16, 1e-7, 9007199254740992, 1.2345678901234567e19],
    "strings": ["2024-01-01", "y", "0123", "1e3", "null", ""],
    "<<": {"a": 1},
    "12": {"true": None},
}


@pytest.fixture(params=HELMS or [None], ids=lambda path: str(HELMS.index(path)) if path else "none")
def helm(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Values as helm reads them from a values file."""
    if request.param is None:
        pytest.skip("no helm binary is there")
    templates = tmp_path / "chart" / "templates"
    templates.mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n", encoding="utf-8")
    (templates / "values.yaml").write_text("values: {{ toJson .Values | quote }}\n", encoding="utf-8")

    def read(text: str) -> Any:
        (tmp_path / "values.yaml").write_text(text, encoding="utf-8")
        argv = [request.param, "template", "x", str(tmp_path / "chart"), "--values", str(tmp_path / "values.yaml")]
        result = subprocess.run(argv, capture_output=True, text=True, check=True)
        return json.loads(helmyaml.load(result.stdout, "manifest")["values"], parse_int=float)

    return read


def test_scalars_are_read_as_helm_reads_them(helm: Any) -> None:
    text = "".join(f"k{number}: {{v: {scalar}}}\n" for number, scalar in enumerate([*SCALARS, *TAGGED]))
    assert helmyaml.load(text, "f") == helm(text)


def test_keys_and_merges_are_read_as_helm_reads_them(helm: Any) -> None:
    text = "".join(f"k{number}: {{{key}: 1}}\n" for number, key in enumerate(KEYS))
    text += "m: &m {a: 2}\nx: {a: 1, <<: *m}\nz: {<<: *m, a: 1}\nl: {<<: [{a: 1}, {a: 2, b: 3}]}\nd: {a: 1, a: 2}\n"
    assert helmyaml.load(text, "f") == helm(text)


def test_inline_values_reach_helm_with_their_types(helm: Any) -> None:
    found = helm(helmyaml.to_json({"v": INLINE}))
    assert found == {"v": {**INLINE, "12": {"true": None}}}

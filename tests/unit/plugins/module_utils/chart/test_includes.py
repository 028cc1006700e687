# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The include clauses of an umbrella's values.yaml."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils import helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.chart.includes import expand
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError

FILES = {
    "one.yaml": "a: 1\nb:\n  c: text\n  d: [1, 2]\n",
    "parts/two.yaml": "number: 5\ntruth: y\nnothing: ~\nlines: |\n  x: 1\n  y: 2\nstring: '007'\nempty: {}\n",
    "plain.txt": "k: v",
    "chain.yaml": "first: 1\n#! {{ .Files.Get plain.txt }}\n",
    "cycle.yaml": "#! {{ .Files.Get round.yaml }}\n",
    "round.yaml": "#! {{ .Files.Get cycle.yaml }}\n",
    "self.yaml": "x: |\n  #! {{ pick (.Files.Get self.yaml) x }}\n",
    "with-pick.yaml": "p: 1\n#! {{ pick (.Files.Get one.yaml) b }}\n",
    "with-typo.yaml": "p: 1\n#! {{ .Files.Get one.yaml | indent two }}\n",
    "broken.yaml": "a: [\n",
}


def expanded(text: str) -> str:
    return expand(text, FILES.get, "values.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#! {{ .Files.Get plain.txt }}\nz: 1\n", "k: v\nz: 1\n"),
        ("#! {{ .File.Get plain.txt }}", "k: v\n"),
        ('#!{{.Files.Get "plain.txt"}}\n', "k: v\n"),
        ("#! {{ .Files.Get plain.txt }}   \n\n\nz: 1\n", "k: v\nz: 1\n"),
        ("m:\n#! {{ .Files.Get one.yaml | indent 2 }}\nz: 1", "m:\n  a: 1\n  b:\n    c: text\n    d: [1, 2]\n  \nz: 1"),
        ("m:\n#! {{ .Files.Get plain.txt|indent 4}}\n", "m:\n    k: v\n"),
        ("v: #! {{ pick (.Files.Get parts/two.yaml) number }}\n", "v: 5\n"),
        ("v: #! {{ pick (.Files.Get parts/two.yaml) truth }}\n", "v: true\n"),
        ("v: #! {{ pick (.Files.Get parts/two.yaml) nothing }}\n", "v: null\n"),
        ("v: #! {{ pick (.Files.Get parts/two.yaml) string }}\n", "v: 007\n"),
        ("v: #! {{ pick (.Files.Get parts/two.yaml) empty }}\n", "v: {}\n"),
        ("m:\n#! {{ pick ( .Files.Get \"parts/two.yaml\" ) \"lines\" | indent 2 }}\n", "m:\n  x: 1\n  y: 2\n  \n"),
        ("#! {{ .Files.Get plain.txt }}\n#! {{ .Files.Get plain.txt }}\n", "k: v\nk: v\n"),
        ("#! {{ .Files.Get chain.yaml }}\n", "first: 1\nk: v\n"),
        ("# {{ .Files.Get plain.txt }}\n#! {{ toYaml . }}\n", "# {{ .Files.Get plain.txt }}\n#! {{ toYaml . }}\n"),
    ],
)  # fmt: skip
def test_the_clause_is_replaced_by_the_text(text: str, expected: str) -> None:
    assert expanded(text) == expected


def test_a_picked_map_keeps_its_types_and_its_neighbours() -> None:
    text = "m:\n#! {{ pick (.Files.Get one.yaml) b | indent 2 }}\n  beside: 1\n"
    assert helmyaml.load(expanded(text), "v") == {"m": {"c": "text", "d": [1, 2], "beside": 1}}


def test_a_pick_that_a_plain_include_brings_in_stays_a_comment() -> None:
    assert expanded("#! {{ .Files.Get with-pick.yaml }}\n") == "p: 1\n#! {{ pick (.Files.Get one.yaml) b }}\n\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\n#! {{ .Files.Get gone.yaml }}\n", 2, "'#! {{ .Files.Get gone.yaml }}' names 'gone.yaml', which is no"),
        ("#! {{ .Files.Get ../secret.yaml }}\n", 1, "names a path outside of the chart"),
        ("#! {{ .Files.Get a/../../secret.yaml }}\n", 1, "names a path outside of the chart"),
        ("#! {{ .Files.Get /etc/passwd }}\n", 1, "names a path outside of the chart"),
        ("#! {{ pick (.Files.Get one.yaml) b.x }}\n", 1, "wants 'b.x', which 'one.yaml' does not have"),
        ("#! {{ pick (.Files.Get one.yaml) a.x }}\n", 1, "wants 'a.x', which 'one.yaml' does not have"),
        ("#! {{ pick (.Files.Get one.yaml) b.d }}\n", 1, "wants 'b.d', which is a list in 'one.yaml'"),
        ("#! {{ pick (.Files.Get one.yaml) b.d.0 }}\n", 1, "wants 'b.d.0', which 'one.yaml' does not have"),
        ("#! {{ pick (.Files.Get broken.yaml) a }}\n", 1, "wants a file that is YAML"),
        ("\n\n#! {{ .Files.Get one.yaml | indent x }}\n", 3, "is not one of the forms of an include"),
        ("#! {{ .Files.Get one.yaml | indent -2 }}\n", 1, "is not one of the forms of an include"),
        ("#! {{ .Files.Get one.yaml | indent }}\n", 1, "is not one of the forms of an include"),
        ("#! {{ .Files.Get one.yaml | indent 100000 }}\n", 1, "is not one of the forms of an include"),
        ("#! {{ pick (.Files.Get one.yaml) }}\n", 1, "is not one of the forms of an include"),
        ("#! {{ .Files.Get one.yaml }} more\n", 1, "is not one of the forms of an include"),
        ("a: 1\n#! {{ .Files.Get cycle.yaml }}\n", 0, "form a cycle: cycle.yaml -> round.yaml -> cycle.yaml"),
        ("#! {{ pick (.Files.Get self.yaml) x }}\n", 1, "form a cycle: self.yaml at x -> self.yaml at x"),
    ],
)  # fmt: skip
def test_a_bad_clause_is_named_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ChartError) as caught:
        expanded(text)
    assert message in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.line == line or line == 0


def test_a_typo_inside_an_included_file_is_named_there() -> None:
    with pytest.raises(ChartError, match=r"with-typo.yaml:2: the clause"):
        expanded("#! {{ .Files.Get with-typo.yaml }}\n")


def test_the_same_file_twice_is_no_cycle() -> None:
    text = "#! {{ .Files.Get chain.yaml }}\n#! {{ .Files.Get chain.yaml }}\n"
    assert expanded(text).count("first: 1") == 2

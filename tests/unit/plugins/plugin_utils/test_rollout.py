# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling out: batches, what is wrong with their variables, and what stops after a batch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.helmstack.core.plugins.lookup import rollout as lookup
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.plugin_utils import rollout
from ansible_collections.helmstack.core.plugins.plugin_utils.rollout import ASK, Batch, End, check_place

NAMES = [f"h{number}" for number in range(1, 9)]
GROUPS = {"all": [*NAMES, "d1"], "prod": NAMES, "canary": ["h3", "h5", "d1"], "dev": ["d1"]}


def sizes(serial: Any, canary: tuple[str, ...] = ()) -> list[int]:
    return [len(batch.hosts) for batch in rollout.rollout(NAMES, canary, serial, None, None).batches]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        (None, [8]),
        ([], [8]),
        (3, [3, 3, 2]),
        ("3", [3, 3, 2]),
        ([1, "25%", "100%"], [1, 2, 5]),
        ("1,25%,100%", [1, 2, 5]),
        ('[1, "25%", 100%]', [1, 2, 5]),
        ("10%", [1] * 8),
        ("100%", [8]),
        (50, [8]),
    ],
)
def test_batches_are_counted_as_ansible_does(serial: Any, expected: list[int]) -> None:
    assert sizes(serial) == expected


def test_canaries_are_a_batch_of_their_own_and_the_first() -> None:
    rolled = rollout.rollout(["h3", "h5", "h1", "h2"], ["h5", "h3"], ["50%"], None, None)
    assert rolled.batches[0] == rollout.Batch(("h3", "h5"), canary=True)
    assert sizes(None, ("h3",)) == [1, 7]
    assert sizes([2, "100%"], ("h3",)) == [1, 2, 5]
    assert sizes(None, tuple(NAMES)) == [8]


@pytest.mark.parametrize(
    "serial", ["3x", "0", 0, -1, "0%", "101%", "nan%", True, 0.5, "[1, ", [1, "x"], {"a": 1}, [[1]]]
)
def test_a_serial_that_makes_no_sense_is_an_error(serial: Any) -> None:
    with pytest.raises(InputError, match=r"helmstack_serial: expected a number of hosts .* Nothing was done"):
        sizes(serial)


@pytest.mark.parametrize(
    ("tolerance", "pause", "words"),
    [
        ("101", None, "from 0 to 100"),
        ("some", None, "percentage"),
        (True, None, "percentage"),
        (None, "later", "helmstack_pause: expected true"),
        (None, -1, "found -1"),
        (None, [1], "helmstack_pause"),
    ],
)
def test_what_is_asked_between_batches_must_make_sense(tolerance: Any, pause: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rollout.rollout(NAMES, (), 1, tolerance, pause)


def test_pauses_and_tolerances() -> None:
    def found(tolerance: Any, pause: Any) -> tuple[float, int]:
        rolled = rollout.rollout(NAMES, (), 1, tolerance, pause)
        return rolled.tolerance, rolled.pause

    assert found("30%", "10m") == (30.0, 600)
    assert found(12.5, "true") == (12.5, ASK)
    assert found("", False) == (0.0, 0)
    assert found(None, "30") == (0.0, 30)


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        rollout.check_terminal(600)
        with pytest.raises(InputError, match=r"asks in a terminal .* this run has none, as in AWX"):
            rollout.check_terminal(ASK)


def end(number: int, *failed: str, tolerance: float = 0) -> End:
    rolled = rollout.rollout(NAMES[:6], (), 2, tolerance, None)
    return End.of(rolled, rolled.batches[number - 1].hosts[0], dict.fromkeys(failed, "failed"))


def test_more_failures_than_may_stop_the_rest() -> None:
    assert end(1).goes_on
    stopped = end(2, "h4")
    assert stopped.stop == (
        "batch 2 of 3 failed: 1 of 2 hosts (h4), where at most 0 % may. Not begun: h5, h6. Mend it and run again"
    )
    assert not stopped.goes_on
    assert end(2, "h4", tolerance=50).goes_on
    assert end(2, "h3", "h4", tolerance=100).stop == (
        "batch 2 of 3 failed: 2 of 2 hosts (h3, h4). Not begun: h5, h6. Mend it and run again"
    )
    assert end(2, "h1", "h2").goes_on  # of an earlier batch
    assert end(3, "h5").stop == ""  # there is nothing left to stop
    assert not end(3).goes_on


def test_the_end_of_a_batch_needs_no_canaries_if_a_limit_leaves_none() -> None:
    groups = {"all": ["c1", "h1", "h2"], "canary": ["c1"]}
    left = {"groups": groups, "ansible_play_hosts_all": ["h1", "h2"], "ansible_play_hosts": ["h1"]}
    found = End.given({"canary": "canary", "serial": 2}, {**left, "inventory_hostname": "h1"})
    assert (found.rollout.batches, found.failed, found.failing) == ((Batch(("h1", "h2")),), ("h2",), True)


def test_what_keywords_of_a_play_cannot_see_is_an_error() -> None:
    variables = {"helmstack_serial": 1, "helmstack_pause": "1m", "helmstack_canary": None}
    check_place(variables, ["helmstack_serial", "helmstack_pause"])
    with pytest.raises(InputError, match="helmstack_pause stands in the inventory, where"):
        check_place(variables, ["helmstack_serial"])


class Looks:
    """The lookup plugin over an inventory, and what it shows."""

    def __init__(self, shown: list[str], folder: Path) -> None:
        self.shown = shown
        self.folder = folder

    def __call__(self, term: str, *, limit: str | None = None, review: bool = False, **given: Any) -> list[Any]:
        variables = {f"helmstack_{name}": value for name, value in given.items()}
        variables |= {"groups": GROUPS, "ansible_limit": limit, "ansible_inventory_sources": [str(self.folder)]}
        plugin = lookup.LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
        self.shown.clear()
        return plugin.run([term], variables, review=review)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Looks:
    shown: list[str] = []

    class Shows:
        def display(self, line: str) -> None:
            shown.append(line.strip())

    monkeypatch.setattr(lookup, "Display", Shows)
    return Looks(shown, tmp_path)


def test_a_play_that_rolls_nothing_out_is_as_ever(look: Looks) -> None:
    assert look("hosts") == ["all"]
    assert look("hosts", hosts="prod:!h1") == ["prod:!h1"]
    assert look("serial") == ["100%"]
    assert look("tasks") == ["tasks/deploy.yml"]
    assert look.shown == []


def test_canaries_come_first_and_none_comes_from_elsewhere(look: Looks) -> None:
    assert look("hosts", hosts="prod", canary="canary") == ["h3", "h5", "h1", "h2", "h4", "h6", "h7", "h8"]
    assert look("hosts", hosts="prod", canary=["h5", "h3"])[:3] == ["h5", "h3", "h1"]
    assert look("serial", hosts="prod", canary="canary", serial=[1, "50%"]) == [2, 1, 4, 1]
    assert look.shown[:4] == [
        "helmstack: deploys to 8 hosts in 4 batches, one after the other:",
        "helmstack:   batch 1 of 4 (canary): h3, h5",
        "helmstack:   batch 2 of 4: h1",
        "helmstack:   batch 3 of 4: h2, h4, h6, h7",
    ]


def test_a_limit_leaves_fewer_hosts_in_the_batches(look: Looks) -> None:
    assert look("serial", hosts="prod", canary="canary", serial=2, limit="h1,h2,h5") == [1, 2]
    assert look("serial", hosts="prod", canary="canary", serial=1, limit="h1,h2") == [1, 1]  # without canaries


def test_a_check_tells_the_batches_and_takes_all_at_once(look: Looks) -> None:
    assert look("serial", hosts="prod", serial=5, review=True) == ["100%"]
    assert look.shown[0] == "helmstack: a run deploys to 8 hosts in 2 batches, one after the other:"
    assert look("tasks", hosts="prod", serial=5, pause=True, review=True) == ["tasks/deploy.yml"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"canary": "cannary"}, "cannary names no host of prod. Did you mean 'canary'? Nothing was done"),
        ({"canary": "d1"}, "helmstack_canary: d1 names no host of prod"),
        ({"canary": "h[3"}, "helmstack_canary: 'h[3' is no pattern of hosts"),
        ({"hosts": ["h1", "!"]}, "helmstack_hosts: '!' is no pattern of hosts. Write it as web"),
        ({"hosts": "["}, "helmstack_hosts: '[' is no pattern of hosts"),
        ({"hosts": "~["}, "helmstack_hosts: '~[' is no pattern of hosts"),
        ({"hosts": "h1,["}, "helmstack_hosts: 'h1,[' is no pattern of hosts"),
        ({"limit": "h[1"}, "--limit: 'h[1' is no pattern of hosts"),
        ({"serial": "3x"}, "found '3x'"),
        ({"gate_tasks": "gate.yml"}, "helmstack_gate_tasks: there is no file"),
        ({"pause": "soon"}, "found 'soon'"),
    ],
)
def test_bad_input_is_an_error_when_the_playbook_is_read(
    look: Looks, given: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HOST_PATTERN_MISMATCH", "warning")  # ansible-test makes an error of it
    for review in (False, True):
        with pytest.raises(AnsibleLookupError) as error:
            look("tasks", **{"hosts": "prod", "review": review, **given})
        assert words in str(error.value)


def test_the_gate_is_found_beside_the_inventory(look: Looks) -> None:
    (look.folder / "gate.yml").write_text("[]")
    assert look("gate", gate_tasks="gate.yml") == [str(look.folder / "gate.yml")]
    assert look("gate") == ["none.yml"]
    assert look("tasks", gate_tasks="gate.yml") == ["tasks/rollout.yml"]


@pytest.mark.parametrize(
    "pattern",
    "all h* h[1:3] h[0] !h1 &prod prod:!h3 h1,h2 ~h[12] !~(h1|h2) [ab]1 2001:db8::1 ~h[0-9]{1,3} a.example.org".split(),
)
def test_patterns_are_those_of_ansible(pattern: str) -> None:
    assert rollout.patterns(pattern, "helmstack_hosts") == [pattern]

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One end for all hosts: which changed, failed or stayed the same; equal plans are shown once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.report.summary import HOW_FAR, outline
from ansible_collections.helmstack.core.plugins.plugin_utils.terminal import Entry, shortened, shown

CHANGED, UNCHANGED, FAILED, UNREACHABLE, SKIPPED, NOT_BEGUN = STATES = (
    "changed",
    "unchanged",
    "failed",
    "unreachable",
    "skipped",
    "not_begun",
)
LINES = 1000  # of diff, unless the user says otherwise
DIFF = "plan_diff"  # the result's key for a diff that is shown at the end
_IN_CHECK = {CHANGED: "would change", UNCHANGED: "would stay the same", FAILED: "could not be reviewed"}
_IN_RUN = {CHANGED: "changed", UNCHANGED: "stayed the same", FAILED: "failed"}
_OTHER = {UNREACHABLE: "could not be reached", SKIPPED: "skipped", NOT_BEGUN: "not begun"}
_NAMED = 10
_Result = Mapping[str, Any]


@dataclass(frozen=True)
class Host:
    """A host and the results of its tasks."""

    name: str
    results: tuple[_Result, ...]
    lost: bool = False  # Ansible has given it up
    undone: _Result | None = None  # of the task that has taken all back

    @property
    def failed_later(self) -> bool:
        """Whether not the deployment has failed, but what came after it."""
        began = any(not result.get("skipped") for result in self.results)
        return self.lost and began and not any(map(_went_wrong, self.results))

    @property
    def state(self) -> str:
        if not self.results:
            return NOT_BEGUN
        if self.failed_later:
            return FAILED
        if any(result.get("unreachable") for result in self.results):
            return UNREACHABLE
        if any(result.get("failed") for result in self.results):
            return FAILED
        if all(result.get("skipped") for result in self.results):
            return SKIPPED
        return CHANGED if any(result.get("changed") for result in self.results) else UNCHANGED

    @property
    def lines(self) -> list[str]:
        """What would happen, or why it is unknown."""
        if self.failed_later:
            return ["what comes after its deployment failed, such as the tasks of a gate"]
        found: list[str] = []
        for result in self.results:
            if _went_wrong(result):
                # what is which is told of all hosts together
                found += str(result.get("msg", "")).partition(f"\n{HOW_FAR}\n")[0].strip().splitlines()
            elif result.get("plan"):
                found += outline(result["plan"])
        return found

    def diff(self, most: int) -> list[Entry]:
        if self.failed_later:
            return []
        return [*shortened((entry for result in self.results for entry in result.get(DIFF) or ()), most)]


def _went_wrong(result: _Result) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def by_state(hosts: Iterable[Host]) -> dict[str, list[str]]:
    """The hosts' names, for machines."""
    found: dict[str, list[str]] = {state: [] for state in STATES}
    for host in hosts:
        found[host.state].append(host.name)
    return {state: sorted(names) for state, names in found.items()}


def groups(hosts: Sequence[Host], most: int) -> list[tuple[list[str], list[str], list[Entry]]]:
    """Hosts with equal plans: their names, the lines and the diff; the largest group first."""
    alike: dict[str, tuple[list[str], list[str], list[Entry]]] = {}
    for host in hosts:
        if host.state in (CHANGED, FAILED):
            lines, diff = host.lines, host.diff(most)
            alike.setdefault(json.dumps([host.state, lines, diff]), ([], lines, diff))[0].append(host.name)
    # json: its first item is the state; what failed comes last
    return [group for _key, group in sorted(alike.items(), key=lambda item: (FAILED in item[0][:12], -len(item[1][0])))]


def told(hosts: Sequence[Host], *, check: bool, most: int) -> Iterator[str]:
    """The end, in lines."""
    if len(hosts) > 1:
        state = {host.name: host.state for host in hosts}
        for names, lines, diff in groups(hosts, most):
            failed = state[names[0]] == FAILED
            if check or failed:
                how = (" for the same reason" if failed else " in the same way") if len(names) > 1 else ""
                word = (_IN_CHECK if check else _IN_RUN)[FAILED if failed else CHANGED]
                yield f"{_count(len(names))} {word}{how}: {_names(names)}"
                yield from (f"  {line}" for line in lines)
                for entry in diff:
                    yield from (*shown(entry), "")
    yield sum_of(by_state(hosts), check=check)


def sum_of(states: Mapping[str, Sequence[str]], *, check: bool) -> str:
    """``30 hosts: 2 would change (a, b), 28 would stay the same``."""
    words = {**(_IN_CHECK if check else _IN_RUN), **_OTHER}
    count = sum(map(len, states.values()))
    if count == 1:
        return "".join(f"{names[0]} {words[state]}" for state, names in states.items() if names)
    parts = []
    for state in STATES:
        names = states[state]
        if names:
            listed = "" if state == UNCHANGED and len(names) > 1 else f" ({_names(names)})"
            parts.append(f"{len(names)} {words[state]}{listed}")
    return f"{_count(count)}: {', '.join(parts) or 'none'}"


def _count(number: int) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

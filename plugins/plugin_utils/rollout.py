# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling out: which hosts make a batch, and what is asked of one before the next begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader

from ansible_collections.helmstack.core.plugins.module_utils.durations import EXPECTED, seconds
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean

SERIAL, CANARY, TOLERANCE, PAUSE, GATE = VARIABLES = (
    "helmstack_serial",
    "helmstack_canary",
    "helmstack_max_fail_percentage",
    "helmstack_pause",
    "helmstack_gate_tasks",
)
HOSTS = "helmstack_hosts"
MARK = "__helmstack_rolls_out"  # a variable of plays whose keywords look at these
ASK = -1  # the pause that waits for an answer, beside those of some seconds
_BAD = ("failed", "unreachable")  # states of a host
_NAMED = 10
_NOTHING = "Nothing was done"


@dataclass(frozen=True)
class Batch:
    """Hosts that are deployed to together."""

    hosts: tuple[str, ...]
    canary: bool = False


@dataclass(frozen=True)
class Rollout:
    """The batches in their order, and what is asked between them; ``tolerance`` in percent of a batch.

    :arg pause: seconds between two batches, or ASK.
    """

    batches: tuple[Batch, ...]
    tolerance: float = 0.0
    pause: int = 0

    def number(self, host: str) -> int | None:
        """The position of a host's batch, from 1."""
        return next((at for at, batch in enumerate(self.batches, 1) if host in batch.hosts), None)

    def title(self, number: int) -> str:
        batch = self.batches[number - 1]
        return f"batch {number} of {len(self.batches)}{' (canary)' if batch.canary else ''}"

    def told(self, *, check: bool, gate: str | None = None) -> Iterator[str]:
        """The batches for people, before anything is done."""
        count = sum(len(batch.hosts) for batch in self.batches)
        how = "a run deploys" if check else "deploys"
        yield f"{how} to {_count(count, 'host')} in {_count(len(self.batches), 'batch')}, one after the other:"
        for number, batch in enumerate(self.batches, 1):
            yield f"  {self.title(number)}: {named(batch.hosts)}"
        if gate:
            yield f"  after each batch: the tasks of {gate}"
        if len(self.batches) > 1:
            yield f"  stops after a batch of which more than {self.tolerance:g} % of the hosts fail"
            if self.pause == ASK:
                yield "  asks before each further batch"
            elif self.pause:
                yield f"  waits {self.pause} s before each further batch"


@dataclass(frozen=True)
class End:
    """The end of a batch: whether the next one begins.

    :arg failed: the hosts of the batch that failed, or could not be reached.
    """

    rollout: Rollout
    number: int
    failed: tuple[str, ...]

    @classmethod
    def of(cls, rolled: Rollout, host: str, states: Mapping[str, str]) -> End:
        """The end of the batch that has this host."""
        number = rolled.number(host) or len(rolled.batches)
        batch = rolled.batches[number - 1]
        return cls(rolled, number, tuple(name for name in batch.hosts if states.get(name) in _BAD))

    @classmethod
    def given(cls, asked: Mapping[str, Any], task_vars: Mapping[str, Any]) -> End:
        """The end of the batch of a task's host, by what Ansible says of the hosts.

        :arg asked: options of helmstack_summary.
        """
        names = [str(name) for name in task_vars.get("ansible_play_hosts_all") or ()]
        left = set(task_vars.get("ansible_play_hosts") or ())
        states = dict.fromkeys((name for name in names if name not in left), _BAD[0])
        # a limit may leave none of them, which is no error
        canary = Fleet(task_vars.get("groups") or {}).canaries(asked.get("canary"), ["all"])
        tolerance, pause = asked.get("max_fail_percentage"), asked.get("pause")
        rolled = rollout(names, canary, asked.get("serial"), tolerance, pause)
        return cls.of(rolled, str(task_vars.get("inventory_hostname")), states)

    @property
    def batch(self) -> Batch:
        return self.rollout.batches[self.number - 1]

    @property
    def title(self) -> str:
        return self.rollout.title(self.number)

    @property
    def failing(self) -> bool:
        """Whether more of the batch has failed than may, or all of it, as Ansible ends the play then."""
        return self._beyond or len(self.failed) == len(self.batch.hosts)

    @property
    def _beyond(self) -> bool:
        return 100 * len(self.failed) / len(self.batch.hosts) > self.rollout.tolerance

    @property
    def goes_on(self) -> bool:
        return self.number < len(self.rollout.batches) and not self.failing

    @property
    def stop(self) -> str:
        """Why further batches do not begin; empty: they do, or there is none."""
        if not self.failing or self.number == len(self.rollout.batches):
            return ""
        count = f"{len(self.failed)} of {_count(len(self.batch.hosts), 'host')}"
        most = f", where at most {self.rollout.tolerance:g} % may" if self._beyond else ""
        return f"{self.title} failed: {count} ({named(self.failed)}){most}. {self.stops}. Mend it and run again"

    @property
    def following(self) -> str:
        """The next batch."""
        return f"{self.rollout.title(self.number + 1)}: {named(self.rollout.batches[self.number].hosts)}"

    @property
    def stops(self) -> str:
        left = [host for batch in self.rollout.batches[self.number :] for host in batch.hosts]
        return f"Not begun: {named(left)}"


def active(variables: Mapping[str, Any]) -> bool:
    """Whether any option of a rollout is set."""
    return any(variables.get(name) not in (None, "", []) for name in VARIABLES)


def check_place(variables: Mapping[str, Any], seen: Iterable[str]) -> None:
    """Returns if all options of a rollout are set where a play's keywords see them.

    :arg variables: a host's.
    :arg seen: the names of extra variables and of the play's.
    :raises InputError: one is set in the inventory.
    """
    lost = sorted(name for name in VARIABLES if active({name: variables.get(name)}) and name not in set(seen))
    if lost:
        verb, whom = ("stands", "it") if len(lost) == 1 else ("stand", "them")
        raise InputError(
            f"{', '.join(lost)} {verb} in the inventory, where the keywords of a play do not see {whom}",
            hint=f"Give {whom} with -e, in the job template, or in the vars of import_playbook. {_NOTHING}",
        )


def rollout(names: Sequence[str], canary: Iterable[str], serial: Any, tolerance: Any, pause: Any) -> Rollout:
    """The rollout over these hosts, the canaries first.

    :raises InputError: a value makes no sense.
    """
    sizes = _sizes(serial)
    return Rollout(tuple(_batches(list(names), set(canary), sizes)), _tolerance(tolerance), _pause(pause))


def _batches(names: Sequence[str], canary: set[str], sizes: Sequence[int | float]) -> Iterator[Batch]:
    first = tuple(name for name in names if name in canary)
    if first:
        yield Batch(first, canary=True)
    left = [name for name in names if name not in canary]
    for number in range(len(left)):
        if not left:
            return
        size = sizes[min(number, len(sizes) - 1)] if sizes else len(left)
        # as Ansible counts: a part of all hosts, rounded down, and one at least
        count = max(1, int(size * len(names) / 100)) if isinstance(size, float) else size
        yield Batch(tuple(left[:count]))
        left = left[count:]


def _sizes(serial: Any) -> list[int | float]:
    """The sizes of ``[1, 25%, 100%]``: an int is a number of hosts, a float a percentage."""
    if isinstance(serial, str):
        serial = _read(serial)
    given = serial if isinstance(serial, list) else [] if serial in (None, "") else [serial]
    return [_size(item) for item in given]


def _read(text: str) -> Any:
    """The value in a text, as -e name=value makes a text of everything."""
    if text.lstrip().startswith("["):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    return [item.strip() for item in text.split(",")] if "," in text else text


def _size(item: Any) -> int | float:
    text = str(item).strip()
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        found = float(number) if percent else int(number)
    except ValueError:
        found = 0
    if isinstance(item, (bool, float)) or not 0 < found <= (100 if percent else found):
        raise InputError(
            f"{SERIAL}: expected a number of hosts from 1, a percentage up to 100%, or a list of them such as "
            f"[1, 25%, 100%], found {item!r}",
            hint=_NOTHING,
        )
    return found


def _tolerance(value: Any) -> float:
    if value in (None, ""):
        return 0.0
    text = str(value).strip()
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = -1.0
    if isinstance(value, bool) or not 0 <= found <= 100:
        raise InputError(f"{TOLERANCE}: expected a percentage from 0 to 100, found {value!r}", hint=_NOTHING)
    return found


def _pause(value: Any) -> int:
    word = str(value).strip().lower()
    if word in ("true", "yes", "on"):
        return ASK
    if value in (None, "") or word in ("false", "no", "off"):
        return 0
    found = seconds(value)
    if found is None:
        raise InputError(f"{PAUSE}: expected true, which asks, or {EXPECTED}, found {value!r}", hint=_NOTHING)
    return found


def check_terminal(pause: int) -> None:
    """Holds if there is somebody to ask.

    :raises InputError: there is no terminal, as in AWX.
    """
    if pause == ASK and not sys.stdin.isatty():
        raise InputError(
            f"{PAUSE}: true asks in a terminal before each further batch, and this run has none, as in AWX",
            hint="Give a time to wait, such as 10m, or let a workflow approve: a job for the canaries, an approval, "
            f"a job for the rest (docs/fleets.md). {_NOTHING}",
        )


def patterns(value: Any, name: str) -> list[str]:
    """Patterns of hosts, given as one or as a list.

    :arg name: the variable's.
    :raises InputError: one is broken. Ansible passes over what it cannot read, and takes all hosts if nothing is left.
    """
    given = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
    for text in given:
        parts = split_host_pattern(text)
        lost = any("".join(parts).count(bracket) != text.count(bracket) for bracket in "[]")
        open_ended = any(not part.strip("!&~ ") or part.count("[") != part.count("]") for part in parts)
        if not parts or lost or open_ended:
            hint = f"Write it as web, web*, web[0:3], or ~web[0-9]+ for a regular expression. {_NOTHING}"
            raise InputError(f"{name}: '{text}' is no pattern of hosts", hint=hint)
    return given


@dataclass(frozen=True)
class Fleet:
    """The inventory as a play sees it before it has hosts: groups, and what ``--limit`` leaves of them."""

    groups: Mapping[str, Sequence[str]]
    limit: str | None = None

    def hosts(self, pattern: Sequence[str], *, limited: bool = True) -> list[str]:
        """The names of the hosts, in the patterns' order."""
        manager = InventoryManager(DataLoader(), parse=False)
        # first all, whose order is that of the inventory
        for group in ("all", *self.groups):
            manager.add_group(group)
            for host in self.groups.get(group, ()):
                manager.add_host(host, group=group)
        try:
            if limited and self.limit:
                manager.subset(self.limit)
            return [str(host.name) for host in manager.get_hosts(list(pattern))]
        except AnsibleError as error:
            raise InputError(f"{', '.join(pattern)}: {error}", hint=_NOTHING) from error

    def canaries(self, canary: Any, among: Sequence[str]) -> list[str]:
        """The canaries among hosts of these patterns, whether a limit leaves them or not.

        :raises InputError: there is none.
        """
        if canary in (None, "", []):
            return []
        known, wanted = self.hosts(among, limited=False), patterns(canary, CANARY)
        found = [host for host in self.hosts(wanted, limited=False) if host in known]
        if not found:
            asked = ", ".join(wanted)
            hint = did_you_mean(asked, [*(group for group in self.groups if group != "ungrouped"), *known])
            raise InputError(
                f"{CANARY}: {asked} names no host of {', '.join(among)}", hint=f"{hint} {_NOTHING}".strip()
            )
        return found


def gate_file(path: Any, folders: Iterable[str], exists: Callable[[str], bool] = os.path.isfile) -> str:
    """The file of the gate's tasks.

    :raises InputError: there is none.
    """
    tried = [os.path.abspath(os.path.join(folder, os.path.expanduser(str(path)))) for folder in folders]
    for name in dict.fromkeys(tried):
        if exists(name):
            return name
    raise InputError(f"{GATE}: there is no file {', '.join(dict.fromkeys(tried))}", hint=_NOTHING)


def named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _count(number: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("ch") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"

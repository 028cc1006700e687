# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plans cost: helm processes and requests are counted, whatever time they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from fault_proxy import OURS, FaultProxy
from harness import HELM, Object, Workspace, actions_of

# Its lines: when a helm began and ended, and what it was to do.
LOGGING = """\
#!/bin/sh
began=$(date +%s%N)
"{helm}" "$@"
code=$?
echo "$began $(date +%s%N) $1" >> "{log}"
exit $code
"""


@dataclass(frozen=True)
class Effort:
    """What one check or run took."""

    result: Object
    requests: Counter[tuple[str, str]]  # verb, path
    helms: list[tuple[int, int, str]]  # nanoseconds of begin and end, command


def stack(workspace: Workspace, size: int, value: str) -> None:
    workspace.chart("app")
    workspace.stack(
        *(workspace.release(f"r{n}", namespace=f"n{n % 2}", set={"data": {"v": value}}) for n in range(size))
    )


def effort(workspace: Workspace, number: int, *, check: bool = True, **options: object) -> Effort:
    log = workspace.root / "helms"
    log.write_text("")
    script = workspace.write("logging-helm", LOGGING.format(helm=HELM, log=log))
    script.chmod(0o755)
    with FaultProxy(workspace.cluster, workspace.root / f"proxy-{number}") as proxy:
        to = {"kubeconfig": str(proxy.kubeconfig), "binary_path": str(script)}
        result = workspace.one({**to, **options}, check=check)
        requests = proxy.counts(OURS)
    lines = [line.split() for line in log.read_text().splitlines()]
    return Effort(
        result, requests, [(int(began), int(ended), what) for began, ended, what in lines if what != "version"]
    )


def test_what_is_unchanged_costs_a_handful_of_requests_and_no_helm_however_much_it_is(workspace: Workspace) -> None:
    found = []
    for size in (2, 8):
        stack(workspace, size, "1")
        workspace.deploy()
        found.append(effort(workspace, size))
        assert set(actions_of(found[-1].result).values()) == {"unchanged"}
    assert [each.helms for each in found] == [[], []]
    few, many = (each.requests for each in found)
    assert few == many
    assert sum(few.values()) <= 5, few
    assert sum(count for (verb, path), count in few.items() if verb == "list" and "secrets" in path) <= 2


def test_a_changed_release_is_rendered_once_beside_others_and_apis_are_asked_for_once(workspace: Workspace) -> None:
    stack(workspace, 6, "1")
    workspace.deploy()
    stack(workspace, 6, "2")
    found = effort(workspace, 0, concurrency=3)
    assert set(actions_of(found.result).values()) == {"upgrade"}
    assert [what for _began, _ended, what in found.helms] == ["template"] * 6
    times = sorted((began, ended) for began, ended, _what in found.helms)
    assert any(after[0] < before[1] for before, after in pairwise(times)), "one after another"
    assert {path: found.requests["get", path] for path in ("/api", "/apis")} == {"/api": 1, "/apis": 1}
    lists = {path: count for (verb, path), count in found.requests.items() if verb == "list"}
    assert max(lists.values()) == 1, lists


def test_helm_looks_for_no_release_that_is_known_and_what_it_tells_of_a_revision_is_not_read(
    workspace: Workspace,
) -> None:
    stack(workspace, 2, "1")
    found = effort(workspace, 0, check=False)
    assert sorted(what for _began, _ended, what in found.helms) == ["install", "install", "template", "template"]
    read = [path for (verb, path) in found.requests if verb == "get" and "sh.helm.release" in path]
    assert read == []
    stack(workspace, 2, "2")
    found = effort(workspace, 1, check=False)
    assert sorted(what for _began, _ended, what in found.helms) == ["template", "template", "upgrade", "upgrade"]

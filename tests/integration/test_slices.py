# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in slices, as AWX and Receptor run it: ansible-runner transmits, works and processes, in three processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fault_proxy import FaultProxy, Hook
from harness import ANSIBLE, Object, Workspace
from test_interrupted import Hold

RUNNER = str(Path(sys.executable).parent / "ansible-runner")


class Slice:
    """``ansible-runner transmit | ansible-runner worker | ansible-runner process``, at work."""

    def __init__(self, workspace: Workspace, data: Path, limit: str, number: int) -> None:
        self.folder = data / "artifacts" / str(number)
        self.output = data / f"slice-{number}.txt"
        env = {**workspace.environ({}), "PATH": f"{ANSIBLE}{os.pathsep}{os.environ['PATH']}"}
        ident = ["--ident", str(number)]
        words = (
            [RUNNER, "transmit", str(data), "-p", "deploy.yml", "--limit", limit, *ident],
            [RUNNER, "worker"],
            [RUNNER, "process", str(data), *ident],
        )
        self._parts: list[subprocess.Popen[bytes]] = []
        with self.output.open("wb") as end:
            for step in words:
                before = self._parts[-1].stdout if self._parts else subprocess.DEVNULL
                out = end if step is words[-1] else subprocess.PIPE
                self._parts.append(subprocess.Popen(step, stdin=before, stdout=out, env=env, cwd=workspace.temp))
                if before not in (None, subprocess.DEVNULL):
                    before.close()

    def told(self, words: str, seconds: float = 120) -> bool:
        """Whether the lines that came back so far, or come in this time, hold the words."""
        end = time.monotonic() + seconds
        while words not in self.output.read_text(errors="replace"):
            if time.monotonic() > end or self._parts[-1].poll() is not None:
                return words in self.output.read_text(errors="replace")
            time.sleep(0.1)
        return True

    def done(self) -> tuple[str, Object]:
        """ansible-runner's word for how it ended, and the artifacts that AWX keeps."""
        for part in self._parts:
            part.wait(180)
        events = [json.loads(path.read_text()) for path in (self.folder / "job_events").glob("*.json")]
        stats = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
        return (self.folder / "status").read_text(), dict(stats[-1].get("artifact_data") or {}) if stats else {}


@contextmanager
def fleet(workspace: Workspace) -> Iterator[tuple[FaultProxy, Path]]:
    """Two hosts in two slices that are the same cluster, one of them through a proxy that can hold it."""
    workspace.chart("app")
    workspace.stack(workspace.release("first"), workspace.release("slow", needs=["first"]))
    data = workspace.root / "runner"
    project = data / "project"
    project.mkdir(parents=True)
    shutil.copytree(workspace.root / "charts", project / "charts")
    shutil.copy(workspace.root / "helmstack.yaml", project)
    (project / "deploy.yml").write_text(json.dumps([{"import_playbook": "helmstack.core.deploy"}]))
    with FaultProxy(workspace.cluster, workspace.root / "proxy") as proxy:
        direct = {f"helmstack_{name}": value for name, value in workspace.connection.items()}
        hosts = {"eu": {"helmstack_kubeconfig": str(proxy.kubeconfig)}, "also-eu": {}}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "helmstack_stack_files": ["helmstack.yaml"],
        }
        (data / "inventory").mkdir()
        (data / "inventory" / "hosts.json").write_text(
            json.dumps({"all": {"hosts": hosts, "vars": {**direct, **common}}})
        )
        yield proxy, data
        hold, proxy.hook = proxy.hook, Hook()
        if isinstance(hold, Hold):
            hold.go.set()


def test_slices_stream_back_live_and_one_lock_holds_over_all_of_them(workspace: Workspace) -> None:
    with fleet(workspace) as (proxy, data):
        hold = Hold("slow")
        proxy.hook = hold
        one = Slice(workspace, data, "eu", 1)
        assert one.told("/first: ready at revision 1"), one.output.read_text()  # while the slice is at work
        assert hold.reached.wait(60)

        status, _ = Slice(workspace, data, "also-eu", 2).done()
        assert status == "failed"
        assert f"another run is at work on stack {workspace.prefix}" in (data / "slice-2.txt").read_text()

        proxy.hook = Hook()
        hold.go.set()
        status, artifacts = one.done()
        assert (status, list(artifacts["helmstack_plans"])) == ("successful", ["eu"])
        status, artifacts = Slice(workspace, data, "also-eu", 3).done()
        assert (status, artifacts["helmstack_outcome"]["unchanged"]) == ("successful", ["also-eu"])

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan tells besides objects: why, what helm will fail at, and what changes in no object."""

from __future__ import annotations

import random

from harness import CONFIG, Workspace, actions_of, exact, release_of


def test_a_revision_that_is_too_large_to_be_stored(workspace: Workspace) -> None:
    words = [f"{random.Random(number).getrandbits(60):x}" for number in range(90_000)]
    workspace.chart("app", files={"templates/config.yaml": CONFIG, "files/words.txt": " ".join(words)})
    workspace.stack(workspace.release("app"))
    [warning] = workspace.check()["warnings"]
    assert "release " in warning
    assert "helm will fail" in warning
    assert "files/words.txt" in warning
    assert "Too long: may not be more than 1048576 bytes" in workspace.fail()
    workspace.write("charts/app/.helmignore", "files/\n")
    assert "warnings" not in workspace.deploy()


def test_why_a_release_changes(workspace: Workspace) -> None:
    """A new template and a new value are two reasons; what others have made is said; so is why one is only marked."""
    files = {"templates/config.yaml": CONFIG}
    workspace.chart("app", files=files)
    a = workspace.ns("a")

    def why(**values: int) -> tuple[str, list[str], str]:
        keys = {"reuseValues": True} if reuses else {}
        workspace.stack(workspace.release("app", set={"data": values}, **keys))
        found = release_of(workspace.check(), "app")
        return found["action"], found["reason"], found["note"]

    reuses = False
    assert why(v=1) == ("install", ["new"], "")
    workspace.deploy()
    workspace.chart("app", files={**files, "README.md": "more"})
    assert why(v=1) == ("adopt", ["labels"], "")
    more = CONFIG.replace("{{ .Release.Name }}", "{{ .Release.Name }}-more")
    workspace.chart("app", files={**files, "templates/more.yaml": more})
    assert why(v=1) == ("upgrade", ["chart"], "")
    assert why(v=2) == ("upgrade", ["values", "chart"], "")
    workspace.deploy()
    assert why(v=3) == ("upgrade", ["values"], "")
    workspace.deploy()

    reuses = True
    assert why(v=3)[0] == "adopt"
    workspace.deploy()
    assert why(v=3) == ("unchanged", [], "")
    assert why(v=4) == ("upgrade", ["values"], "")  # of the values that helm keeps, one is another
    reuses = False

    workspace.helm("upgrade", "app", "charts/app", "-n", a, "--set", "data.v=9")
    number = release_of(workspace.check(), "app")["revision"]["from"]
    assert why(v=3)[1:] == (["values"], f"revision {number} was not made by this collection, which made {number - 1}")
    workspace.helm("rollback", "app", "1", "-n", a)
    action, reason, note = why(v=3)
    assert (action, note) == ("upgrade", f"revision {number + 1} is a rollback to 1")
    assert reason == ["values", "chart"]
    assert note in workspace.run({}, check=True).output

    workspace.helm("install", "other", "charts/app", "-n", a, "--set", "data.v=1")
    workspace.stack(workspace.release("other", "app", set={"data": {"v": 1}}))
    found = release_of(workspace.check(), "other")
    assert (found["action"], found["reason"]) == ("adopt", ["labels"])


def test_labels_alone_make_a_revision_and_are_shown(workspace: Workspace) -> None:
    workspace.chart("app")
    workspace.stack(workspace.release("app", labels={"tier": "front"}))
    workspace.deploy()
    workspace.stack(workspace.release("app", labels={"tier": "back"}))
    result = exact(workspace)
    assert actions_of(result) == {"app": "upgrade"}
    [entry] = result["diff"]
    assert (entry["before"], entry["after"]) == ("tier: front\n", "tier: back\n")

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan tells besides objects: why, what helm will fail at, and what changes in no object."""

from __future__ import annotations

import random

from harness import CONFIG, Workspace


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

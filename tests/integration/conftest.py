# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each test gets a workspace: a folder and namespaces of its own, taken away afterwards."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# each worker of pytest-xdist has a control plane of its own: what one test makes for a whole cluster concerns no other
if _WORKER := os.environ.get("PYTEST_XDIST_WORKER", ""):
    _CONFIGS = os.environ["HELMSTACK_KUBECONFIG"].split(os.pathsep)
    os.environ["HELMSTACK_KUBECONFIG"] = _CONFIGS[int(_WORKER.removeprefix("gw"))]

from harness import READY, Workspace

# The files that take longest, so that none of them is begun last, with nothing left for the other workers.
LONGEST = (
    "readiness property faults spray import interrupted awx stacks leaks states kills lock rollout sources git refused"
).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def _workspace(root: Path) -> Iterator[Workspace]:
    if not READY:
        pytest.skip("HELMSTACK_HELM, HELMSTACK_KUBECONFIG and HELMSTACK_ANSIBLE name no test environment")
    workspace = Workspace(root, f"it{uuid.uuid4().hex[:6]}")
    try:
        yield workspace
    finally:
        workspace.clean()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from _workspace(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace for all tests of a file."""
    yield from _workspace(tmp_path_factory.mktemp("shared"))

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository in examples/ that a team copies: its CI files' steps as they are, in a clean folder.

What is not there is replaced: pip, the comment on a merge request, and Galaxy by this checkout's archive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import KUBECONFIG

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "examples" / "repository"
SHIM = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'


def steps_of_github(folder: Path) -> list[str]:
    jobs = yaml.safe_load((folder / ".github" / "workflows" / "review.yml").read_text())["jobs"]
    return [step["run"] for step in jobs["review"]["steps"] if "run" in step]


def steps_of_gitlab(folder: Path) -> list[str]:
    job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())["review"]
    return [*job["script"], *job["after_script"]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive")
    galaxy = Path(os.environ["HELMSTACK_ANSIBLE"]) / "ansible-galaxy"
    subprocess.run([galaxy, "collection", "build", "--output-path", target], cwd=ROOT, check=True, capture_output=True)
    return next(target.glob("*.tar.gz"))


@pytest.mark.parametrize(("kind", "steps_of"), [("github", steps_of_github), ("gitlab", steps_of_gitlab)])
def test_the_steps_of_the_ci_files_review_both_environments(
    tmp_path: Path, archive: Path, kind: str, steps_of: Any
) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(TEMPLATE, folder)
    wanted = {"collections": [{"name": str(archive), "type": "file"}]}
    (folder / "collections" / "requirements.yml").write_text(yaml.safe_dump(wanted))
    bins = tmp_path / "bin"
    bins.mkdir()
    for name in ("pip", "gh", "curl"):
        (bins / name).write_text(SHIM)
        (bins / name).chmod(0o755)
    (tmp_path / "summary").touch()
    config = Path(KUBECONFIG).read_text()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_", "KUBE"))}
    helm = Path(os.environ["HELMSTACK_HELM"]).parent
    environ = {
        **inherited,
        "PATH": f"{bins}:{os.environ['HELMSTACK_ANSIBLE']}:{helm}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "CALLS": str(tmp_path / "calls"),
        "VAULT_PASSWORD": "example-password",
        **({"DEV": config, "PROD": config} if kind == "github" else {}),
        **({"KUBECONFIG_DEV": KUBECONFIG, "KUBECONFIG_PROD": KUBECONFIG} if kind == "gitlab" else {}),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "PULL_REQUEST": "7",
    }
    for step in steps_of(folder):
        done = subprocess.run(["bash", "-e", "-c", step], cwd=folder, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, f"{step}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    report = (folder / "review.md").read_text()
    assert "cluster-dev" in report
    assert "shop-prod/web" in report
    assert "change-me" not in report
    calls = (tmp_path / "calls").read_text()
    assert ("gh pr comment 7 --body-file review.md" if kind == "github" else "body@review.md") in calls

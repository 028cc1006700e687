# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release in one command: version, changelog, commit, tag, archive and checksums; or all of it on a copy."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from .layout import DEV_VENV, ROOT, WORK, environment

RELEASE = WORK / "release"
SUMS = "SHA256SUMS"
Run = Callable[..., str]
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
_LINE = re.compile(r"^version: (.+)$", re.MULTILINE)


class CannotRelease(Exception):
    """What stands in the way, and what to do."""


def release(run: Run, version: str, *, dry_run: bool) -> list[str]:
    """Make the release in the checkout, or all of it in a clone that is thrown away; returns what was done.

    Nothing is pushed and nothing is published: that is for whoever has looked at it.

    :raises CannotRelease: before anything is changed.
    """
    _check(run, version, clean=not dry_run)
    folder = ROOT
    if dry_run:
        folder = RELEASE / "clone"
        shutil.rmtree(folder, ignore_errors=True)
        run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder])
    bins = DEV_VENV / "bin"
    env = environment(bins, GIT_TERMINAL_PROMPT="0")
    _write_version(folder, version)
    run([bins / "antsibull-changelog", "release", "--version", version], cwd=folder, env=env)
    run(["git", "add", "--all", "galaxy.yml", "CHANGELOG.rst", "changelogs"], cwd=folder)
    identity = ["-c", "user.name=dry run", "-c", "user.email=nobody@example.invalid"] if dry_run else []
    run(["git", *identity, "commit", "--quiet", "--message", f"Release {version}"], cwd=folder)
    run(["git", *identity, "tag", "--annotate", "--message", f"Release {version}", f"v{version}"], cwd=folder)
    target = RELEASE / ("dry-run" if dry_run else version)
    shutil.rmtree(target, ignore_errors=True)
    run([bins / "ansible-galaxy", "collection", "build", "--output-path", target], cwd=folder, env=env)
    [archive] = target.glob("*.tar.gz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (target / SUMS).write_text(f"{digest}  {archive.name}\n")
    told = [f"version {version}, CHANGELOG.rst, tag v{version}", str(archive), f"{digest}  ({target / SUMS})"]
    if dry_run:
        changed = run(["git", "show", "--stat", "--format=", "HEAD"], cwd=folder)
        shutil.rmtree(folder)
        return [*told, changed.rstrip(), "This was a dry run: the checkout is as it was."]
    return [*told, f"Now: git push origin HEAD v{version}", f"and: ansible-galaxy collection publish {archive}"]


def _check(run: Run, version: str, *, clean: bool) -> None:
    if not _VERSION.fullmatch(version):
        raise CannotRelease(f"'{version}' is not a version: write VERSION=1.2.3")
    if clean and run(["git", "status", "--porcelain"], cwd=ROOT).strip():
        raise CannotRelease("the checkout has changes that are not committed: commit or stash them")
    if run(["git", "tag", "--list", f"v{version}"], cwd=ROOT).strip():
        raise CannotRelease(f"there is a tag v{version} already: choose the next version")
    tags = run(["git", "tag", "--list", "v*"], cwd=ROOT).split()
    newer = [tag for tag in tags if _VERSION.fullmatch(tag[1:]) and _key(tag[1:]) >= _key(version)]
    if newer:
        raise CannotRelease(f"{newer[-1]} is not older than {version}: choose a later version")
    if not list((ROOT / "changelogs" / "fragments").glob("*.yml")):
        raise CannotRelease("there are no changelog fragments: nothing to release")


def _key(version: str) -> tuple[int, int, int, bool, str]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise CannotRelease(f"'{version}' is not a version")
    major, minor, patch, pre = match.groups()
    return int(major), int(minor), int(patch), pre is None, pre or ""


def _write_version(folder: Path, version: str) -> None:
    path = folder / "galaxy.yml"
    path.write_text(_LINE.sub(f"version: {version}", path.read_text(), count=1))


def run_plainly(command: list[object], cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """A command's output; what it says goes to the terminal if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        raise CannotRelease(f"{Path(str(command[0])).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout

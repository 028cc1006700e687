# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes virtual environments from pinned requirements, and the home folder that ansible-test runs in."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from .interpreters import Pair, interpreters, oldest_and_newest
from .layout import DEMO_VENV, DEV_VENV, HOME, REQUIREMENTS, ROOT, WORK, environment, link_collection

Run = Callable[..., str]

CONSTRAINTS = REQUIREMENTS / "constraints.txt"


def matrix() -> tuple[Pair, Pair]:
    """The oldest and the newest pair of ansible-core and Python on this machine."""
    return oldest_and_newest(interpreters())


def stamp_of(pair: Pair, files: list[Path]) -> str:
    digest = hashlib.sha256(f"{pair.core} {pair.interpreter.path}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_made(folder: Path, pair: Pair, files: list[Path]) -> bool:
    """Whether there is a virtual environment for `pair` with what the files pin."""
    stamp = folder / "stamp"
    return stamp.exists() and stamp.read_text() == stamp_of(pair, files) and (folder / "bin" / "python").exists()


def make_venv(run: Run, folder: Path, pair: Pair, wanted: Path, pins: tuple[Path, ...] = (CONSTRAINTS,)) -> Path:
    """A virtual environment for `pair` with the packages of `wanted`; made anew only when the pins changed."""
    files = [wanted, pair.pins, *pins]
    if is_made(folder, pair, files):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    run([pair.interpreter.path, "-m", "venv", folder], env=environment())
    # a pip of its own age cannot be trusted with today's metadata
    pip: list[object] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    pip += [word for file in pins for word in ("--constraint", file)]
    run([*pip, "--upgrade", "pip"], env=environment())
    run([*pip, "--requirement", pair.pins, "--requirement", wanted], env=environment())
    (folder / "stamp").write_text(stamp_of(pair, files))
    return folder


def dev_venv(run: Run, newest: Pair) -> Path:
    """The development environment: newest ansible-core, run-time packages, all tools."""
    link_collection()
    return make_venv(run, DEV_VENV, newest, REQUIREMENTS / "dev.txt")


def demo_venv(run: Run, newest: Pair) -> Path:
    """The development environment if it is there, else one with the run-time packages alone, in the same versions."""
    link_collection()
    wanted = REQUIREMENTS / "dev.txt"
    if is_made(DEV_VENV, newest, [wanted, newest.pins, CONSTRAINTS]):
        return DEV_VENV
    return make_venv(run, DEMO_VENV, newest, ROOT / "requirements.txt", (CONSTRAINTS, wanted))


def oldest_venv(run: Run, oldest: Pair) -> Path:
    """Oldest ansible-core with the lowest supported run-time packages."""
    return make_venv(run, WORK / "matrix" / oldest.slug, oldest, REQUIREMENTS / "oldest.txt")


def pip_settings(python: Path) -> dict[str, str]:
    """What pip would use here, from its files and from PIP_* variables."""
    done = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, env=environment(), check=True
    )
    settings = {}
    for scope in ("global.", "install.", ":env:."):
        for line in done.stdout.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.startswith(scope):
                settings[name.removeprefix(scope)] = str(ast.literal_eval(value))
    settings.pop("config-file", None)
    cache = subprocess.run(
        [python, "-m", "pip", "cache", "dir"], capture_output=True, text=True, env=environment(), check=False
    )
    if cache.returncode == 0:
        settings["cache-dir"] = cache.stdout.strip()
    return settings


def make_home(run: Run, venv: Path) -> Path:
    """A home folder for ansible-test.

    ansible-test keeps its environments under ~/.ansible and passes HOME but no PIP_* variables on, so pip's settings
    are written down here. It bootstraps pip with a script from its makers' server; the stand-in does so with pip's own
    wheel from the package registry. Both come from ansible_test's python_requirements.py and requirements.py.
    """
    python = venv / "bin" / "python"
    config = HOME / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    text = "[global]\n" + "".join(
        f"{name} = {value}".replace("\n", "\n    ") + "\n" for name, value in sorted(pip_settings(python).items())
    )
    descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)

    source = next(venv.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py")).read_text()
    versions = sorted(set(re.findall(r"\bpip='([0-9.]+)'", source)))
    if not versions:
        raise RuntimeError(f"ansible-test of {venv.name} no longer says which pip it wants")
    wheels = WORK / "wheels"
    for version in versions:
        wheel = wheels / f"pip-{version}-py3-none-any.whl"
        if not wheel.exists():
            run(
                [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, f"pip=={version}"],
                env=environment(),
            )
        script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP.format(wheel=str(wheel)))
    return HOME


GET_PIP = """\
import sys

sys.path.insert(0, {wheel!r})

from pip._internal.cli.main import main

sys.exit(main(["install", *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))]))
"""


def ansible_test_environment(home: Path, venv: Path) -> dict[str, str]:
    """What ansible-test gets: real interpreters instead of pyenv's shims, and the stand-in home."""
    shims = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part and Path(part).name != "shims"]
    env = environment(venv / "bin", DEV_VENV / "bin")
    env["PATH"] = os.pathsep.join([str(venv / "bin"), str(DEV_VENV / "bin"), *shims])
    env["HOME"] = str(home)
    env["GIT_CEILING_DIRECTORIES"] = str(ROOT)
    for name in (
        "ANSIBLE_COLLECTIONS_PATH",
        "ANSIBLE_HOME",
        "ANSIBLE_REMOTE_TEMP",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
    ):
        env.pop(name, None)
    return env

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home folder that ansible-test runs in, and the environments that it makes there for its sanity tests."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .cache import alone, cache_folder, link, used
from .interpreters import Pair
from .layout import DEV_VENV, HOME, ROOT, WORK, environment

Run = Callable[..., str]


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


def make_home(name: str) -> Path:
    """A home folder for ansible-test: one for each step, as two at once would both make its SSH key, and fail."""
    home = HOME / name
    home.mkdir(parents=True, exist_ok=True)
    return home


def let_it_use_pip(run: Run, venv: Path, home: Path) -> None:
    """What ansible-test needs in its home to install packages.

    It passes HOME but no PIP_* variables on, so pip's settings are written down here. It bootstraps pip with a script
    from its makers' server; the stand-in does so with pip's own wheel from the package registry. Both come from
    ansible_test's python_requirements.py and requirements.py.
    """
    python = venv / "bin" / "python"
    config = home / ".config" / "pip" / "pip.conf"
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
        script = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP.format(wheel=str(wheel)))


def make_sanity_environments(run: Run, pair: Pair, venv: Path, folder: Path, home: Path) -> None:
    """The virtual environments of the sanity tests, which all checkouts share.

    ansible-test keeps them under ~/.ansible/test/venv, by Python's version and a hash of what is installed. It makes
    those that lack its marker, but two of it would disturb each other: they are made beforehand, one at a time.
    """
    interpreter = hashlib.sha256(str(pair.interpreter.path).encode()).hexdigest()[:12]
    kept = cache_folder("ansible-test", f"py{pair.interpreter.name}-{interpreter}")
    kept.mkdir(parents=True, exist_ok=True)
    link(home / ".ansible" / "test" / "venv", kept)
    core = next(venv.glob("lib/python3*/site-packages/ansible_core-*.dist-info")).stem
    made = kept / f"made-for-{core}"
    with alone(kept):
        if not made.exists() or not all((kept / line).exists() for line in made.read_text().splitlines()):
            let_it_use_pip(run, venv, home)
            began = time.time()
            words = ["sanity", "--prime-venvs", "--color", "no", "--python", pair.interpreter.name]
            run([venv / "bin" / "ansible-test", *words], cwd=folder, env=ansible_test_environment(home, venv))
            markers = [path for path in kept.glob("*/*/*/marker.txt") if path.stat().st_mtime >= began - 1]
            made.write_text("\n".join(sorted(str(path.relative_to(kept)) for path in markers)))
        (kept / "used").touch()
        used(kept / "used")


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

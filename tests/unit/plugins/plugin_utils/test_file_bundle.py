# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes along to a target that does not share the controller's disk."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from ansible_collections.helmstack.core.plugins.module_utils.bundle import Bundle
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Repository, Stack
from ansible_collections.helmstack.core.plugins.plugin_utils.file_bundle import FileBundle


def _files(cargo: FileBundle) -> set[str]:
    archive = io.BytesIO()
    cargo.write(archive, Bundle(None))
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        return {f"/{name.removeprefix('files/')}" for name in tar.getnames() if name.startswith("files/")}


def _chart(folder: Path, *dependencies: str) -> str:
    folder.mkdir(parents=True)
    listed = "".join(f"\n- {{name: x, version: 1.0.0, repository: '{each}'}}" for each in dependencies)
    (folder / "Chart.yaml").write_text(f"name: {folder.name}\nversion: 1.0.0\ndependencies:{listed}\n")
    return str(folder)


def test_a_local_chart_takes_its_file_dependencies_along(tmp_path: Path) -> None:
    web = _chart(tmp_path / "charts" / "web", "file://../lib", "https://charts.example.org", "file:///elsewhere")
    lib = _chart(tmp_path / "charts" / "lib", "file://../../base")
    base = _chart(tmp_path / "base", "file://../charts/web")  # a cycle must end
    cargo = FileBundle()
    stack = cargo.take_stack(Stack("s", None, (Release("app", "web", web),)))
    assert stack.releases[0].chart == cargo.root + web
    assert {f"{chart}/Chart.yaml" for chart in (web, lib, base)} <= _files(cargo)


def test_charts_from_elsewhere_stay_as_they_are() -> None:
    charts = ("oci://x/y", "repo/name", "https://x/y-1.tgz", "git+https://x/y.git")
    stack = Stack("s", None, tuple(Release(f"r{number}", "n", chart) for number, chart in enumerate(charts)))
    cargo = FileBundle()
    assert cargo.take_stack(stack) == stack
    assert _files(cargo) == set()


def test_certificates_of_repositories_come_along(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("ca")
    cargo = FileBundle()
    repository = Repository("r", "https://x", ca_file=str(tmp_path / "ca.crt"), key_file="/not/there")
    taken = cargo.take_stack(Stack("s", None, (), (repository,))).repositories[0]
    assert (taken.ca_file, taken.key_file) == (f"{cargo.root}{tmp_path}/ca.crt", "/not/there")


def test_a_kubeconfig_takes_the_files_beside_it_along(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("ca")
    text = b"clusters: [{cluster: {certificate-authority: ca.crt}}]\nusers: [{user: {client-key: /etc/key}}]\n"
    cargo = FileBundle()
    assert cargo.take_kubeconfig(f"{tmp_path}/config", text) == f"{cargo.root}{tmp_path}/config"
    assert _files(cargo) == {f"{tmp_path}/config", f"{tmp_path}/ca.crt"}

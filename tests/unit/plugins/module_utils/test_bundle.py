# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive from controller to target."""

from __future__ import annotations

import io
from pathlib import Path

from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack, ValuesSource

ROOT = "/helmstack-root"


def _round_trip(tmp_path: Path, content: bundle.Bundle, **parts: object) -> tuple[bundle.Bundle, Path]:
    archive = io.BytesIO()
    bundle.write(archive, content, root=ROOT, **{"texts": {}, **parts})  # type: ignore[arg-type]
    (tmp_path / "archive").write_bytes(archive.getvalue())
    target = tmp_path / "target"
    target.mkdir()
    return bundle.read(str(tmp_path / "archive"), str(target)), target


def test_stack_comes_through_as_it_was(tmp_path: Path) -> None:
    release = Release("app", "web", "oci://x/y", values=(ValuesSource("v", 'a: "é"\n', True),), needs=("web/db",))
    stack = Stack("shop", "dev", (release,), secrets=("hidden",))
    handover = bundle.Handover(bundle.Caller(1, listens=True), "/progress", progress_returned=True, others=(stack,))
    content = bundle.Bundle(stack, {"kubeconfig": "k"}, ("s3cret",), handover)
    read, _target = _round_trip(tmp_path, content)
    assert read == content


def test_files_lie_where_the_stack_says(tmp_path: Path) -> None:
    chart = tmp_path / "charts" / "web"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: web\n")
    stack = Stack("shop", None, (Release("app", "web", f"{ROOT}{chart}"),))
    read, target = _round_trip(tmp_path, bundle.Bundle(stack), paths=[str(chart)])
    assert read.stack is not None
    placed = Path(read.stack.releases[0].chart)
    assert (placed / "Chart.yaml").read_text() == "name: web\n"
    assert target in placed.parents


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("a: 1\n")
    chart = tmp_path / "web"
    chart.mkdir()
    (chart / "values.yaml").symlink_to(tmp_path / "shared.yaml")
    _read, target = _round_trip(tmp_path, bundle.Bundle(None), paths=[str(chart)])
    assert (target / f"files{chart}" / "values.yaml").read_text() == "a: 1\n"


def test_decrypted_text_replaces_the_file_and_is_private(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text("encrypted")
    read, target = _round_trip(
        tmp_path,
        bundle.Bundle(None, {"kubeconfig": f"{ROOT}{config}"}),
        paths=[str(config)],
        texts={str(config): b"plain"},
    )
    placed = Path(read.params["kubeconfig"])
    assert placed.read_text() == "plain"
    assert placed.stat().st_mode & 0o777 == 0o600
    assert target in placed.parents

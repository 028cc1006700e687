# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helmstack_template shows of manifests, and how it writes them; helm itself is played."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.report.template import RenderOptions, Templates
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

CONFIG = "---\n# Source: app/config.yaml\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n"
SECRET = "---\n# Source: app/secret.yaml\nkind: Secret\napiVersion: v1\nmetadata: {name: s}\n"


def rendered(
    tmp_path: Path, text: str, *, check_mode: bool = False, secrets: tuple[str, ...] = (), **params: Any
) -> dict[str, Any]:
    """The result where the one release app is this text."""
    stack = Stack("shop", None, (Release("app", "web", "/chart"),), secrets=secrets)
    helm: Any = SimpleNamespace(template=lambda _args: text, version=lambda: SimpleNamespace(major=4))
    chart: Any = SimpleNamespace(path="/chart")
    templates = Templates(
        stack,
        RenderOptions.of(params),
        lambda _release: chart,
        lambda _release: helm,
        ValuesFiles(str(tmp_path / "values"), lambda _release: helm),
        None,  # type: ignore[arg-type]
    )
    return templates.run(check_mode=check_mode)


def test_the_diff_of_files_masks_what_the_old_secrets_held(tmp_path: Path) -> None:
    folder = str(tmp_path / "out")
    rendered(tmp_path, SECRET + "stringData: {a: canary-old-8861}\n", output_dir=folder)
    text = SECRET + "stringData: {a: canary-new-8862}\n" + CONFIG + "data: {was: canary-old-8861}\n"
    result = rendered(tmp_path, text, output_dir=folder, check_mode=True)
    assert [entry["before_header"] for entry in result["diff"]] == [f"{folder}/web/app.yaml"]
    assert "canary" not in json.dumps(result)


def test_secrets_are_shown_without_values_however_short(tmp_path: Path) -> None:
    nested = SECRET.replace("Source", "Nested") + "data:\n  conf: {a: [c3h6]}\n"
    listed = "---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, stringData: d7e}\n"
    text = f"{CONFIG}# kept\n{SECRET}# pin q7k\nstringData: {{pin: q7k}}\ndata:\n  p2: cTdr\n{nested}{listed}{CONFIG}"
    [release] = rendered(tmp_path, text)["releases"]
    shown = release["manifest"]
    assert not [word for word in ("q7k", "cTdr", "c3h6", "d7e") if word in shown]
    assert shown.startswith(f"{CONFIG}# kept\n---\n# Source: app/secret.yaml\nkind: Secret\n")
    assert f"  pin: '{MASK}'\n" in shown
    assert shown.endswith(CONFIG)


def test_checksums_that_may_hold_a_secret_are_masked(tmp_path: Path) -> None:
    marks = ["checksum/secret: ab12", f"checksum/config: {'0a' * 32}", f'"checksum/more": "{"1b" * 32}"']
    flow = ", ".join(["checksum/secret: cd34", f"checksum/config: '{'2c' * 32}'"])
    kept = f"checksum/none: later\nimage: app@sha256:{'3d' * 32}\nplain: {'4e' * 32}\n"
    text = f"{SECRET}stringData: {{a: hidden-5512}}\n---\n" + "\n".join(marks) + f"\nannotations: {{{flow}}}\n{kept}"
    [release] = rendered(tmp_path, text)["releases"]
    assert not [word for word in ("ab12", "cd34", "0a0a", "1b1b", "2c2c") if word in release["manifest"]]
    assert kept in release["manifest"]


def test_without_secrets_checksums_tell_nothing(tmp_path: Path) -> None:
    text = f"{CONFIG}data:\n  checksum/config: {'0a' * 32}\n"
    assert rendered(tmp_path, text)["releases"][0]["manifest"] == text


def test_an_old_file_that_is_no_manifest_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "out" / "web").mkdir(parents=True)
    (tmp_path / "out" / "web" / "old.yaml").write_text("a: [canary")
    [_new, entry] = rendered(tmp_path, CONFIG, output_dir=str(tmp_path / "out"))["diff"]
    assert (entry["before"], entry["after"]) == (MASK, "")


@pytest.mark.parametrize(
    ("text", "mode"),
    [(SECRET, 0o600), (CONFIG, 0o644), (CONFIG + "data: {url: 'https://u:canary-vault-5521@db'}\n", 0o600)],
)
def test_files_with_secrets_are_their_owners_alone(tmp_path: Path, text: str, mode: int) -> None:
    file = tmp_path / "out" / "web" / "app.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("")
    file.chmod(0o644)
    rendered(tmp_path, text, output_dir=str(tmp_path / "out"), secrets=("canary-vault-5521",))
    assert file.stat().st_mode & 0o777 == mode
    assert file.read_text() == text


def test_images_are_listed_with_their_releases(tmp_path: Path) -> None:
    pod = "---\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: nginx:1}]\n"
    assert rendered(tmp_path, CONFIG + pod)["images"] == [{"image": "nginx:1", "releases": ["web/app"]}]

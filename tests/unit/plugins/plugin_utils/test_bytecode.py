# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's files are compiled once, not at each start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import _OURS, _Files

FILE = "def answer():\n    return {answer}\n"
LOAD = """
import sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[sys.argv[1]], scan_sys_paths=False)._install()
from ansible_collections.helmstack.core.plugins.plugin_utils.bytecode import compiled, stay_compiled
before = list(sys.meta_path)
{how}
    from ansible_collections.helmstack.core.plugins.module_utils.room.file import answer
assert sys.meta_path{relation}before
print(answer())
"""


@pytest.mark.parametrize(("how", "relation"), [("with compiled():", "=="), ("stay_compiled()\nif True:", "!=")])
def test_files_of_the_collection_are_kept_compiled_and_compiled_anew_once_they_change(
    tmp_path: Path, how: str, relation: str
) -> None:
    ours = tmp_path / "ansible_collections" / "helmstack" / "core" / "plugins"
    file = ours / "module_utils" / "room" / "file.py"
    file.parent.mkdir(parents=True)
    (ours / "plugin_utils").mkdir()
    (ours / "plugin_utils" / "bytecode.py").write_text(Path(sys.modules[_Files.__module__].__file__ or "").read_text())
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def answer() -> str:
        words = [sys.executable, "-c", LOAD.format(how=how, relation=relation), str(tmp_path)]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.strip()

    file.write_text(FILE.format(answer=1))
    assert answer() == answer() == "1"
    assert [path.name for path in (file.parent / "__pycache__").iterdir()] == [
        f"file.{sys.implementation.cache_tag}.pyc"
    ]
    file.write_text(FILE.format(answer=22))
    assert answer() == "22"


def test_packages_and_what_is_not_of_this_collection_are_left_to_ansible(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "file.py").write_text("")
    finder = _Files()
    assert finder.find_spec(f"{_OURS}module_utils.room", [str(tmp_path)]) is None
    assert finder.find_spec("ansible_collections.other.core.plugins.file", [str(tmp_path)]) is None
    assert finder.find_spec(f"{_OURS}module_utils.file", None) is None
    assert finder.find_spec(f"{_OURS}module_utils.file", [str(tmp_path)]) is not None

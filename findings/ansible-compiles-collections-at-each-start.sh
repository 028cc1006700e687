#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-core 2.19.14 (2.21.5 is the same): a collection's module_utils and plugin_utils are compiled anew at each start.
#
# Expected: as all Python files, they are compiled once and then taken from __pycache__, as ansible-core does it with
# the plugins themselves (the action plugin below has a .pyc after the first run).
# Seen: the collection loader calls compile() on the source and neither writes nor reads a .pyc. For a collection with
# 25,000 lines that its action plugin imports this is 0.25 s of CPU at each start of ansible-playbook.
#
# Output:
#   after a run: action/say.py is kept compiled
#   after a run: module_utils/words.py is not
#   a .pyc of it that says something else is not read
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ansible-core==2.19.14
plugins=$folder/collections/ansible_collections/some/thing/plugins
mkdir -p "$plugins/action" "$plugins/modules" "$plugins/module_utils"
echo 'WORD = "hello"' >"$plugins/module_utils/words.py"
echo '# only the action' >"$plugins/modules/say.py"
cat >"$plugins/action/say.py" <<'ACTION'
from ansible.plugins.action import ActionBase
from ansible_collections.some.thing.plugins.module_utils.words import WORD


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"msg": f"it says {WORD}", "changed": False}
ACTION
echo '[{"hosts": "localhost", "gather_facts": false, "tasks": [{"some.thing.say": {}}]}]' >"$folder/play.yml"

play() {
    env -u PYTHONDONTWRITEBYTECODE ANSIBLE_HOME="$folder/home" ANSIBLE_COLLECTIONS_PATH="$folder/collections" \
        ANSIBLE_NOCOLOR=1 "$folder/venv/bin/ansible-playbook" -v "$folder/play.yml" 2>/dev/null
}

play >"$folder/out"
grep -q "it says hello" "$folder/out"
ls "$plugins"/action/__pycache__/say.*.pyc >/dev/null && echo "after a run: action/say.py is kept compiled"
[ ! -e "$plugins/module_utils/__pycache__" ] && echo "after a run: module_utils/words.py is not"
# a valid .pyc, as Python checks it by the source's time and size, that says something else
sed 's/hello/HELLO/' "$plugins/module_utils/words.py" >"$folder/words.py"
touch -r "$plugins/module_utils/words.py" "$folder/words.py"
"$folder/venv/bin/python" - "$folder/words.py" "$plugins/module_utils/words.py" <<'COMPILE'
import importlib.util, py_compile, sys
py_compile.compile(sys.argv[1], cfile=importlib.util.cache_from_source(sys.argv[2]), doraise=True)
COMPILE
play >"$folder/out"
grep -q "it says hello" "$folder/out" && echo "a .pyc of it that says something else is not read"

#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: ansible-core 2.19.14 and 2.18.9, Python 3.11, Linux.
#
# Expected: SIGKILL to the process group of ansible-playbook, as a scheduler or `timeout --kill-after` sends it, ends
# the run: the controller and the worker that carries out the running task.
#
# Seen: since ansible-core 2.19 each worker has a session of its own (os.setsid in WorkerProcess), so it is not in the
# group. It lives on with another parent, and so does the task's command, until that ends by itself. With 2.18 nothing
# is left.
#
#   ansible-core 2.19.14: workers left 1 s after SIGKILL of the group: 1
#   ansible-core 2.18.9: workers left 1 s after SIGKILL of the group: 0
set -euo pipefail
folder=$(mktemp -d)
mark="26.$$"
trap 'pkill -9 -f "sleep $mark" || true; pkill -9 -f "$folder/" || true; rm -rf "$folder"' EXIT

left_after_kill() {  # VERSION
    python3 -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet "ansible-core==$1"
    printf -- '- hosts: localhost\n  gather_facts: false\n  tasks: [{command: sleep %s}]\n' "$mark" >"$folder/play.yml"
    ANSIBLE_HOME=$folder/home ANSIBLE_LOCALHOST_WARNING=0 setsid "$folder/$1/bin/ansible-playbook" \
        -i localhost, -c local -e "ansible_python_interpreter=$folder/$1/bin/python" "$folder/play.yml" >"$folder/out" 2>&1 &
    local pid=$!
    for _ in $(seq 100); do pgrep -f "^sleep $mark" >/dev/null && break; sleep 0.2; done
    pgrep -f "^sleep $mark" >/dev/null || { cat "$folder/out"; echo "the task did not begin"; exit 2; }
    kill -KILL -- "-$(ps -o pgid= -p "$pid" | tr -d ' ')"
    sleep 1
    local workers
    workers=$(pgrep -fc "$folder/$1/bin/ansible-playbook" || true)
    echo "ansible-core $1: workers left after SIGKILL of the group: $workers"
    pkill -9 -f "sleep $mark" || true
    pkill -9 -f "$folder/$1/bin/ansible-playbook" || true
    LEFT=$workers
}

left_after_kill 2.18.9
[ "$LEFT" -eq 0 ] || { echo "changed: 2.18.9 leaves a worker"; exit 1; }
left_after_kill 2.19.14
[ "$LEFT" -ge 1 ] || { echo "changed: 2.19.14 leaves no worker"; exit 1; }

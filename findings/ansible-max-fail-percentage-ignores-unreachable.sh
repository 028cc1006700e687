#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: ansible-core 2.19.14, Python 3.11, Linux; 2.17.14 and 2.21.5 do the same.
#
# Expected: with max_fail_percentage: 0 a rolling play ends with the batch in which a host is lost, be it that a task
# fails on it or that it cannot be reached: any_errors_fatal counts both, and so does the rule that a batch of which
# no host is left ends the play.
#
# Seen: only failed tasks are counted; after one not even the rest of the batch goes on. But where half of the first
# batch is unreachable, the play goes on to the next.
#
#   first batch: h1, and h2, which is failed: deployed:
#   first batch: h1, and h2, which is unreachable: deployed: h1.h3.h4.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ansible-core==2.19.14
cat >"$folder/play.yml" <<'PLAY'
- hosts: all
  gather_facts: false
  serial: 2
  max_fail_percentage: 0
  tasks:
    - ansible.builtin.raw: "{{ command | default('true') }}"
    - ansible.builtin.debug: {msg: "deployed {{ inventory_hostname }}."}
PLAY

deployed() {  # VARIABLES OF H2
    printf 'all:\n  hosts: {h1: , h2: {%s}, h3: , h4: }\n  vars: {ansible_connection: local}\n' "$1" >"$folder/hosts.yml"
    ANSIBLE_HOME=$folder/home ANSIBLE_NOCOLOR=1 "$folder/venv/bin/ansible-playbook" -i "$folder/hosts.yml" \
        "$folder/play.yml" >"$folder/out" 2>&1 || true
    { grep -o 'deployed h[0-9]\.' "$folder/out" || true; } | sed 's/deployed //' | sort | tr -d '\n'
}

failed=$(deployed 'command: "false"')
echo "first batch: h1, and h2, which is failed: deployed: $failed"
lost=$(deployed 'ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1')
echo "first batch: h1, and h2, which is unreachable: deployed: $lost"
[ "$failed" = "" ] || { echo "changed: a failed host does not end the play"; exit 1; }
[ "$lost" = "h1.h3.h4." ] || { echo "changed: an unreachable host ends the play"; exit 1; }

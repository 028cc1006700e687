#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: ansible-core 2.21.5, Python 3.13 (PYTHON names one), Linux; 2.19.14 is not concerned: it has no such
# server.
#
# Expected: the length of TMPDIR does not matter to a playbook, as it does not to Python's own multiprocessing with an
# address of its choice; or the error names the path that is too long.
#
# Seen: from some 70 characters on, every ansible-playbook waits for five seconds and ends as a bug of its own, with
# status 250. What has failed is the socket of its RPC server, in two folders below TMPDIR: a path of a socket may have
# 107 bytes. The thread that has failed keeps its exception.
#
#   TMPDIR of 40 characters: status 0
#   TMPDIR of 90 characters: status 250: Unexpected Exception, this is probably a bug: Local RPC server did not start.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && break
done
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ansible-core==2.21.5
cat >"$folder/play.yml" <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: here}
PLAY

played() {  # LENGTH OF TMPDIR
    local temp=$folder/
    while [ ${#temp} -lt "$1" ]; do temp+=t; done
    mkdir -p "$temp"
    status=0
    TMPDIR=$temp ANSIBLE_HOME=$folder/home ANSIBLE_NOCOLOR=1 "$folder/venv/bin/ansible-playbook" "$folder/play.yml" \
        >"$folder/out" 2>&1 || status=$?
    told=$(grep -o 'Unexpected Exception.*' "$folder/out" | head -n 1 || true)
    echo "TMPDIR of $1 characters: status $status${told:+: $told}"
}

played 40
[ "$status" = 0 ] || { echo "changed: a short TMPDIR fails"; exit 1; }
played 90
[ "$status" = 250 ] && [[ $told == *"Local RPC server did not start."* ]] || { echo "changed: it takes a long TMPDIR"; exit 1; }

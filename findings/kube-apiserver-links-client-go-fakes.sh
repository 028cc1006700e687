#!/usr/bin/env bash
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Software: k8s.io/apiserver 0.36.3 (Kubernetes 1.36.3), Go 1.26.
#
# Expected: a server is made of what it runs. Test doubles, such as client-go's fake clientset, are imported by files whose
# names end in _test.go, which go build leaves out.
#
# Seen: every server that has the admission plugins for policies, kube-apiserver among them, is compiled with the fake
# clientset, one package for each version of each API group: the helper of their tests is policy_test_context.go.
#
#   k8s.io/apiserver/pkg/admission/plugin/policy/validating needs 57 packages named fake; imported by: policy_test_context.go
set -euo pipefail
command -v go >/dev/null || { echo "this needs Go 1.26 on the PATH"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GOMODCACHE=$folder/modules GOFLAGS="-modcacherw -mod=mod" GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
cd "$folder"
package=k8s.io/apiserver/pkg/admission/plugin/policy/validating
printf 'package main\n\nimport _ "%s"\n\nfunc main() {}\n' "$package" >main.go
printf 'module example.org/server\n\ngo 1.26.0\n\nrequire k8s.io/apiserver v0.36.3\n' >go.mod
go list -deps . >deps 2>log || { cat log; exit 2; }
fakes=$(grep -c '/fake$' deps || true)
generic=$(go list -f '{{.Dir}}' k8s.io/apiserver/pkg/admission/plugin/policy/generic)
by=$(cd "$generic" && grep -l '"k8s.io/client-go/kubernetes/fake"' -- *.go | grep -v '_test\.go$' | tr '\n' ' ' || true)
echo "$package needs $fakes packages named fake; imported by: $by"
[ "$fakes" -gt 50 ] || { echo "changed: a server is no longer compiled with client-go's fakes"; exit 1; }

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What template actions mention, and what only looks like it."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import (
    mentions_apis,
    mentions_cluster,
    mentions_random,
    mentions_revision,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ lookup "v1" "Secret" "ns" "name" }}', True),
        ('{{- $s := (lookup "v1" "Secret" .Release.Namespace "x").data -}}', True),
        ('{{-\n  if (lookup "v1" "Secret" "a" "b") }}', True),
        ('{{ tpl "{{ lookup 1 }}" . }}', True),
        ("lookup without an action", False),
        ("# {{/* lookup is not called here */}}", False),
        ("{{- /* uses {{ lookup }} */ -}}", False),
        ("{{ .Values.lookup }}", False),
        ('{{ include "common.lookup" . }}', False),
        ("{{ $lookup }}", False),
        ('{{ fail "do a lookup first" }}', False),
        ("{{ .Release.Revision }}", False),
    ],
)
def test_the_cluster_is_asked_or_not(text: str, expected: bool) -> None:
    assert mentions_cluster(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Release.Revision }}", True),
        ("{{ $.Release.Revision }}", True),
        ('{{ index .Release "Revision" }}', True),
        ("{{ .Release.Name }} Revision", False),
    ],
)
def test_the_revision_is_read_or_not(text: str, expected: bool) -> None:
    assert mentions_revision(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ if .Capabilities.APIVersions.Has "x/v1" }}', True),
        ('{{ $.Capabilities.APIVersions | has "x" }}', True),
        ("{{ .Capabilities.KubeVersion.Version }}", False),
        ("APIVersions", False),
    ],
)
def test_the_apis_are_read_or_not(text: str, expected: bool) -> None:
    assert mentions_apis(text) is expected


@pytest.mark.parametrize(
    "call",
    [
        "randAlphaNum 10",
        "randAlpha 10",
        "randNumeric 3",
        "randAscii 3",
        "randBytes 16",
        "randInt 1 9",
        'genPrivateKey "rsa"',
        'genCA "ca" 365',
        'genCAWithKey "ca" 365 $k',
        'genSelfSignedCert "cn" nil nil 365',
        'genSelfSignedCertWithKey "cn" nil nil 365 $k',
        'genSignedCert "cn" nil nil 365 $ca',
        'genSignedCertWithKey "cn" nil nil 365 $ca $k',
        "uuidv4",
        'now | date "2006"',
        ".Values.t | ago",
        'htpasswd "a" "b"',
        'bcrypt "a"',
        '"abc" | shuffle',
        '"abc" | encryptAES "k"',
        '"a" | default (randAlphaNum 5)',
    ],
)
def test_chance_and_clock_are_found(call: str) -> None:
    assert mentions_random("a: {{ " + call + " }}")


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "{{ .Values.now }}",
        '{{ fail "set it now" }}',
        '{{ derivePassword 1 "long" "a" "b" "c" }}',
        '{{ .Values.t | date "2006" }}',
        "{{/* randAlphaNum */}}",
        "{{ nowhere }}",
        "{{ $now }}",
    ],
)
def test_what_is_the_same_twice_is_not_random(text: str) -> None:
    assert not mentions_random(text)

# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What template actions mention, and what only looks like it."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions


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
    assert Mentions.of([text]).cluster is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Release.Revision }}", True),
        ("{{ $.Release.Revision }}", True),
        ('{{ index .Release "Revision" }}', True),
        ("{{ with .Release }}{{ .Revision }}{{ end }}", True),
        ("{{ .Release.Name }} Revision", False),
    ],
)
def test_the_revision_is_read_or_not(text: str, expected: bool) -> None:
    assert Mentions.of([text]).revision is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{{ if .Capabilities.APIVersions.Has "x/v1" }}{{ if $.Capabilities.APIVersions.Has "y/v1/Y" }}',
            {"x/v1", "y/v1/Y"},
        ),
        ('{{ $.Capabilities.APIVersions | has "x" }}', {"*"}),
        ("{{ .Capabilities.APIVersions.Has .Values.x }}", {"*"}),
        ("{{ .Capabilities.KubeVersion.Version }}", set()),
        ("APIVersions", set()),
    ],
)
def test_the_apis_that_are_asked_for(text: str, expected: set[str]) -> None:
    assert Mentions.of([text]).apis == expected


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
        'htpasswd "a" "b"',
        'bcrypt "a"',
        '"abc" | shuffle',
        '"abc" | encryptAES "k"',
        '"a" | default (randAlphaNum 5)',
    ],
)
def test_chance_is_found(call: str) -> None:
    assert Mentions.of(["a: {{ " + call + " }}"]) == Mentions(random=True)


@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("now | unixEpoch", False),
        ('(now).Format "2006"', False),
        ('now | date "2006"', False),
        (".Values.t | ago", False),
        ('.Values.t | date "2006"', True),
        ('dateInZone "2006" .Values.t "UTC"', False),
        ("htmlDate .Values.t", True),
        ("durationRound .Values.t", False),
    ],
)
def test_the_clock_is_found(call: str, times: bool) -> None:
    assert Mentions.of(["a: {{ " + call + " }}"]) == Mentions(clock=True, times=times)


def test_the_local_time_of_something_else_is_found() -> None:
    assert Mentions.of(['{{ toDate "2006" "2024" | unixEpoch }}']) == Mentions(times=True)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "{{ .Values.now }}",
        '{{ fail "set it now" }}',
        '{{ derivePassword 1 "long" "a" "b" "c" }}',
        "{{ .Values.date }}",
        "{{/* randAlphaNum */}}",
        "{{ nowhere }}",
        "{{ $now }}",
    ],
)
def test_what_is_the_same_twice_is_not_random(text: str) -> None:
    assert Mentions.of([text]) == Mentions()

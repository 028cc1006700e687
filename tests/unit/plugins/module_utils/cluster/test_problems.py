# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's answers and the sockets' errors as sentences; the bodies are recorded from Kubernetes 1.36."""

from __future__ import annotations

import json
import socket
import ssl

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Denied,
    Forbidden,
    Gone,
    NotFound,
    Unauthorized,
    Unreachable,
    Untrusted,
    refused,
    unreachable,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

SERVER = "https://api.example"


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "body", "kind", "sentence"),
    [
        (
            403,
            status(
                'secrets is forbidden: User "eve" cannot list resource "secrets" in API group "" in the namespace "web"'
            ),
            Forbidden,
            "no right to list secrets in namespace web: user 'eve' may not. "
            "Grant 'eve' a Role in namespace web that allows list on secrets",
        ),
        (
            403,
            status(
                'secrets is forbidden: User "eve" cannot list resource "secrets" in API group "" at the cluster scope'
            ),
            Forbidden,
            "no right to list secrets in the whole cluster: user 'eve' may not. "
            "Grant 'eve' a ClusterRole that allows list on secrets",
        ),
        (
            403,
            status(
                'deployments.apps "x" is forbidden: User "system:serviceaccount:a:b" cannot get resource '
                '"deployments/scale" in API group "apps" in the namespace "web"'
            ),
            Forbidden,
            "no right to get deployments/scale.apps in namespace web: user 'system:serviceaccount:a:b' may not. Grant "
            "'system:serviceaccount:a:b' a Role in namespace web that allows get on deployments/scale.apps",
        ),
        (
            403,
            status('forbidden: User "eve" cannot get path "/metrics"'),
            Forbidden,
            "no right to get /metrics: user 'eve' may not. Grant 'eve' a ClusterRole that allows get on /metrics",
        ),
        (
            403,
            status('namespaces "kube-system" is forbidden: this namespace may not be deleted'),
            Denied,
            "the Kubernetes API forbids GET /x: "
            'namespaces "kube-system" is forbidden: this namespace may not be deleted',
        ),
        (
            401,
            status("Unauthorized"),
            Unauthorized,
            "the Kubernetes API at https://api.example does not accept the credentials (401). "
            "Set api_key, client_cert and client_key, or log in anew for the kubeconfig's user",
        ),
        (
            404,
            status('namespaces "none" not found'),
            NotFound,
            'the Kubernetes API at https://api.example refuses GET /x (404): namespaces "none" not found',
        ),
        (
            409,
            status('namespaces "default" already exists'),
            Conflict,
            'the Kubernetes API at https://api.example refuses GET /x (409): namespaces "default" already exists',
        ),
        (410, status("too old"), Gone, "the Kubernetes API at https://api.example refuses GET /x (410): too old"),
        (
            502,
            b"Bad Gateway\n<html>",
            ClusterError,
            "the Kubernetes API at https://api.example refuses GET /x (502): Bad Gateway",
        ),
        (500, b"", ClusterError, "the Kubernetes API at https://api.example refuses GET /x (500): no reason given"),
    ],
)
def test_an_answer_that_is_no_success(code: int, body: bytes, kind: type[ClusterError], sentence: str) -> None:
    problem = refused(code, body, "GET", "/x", SERVER)
    assert (type(problem), str(problem)) == (kind, sentence)


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


class Wrapped(Exception):
    """As urllib3's MaxRetryError and SSLError hold what has failed."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "is not answering: connection refused. Check"),
        (Wrapped(Wrapped(TimeoutError("timed out"))), Unreachable, "is not answering: timed out. Check"),
        (
            Wrapped(socket.gaierror(-2, "Name or service not known")),
            Unreachable,
            "answering: name or service not known",
        ),
        (Wrapped(untrusted()), Untrusted, "is not trusted: self-signed certificate. Set ca_cert"),
        (Wrapped(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong")), Unreachable, "no TLS connection to "),
    ],
)
def test_no_answer(error: Exception, kind: type[ClusterError], words: str) -> None:
    problem = unreachable(SERVER, error)
    assert type(problem) is kind
    assert words in str(problem)
    assert SERVER in str(problem)
